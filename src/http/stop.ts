// `POST /stop`: the self-hosted start says that its process ends. It shares a random token with its Worker, in a variable
// that it draws anew each time; a deployed Worker has none, and then there is no such path.

import { createHash, timingSafeEqual } from "node:crypto";
import type { Exchange } from "./deps.ts";
import { problem, type Problem } from "./problem.ts";

export const stopTokenHeader = "x-stop-token";

/** Tells MQTT 5 clients of all namespaces that the server shuts down (DISCONNECT 0x8B), and closes every connection: 204. */
export async function handleStop({ deps, request }: Exchange): Promise<Response | Problem> {
  const { stopToken, namespaces } = deps.config;
  const shown = request.headers.get(stopTokenHeader);
  if (stopToken === undefined || shown === null || !isSame(shown, stopToken)) return problem(404, "no such path");
  await Promise.allSettled([...namespaces].map((namespace) => shutDown(deps, namespace)));
  return new Response(null, { status: 204 });
}

const isSame = (a: string, b: string): boolean => timingSafeEqual(digest(a), digest(b));
const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

async function shutDown(deps: Exchange["deps"], namespace: string): Promise<void> {
  const { shards } = await deps.layout(namespace);
  const all = Array.from({ length: shards }, (_, shard) => deps.shard(namespace, shard).shutDown());
  await Promise.allSettled(all);
}
