import { describe, expect, test } from "vitest";
import { packAnswer, unpackAnswer, type LinkAnswer } from "../../../src/core/link-answer.ts";
import { packBatch, packItems, unpackBatch } from "../../../src/core/link-batch.ts";
import { packEntry, type KnownEntry } from "../../../src/core/link-entry.ts";
import { PackedReader, PackedWriter } from "../../../src/core/packed.ts";

const message = new Uint8Array([1, 2, 3]);
const head = { layout: 3, from: 2, incarnation: 2 ** 47 + 5, opening: 2, n: 300, oldest: 290, durable: 77 };

const entries: readonly KnownEntry[] = [
  { kind: "publish", qos: 1, retain: true, publisher: { shard: 2, session: 70_000 }, message },
  { kind: "publish", qos: 0, retain: false, publisher: undefined, message },
  { kind: "delivery", qos: 2, retain: false, publisher: { shard: 0, session: 0 }, message },
  { kind: "route-add", filter: "a/+/é", registration: 2 ** 51 },
  { kind: "route-remove", filter: "#", registration: 6 },
  { kind: "route-set", filters: ["a", "b/#"], registration: 7, last: true },
  { kind: "route-set", filters: [], registration: 7, last: false },
  { kind: "registered", filter: "a/+/é", registration: 5, version: 12 },
  { kind: "retained-query", request: 1, filter: "a/#", after: "a/b", limit: 50, notAfterVersion: 12 },
  { kind: "retained-query", request: 1, filter: "a/#", after: undefined, limit: 50, notAfterVersion: 12 },
  { kind: "retained-page", request: 1, messages: [message, new Uint8Array(0)], next: "a/c" },
  { kind: "retained-page", request: 1, messages: [], next: undefined },
];

const batchOf = (bytes: readonly Uint8Array[]): Uint8Array =>
  packBatch(head, packItems(bytes.map((entry, at) => ({ ordinal: at * 2, bytes: entry }))));

describe("a batch", () => {
  test("comes out as it went in, with the ordinals of its entries", () => {
    const bytes = batchOf(entries.map(packEntry));
    const items = entries.map((entry, at) => ({ ordinal: at * 2, entry }));
    expect(unpackBatch(bytes)).toEqual({ ...head, items, byteLength: bytes.length });
  });

  test("without a durable number has none", () => {
    expect(unpackBatch(packBatch({ ...head, durable: undefined }, packItems([])))?.durable).toBeUndefined();
  });

  test("with an entry of a newer version keeps its other entries", () => {
    const unknown = new PackedWriter().byte(200).bytes(message).finish();
    const add: KnownEntry = { kind: "route-add", filter: "a", registration: 1 };
    expect(unpackBatch(batchOf([unknown, packEntry(add)]))?.items).toEqual([
      { ordinal: 0, entry: { kind: "unknown", code: 200 } },
      { ordinal: 2, entry: add },
    ]);
  });

  test("with fields that a newer version appended to an entry is read without them", () => {
    const known = new PackedReader(packEntry({ kind: "route-add", filter: "a", registration: 1 }));
    const code = known.byte();
    const longer = new PackedWriter().raw(known.bytes()).string("new").finish();
    const entry = new PackedWriter().byte(code).bytes(longer).finish();
    expect(unpackBatch(batchOf([entry]))?.items[0]?.entry).toEqual({ kind: "route-add", filter: "a", registration: 1 });
  });

  test("of a newer format is not read", () => {
    const bytes = batchOf([]);
    bytes[0] = 2;
    expect(unpackBatch(bytes)).toBeUndefined();
  });

  test("that was cut off throws", () => {
    expect(() => unpackBatch(batchOf(entries.map(packEntry)).subarray(0, 40))).toThrow(RangeError);
  });
});

describe("an answer", () => {
  const answers: readonly LinkAnswer[] = [
    { kind: "verdicts", items: [] },
    {
      kind: "verdicts",
      items: [
        { ordinal: 0, verdict: "matched" },
        { ordinal: 300, verdict: "none" },
        { ordinal: 301, verdict: "quota-exceeded" },
        { ordinal: 302, verdict: "not-understood" },
        { ordinal: 303, verdict: "taken" },
      ],
    },
    { kind: "resend-from", n: 900 },
    { kind: "restart" },
    { kind: "unreadable" },
    { kind: "layout", layout: 9 },
  ];

  test.each(answers)("comes out as it went in: $kind", (answer) => {
    expect(unpackAnswer(packAnswer(answer))).toEqual(answer);
  });

  test("of a newer kind or format is not read", () => {
    expect(unpackAnswer(new Uint8Array([1, 99]))).toBeUndefined();
    expect(unpackAnswer(new Uint8Array([2, 1, 0]))).toBeUndefined();
  });

  test("with a verdict of a newer version counts as not understood", () => {
    const items = [{ ordinal: 7, verdict: "not-understood" }];
    expect(unpackAnswer(new Uint8Array([1, 1, 1, 7, 99]))).toEqual({ kind: "verdicts", items });
  });
});
