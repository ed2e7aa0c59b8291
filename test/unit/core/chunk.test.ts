import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Audience, type Recipient } from "../../../src/core/audience.ts";
import { AudienceEntry } from "../../../src/core/audience-entry.ts";
import type { Position, SessionNumber, TopicName } from "../../../src/core/brand.ts";
import { packChunk, packSummary, sessionsOf, unpackChunk, unpackSummary } from "../../../src/core/chunk.ts";
import { messageSize } from "../../../src/core/message-size.ts";
import { PackedWriter } from "../../../src/core/packed.ts";
import { contains, sessionSetOf, union } from "../../../src/core/session-set.ts";

const first = 1_000_000 as Position;

const recipients: fc.Arbitrary<Recipient[]> = fc.uniqueArray(
  fc.record(
    {
      session: fc.oneof(fc.nat(500), fc.nat({ max: 2 ** 31 - 1 }), fc.constant(2 ** 40)).map((n) => n as SessionNumber),
      qos: fc.constantFrom<1 | 2>(1, 2),
      retain: fc.boolean(),
      subscriptionIdentifiers: fc.array(fc.integer({ min: 1, max: 268_435_455 }), { minLength: 1, maxLength: 3 }),
    },
    { noNullPrototype: true, requiredKeys: ["session", "qos", "retain"] },
  ),
  { minLength: 1, maxLength: 20, selector: (recipient) => recipient.session },
);

const chunks: fc.Arbitrary<AudienceEntry[]> = fc
  .tuple(
    fc.array(recipients, { minLength: 1, maxLength: 3 }),
    fc.array(fc.tuple(fc.nat(2), fc.integer({ min: 1, max: 500 }), fc.nat(3), fc.uint8Array()), { minLength: 1 }),
  )
  .map(([lists, lines]) => {
    const audiences = lists.map((list) => new Audience(list));
    // Of a chunk that is merged from others not all bodies lie behind one another.
    const bodies = [new PackedWriter(), new PackedWriter()];
    let position: number = first - 1;
    return lines.map(([audience, step, topic, payload]) => {
      const message = { topicName: `t/${topic}` as TopicName, payload, qos: 1 as const, retain: false };
      position += step;
      return AudienceEntry.pack(
        position as Position,
        message,
        audiences[audience % audiences.length] as Audience,
        messageSize(message),
        bodies[topic % bodies.length] as PackedWriter,
      );
    });
  });

const plain = (entries: readonly AudienceEntry[]): unknown =>
  entries.map(({ position, message, audience, size }) => ({
    position,
    message,
    size,
    recipients: [...audience.recipients].sort((a, b) => a.session - b.session),
  }));

describe("the packed form of a chunk", () => {
  test("keeps positions, messages and audiences", () => {
    fc.assert(
      fc.property(chunks, (entries) => {
        const read = unpackChunk(first, packChunk(first, entries));
        expect(plain(read)).toStrictEqual(plain(entries));
        // Unpacked entries pack again to the same bytes: compaction does so.
        expect(packChunk(first, read)).toEqual(packChunk(first, entries));
      }),
    );
  });

  test("is where its entries are, once they were moved there", () => {
    fc.assert(
      fc.property(chunks, (entries) => {
        const before = plain(entries);
        const row = packChunk(first, entries);
        AudienceEntry.moveTo(row, entries);
        expect(plain(entries)).toStrictEqual(before);
        for (const { message } of entries) expect(message.payload.buffer).toBe(row.buffer);
        expect(packChunk(first, entries)).toEqual(row);
      }),
    );
  });

  test("has each topic and each audience once", () => {
    const audience = new Audience([{ session: 9 as SessionNumber, qos: 1, retain: false }]);
    const topicName = `long/${"x".repeat(500)}` as TopicName;
    const message = { topicName, payload: new Uint8Array(), qos: 1 as const, retain: false };
    const bodies = new PackedWriter();
    const entries = Array.from({ length: 100 }, (_, index) =>
      AudienceEntry.pack((first + index) as Position, message, audience, 521, bodies),
    );
    const data = packChunk(first, entries);
    expect(data.length).toBeLessThan(500 + 100 * 10);
    const read = unpackChunk(first, data);
    expect(new Set(read.map((entry) => entry.audience)).size).toBe(1);
  });

  test("an emptied chunk has no entries", () => {
    expect(unpackChunk(first, packChunk(first, []))).toEqual([]);
  });

  test("of another version is refused", () => {
    expect(() => unpackChunk(first, Uint8Array.of(9))).toThrow("stored chunk has format version 9");
    expect(() => unpackSummary(Uint8Array.of(9))).toThrow("stored chunk summary has format version 9");
  });

  test("the summary keeps the sessions, sorted and once each, the count and the bytes", () => {
    fc.assert(
      fc.property(chunks, (entries) => {
        const summary = { sessions: sessionsOf(entries), count: entries.length, bytes: 123_456 };
        expect(unpackSummary(packSummary(summary))).toEqual(summary);
        const expected = new Set(entries.flatMap((entry) => entry.audience.recipients.map(({ session }) => session)));
        expect([...summary.sessions]).toEqual([...expected].sort((a, b) => a - b));
      }),
    );
  });
});

describe("a set of sessions", () => {
  test("knows its members", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(200)), (numbers) => {
        const set = sessionSetOf(numbers);
        for (let n = 0; n <= 201; n += 1) expect(contains(set, n as SessionNumber)).toBe(numbers.includes(n));
      }),
    );
  });

  test("is shared where all parts are the same", () => {
    const set = sessionSetOf([3, 1, 2]);
    expect(union([set, sessionSetOf([1, 2, 3])])).toBe(set);
    expect([...union([set, sessionSetOf([2, 5])])]).toEqual([1, 2, 3, 5]);
  });
});
