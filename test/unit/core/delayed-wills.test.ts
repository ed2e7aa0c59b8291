import { describe, expect, test } from "vitest";
import { DelayedWills } from "../../../src/core/delayed-wills.ts";
import type { StoredWill } from "../../../src/core/will.ts";

const willOf = (clientId: string, connection: number, dueAtMs = 1): StoredWill => ({
  connection,
  clientId,
  sessionNumber: 1,
  dueAtMs,
  will: { topicName: "t", payload: new Uint8Array(), qos: 0, retain: false },
});

/** As many as a shard may have sockets. */
const crowd = 32_000;
const withinMs = 1_000;

describe("delayed wills", () => {
  test("are found by client, all of them, until they are deleted", () => {
    const wills = new DelayedWills();
    for (const will of [willOf("a", 1), willOf("b", 2), willOf("a", 3)]) wills.set(will);
    expect(wills.of("a").map(({ connection }) => connection)).toEqual([1, 3]);
    wills.delete(1);
    expect(wills.of("a").map(({ connection }) => connection)).toEqual([3]);
    wills.delete(3);
    expect([wills.of("a"), [...wills.all()].length]).toEqual([[], 1]);
  });

  test("one that is set again, for another client too, counts as it was set last", () => {
    const wills = new DelayedWills();
    wills.set(willOf("a", 1));
    wills.set(willOf("", 1, 2));
    expect([wills.of("a"), wills.of("").map(({ dueAtMs }) => dueAtMs)]).toEqual([[], [2]]);
  });

  test("of a whole crowd that comes back are found in no time", () => {
    const wills = new DelayedWills();
    for (let number = 0; number < crowd; number += 1) wills.set(willOf(`client-${number}`, number));
    const startedAt = performance.now();
    for (let number = crowd - 1; number >= 0; number -= 1) {
      for (const { connection } of wills.of(`client-${number}`)) wills.delete(connection);
    }
    expect([...wills.all()]).toEqual([]);
    expect(performance.now() - startedAt).toBeLessThan(withinMs);
  });
});
