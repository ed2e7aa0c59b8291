// Many clients that stop reading, with the limits as they are: the shard stays within its memory and does not start again,
// and others have every message. docs/pressure.md has the figures.

import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { startBroker } from "../support/broker-process.ts";
import { connect } from "../e2e/support/mqtt-client.ts";
import { stopReading } from "../e2e/slow/stopped-reader.ts";
import { metricBecomes, residentMiB } from "./support/readings.ts";

const rounds = 200;
const roundMs = 100;
/** Large, so that the kernel's buffers are full soon: they take about 4 MB for each connection. */
const payload = "x".repeat(64_000);
const timeoutMs = 8_000;
const closesWithinMs = 30_000;
const sampleEvery = 10;
/** On a machine that does nothing else it is a tenth of these. */
const longestWaitMs = 2_000;
const mostGrowthMiB = 200;

interface Scene {
  readonly shards: number;
  readonly readers: number;
  readonly isRelayed: boolean;
  readonly qos: 0 | 1;
  /** Connections at the end: those that read, and those that nobody closes. */
  readonly left: number;
}

/** The message that a client sends itself: how long it takes. */
async function longestRoundTrip(url: string, isOver: () => boolean): Promise<{ longestMs: number; count: number }> {
  const { client, receive } = await connect(`${url}?clientId=bystander`, { clientId: "bystander" });
  await client.subscribeAsync("own", { qos: 1 });
  let longestMs = 0;
  let count = 0;
  for (; !isOver(); count += 1) {
    const startedAt = performance.now();
    await Promise.all([client.publishAsync("own", "x", { qos: 1 }), receive(1)]);
    longestMs = Math.max(longestMs, performance.now() - startedAt);
    await delay(roundMs / 2);
  }
  await client.endAsync();
  return { longestMs, count };
}

async function flood({ shards, readers, isRelayed, qos, left }: Scene) {
  const broker = await startBroker({ shards, variables: { SLOW_CONSUMER_TIMEOUT_MS: String(timeoutMs) } });
  const stopped = [];
  for (let n = 0; n < readers; n += 1) {
    stopped.push(await stopReading(broker.port, isRelayed ? "" : `?clientId=stopped-${n}`, `stopped-${n}`, "flood"));
  }
  const publisher = await connect(`${broker.mqttUrl}?clientId=publisher`, { clientId: "publisher" });
  const reader = await connect(`${broker.mqttUrl}?clientId=reader`, { clientId: "reader" });
  await reader.client.subscribeAsync("flood", { qos });
  let isOver = false;
  const roundTrips = longestRoundTrip(broker.mqttUrl, () => isOver);
  const before = residentMiB(broker);
  let growthMiB = 0;
  let arrived = 0;
  for (let round = 0; round < rounds; round += 1) {
    await publisher.client.publishAsync("flood", payload, { qos });
    arrived += (await reader.receive(1)).length;
    if (round % sampleEvery === 0) growthMiB = Math.max(growthMiB, residentMiB(broker) - before);
    await delay(roundMs);
  }
  isOver = true;
  const bystander = await roundTrips;
  await metricBecomes(broker, "connections", (count) => count === left, closesWithinMs);
  const faults = broker.output().match(/broker-fault/gu)?.length ?? 0;
  for (const one of stopped) one.destroy();
  await Promise.all([publisher, reader].map(({ client }) => client.endAsync()));
  await broker.stop();
  return { arrived, faults, bystander, growthMiB };
}

describe("clients that stop reading harm nobody else, and the shard does not start again", () => {
  test.each([
    { shards: 1, readers: 200, isRelayed: false, qos: 0, left: 2 },
    { shards: 3, readers: 60, isRelayed: true, qos: 0, left: 2 },
    // Nothing is unsent to them, for the kernel has taken their windows: they only do not answer.
    { shards: 1, readers: 60, isRelayed: false, qos: 1, left: 62 },
  ] as const)("$readers at $shards shards, QoS $qos, behind relays: $isRelayed", async (scene) => {
    const outcome = await flood(scene);
    console.log(outcome);
    expect(outcome).toMatchObject({ arrived: rounds, faults: 0 });
    expect(outcome.bystander.longestMs).toBeLessThan(longestWaitMs);
    expect(outcome.growthMiB).toBeLessThan(mostGrowthMiB);
  });
});
