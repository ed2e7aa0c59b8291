import { describe, expect, test } from "vitest";
import { isWanted, seeded, World, type Chaos, type Fault } from "./link-simulation.ts";
import type { QoS } from "../../../src/core/packet.ts";

const stormy: Chaos = { drop: 0.15, late: 0.15, runButFail: 0.15, crash: 0.01, lateOutlives: false, delayMs: 60 };
const calm: Chaos = { drop: 0, late: 0, runButFail: 0, crash: 0, lateOutlives: false, delayMs: 5 };

/** A storm while messages are sent, then calm until everything is through. */
function simulate(seed: number, shards: number, faults: readonly Fault[], chaos: Chaos, outage = false): World {
  const world = new World(seed, shards, chaos, faults, {
    deliverBudgetMs: 300,
    publishBudgetMs: 800,
    callTimeoutMs: 1000,
  });
  const random = seeded(seed + 1);
  for (let burst = 0; burst < 100; burst += 1) {
    const qualities = Array.from({ length: 1 + Math.floor(random() * 4) }, () => Math.floor(random() * 3) as QoS);
    world.at(Math.floor(random() * 4000), () => qualities.forEach((qos) => world.publish("publish", qos)));
  }
  if (outage) {
    world.at(1000, () => world.cutOff.add(shards - 1));
    world.at(3000, () => world.cutOff.delete(shards - 1));
  }
  world.run(4000);
  world.chaos = calm;
  world.run(200_000);
  return world;
}

const firstPlaces = (log: readonly number[]): number[] => [...new Set(log)];
const isRising = (ids: readonly number[]): boolean => ids.every((id, at) => at === 0 || id > (ids[at - 1] ?? 0));

/** What the design promises of links, as the sentences that are broken. */
function broken(world: World): string[] {
  const last = world.shards.at(-1);
  if (last === undefined) return ["no shard"];
  const wrong: string[] = [];
  const arrived = new Map<number, number>();
  for (const id of last.log) arrived.set(id, (arrived.get(id) ?? 0) + 1);
  for (const { id, qos } of world.sent) {
    if (world.shards.length > 2 && !isWanted({ id, qos })) continue;
    const outcome = world.outcomes.get(id);
    const times = arrived.get(id) ?? 0;
    if (qos === 2 && times > 1) wrong.push(`QoS 2 arrived ${times} times`);
    if (qos === 2 && outcome?.kind === "stored" && times === 0) wrong.push("QoS 2 promised and lost");
    if (qos === 1 && outcome?.kind === "verdict" && times === 0) wrong.push("QoS 1 accepted and lost");
  }
  const left = world.shards.flatMap((shard) => [...shard.outbox.rows.values()].filter((bytes) => bytes.length > 0));
  if (left.length > 0) wrong.push("the outbox does not empty");
  const present = world.shards[0]?.life;
  if (world.sent.some(({ id, qos, life }) => qos > 0 && life === present && !world.outcomes.has(id))) {
    wrong.push("no outcome");
  }
  if (new Set(last.live).size < last.live.length) wrong.push("QoS 0 twice");
  const lives = new Set(world.sent.map((sent) => sent.life));
  for (const life of lives) {
    const ofLife = new Set(world.sent.filter((sent) => sent.life === life).map((sent) => sent.id));
    if (!isRising(firstPlaces(last.log).filter((id) => ofLife.has(id)))) wrong.push("order of QoS 1 and 2");
    if (!isRising(last.live.filter((id) => ofLife.has(id)))) wrong.push("order of QoS 0");
  }
  return [...new Set(wrong)];
}

function brokenIn(seeds: number, shards: number, chaos = stormy): string[] {
  const wrong = new Set<string>();
  for (let seed = 1; seed <= seeds; seed += 1) {
    for (const sentence of broken(simulate(seed, shards, [], chaos))) wrong.add(`${sentence}, seed ${seed}`);
  }
  return [...wrong];
}

/** `LINK_SEEDS` runs more of them. */
const SEEDS = Number(process.env["LINK_SEEDS"] ?? 30);
const TIMEOUT_MS = 60_000;

describe("in a storm of losses, repeats and crashes", { timeout: TIMEOUT_MS }, () => {
  test("a link keeps order per QoS class, QoS 2 exactly once, accepted QoS 1 at least once, QoS 0 at most once", () => {
    expect(brokenIn(SEEDS, 2)).toEqual([]);
  });

  test("so do two links in a row: publisher's shard, owner, subscriber's shard", () => {
    expect(brokenIn(SEEDS, 3)).toEqual([]);
  });

  test("and so they do when the subscriber's shard is cut off for a while", () => {
    const seeds = Array.from({ length: SEEDS }, (_, at) => at + 1);
    expect(seeds.filter((seed) => broken(simulate(seed, 3, [], stormy, true)).length > 0)).toEqual([]);
  });

  test("a shard that is cut off costs no QoS 1 its verdict: it waits in the owner's outbox", () => {
    const world = simulate(1, 3, [], calm, true);
    const qos1 = world.sent.filter(({ qos }) => qos === 1);
    expect(qos1.filter(({ id }) => world.outcomes.get(id)?.kind !== "verdict")).toEqual([]);
    expect(broken(world)).toEqual([]);
  });

  test("and without crashes nothing of QoS 1 arrives twice", () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const world = simulate(seed, 3, [], { ...stormy, crash: 0 });
      const log = world.shards.at(-1)?.log ?? [];
      expect(new Set(log).size).toBe(log.length);
    }
  });

  test("calls that run after both ends have forgotten them break nothing but order", () => {
    const late = { ...stormy, lateOutlives: true };
    const found = [...brokenIn(SEEDS, 2, late), ...brokenIn(SEEDS, 3, late)];
    expect(found.filter((sentence) => !sentence.startsWith("order"))).toEqual([]);
  });

  test("the storm is one: shards crash, and most messages still get through", () => {
    const world = simulate(3, 3, [], stormy);
    expect(world.shards.map((shard) => shard.life > 1)).toEqual([true, true, true]);
    expect(firstPlaces(world.shards.at(-1)?.log ?? []).length).toBeGreaterThan(100);
  });
});

/** Messages of every QoS over a network that keeps their order; any shard sleeps whenever it may. */
function withSleeps(seed: number, shards: number): { world: World; sleeps: number } {
  const world = new World(seed, shards, { ...calm, delayMs: 1 });
  const random = seeded(seed + 1);
  let sleeps = 0;
  for (let burst = 0; burst < 100; burst += 1) {
    world.at(burst * 100, () => {
      for (const shard of world.shards) if (random() < 0.5 && shard.sleep()) sleeps += 1;
      for (let frame = 0; frame < 3; frame += 1) {
        const qos = Math.floor(random() * 3) as QoS;
        world.at(frame * 2, () => world.publish("publish", qos));
      }
    });
  }
  world.run(200_000);
  return { world, sleeps };
}

test.each([2, 3])("where shards sleep between messages nothing is lost or doubled, QoS 0 neither, at %i", (shards) => {
  for (let seed = 1; seed <= 10; seed += 1) {
    const { world, sleeps } = withSleeps(seed, shards);
    const ids = (isQos0: boolean): number[] =>
      world.sent
        .filter(({ qos, id }) => (qos === 0) === isQos0 && (shards === 2 || isWanted({ id, qos })))
        .map(({ id }) => id);
    const last = world.shards.at(-1);
    expect([seed, last?.live, last?.log]).toEqual([seed, ids(true), ids(false)]);
    expect(sleeps).toBeGreaterThan(50);
  }
});

describe("the simulation finds", { timeout: TIMEOUT_MS }, () => {
  const cases: readonly (readonly [Fault, number, string])[] = [
    ["ignores n", 2, "order of QoS 1 and 2"],
    ["forgets d", 2, "QoS 2 arrived 2 times"],
    ["loses the outbox", 2, "QoS 2 promised and lost"],
    ["answers before the commit", 2, "QoS 1 accepted and lost"],
    ["passes on without fromDurable", 3, "QoS 1 accepted and lost"],
  ];
  test.each(cases)("an end that %s", (fault, shards, sentence) => {
    const seeds = Array.from({ length: 100 }, (_, at) => at + 1);
    const chaos = { ...stormy, crash: 0.03 };
    expect(seeds.some((seed) => broken(simulate(seed, shards, [fault], chaos)).includes(sentence))).toBe(true);
  });
});
