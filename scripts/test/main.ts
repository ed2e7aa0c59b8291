// `npm test`: everything that CI runs, part by part; `npm test -- PART…` runs some of them. Its last line counts.

import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { runStep, seconds, type StepResult } from "../shared/step.ts";
import { installMissingPackages } from "./packages.ts";
import { addCounts, noCounts, readReport, type Counts } from "./report.ts";
import { checkRules } from "./rules.ts";

const REPORTS = join(".tmp", "test-reports");
const SLOWEST = 10;

/** Parts, each of one or more vitest projects that run at the same time. */
const PROJECTS: Readonly<Record<string, readonly string[]>> = {
  unit: ["unit", "contract"],
  workers: ["workers", "workers-accept", "workers-limits", "workers-users"],
  conformance: ["conformance", "conformance-3-shards", "conformance-features"],
  e2e: ["e2e"],
  soak: ["soak"],
};
/** Reads the reports of the others, so it belongs to a run of all of them. */
const RULES = "rules";

interface PartResult {
  readonly step: StepResult;
  readonly counts: Counts;
}

const counted = (step: StepResult): Counts => ({ ...noCounts, passed: step.ok ? 1 : 0, failed: step.ok ? 0 : 1 });

async function check(): Promise<PartResult> {
  const step = await runStep({ name: "check", command: ["node", "scripts/run.js", "check", "--no-tests"] }, true);
  return { step, counts: counted(step) };
}

async function testPart(name: string): Promise<PartResult> {
  const report = join(REPORTS, `${name}.json`);
  const reporters = ["--reporter=dot", "--reporter=json", `--outputFile.json=${report}`];
  const projects = (PROJECTS[name] ?? []).flatMap((project) => ["--project", project]);
  const step = await runStep({ name, command: ["vitest", "run", ...projects, ...reporters] }, true);
  const counts = readReport(report);
  // vitest also fails for an error outside any test.
  const hidden = !step.ok && counts.failed === 0 ? 1 : 0;
  return { step, counts: { ...counts, failed: counts.failed + hidden } };
}

function rules(): PartResult {
  const startedAt = performance.now();
  const problems = checkRules(readdirSync(REPORTS).map((name) => join(REPORTS, name)));
  for (const problem of problems) console.log(problem);
  const step = { name: RULES, ok: problems.length === 0, elapsedMs: performance.now() - startedAt, output: "" };
  return { step, counts: counted(step) };
}

async function runPart(name: string): Promise<PartResult> {
  if (name === "check") return check();
  if (name === RULES) return rules();
  return testPart(name);
}

function chosenParts(wanted: readonly string[]): readonly string[] {
  const parts = ["check", ...Object.keys(PROJECTS), RULES];
  const unknown = wanted.find((name) => !parts.includes(name));
  if (unknown !== undefined) {
    console.error(`There is no part ${unknown}; the parts are ${parts.join(", ")}.`);
    process.exit(1);
  }
  return wanted.length === 0 ? parts : parts.filter((name) => wanted.includes(name));
}

function printSummary(results: readonly PartResult[], total: Counts): void {
  console.log("\nTime of each part:");
  for (const { step } of results) console.log(`  ${step.ok ? "ok  " : "FAIL"} ${step.name} ${seconds(step.elapsedMs)}`);
  const slowest = total.tests.toSorted((a, b) => b.elapsedMs - a.elapsedMs).slice(0, SLOWEST);
  if (slowest.length > 0) console.log("\nSlowest tests:");
  for (const { title, elapsedMs } of slowest) console.log(`  ${seconds(elapsedMs)} ${title}`);
  console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
}

async function main(): Promise<boolean> {
  const parts = chosenParts(process.argv.slice(2));
  rmSync(REPORTS, { recursive: true, force: true });
  mkdirSync(REPORTS, { recursive: true });
  if (parts.includes("e2e")) await installMissingPackages();
  const results: PartResult[] = [];
  for (const name of parts) {
    console.log(`\n== ${name} ==`);
    results.push(await runPart(name));
  }
  const total = results.reduce((sum, { counts }) => addCounts(sum, counts), noCounts);
  printSummary(results, total);
  return total.failed === 0;
}

process.exitCode = (await main()) ? 0 : 1;
