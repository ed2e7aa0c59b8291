// Thousands of idle sockets on one shard of the real broker: it sleeps, and what wakes it costs a few µs a socket. The
// times are printed (docs/hibernation.md has them) and not judged; judged is what came.

import { setTimeout as idle } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { softDescriptorLimit, socketLimit } from "../../scripts/start/descriptors.ts";
import { startBroker, type BrokerProcess } from "../support/broker-process.ts";
import { Crowd, type PublishTimes, type WakeTimes } from "./support/crowd.ts";
import { sleepsWithinMs, whoSlept } from "./support/sleep.ts";
import { Stage } from "./support/stage.ts";

const sizes = [1_000, 3_000, 9_000];
const roundsPerSize = 3;
const usPerMs = 1_000;

const crowds = [
  { mix: "ephemeral", durableEach: 0 },
  { mix: "half-durable", durableEach: 2 },
  { mix: "durable", durableEach: 1 },
];

let broker: BrokerProcess;
beforeAll(async () => {
  const [largest] = sizes.toSorted((a, b) => b - a);
  const fits = socketLimit(softDescriptorLimit(), 1);
  if (fits < (largest ?? 0)) {
    throw new Error(`${largest} sockets do not fit: the hard limit on open files (ulimit -Hn) lets in ${fits}`);
  }
  broker = await startBroker({ variables: { NAMESPACES: crowds.map(({ mix }) => mix).join(",") } });
});
afterAll(async () => {
  await broker.stop();
});

describe.each(crowds)("a shard with $mix sessions", ({ mix, durableEach }) => {
  const stage = (): Stage => new Stage({ broker, namespace: mix, shards: 1, way: "direct" });
  let crowd: Crowd;
  beforeAll(async () => {
    crowd = await Crowd.gather(stage(), { durableEach, rounds: sizes.length * roundsPerSize });
  });
  afterAll(async () => {
    await crowd.end();
  });

  test.each(sizes)("%i sockets sleep, wake, and miss nothing", async (size) => {
    await crowd.growTo(size);
    const byPing: WakeTimes[] = [];
    const byPublish: PublishTimes[] = [];
    for (let round = 0; round < roundsPerSize; round += 1) {
      await idle(sleepsWithinMs);
      byPing.push(await crowd.wake());
      expect(await whoSlept(stage())).toEqual({ connectsSinceStart: 0, connections: size });
      expect([await crowd.missedByBroadcast(), crowd.closed]).toEqual([0, 0]);
    }
    await idle(sleepsWithinMs);
    byPublish.push(await crowd.publishToOne());
    expect(await whoSlept(stage())).toEqual({ connectsSinceStart: 0, connections: size });
    expect([await crowd.missedByBroadcast(), crowd.closed]).toEqual([0, 0]);
    print(mix, size, byPing, byPublish);
  });
});

function print(mix: string, size: number, byPing: readonly WakeTimes[], byPublish: readonly PublishTimes[]): void {
  const all = (of: (times: WakeTimes) => number): string => inMs(byPing.map(of));
  const perSocket = (kind: keyof PublishTimes): string => {
    const rebuilds = byPing.map(({ firstPublish, nextPublish }) => firstPublish[kind] - nextPublish[kind]);
    return ((median(rebuilds) * usPerMs) / size).toFixed(1);
  };
  const columns = {
    "wake by PINGREQ": all(({ ping }) => ping),
    "then PUBREC, ephemeral session": all(({ ephemeralAck }) => ephemeralAck),
    "then PUBREC, durable session": all(({ durableAck }) => durableAck),
    "first PUBLISH": all(({ firstPublish }) => firstPublish.clock),
    "of it processor": all(({ firstPublish }) => firstPublish.processor),
    "next PUBLISH": all(({ nextPublish }) => nextPublish.clock),
    "wake by PUBLISH": inMs(byPublish.map(({ clock }) => clock)),
    "rebuild, µs a socket: clock / processor": `${perSocket("clock")} / ${perSocket("processor")}`,
  };
  console.log(`ms, median of ${byPing.length} (least to most)`);
  for (const [name, text] of Object.entries(columns)) console.log(`  ${name}: ${text}`);
  console.log(`| ${[mix, size.toLocaleString("en"), ...Object.values(columns)].join(" | ")} |`);
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

function inMs(values: readonly number[]): string {
  const [middle, least, most] = [median(values), Math.min(...values), Math.max(...values)].map((ms) => ms.toFixed(1));
  return values.length === 1 ? `${middle}` : `${middle} (${least} to ${most})`;
}
