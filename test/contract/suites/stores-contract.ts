// What the core may rely on of the stores. One suite for each.

import { describe, expect, test } from "vitest";
import type { TopicFilter, TopicName } from "../../../src/core/brand.ts";
import { retainedBytes } from "../../../src/core/retained-row.ts";
import { openStoresOver } from "../../../src/storage/stores.ts";
import type { WithSql } from "./port.ts";
import {
  fullKey,
  fullReplay,
  fullRetained,
  fullSession,
  fullSubscription,
  fullWill,
  leastKey,
  leastReplay,
  leastRetained,
  leastSession,
  leastSubscription,
  leastWill,
  position,
  sessionNumber,
} from "./samples.ts";

export function metaStoreContract(withSql: WithSql): void {
  describe("the meta store", () => {
    test("keeps numbers and text by name", () =>
      withSql((sql) => {
        const { meta } = openStoresOver(sql);
        expect(meta.getNumber("n")).toBeUndefined();
        meta.putNumber("n", 2 ** 50);
        meta.putNumber("n", 7);
        meta.putString("s", "text");
        expect(openStoresOver(sql).meta.getNumber("n")).toBe(7);
        expect(meta.getString("s")).toBe("text");
        expect(meta.getString("n")).toBeUndefined();
        meta.delete("n");
        expect(meta.getNumber("n")).toBeUndefined();
      }));
  });
}

export function sessionStoreContract(withSql: WithSql): void {
  describe("the session store", () => {
    test("keeps sessions by client id, with every field present or absent", () =>
      withSql((sql) => {
        const { sessions } = openStoresOver(sql);
        sessions.put(fullSession);
        sessions.put(leastSession);
        expect(sessions.session(fullSession.clientId)).toStrictEqual(fullSession);
        expect(sessions.session(leastSession.clientId)).toStrictEqual(leastSession);
        expect(sessions.session("another")).toBeUndefined();
        expect(sessions.sessions()).toHaveLength(2);
        sessions.put({ ...leastSession, receiveMaximum: 5 });
        expect(sessions.session(leastSession.clientId)?.receiveMaximum).toBe(5);
      }));

    test("keeps subscriptions by session and filter, and ends them with their session", () =>
      withSql((sql) => {
        const { sessions } = openStoresOver(sql);
        const { number } = fullSession;
        sessions.put(fullSession);
        sessions.putSubscription(number, fullSubscription);
        sessions.putSubscription(number, leastSubscription);
        sessions.putSubscription(leastSession.number, leastSubscription);
        expect(sessions.subscriptions(number)).toStrictEqual([fullSubscription, leastSubscription]);
        expect(sessions.allSubscriptions()).toHaveLength(3);
        sessions.putSubscription(number, { ...leastSubscription, qos: 1 });
        sessions.deleteSubscription(number, fullSubscription.filter);
        expect(sessions.subscriptions(number)).toStrictEqual([{ ...leastSubscription, qos: 1 }]);
        sessions.delete(fullSession);
        expect(sessions.session(fullSession.clientId)).toBeUndefined();
        expect(sessions.allSubscriptions()).toStrictEqual([[leastSession.number, leastSubscription]]);
      }));

    test("the end of an old session leaves a new one of the same client id", () =>
      withSql((sql) => {
        const { sessions } = openStoresOver(sql);
        const renewed = { ...fullSession, number: sessionNumber(201) };
        sessions.put(fullSession);
        sessions.put(renewed);
        sessions.delete(fullSession);
        expect(sessions.session(fullSession.clientId)).toStrictEqual(renewed);
      }));
  });
}

export function messageLogStoreContract(withSql: WithSql): void {
  describe("the message log's store", () => {
    const row = (first: number, data: number) => ({
      first: position(first),
      last: position(first + 9),
      sessions: Uint8Array.of(first),
      data: Uint8Array.of(data),
    });

    test("gives the directory in order and without data, and data by the first position", () =>
      withSql((sql) => {
        const { log } = openStoresOver(sql);
        for (const first of [1000, 1, 20]) log.put(row(first, first % 256));
        expect(log.directory().map(({ first, last }) => [first, last])).toEqual([
          [1, 10],
          [20, 29],
          [1000, 1009],
        ]);
        expect(log.directory()[1]).not.toHaveProperty("data");
        expect(log.data(position(20))).toEqual(Uint8Array.of(20));
        expect(log.data(position(21))).toBeUndefined();
      }));

    test("replaces a row for one row of the bill, and deletes one for one", () =>
      withSql((sql) => {
        const { log } = openStoresOver(sql);
        const before = sql.rowsWritten;
        log.put(row(1, 1));
        log.put({ ...row(1, 2), last: position(500), data: new Uint8Array(0) });
        expect(log.directory()).toEqual([{ first: 1, last: 500, sessions: Uint8Array.of(1) }]);
        expect(log.data(position(1))).toEqual(new Uint8Array(0));
        log.delete(position(1));
        expect(log.directory()).toEqual([]);
        expect(sql.rowsWritten - before).toBe(3);
      }));
  });
}

export function progressStoreContract(withSql: WithSql): void {
  describe("the progress store", () => {
    test("keeps pages by number, one row of the bill each time", () =>
      withSql((sql) => {
        const { progress } = openStoresOver(sql);
        const before = sql.rowsWritten;
        progress.put(0, Uint8Array.of(1));
        progress.put(0, Uint8Array.of(2));
        expect(sql.rowsWritten - before).toBe(2);
        expect(progress.page(0)).toEqual(Uint8Array.of(2));
        expect(progress.page(1)).toBeUndefined();
        progress.delete(0);
        expect(progress.page(0)).toBeUndefined();
      }));
  });
}

export function retainedStoreContract(withSql: WithSql): void {
  describe("the retained store", () => {
    test("keeps messages by topic name, with every field present or absent", () =>
      withSql((sql) => {
        const { retained } = openStoresOver(sql);
        retained.put(fullRetained);
        retained.put(leastRetained);
        expect(retained.get(fullRetained.topicName)).toStrictEqual(fullRetained);
        expect(retained.get(leastRetained.topicName)).toStrictEqual(leastRetained);
        retained.delete("/");
        retained.delete("/");
        expect(retained.get("/")).toBeUndefined();
      }));

    test("counts messages and bytes as the limit does, also when they are replaced", () =>
      withSql((sql) => {
        const { retained } = openStoresOver(sql);
        expect(retained.count()).toEqual({ count: 0, bytes: 0 });
        const before = sql.rowsWritten;
        retained.put(leastRetained);
        retained.put(fullRetained);
        retained.put({ ...leastRetained, payload: new Uint8Array(100) });
        expect(sql.rowsWritten - before).toBe(3);
        expect(retained.count()).toEqual({ count: 2, bytes: retainedBytes(fullRetained) + 101 });
      }));

    test("gives topics in the order of UTF-8 bytes, which is that of code points", () =>
      withSql((sql) => {
        const { retained } = openStoresOver(sql);
        // By UTF-16 units the last two would change places.
        const names = ["a", "a-b", "a/b", "a0", "ä", "\uffee", "\u{1f600}"] as TopicName[];
        for (const topicName of names.toReversed()) retained.put({ ...leastRetained, topicName });
        const after = (topic: string, limit: number): string[] =>
          retained.nextAtOrAfter(topic, limit).map((row) => row.topicName);
        expect(after("", 100)).toEqual(names);
        expect(after("a-b", 2)).toEqual(["a-b", "a/b"]);
        expect(after("a-c", 1)).toEqual(["a/b"]);
        expect(after("\u{1f601}", 9)).toEqual([]);
      }));
  });
}

export function willStoreContract(withSql: WithSql): void {
  describe("the will store", () => {
    test("keeps wills by connection, with every field present or absent", () =>
      withSql((sql) => {
        const { wills } = openStoresOver(sql);
        for (const will of [fullWill, leastWill]) wills.put(will.connection, will);
        expect(wills.all()).toStrictEqual([leastWill, fullWill]);
        expect(wills.get(fullWill.connection)).toStrictEqual(fullWill);
        wills.put(leastWill.connection, { ...leastWill, dueAtMs: 5 });
        wills.delete(fullWill.connection);
        expect(wills.all()).toStrictEqual([{ ...leastWill, dueAtMs: 5 }]);
      }));
  });
}

export function replayStoreContract(withSql: WithSql): void {
  describe("the replay store", () => {
    test("keeps jobs by session and key, with every field present or absent", () =>
      withSql((sql) => {
        const { replays } = openStoresOver(sql);
        const [one, two] = [sessionNumber(1), sessionNumber(2)];
        replays.put(one, fullReplay);
        replays.put(two, fullReplay);
        replays.put(two, leastReplay);
        expect(replays.all()).toStrictEqual([
          [one, fullReplay],
          [two, leastReplay],
          [two, fullReplay],
        ]);
        replays.put(one, { ...fullReplay, lastTopic: "z" as TopicName });
        replays.delete(two, fullReplay.key);
        expect(replays.all()).toStrictEqual([
          [one, { ...fullReplay, lastTopic: "z" }],
          [two, leastReplay],
        ]);
      }));
  });
}

export function overflowStoreContract(withSql: WithSql): void {
  describe("the overflow store", () => {
    test("keeps bytes by connection", () =>
      withSql((sql) => {
        const { overflow } = openStoresOver(sql);
        const connection = 1_780_000_000_000 * 1024;
        overflow.put(connection, Uint8Array.of(1));
        overflow.put(connection, new Uint8Array(100_000));
        expect(overflow.keys()).toEqual([connection]);
        expect(overflow.get(connection)).toHaveLength(100_000);
        expect(overflow.get(1)).toBeUndefined();
        overflow.delete(connection);
        expect(overflow.get(connection)).toBeUndefined();
      }));
  });
}

export function linkStoreContract(withSql: WithSql): void {
  describe("the link store", () => {
    test("keeps routes by filter and shard, one row of the bill each", () =>
      withSql((sql) => {
        const { links } = openStoresOver(sql);
        const [a, b] = ["a/+", "b/#"] as TopicFilter[] as [TopicFilter, TopicFilter];
        const before = sql.rowsWritten;
        links.put(a, 1, 10);
        links.put(a, 2, 11);
        links.put(b, 1, 12);
        links.put(a, 1, 2 ** 50);
        links.delete(a, 2);
        expect(sql.rowsWritten - before).toBe(5);
        expect(links.routes()).toStrictEqual([
          { filter: a, shard: 1, registration: 2 ** 50 },
          { filter: b, shard: 1, registration: 12 },
        ]);
      }));

    test("keeps a floor and the highest number taken of each shard, apart from one another", () =>
      withSql((sql) => {
        const { links } = openStoresOver(sql);
        expect(links.durableTaken(1)).toBe(0);
        links.putDurableTaken(1, 5);
        expect(links.floors()).toEqual([]);
        links.putFloor(1, 7);
        links.putFloor(2, 8);
        links.putDurableTaken(1, 6);
        expect(links.floors()).toEqual([
          [1, 7],
          [2, 8],
        ]);
        expect([links.durableTaken(1), links.durableTaken(2)]).toEqual([6, 0]);
      }));

    test("keeps each outbox in order; an emptied row keeps its number", () =>
      withSql((sql) => {
        const { links } = openStoresOver(sql);
        const outbox = links.outbox(3);
        expect(outbox.summary()).toEqual({ last: 0, lastIsEmpty: false, count: 0, bytes: 0 });
        for (const number of [300, 2, 40]) outbox.append(number, new Uint8Array(number));
        links.outbox(4).append(1, Uint8Array.of(9));
        expect(outbox.summary()).toEqual({ last: 300, lastIsEmpty: false, count: 3, bytes: 342 });
        expect(outbox.readAfter(2)).toEqual({ number: 40, bytes: new Uint8Array(40) });
        outbox.delete(2);
        outbox.delete(40);
        outbox.clear(300);
        expect(outbox.summary()).toEqual({ last: 300, lastIsEmpty: true, count: 0, bytes: 0 });
        expect(outbox.readAfter(0)).toEqual({ number: 300, bytes: new Uint8Array(0) });
        expect(outbox.readAfter(300)).toBeUndefined();
        expect(new Set(links.outboxShards())).toEqual(new Set([3, 4]));
      }));
  });
}

export function idempotencyStoreContract(withSql: WithSql): void {
  describe("the idempotency store", () => {
    test("keeps keys with their answers, one row of the bill each", () =>
      withSql((sql) => {
        const { idempotency } = openStoresOver(sql);
        const before = sql.rowsWritten;
        idempotency.put(leastKey.key, leastKey);
        idempotency.put(fullKey.key, { ...fullKey, outcomes: [] });
        idempotency.put(fullKey.key, fullKey);
        expect(sql.rowsWritten - before).toBe(3);
        expect(idempotency.get(fullKey.key)).toStrictEqual(fullKey);
        expect(idempotency.get(leastKey.key)).toStrictEqual(leastKey);
        expect(idempotency.get("another")).toBeUndefined();
      }));

    test("counts keys, and finds those that have expired", () =>
      withSql((sql) => {
        const { idempotency } = openStoresOver(sql);
        expect([idempotency.count(), idempotency.firstExpiryMs()]).toEqual([0, undefined]);
        for (const expiresAtMs of [30, 10, 20]) idempotency.put(String(expiresAtMs), { ...leastKey, expiresAtMs });
        expect([idempotency.count(), idempotency.firstExpiryMs()]).toEqual([3, 10]);
        expect(new Set(idempotency.expired(20, 9))).toEqual(new Set(["10", "20"]));
        expect(idempotency.expired(20, 1)).toHaveLength(1);
        for (const key of idempotency.expired(20, 9)) idempotency.delete(key);
        expect([idempotency.count(), idempotency.firstExpiryMs()]).toEqual([1, 30]);
      }));
  });
}

export function sharedGroupStoreContract(withSql: WithSql): void {
  describe("the shared group store", () => {
    test("keeps a group's number by its filter", () =>
      withSql((sql) => {
        const { groups } = openStoresOver(sql);
        groups.put("$share/g/a", sessionNumber(1));
        groups.put("$share/g/b", sessionNumber(2 ** 33));
        groups.put("$share/g/a", sessionNumber(3));
        groups.delete("$share/g/c");
        expect([groups.get("$share/g/a"), groups.get("$share/g/c")]).toEqual([3, undefined]);
        groups.delete("$share/g/a");
        expect(groups.all()).toEqual([["$share/g/b", 2 ** 33]]);
      }));
  });
}
