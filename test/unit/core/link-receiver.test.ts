import { describe, expect, test } from "vitest";
import { unpackAnswer, type LinkAnswer } from "../../../src/core/link-answer.ts";
import type { Batch } from "../../../src/core/link-batch.ts";
import type { LinkEntry } from "../../../src/core/link-entry.ts";
import { linkLimits } from "../../../src/core/link-limits.ts";
import { LinkReceiver, type Reply, type ReceiverStep } from "../../../src/core/link-receiver.ts";
import type { QoS } from "../../../src/core/packet.ts";

const limits = { ...linkLimits, heldBatches: 2, heldBytes: 1000, rememberedAnswers: 4 };

const message = (qos: QoS): LinkEntry => ({
  kind: "publish",
  qos,
  retain: false,
  publisher: undefined,
  message: new Uint8Array(1),
});

function batch(n: number, changes: Partial<Batch> = {}, entries: readonly LinkEntry[] = [message(1)]): Batch {
  const items = entries.map((entry, ordinal) => ({ ordinal, entry }));
  return {
    layout: 1,
    from: 1,
    incarnation: 5,
    opening: 1,
    n,
    oldest: 1,
    durable: undefined,
    byteLength: 100,
    items,
    ...changes,
  };
}

const answers = (replies: readonly Reply<string>[]): (readonly [string, LinkAnswer | undefined])[] =>
  replies.map(({ call, bytes }) => [call, unpackAnswer(bytes)]);
const places = (step: ReceiverStep<string>): number[] => step.taken.map((taken) => taken.id.n);
const matched = [{ ordinal: 0, verdict: "matched" }] as const;
const verdicts = { kind: "verdicts", items: matched } as const;
const fresh = (stored = 0): LinkReceiver<string> => new LinkReceiver<string>(stored, limits);
const id = (n: number) => ({ incarnation: 5, opening: 1, n });

describe("a receiver", () => {
  test("takes the next batch in when the one before was taken in, not when it was answered", () => {
    const receiver = fresh();
    expect(places(receiver.onBatch(batch(1), "a"))).toEqual([1]);
    expect(places(receiver.onBatch(batch(2), "b"))).toEqual([2]);
    expect(answers(receiver.onVerdicts(id(2), matched))).toEqual([["b", verdicts]]);
    expect(answers(receiver.onVerdicts(id(1), matched))).toEqual([["a", verdicts]]);
  });

  test("holds an early batch, asks for the missing one, and takes both in order when it comes", () => {
    const receiver = fresh();
    receiver.onBatch(batch(1), "a");
    expect(answers(receiver.onBatch(batch(3), "c").replies)).toEqual([["c", { kind: "resend-from", n: 2 }]]);
    expect(places(receiver.onBatch(batch(2), "b"))).toEqual([2, 3]);
    expect(receiver.onBatch(batch(3), "c again").replies).toEqual([]);
    expect(answers(receiver.onVerdicts(id(3), matched))).toEqual([["c again", verdicts]]);
  });

  test("holds no more than its limits of batches and of bytes", () => {
    const receiver = fresh();
    receiver.onBatch(batch(1), "");
    receiver.onBatch(batch(3, { byteLength: 600 }), "");
    receiver.onBatch(batch(4, { byteLength: 600 }), "");
    receiver.onBatch(batch(5), "");
    expect(places(receiver.onBatch(batch(2), ""))).toEqual([2, 3]);
  });

  test("joins a repeat to the batch under way, and answers a later one from memory", () => {
    const receiver = fresh();
    receiver.onBatch(batch(1), "a");
    expect(receiver.onBatch(batch(1, {}, []), "b")).toEqual({ taken: [], replies: [] });
    expect(answers(receiver.onVerdicts(id(1), matched))).toEqual([
      ["a", verdicts],
      ["b", verdicts],
    ]);
    expect(answers(receiver.onBatch(batch(1, {}, []), "c").replies)).toEqual([["c", verdicts]]);
  });

  test("forgets answers that the sender has, and never more than its limit", () => {
    const receiver = fresh();
    for (let n = 1; n <= 6; n += 1) receiver.onBatch(batch(n, {}, []), "");
    const repeat = (n: number, oldest: number) =>
      answers(receiver.onBatch(batch(n, { oldest }), "r").replies)[0]?.[1]?.kind;
    expect([repeat(2, 1), repeat(3, 1), repeat(6, 4), repeat(3, 4)]).toEqual([
      "restart",
      "verdicts",
      "verdicts",
      "restart",
    ]);
  });

  test("that does not know the incarnation accepts only n = 1", () => {
    const receiver = fresh();
    expect(answers(receiver.onBatch(batch(2), "a").replies)).toEqual([["a", { kind: "restart" }]]);
    expect(places(receiver.onBatch(batch(1), "b"))).toEqual([1]);
  });

  test("lets a new stream end the old one, whose calls and late batches are told to restart", () => {
    const receiver = fresh();
    receiver.onBatch(batch(1), "old");
    const step = receiver.onBatch(batch(1, { incarnation: 6 }), "new");
    expect([places(step), answers(step.replies)]).toEqual([[1], [["old", { kind: "restart" }]]]);
    expect(receiver.onVerdicts(id(1), matched)).toEqual([]);
    expect(answers(receiver.onBatch(batch(1), "late").replies)).toEqual([["late", { kind: "restart" }]]);
    expect(answers(receiver.onBatch(batch(2), "late").replies)).toEqual([["late", { kind: "restart" }]]);
  });

  test("takes nothing of a life that began before the one that it knows, though it never heard of it", () => {
    const receiver = fresh();
    receiver.onBatch(batch(1), "");
    const late = receiver.onBatch(batch(1, { incarnation: 4 }), "late");
    expect([places(late), answers(late.replies)]).toEqual([[], [["late", { kind: "restart" }]]]);
    expect(places(receiver.onBatch(batch(2), "goes on"))).toEqual([2]);
  });

  test("takes a living sender whose clock went back with its next opening", () => {
    const receiver = fresh();
    receiver.onBatch(batch(1), "");
    receiver.onBatch(batch(1, { incarnation: 4 }), "");
    expect(places(receiver.onBatch(batch(1, { incarnation: 4, opening: 2 }), ""))).toEqual([1]);
  });

  test("takes a living sender back with its next opening when a late call of a dead one has come between", () => {
    const receiver = fresh();
    receiver.onBatch(batch(1), "");
    receiver.onBatch(batch(1, { incarnation: 4 }), "");
    expect(places(receiver.onBatch(batch(1, { opening: 2 }), ""))).toEqual([1]);
  });

  test("takes nothing from a batch whose durable number it has, and stores a new one with the effects", () => {
    const stored: number[] = [];
    const port = { storeDurable: (number: number) => stored.push(number) };
    const receiver = fresh(7);
    const known = receiver.onBatch(batch(1, { durable: 7 }, [message(2)]), "a");
    expect([places(known), answers(known.replies)]).toEqual([[], [["a", { kind: "verdicts", items: [] }]]]);
    receiver.flush(port);
    expect(receiver.onBatch(batch(2, { durable: 9 }, [message(2)]), "b").taken[0]?.durable).toBe(true);
    receiver.flush(port);
    receiver.flush(port);
    expect(stored).toEqual([9]);
  });

  test("answers QoS 0 at once, waits for the verdict of everything else", () => {
    const receiver = fresh();
    expect(receiver.onBatch(batch(1, {}, [message(0)]), "a")).toMatchObject({ taken: [{}], replies: [{ call: "a" }] });
    const mixed = [message(0), message(1), { kind: "route-remove", filter: "a", registration: 1 } as const];
    expect(receiver.onBatch(batch(2, {}, mixed), "b").replies).toEqual([]);
    expect(receiver.onVerdicts(id(2), [{ ordinal: 1, verdict: "none" }])).toEqual([]);
    expect(receiver.onVerdicts(id(2), [{ ordinal: 2, verdict: "taken" }])).toHaveLength(1);
  });

  test("answers an entry of a newer version as not understood, beside the verdicts of the others", () => {
    const receiver = fresh();
    const step = receiver.onBatch(batch(1, {}, [{ kind: "unknown", code: 99 }, message(1)]), "a");
    expect(step.taken[0]?.items.map((item) => item.ordinal)).toEqual([1]);
    const items = [
      { ordinal: 0, verdict: "not-understood" },
      { ordinal: 1, verdict: "none" },
    ];
    expect(answers(receiver.onVerdicts(id(1), [{ ordinal: 1, verdict: "none" }]))).toEqual([
      ["a", { kind: "verdicts", items }],
    ]);
  });
});
