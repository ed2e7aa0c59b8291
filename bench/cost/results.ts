// What a run has measured, as it is kept in results.json. The documentation and the calculator read it from there.

import type { Counts } from "./counts.ts";
import type { IdleMeasured } from "./idle.ts";
import type { Scenario } from "./scenario.ts";

export interface ScenarioResult {
  readonly id: string;
  readonly title: string;
  readonly unit: Scenario["unit"];
  readonly shards: number;
  readonly units: number;
  /** Receivers of each message. */
  readonly fanOut: number;
  readonly usesWorker: boolean;
  readonly perThousand: Counts;
  /** Median, where the scenario takes it. */
  readonly roundTripMs?: number;
}

export interface Results {
  /** Of the code that was measured; `+` where it had changes. */
  readonly commit: string;
  readonly date: string;
  readonly machine: string;
  readonly scenarios: readonly ScenarioResult[];
  readonly idle: readonly IdleMeasured[];
}

export function resultOf(results: Results, id: string, shards: number): ScenarioResult {
  const found = results.scenarios.find((result) => result.id === id && result.shards === shards);
  if (found === undefined) throw new Error(`no measurement of ${id} at ${shards} shards`);
  return found;
}

export function idleResultOf(results: Results, kind: IdleMeasured["kind"], shards: number): IdleMeasured {
  const found = results.idle.find((result) => result.kind === kind && result.shards === shards);
  if (found === undefined) throw new Error(`no idle measurement of ${kind} at ${shards} shards`);
  return found;
}
