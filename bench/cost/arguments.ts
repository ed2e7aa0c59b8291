// The command line of `npm run bench:cost`.

import { parseArgs } from "node:util";
import { fail, ok, type Result } from "../../src/core/brand.ts";
import { inputs, parseWorkload, type Workload } from "./workload.ts";

export type Task =
  | { readonly kind: "measure" }
  /** Only the documentation, from what was measured last. */
  | { readonly kind: "write-docs" }
  | { readonly kind: "calculate"; readonly workload: Workload };

const names = Object.entries(inputs).map(([name, { default: value, says }]) => `  ${name}=${value}  ${says}`);

export const usage = [
  "usage: npm run bench:cost                                    measure, and write results.json and docs/costs.md",
  "       npm run bench:cost -- --write-docs                    docs/costs.md from results.json",
  "       npm run bench:cost -- --calculate [NAME=NUMBER]…      the bill of a workload, from results.json",
  ...names,
].join("\n");

export function parseTask(argv: readonly string[]): Result<Task, string> {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      options: { calculate: { type: "boolean" }, "write-docs": { type: "boolean" } },
      allowPositionals: true,
    });
    if (values.calculate === true) return calculation(positionals);
    if (positionals.length > 0) return fail(usage);
    return ok({ kind: values["write-docs"] === true ? "write-docs" : "measure" });
  } catch {
    return fail(usage);
  }
}

function calculation(words: readonly string[]): Result<Task, string> {
  const workload = parseWorkload(words);
  return workload.ok ? ok({ kind: "calculate", workload: workload.value }) : fail(`${workload.error}\n${usage}`);
}
