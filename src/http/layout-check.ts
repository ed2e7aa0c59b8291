// The namespace's layout must be known, and be the one that the variables ask for, before anything is served.

import type { HttpDeps } from "./deps.ts";
import { problem, type Problem } from "./problem.ts";

/** The data was written with another value of a variable that says where what lies. Changing it is not a matter of the variable. */
export class LayoutConflict extends Error {
  constructor(namespace: string, variable: string, written: string, asked: string) {
    super(
      `the data of namespace ${namespace} was written with ${variable}=${written} and this start asks for ` +
        `${variable}=${asked}: set it back`,
    );
    this.name = "LayoutConflict";
  }
}

/** The reason not to serve the namespace, if there is one. */
export async function layoutProblem(deps: HttpDeps, namespace: string): Promise<Problem | undefined> {
  try {
    await deps.layout(namespace);
    return undefined;
  } catch (cause) {
    if (cause instanceof LayoutConflict) return problem(503, cause.message, { message: "shards_changed" });
    return problem(503, "the namespace's registry cannot be reached", {
      message: "registry_unreachable",
      note: { cause: String(cause) },
    });
  }
}
