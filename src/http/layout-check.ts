// The namespace's layout: known before anything is served, asked for anew where a shard says that it has changed, and in
// the way of everything while it changes.

import { layoutRetryAfterSec, refusalOf } from "../core/layout-refusal.ts";
import type { Layout } from "../core/placement.ts";
import type { Exchange, HttpDeps } from "./deps.ts";
import { problem, type Problem } from "./problem.ts";

/** The reason not to serve the namespace, if there is one. */
export async function layoutProblem(deps: HttpDeps, namespace: string): Promise<Problem | undefined> {
  try {
    await deps.layout(namespace);
    return undefined;
  } catch (cause) {
    return problem(503, "the namespace's registry cannot be reached", {
      message: "registry_unreachable",
      note: { cause: String(cause) },
    });
  }
}

/** Asks shards by the layout that is known; where one of them says that it has changed, once more by the present one. */
export async function withLayout<T>(
  { deps, namespace }: Pick<Exchange, "deps" | "namespace">,
  ask: (layout: Layout) => Promise<T>,
): Promise<T> {
  const layout = await deps.layout(namespace);
  try {
    return await ask(layout);
  } catch (fault) {
    if (refusalOf(fault) !== "moved") throw fault;
    return ask(await deps.freshLayout(namespace, layout));
  }
}

export const layoutChanging: Problem = problem(503, "the layout of the namespace is changing: try again in a moment", {
  message: "layout_changing",
  headers: { "retry-after": String(layoutRetryAfterSec) },
  note: { isLogged: true }, // by who changes it; clients come by the thousand
});
