// `GET /healthz`: 200 only when an upgrade and a publish would be served by every shard. Needs no credentials.

import type { Exchange, HttpDeps } from "./deps.ts";
import { problem, type Problem } from "./problem.ts";

/** Under `/n/{namespace}` it asks the shards of that namespace alone, else those of all. */
export async function handleHealth(exchange: Exchange): Promise<Response | Problem> {
  const { deps, url, namespace } = exchange;
  const asked = url.pathname.startsWith("/n/") ? [namespace] : [...deps.config.namespaces];
  try {
    await Promise.all(asked.map((name) => allReady(deps, name)));
  } catch (cause) {
    deps.log({ event: "shard-unreachable", namespace, reason: String(cause) });
    return problem(503, "not every shard is ready", { message: "not_ready", note: { isLogged: true } });
  }
  return Response.json({ status: "ok" }, { headers: { "cache-control": "no-store" } });
}

async function allReady(deps: HttpDeps, namespace: string): Promise<void> {
  const { shards } = await deps.layout(namespace);
  await Promise.all(Array.from({ length: shards }, (_, index) => deps.shard(namespace, index).ready()));
}
