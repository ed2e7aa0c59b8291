// The whole run: every scenario at 1 and at 3 shards, and meanwhile idle clients on brokers of their own.

import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import { commitOf } from "../commit.ts";
import { startBenchBroker } from "./broker.ts";
import { perThousand } from "./counts.ts";
import { idleNamespaces, measureIdle, type IdleKind, type IdleMeasured } from "./idle.ts";
import type { Results, ScenarioResult } from "./results.ts";
import { missed, type Scenario } from "./scenario.ts";
import { scenarios } from "./scenarios/index.ts";
import { Stage } from "./stage.ts";

export interface RunOptions {
  readonly shardCounts: readonly number[];
  readonly say: (line: string) => void;
}

export interface Run {
  readonly results: Results;
  /** Targets that do not hold, a sentence each. */
  readonly missed: readonly string[];
}

export async function run({ shardCounts, say }: RunOptions): Promise<Run> {
  const state = commitOf();
  const idle = Promise.all(shardCounts.map((shards) => measureAllIdle(shards)));
  const found: ScenarioResult[] = [];
  const faults: string[] = [];
  for (const shards of shardCounts) {
    for await (const result of measureScenarios(shards, scenarios, 1)) {
      found.push(result);
      const fault = missedBy(result);
      if (fault !== undefined) faults.push(fault);
      say(
        `${shards} shard(s)  ${result.title}: ${result.perThousand.rowsWritten} rows${fault === undefined ? "" : ` (missed)`}`,
      );
    }
  }
  say("idle clients, up to 8 minutes in all …");
  const results: Results = {
    commit: state,
    date: new Date().toISOString().slice(0, "2026-11-30".length),
    machine: machineOf(),
    scenarios: found,
    idle: (await idle).flat(),
  };
  return { results, missed: faults };
}

/** One after the other: what runs at the same time would share commits. */
export async function* measureScenarios(
  shards: number,
  chosen: readonly Scenario[],
  scale: number,
): AsyncGenerator<ScenarioResult> {
  const possible = chosen.filter(({ needsShards }) => shards > 1 || needsShards !== true);
  const broker = await startBenchBroker(
    shards,
    possible.map(({ id }) => id),
  );
  try {
    for (const scenario of possible) yield await measureScenario(new Stage(broker, scenario.id, scale), scenario);
  } finally {
    await broker.stop();
  }
}

export async function measureScenario(stage: Stage, scenario: Scenario): Promise<ScenarioResult> {
  const { id, title, unit, fanOut = 1, usesWorker = false } = scenario;
  await stage.warmUp();
  await scenario.run(stage);
  const { measured, roundTripMs } = stage;
  if (measured === undefined) throw new Error(`${id} measured nothing`);
  await stage.end();
  return {
    id,
    title,
    unit,
    shards: stage.broker.shards,
    units: measured.units,
    fanOut,
    usesWorker,
    perThousand: perThousand(measured.counts, measured.units),
    ...(roundTripMs !== undefined && { roundTripMs: Math.round(roundTripMs * 1_000) / 1_000 }),
  };
}

export function missedBy({ id, title, shards, perThousand: counts }: ScenarioResult): string | undefined {
  const fault = missed(scenarios.find((scenario) => scenario.id === id) ?? {}, shards, counts.rowsWritten);
  return fault === undefined ? undefined : `${title}, ${shards} shards: ${fault}`;
}

async function measureAllIdle(shards: number): Promise<IdleMeasured[]> {
  const kinds: IdleKind[] = shards > 1 ? ["direct", "relay", "offline"] : ["direct", "offline"];
  const broker = await startBenchBroker(shards, idleNamespaces);
  try {
    return await Promise.all(kinds.map((kind) => measureIdle(broker, kind)));
  } finally {
    await broker.stop();
  }
}

function machineOf(): string {
  const { version } = JSON.parse(
    readFileSync(new URL("../../node_modules/workerd/package.json", import.meta.url), "utf8"),
  ) as { readonly version: string };
  return `workerd ${version}, Node ${process.versions.node}, ${cpus().length} cores`;
}
