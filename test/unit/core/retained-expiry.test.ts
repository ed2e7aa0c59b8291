// Retained messages that have expired leave storage: in slices, once per interval, and with one alarm for all of them.

import { describe, expect, test } from "vitest";
import { defaultLimits } from "../../../src/core/limits.ts";
import { publish1, Scene, type Client } from "../../support/scene.ts";

/** Rows that one flush deletes at most. */
const slice = 512;
const intervalSec = defaultLimits.retainedExpiryIntervalMs / 1000;

const v5 = { protocolVersion: 5, keepAliveSec: 0 } as const;

function keep(publisher: Client, topicName: string, expirySec?: number): void {
  const properties = expirySec === undefined ? {} : { properties: { messageExpiryIntervalSec: expirySec } };
  publisher.send({ ...publish1(topicName, "x", 1), retain: true, ...properties });
}

function keepMany(publisher: Client, count: number, expirySec: number): void {
  for (let number = 0; number < count; number += 1) keep(publisher, `many/${number}`, expirySec);
}

const rowsOf = (scene: Scene): number => scene.sql.all<{ n: number }>("SELECT count(*) AS n FROM retained")[0]?.n ?? -1;

/** Flushes as long as one is wanted; gives how many rows each deleted. */
function flushAll(scene: Scene): number[] {
  const deleted: number[] = [];
  while (scene.effects.flushWanted) {
    scene.effects.flushWanted = false;
    const before = rowsOf(scene);
    scene.flush();
    deleted.push(before - rowsOf(scene));
  }
  return deleted;
}

describe("retained messages that have expired", () => {
  test("leave storage though nobody asks for them, and are counted", () => {
    const scene = new Scene();
    const publisher = scene.connect("p", v5);
    keepMany(publisher, 10, 60);
    keep(publisher, "stays");
    keep(publisher, "stays/longer", 2 * intervalSec);
    flushAll(scene);
    scene.pass(intervalSec);
    flushAll(scene);
    expect([rowsOf(scene), scene.broker.retained.count]).toEqual([2, 2]);
    expect(scene.broker.counters.retainedExpired).toBe(10);
  });

  test("go in slices, one per flush", () => {
    const scene = new Scene();
    keepMany(scene.connect("p", v5), 3 * slice, 60);
    flushAll(scene);
    scene.pass(intervalSec);
    const deleted = flushAll(scene);
    expect(Math.max(...deleted)).toBe(slice);
    expect([deleted.reduce((sum, count) => sum + count), rowsOf(scene)]).toEqual([3 * slice, 0]);
  });

  test("cost one planned time for all of them, not one each", () => {
    const scene = new Scene();
    const publisher = scene.connect("p", v5);
    keep(publisher, "first", 60);
    flushAll(scene);
    const before = scene.sql.rowsWritten;
    const wakes = scene.effects.wakes.length;
    keepMany(publisher, 100, 90);
    flushAll(scene);
    expect([scene.sql.rowsWritten - before, scene.effects.wakes.length - wakes]).toEqual([100, 0]);
  });

  test("are looked for at most once per interval", () => {
    const scene = new Scene();
    const publisher = scene.connect("p", v5);
    const looks: number[] = [];
    for (let second = 0; second < 3 * intervalSec; second += 10) {
      keep(publisher, `t/${second}`, 5);
      flushAll(scene);
      const before = rowsOf(scene);
      scene.pass(10);
      flushAll(scene);
      if (rowsOf(scene) < before) looks.push(second + 10);
    }
    expect(looks).toEqual([intervalSec, 2 * intervalSec, 3 * intervalSec]);
  });

  test("are found by the next memory: the time of the look is in storage", () => {
    const scene = new Scene();
    keepMany(scene.connect("p", v5), 10, 60);
    flushAll(scene);
    scene.crash();
    expect(scene.effects.wakes).toContain(scene.nowMs + intervalSec * 1000);
    scene.pass(intervalSec);
    flushAll(scene);
    expect(rowsOf(scene)).toBe(0);
  });

  test("go on leaving after a crash in the middle of it", () => {
    const scene = new Scene();
    keepMany(scene.connect("p", v5), 3 * slice, 60);
    flushAll(scene);
    scene.pass(intervalSec);
    scene.flush();
    expect(rowsOf(scene)).toBe(2 * slice);
    scene.crash();
    scene.pass(1);
    flushAll(scene);
    expect(rowsOf(scene)).toBe(0);
  });

  test("that an earlier version of the broker kept are found as well", () => {
    const scene = new Scene();
    keepMany(scene.connect("p", v5), 10, 60);
    flushAll(scene);
    scene.sql.run("DELETE FROM meta WHERE key = 'retained_expiry'");
    scene.crash();
    scene.pass(61);
    flushAll(scene);
    expect(rowsOf(scene)).toBe(0);
  });

  test("one that is set anew before it expires stays", () => {
    const scene = new Scene();
    const publisher = scene.connect("p", v5);
    keepMany(publisher, slice + 10, 60);
    flushAll(scene);
    scene.pass(intervalSec - 1);
    keep(publisher, "many/7", 60);
    keep(publisher, "many/8");
    flushAll(scene);
    scene.pass(1);
    keep(publisher, "many/9", 60);
    flushAll(scene);
    expect(rowsOf(scene)).toBe(3);
    scene.pass(intervalSec);
    flushAll(scene);
    expect(rowsOf(scene)).toBe(1);
  });

  test("where none expires a shard writes nothing for it, and reads the table once in its life", () => {
    const scene = new Scene();
    const publisher = scene.connect("p", v5);
    for (let number = 0; number < 100; number += 1) keep(publisher, `t/${number}`);
    flushAll(scene);
    scene.pass(intervalSec);
    flushAll(scene);
    const [read, written] = [scene.sql.rowsRead, scene.sql.rowsWritten];
    for (let round = 0; round < 3; round += 1) {
      scene.pass(intervalSec);
      flushAll(scene);
    }
    expect([scene.sql.rowsRead - read, scene.sql.rowsWritten - written]).toEqual([0, 0]);
  });

  test("do not keep a full table full", () => {
    const scene = new Scene({ limits: { maximumRetainedMessages: 5, retainedExpiryIntervalMs: 3_600_000 } });
    const publisher = scene.connect("p", v5);
    keepMany(publisher, 5, 30);
    flushAll(scene);
    scene.pass(120);
    publisher.take();
    keep(publisher, "more");
    expect(publisher.lines()).toEqual(["puback 1/151"]);
    flushAll(scene);
    keep(publisher, "more");
    flushAll(scene);
    expect([publisher.lines(), rowsOf(scene)]).toEqual([["puback 1"], 1]);
  });
});
