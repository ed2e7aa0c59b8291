// `GET /healthz`: 200 only when an upgrade and a publish would be served by every shard. Needs no credentials.

import { refusalOf } from "../core/layout-refusal.ts";
import type { Exchange, HttpDeps } from "./deps.ts";
import { layoutChanging, withLayout } from "./layout-check.ts";
import { problem, type Problem } from "./problem.ts";

/** Under `/n/{namespace}` it asks the shards of that namespace alone, else those of all. */
export async function handleHealth(exchange: Exchange): Promise<Response | Problem> {
  const { deps, url, namespace } = exchange;
  const asked = url.pathname.startsWith("/n/") ? [namespace] : [...deps.config.namespaces];
  try {
    // Where the variables ask for another layout, the first question begins the change.
    await Promise.all(asked.map((name) => deps.layout(name)));
    const changes = await Promise.all(asked.map((name) => changeOf(deps, name)));
    const change = changes.find((found) => found !== undefined);
    if (change !== undefined) return { ...layoutChanging, detail: change };
    await Promise.all(asked.map((name) => allReady(deps, name)));
  } catch (cause) {
    if (refusalOf(cause) !== undefined) return layoutChanging;
    deps.log({ event: "shard-unreachable", namespace, reason: String(cause) });
    return problem(503, "not every shard is ready", { message: "not_ready", note: { isLogged: true } });
  }
  return Response.json({ status: "ok" }, { headers: { "cache-control": "no-store" } });
}

/** For people who wait for it. */
async function changeOf(deps: HttpDeps, namespace: string): Promise<string | undefined> {
  const change = await deps.layoutChange(namespace);
  if (change === undefined) return undefined;
  const { from, to, phase, sinceMs } = change;
  const seconds = Math.round((deps.now() - sinceMs) / msPerSec);
  const what = from === to ? "the depth of subtrees" : `from ${from} to ${to} shards`;
  return `the layout of the namespace ${namespace} changes (${what}): phase ${phase}, for ${seconds} s`;
}

const msPerSec = 1000;

async function allReady(deps: HttpDeps, namespace: string): Promise<void> {
  await withLayout({ deps, namespace }, ({ shards }) =>
    Promise.all(Array.from({ length: shards }, (_, index) => deps.shard(namespace, index).ready())),
  );
}
