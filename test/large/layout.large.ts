// SHARDS from 1 to 3 and back with 10,000 stored sessions and 100,000 retained messages: how long nobody is served.
// LAYOUT_SESSIONS and LAYOUT_RETAINED in the environment make it another size. docs/operations.md has the figures.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { startBroker, type BrokerProcess } from "../support/broker-process.ts";
import { populate, retainedGiven, wrongQueues, type Population } from "./support/populated.ts";
import { metric, processorMs, residentMiB, rowsIn, storedMiB } from "./support/readings.ts";

const population: Population = {
  sessions: Number(process.env["LAYOUT_SESSIONS"] ?? 10_000),
  news: 5,
  retained: Number(process.env["LAYOUT_RETAINED"] ?? 100_000),
};
/** Looked at between the changes; the others keep their queues for the end. */
const sample = 100;
const longestPauseMs = 60_000;
const lookEveryMs = 50;

let broker: BrokerProcess;
afterAll(async () => {
  await broker.stop();
  rmSync(broker.dataDir, { recursive: true, force: true });
});

async function change(shards: number): Promise<object> {
  const { dataDir } = broker;
  const restMiB = Math.round(residentMiB(broker));
  await broker.stop();
  const before = storedMiB({ dataDir });
  let mostMiB = 0;
  const watching = setInterval(() => (mostMiB = Math.max(mostMiB, memoryOf(dataDir))), lookEveryMs);
  broker = await startBroker({ dataDir, shards });
  clearInterval(watching);
  const [, tookMs] = /"event":"layout-changed".*"tookMs":(\d+)/u.exec(broker.output()) ?? [];
  expect(Number(tookMs)).toBeLessThan(longestPauseMs);
  const storage = [before, storedMiB(broker)].map((size) => size.toFixed(1));
  return {
    pauseMs: Number(tookMs),
    beganMs: phasesOf(broker.output()),
    processorMs: Math.round(processorMs(broker)),
    restMiB,
    mostMiB: Math.round(mostMiB),
    storage,
  };
}

/** The pid of workerd comes with its start. */
function memoryOf(dataDir: string): number {
  try {
    return residentMiB({ dataDir }) || 0;
  } catch {
    return 0;
  }
}

/** When each phase began, from the begin of the change on. */
function phasesOf(log: string): string[] {
  return [...log.matchAll(/"event":"layout-change","phase":"(\w+)"[^\n]*?"afterMs":(\d+)/gu)].map(
    ([, phase, afterMs]) => `${phase} ${afterMs}`,
  );
}

describe(`${population.sessions} stored sessions with queues and ${population.retained} retained messages`, () => {
  test("come whole through a change from 1 shard to 3 and back", async () => {
    const dataDir = mkdtempSync(join(tmpdir(), "durable-mqtt-layout-"));
    broker = await startBroker({ dataDir, shards: 1 });
    await populate(broker, population);
    const there = await change(3);
    expect(await metric(broker, "sessions_stored")).toBe(population.sessions);
    expect(await metric(broker, "retained_messages")).toBe(population.retained);
    expect(rowsIn({ dataDir }, "retained")).toBe(population.retained);
    expect(await wrongQueues(broker, population, 0, sample)).toEqual([]);
    const back = await change(1);
    console.log("MEASURED", JSON.stringify({ ...population, there, back }));
    expect(rowsIn({ dataDir }, "retained")).toBe(population.retained);
    expect(await retainedGiven(broker, population)).toEqual([population.retained, population.retained]);
    expect(await wrongQueues(broker, population, sample, population.sessions)).toEqual([]);
  });
});
