// `npm run test:large`: the tests at the sizes that users have, one file after the other; `npm run test:large -- PART…`
// runs some of them, by the names of their files. On demand: minutes each, and the machine should do nothing else.

import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { runStep, seconds } from "../shared/step.ts";
import { raiseDescriptorLimit } from "../start/descriptors.ts";
import { readReport, type Counts } from "../test/report.ts";

const FOLDER = join("test", "large");
const SUFFIX = ".large.ts";
const REPORTS = join(".tmp", "large-reports");

interface PartResult {
  readonly name: string;
  readonly ok: boolean;
  readonly elapsedMs: number;
  readonly counts: Counts;
}

const allParts = (): readonly string[] =>
  readdirSync(FOLDER)
    .filter((name) => name.endsWith(SUFFIX))
    .map((name) => name.slice(0, -SUFFIX.length))
    .toSorted();

function chosenParts(wanted: readonly string[]): readonly string[] {
  const parts = allParts();
  const unknown = wanted.find((name) => !parts.includes(name));
  if (unknown !== undefined) {
    console.error(`There is no part ${unknown}; the parts are ${parts.join(", ")}.`);
    process.exit(1);
  }
  return wanted.length === 0 ? parts : parts.filter((name) => wanted.includes(name));
}

async function runPart(name: string): Promise<PartResult> {
  console.log(`\n== ${name} ==`);
  const report = join(REPORTS, `${name}.json`);
  const reporters = ["--reporter=verbose", "--reporter=json", `--outputFile.json=${report}`];
  const file = join(FOLDER, name + SUFFIX);
  const step = await runStep({ name, command: ["vitest", "run", "--project", "large", ...reporters, file] }, true);
  return { name, ok: step.ok, elapsedMs: step.elapsedMs, counts: readReport(report) };
}

function printSummary(results: readonly PartResult[]): void {
  console.log("\nTime of each test:");
  for (const { name, ok, elapsedMs, counts } of results) {
    console.log(`  ${ok ? "ok  " : "FAIL"} ${name} ${seconds(elapsedMs)}`);
    for (const test of counts.tests) console.log(`         ${seconds(test.elapsedMs)} ${test.title}`);
  }
  const sum = (key: "passed" | "failed" | "skipped"): number =>
    results.reduce((total, { counts }) => total + counts[key], 0);
  console.log(`\n${sum("passed")} passed, ${sum("failed")} failed, ${sum("skipped")} skipped`);
}

async function main(): Promise<boolean> {
  const parts = chosenParts(process.argv.slice(2));
  rmSync(REPORTS, { recursive: true, force: true });
  mkdirSync(REPORTS, { recursive: true });
  const results: PartResult[] = [];
  for (const name of parts) results.push(await runPart(name));
  printSummary(results);
  return results.length > 0 && results.every(({ ok }) => ok);
}

// The clients of these tests need as many descriptors as the broker.
raiseDescriptorLimit();
process.exitCode = (await main()) ? 0 : 1;
