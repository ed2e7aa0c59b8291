// `npm run bench:cost`: what messages and clients cost, measured on the broker as it is deployed; and the bill of a
// workload, calculated from the last measurement.

import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseTask } from "../../bench/cost/arguments.ts";
import { billText, summaryText, withSections } from "../../bench/cost/report.ts";
import type { Results } from "../../bench/cost/results.ts";
import { run } from "../../bench/cost/run.ts";
import { refuse } from "../shared/stop.ts";

const RESULTS = fileURLToPath(new URL("../../bench/cost/results.json", import.meta.url));
const DOCS = fileURLToPath(new URL("../../docs/costs.md", import.meta.url));
const SHARD_COUNTS = [1, 3];

const readResults = (): Results => JSON.parse(readFileSync(RESULTS, "utf8")) as Results;

const writeDocs = (results: Results): void => writeFileSync(DOCS, withSections(readFileSync(DOCS, "utf8"), results));

async function measure(): Promise<void> {
  const { results, missed } = await run({ shardCounts: SHARD_COUNTS, say: (line) => console.log(line) });
  writeFileSync(RESULTS, `${JSON.stringify(results, null, 2)}\n`);
  writeDocs(results);
  console.log(`\n${summaryText(results)}\n`);
  for (const fault of missed) console.error(`A target does not hold: ${fault}`);
  process.exitCode = missed.length === 0 ? 0 : 1;
}

const task = parseTask(process.argv.slice(2));
if (!task.ok) refuse(task.error);
if (task.value.kind === "calculate") console.log(billText(task.value.workload, readResults()));
else if (task.value.kind === "write-docs") writeDocs(readResults());
else await measure();
