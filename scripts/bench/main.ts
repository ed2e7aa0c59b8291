// `npm run bench`: how fast this broker is, beside others and beside the most that its runtime allows.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Measure, parseTask } from "../../bench/speed/arguments.ts";
import { peerPackages } from "../../bench/speed/brokers/peers.ts";
import { charts } from "../../bench/speed/charts.ts";
import { summaryText, withSections } from "../../bench/speed/report.ts";
import type { Results } from "../../bench/speed/results.ts";
import { fullRun, type RunOptions, smallRun } from "../../bench/speed/scenarios/scenario.ts";
import { runSuite } from "../../bench/speed/suite.ts";
import { refuse } from "../shared/stop.ts";
import { raiseDescriptorLimit } from "../start/descriptors.ts";
import { installMissingPackages } from "../test/packages.ts";

/** A second to warm up, and no longer than it takes for the rounds to differ more than the seconds. */
const suiteRun: RunOptions = { ...fullRun, measureMs: 1_500 };

const pathOf = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const RESULTS = pathOf("bench/speed/results.json");
const DOCS = pathOf("docs/performance.md");
const CHARTS = pathOf("docs/performance");

function writeDocs(results: Results): void {
  writeFileSync(DOCS, withSections(readFileSync(DOCS, "utf8"), results));
  mkdirSync(CHARTS, { recursive: true });
  for (const { file, svg } of charts(results)) writeFileSync(`${CHARTS}/${file}`, svg);
}

async function measure({ isSmall, isComplete, ...wanted }: Measure): Promise<void> {
  await installMissingPackages(peerPackages);
  const run = isSmall ? smallRun : suiteRun;
  const results = await runSuite({ ...wanted, run, say: (line) => console.log(line) });
  if (isComplete) {
    writeFileSync(RESULTS, `${JSON.stringify(results, null, 2)}\n`);
    writeDocs(results);
  }
  console.log(`\n${summaryText(results)}`);
  const hasFault = results.scenarios.some(({ cells }) => cells.some(isOwnFault));
  process.exitCode = hasFault ? 1 : 0;

  function isOwnFault({ broker, faults }: Results["scenarios"][number]["cells"][number]): boolean {
    return faults.length > 0 && results.brokers.some(({ id, role }) => id === broker && role !== "peer");
  }
}

raiseDescriptorLimit();
const task = parseTask(process.argv.slice(2));
if (!task.ok) refuse(task.error);
if (task.value.kind === "write-docs") writeDocs(JSON.parse(readFileSync(RESULTS, "utf8")) as Results);
else await measure(task.value);
