// What an owner remembers of shards that refused a topic of a shared group: for how long, and how much.

import { describe, expect, test } from "vitest";
import { RefusalBudget, SharedRefusals } from "../../../src/core/shared-refusals.ts";
import { upTo } from "../../support/scene.ts";

describe("what is remembered of refusals", () => {
  const topic = (n: number): never => `t/${n}` as never;

  test("is forgotten after some seconds, and when the shard says that somebody new is ready", () => {
    const budget = new RefusalBudget();
    const refusals = new SharedRefusals(budget);
    refusals.add(1, topic(1), true, 0);
    refusals.add(2, topic(1), false, 0);
    expect([1, 2, 3].map((shard) => refusals.isPassedOver(shard, topic(1)))).toEqual([true, true, false]);
    expect([1, 2].map((shard) => refusals.isFinal(shard, topic(1)))).toEqual([true, false]);
    refusals.forget(1);
    expect([1, 2].map((shard) => refusals.isPassedOver(shard, topic(1)))).toEqual([false, true]);
    expect([refusals.turn(5_000), refusals.isPassedOver(2, topic(1))]).toEqual([false, true]);
    expect([refusals.turn(10_000), refusals.isPassedOver(2, topic(1))]).toEqual([true, false]);
    refusals.onOffered(2, topic(1));
    expect([refusals.isPassedOver(2, topic(1)), budget.used]).toEqual([true, 1]);
    for (const atMs of [20_000, 25_000]) refusals.turn(atMs);
    expect([refusals.isPassedOver(2, topic(1)), budget.used]).toEqual([false, 0]);
  });

  test("is bounded: of a shard alone the oldest go, of several one is passed over for every topic", () => {
    const budget = new RefusalBudget();
    const refusals = new SharedRefusals(budget);
    for (const n of upTo(5_000)) refusals.add(1, topic(n), true, 0);
    expect(budget.used).toBeLessThanOrEqual(3_000);
    expect([1, 5_000].map((n) => refusals.isPassedOver(1, topic(n)))).toEqual([false, true]);
    for (const n of upTo(5_000)) refusals.add(2, topic(n), true, 0);
    expect(budget.used).toBeLessThanOrEqual(3_001);
    expect(refusals.isPassedOver(2, topic(9_999))).toBe(true);
    // It was not asked for that one.
    expect(refusals.isFinal(2, topic(9_999))).toBe(false);
    refusals.end();
    expect(budget.used).toBe(0);
  });

  test("is bounded for all groups together", () => {
    const budget = new RefusalBudget();
    const groups = upTo(100).map(() => new SharedRefusals(budget));
    for (const group of groups) for (const n of upTo(1_000)) group.add(n % 2, topic(n), true, 0);
    expect(budget.used).toBeLessThanOrEqual(20_000 + 3 * groups.length);
    for (const atMs of [20_000, 40_000]) for (const group of groups) group.turn(atMs);
    expect(budget.used).toBe(0);
  });
});
