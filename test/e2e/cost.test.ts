// What is promised to be cheap is cheap: the scenarios of `npm run bench:cost` that have a target, with fewer messages, on
// the broker as it is deployed.

import { beforeAll, describe, expect, test } from "vitest";
import { startBenchBroker } from "../../bench/cost/broker.ts";
import type { ScenarioResult } from "../../bench/cost/results.ts";
import { measureScenario } from "../../bench/cost/run.ts";
import { limitOf, missed, type Scenario } from "../../bench/cost/scenario.ts";
import { scenarios } from "../../bench/cost/scenarios/index.ts";
import { Stage } from "../../bench/cost/stage.ts";

/** 200 messages, 40 connections. */
const scale = 0.2;
const shardCounts = [1, 3];

const chosenAt = (shards: number): readonly Scenario[] =>
  scenarios.filter(({ target, needsShards }) => target !== undefined && (shards > 1 || needsShards !== true));

/** Each scenario has shards of its own; one after the other they would take a minute. */
async function measureAll(shards: number): Promise<Map<string, ScenarioResult>> {
  const chosen = chosenAt(shards);
  const broker = await startBenchBroker(
    shards,
    chosen.map(({ id }) => id),
  );
  try {
    const results = await Promise.all(
      chosen.map((scenario) => measureScenario(new Stage(broker, scenario.id, scale), scenario)),
    );
    return new Map(results.map((result) => [result.id, result]));
  } finally {
    await broker.stop();
  }
}

const measured = new Map<number, ReadonlyMap<string, ScenarioResult>>();
beforeAll(async () => {
  await Promise.all(shardCounts.map(async (shards) => measured.set(shards, await measureAll(shards))));
});

describe.each(shardCounts)("rows written per 1,000 at %s shard(s)", (shards) => {
  const resultOf = (id: string): ScenarioResult => {
    const found = measured.get(shards)?.get(id);
    if (found === undefined) throw new Error(`${id} was not measured`);
    return found;
  };
  const titleOf = ({ title, target }: Scenario): string => {
    const { kind, rows } = limitOf(target ?? { kind: "exactly", rows: 0 }, shards);
    return `${title}: ${kind} ${rows}`;
  };

  test.each(chosenAt(shards).map((scenario) => [titleOf(scenario), scenario] as const))("%s", (_, scenario) => {
    const { perThousand, units } = resultOf(scenario.id);
    expect(missed(scenario, shards, perThousand.rowsWritten)).toBeUndefined();
    expect(units).toBeGreaterThan(0);
  });

  test("many sessions of a shard with the same filter: a row for each other shard, however many they are", () => {
    const { perThousand, units } = resultOf("subscribe-same");
    expect(Math.round((perThousand.rowsWritten * units) / 1_000)).toBeLessThanOrEqual(shards - 1);
  });

  test("a PINGREQ reads no row, sets no alarm and calls nobody; behind a relay the shard does not hear of it", () => {
    const silent = { rowsRead: 0, alarmsSet: 0, requests: 0 };
    expect(resultOf("ping").perThousand).toMatchObject({ ...silent, webSocketMessages: 1_000 });
    expect(measured.get(shards)?.get("ping-relay")?.perThousand.webSocketMessages ?? 0).toBe(0);
  });

  test("a QoS 0 message costs no more calls than a batch to each shard, and none at one shard", () => {
    expect(resultOf("qos0-fan-out").perThousand.requests).toBeLessThanOrEqual(shards === 1 ? 0 : callsOfBurstsAtMost);
  });
});

/** 20 bursts of four frames, each frame to the owner and from there to two others. */
const callsOfBurstsAtMost = 240;
