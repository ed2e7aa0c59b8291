// `npm run check`: format, lint, types, dead exports and unit tests; the loop run all day. Says only what is wrong.

import { existsSync, statSync } from "node:fs";
import { runStep, seconds, type Step, type StepResult } from "../shared/step.ts";

const GENERATED_TYPES = "worker-configuration.d.ts";
const TYPE_SOURCES = ["wrangler.toml", "package-lock.json"];

const typecheck = (project: string): Step => ({
  name: `types (${project})`,
  command: ["tsc", "--pretty", "false", "-p", project],
});

const steps: readonly Step[] = [
  { name: "format", command: ["oxfmt", "--check", "."] },
  typecheck("tsconfig.core.json"),
  typecheck("tsconfig.worker.json"),
  typecheck("tsconfig.node.json"),
  { name: "lint", command: ["oxlint"] },
  { name: "dead code", command: ["knip", "--no-progress"] },
];

/** Left out by --no-tests. */
const unitTests: Step = {
  name: "unit tests",
  command: ["vitest", "run", "--project", "unit", "--reporter", "dot"],
};

/** The runtime's types follow wrangler.toml and the pinned wrangler; they are made anew when either is newer. */
function typesAreCurrent(): boolean {
  if (!existsSync(GENERATED_TYPES)) return false;
  const madeAt = statSync(GENERATED_TYPES).mtimeMs;
  return TYPE_SOURCES.every((source) => statSync(source).mtimeMs < madeAt);
}

async function report(step: Step): Promise<StepResult> {
  const result = await runStep(step);
  console.log(`${result.ok ? "ok  " : "FAIL"} ${result.name} (${seconds(result.elapsedMs)})`);
  if (!result.ok) console.log(result.output.trimEnd());
  return result;
}

async function check(wanted: readonly Step[]): Promise<boolean> {
  const results: StepResult[] = [];
  if (!typesAreCurrent())
    results.push(await report({ name: "runtime types", command: ["npm", "run", "--silent", "types"] }));
  for (const step of wanted) results.push(await report(step));
  return results.every((result) => result.ok);
}

const wanted = process.argv.includes("--no-tests") ? steps : [...steps, unitTests];
process.exitCode = (await check(wanted)) ? 0 : 1;
