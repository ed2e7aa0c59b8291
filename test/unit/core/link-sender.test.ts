import { describe, expect, test } from "vitest";
import { packAnswer, type LinkAnswer } from "../../../src/core/link-answer.ts";
import { unpackBatch, type Batch } from "../../../src/core/link-batch.ts";
import type { KnownEntry } from "../../../src/core/link-entry.ts";
import { linkLimits, type LinkLimits } from "../../../src/core/link-limits.ts";
import { LinkSender } from "../../../src/core/link-sender.ts";
import type { Call } from "../../../src/core/link-window.ts";
import { Outbox } from "../../../src/core/outbox.ts";
import type { QoS } from "../../../src/core/packet.ts";
import { MemoryOutbox } from "./link-simulation.ts";

const limits: LinkLimits = {
  ...linkLimits,
  windowBatches: 2,
  deliverBudgetMs: 100,
  publishBudgetMs: 300,
  callTimeoutMs: 1000,
  reopenWaitMs: 50,
};

function started(
  port = new MemoryOutbox(),
  overrides: Partial<LinkLimits> = {},
): { sender: LinkSender<string>; port: MemoryOutbox } {
  const all = { ...limits, ...overrides };
  const sender = new LinkSender<string>({
    from: 1,
    incarnation: 5,
    layout: 1,
    outbox: new Outbox(port, all),
    limits: all,
  });
  return { sender, port };
}

const publish = (qos: QoS, body: number = qos): KnownEntry => ({
  kind: "publish",
  qos,
  retain: false,
  message: new Uint8Array([body]),
});
const delivery = (qos: QoS, body: number = qos): KnownEntry => ({
  kind: "delivery",
  qos,
  retain: false,
  message: new Uint8Array([body]),
});
const answer = (given: LinkAnswer): Uint8Array => packAnswer(given);
const taken: LinkAnswer = { kind: "verdicts", items: [] };

function batchOf(call: Call | undefined): Batch {
  const batch = call === undefined ? undefined : unpackBatch(call.bytes);
  if (batch === undefined) throw new Error("no batch");
  return batch;
}

/** `opening.n`, then the bodies of its messages. */
function shown(call: Call): string {
  const { opening, n, items } = batchOf(call);
  const bodies = items.map(({ entry }) => ("message" in entry ? String(entry.message[0]) : entry.kind));
  return `${opening}.${n}: ${bodies.join(" ")}`;
}

const callOf = (calls: readonly Call[], at = 0): Call => {
  const call = calls[at];
  if (call === undefined) throw new Error("no call");
  return call;
};

describe("a sender", () => {
  test("puts what gathered since the last flush into one batch, and further batches behind it without waiting", () => {
    const { sender } = started();
    for (const body of [1, 2]) sender.enqueue(publish(1, body), 0);
    expect(sender.flush(0).calls.map(shown)).toEqual(["1.1: 1 2"]);
    sender.enqueue(publish(1, 3), 0);
    expect(sender.flush(0).calls.map(shown)).toEqual(["1.2: 3"]);
  });

  test("gathers while its window is full, and sends on with the first answer", () => {
    const { sender } = started();
    const calls = [1, 2, 3, 4].flatMap((body) => {
      sender.enqueue(publish(1, body), 0);
      return sender.flush(0).calls;
    });
    expect(calls.map(shown)).toEqual(["1.1: 1", "1.2: 2"]);
    sender.onAnswer(callOf(calls, 1).id, answer(taken), 1);
    expect(sender.flush(1).calls.map(shown)).toEqual(["1.3: 3 4"]);
  });

  test("tells each token its verdict by ordinal, also where QoS 0 before it was left out of a repeat", () => {
    const { sender } = started();
    sender.enqueue(publish(0), 0);
    sender.enqueue(publish(1, 7), 0, { token: "seven" });
    sender.enqueue(publish(1, 8), 0, { token: "eight" });
    const first = callOf(sender.flush(0).calls);
    sender.onFailure(first.id, true, 0);
    const repeat = callOf(sender.flush(60).calls);
    expect([shown(first), shown(repeat)]).toEqual(["1.1: 0 7 8", "1.1: 7 8"]);
    const given: LinkAnswer = { kind: "verdicts", items: [{ ordinal: 1, verdict: "none" }] };
    expect(sender.onAnswer(repeat.id, answer(given), 61)).toEqual([
      { token: "seven", outcome: { kind: "verdict", verdict: "none" } },
      { token: "eight", outcome: { kind: "verdict", verdict: "taken" } },
    ]);
  });

  test("repeats after pauses that double", () => {
    const { sender } = started();
    sender.enqueue({ kind: "route-add", filter: "a", registration: 1 }, 0);
    const times: number[] = [];
    for (let nowMs = 0; nowMs < 800; nowMs = sender.nextFlushMs(nowMs) ?? Infinity) {
      for (const call of sender.flush(nowMs).calls) {
        times.push(nowMs);
        sender.onFailure(call.id, true, nowMs);
      }
    }
    expect(times).toEqual([0, 50, 150, 350, 750]);
  });

  test("gives up a QoS 1 publish when its budget has passed: no verdict, and an empty batch under its n", () => {
    const { sender } = started();
    sender.enqueue(publish(1), 0, { token: "t" });
    const call = callOf(sender.flush(0).calls);
    sender.onFailure(call.id, true, 0);
    const { calls, resolved } = sender.flush(300);
    expect(resolved).toEqual([{ token: "t", outcome: { kind: "no-verdict" } }]);
    expect(calls.map(shown)).toEqual(["1.1: "]);
  });

  test("gives up at once what may be given up when the other shard asks for less load", () => {
    const { sender } = started();
    sender.enqueue(publish(1), 0, { token: "t" });
    sender.onFailure(callOf(sender.flush(0).calls).id, false, 1);
    expect(sender.flush(1).resolved).toEqual([{ token: "t", outcome: { kind: "no-verdict" } }]);
  });

  test("[MQTT-4.3.3-8] stores QoS 2 in the commit that promises it, before it leaves, and releases it when answered", () => {
    const { sender, port } = started();
    sender.enqueue(publish(2), 0, { token: "t" });
    const { calls, resolved } = sender.flush(0);
    expect(resolved).toEqual([{ token: "t", outcome: { kind: "stored" } }]);
    expect([batchOf(calls[0]).durable, port.summary().count]).toEqual([1, 1]);
    sender.onAnswer(callOf(calls).id, answer(taken), 1);
    sender.flush(1);
    expect(port.summary().count).toBe(0);
  });

  test("sends what an earlier life stored, in order and with its numbers, before anything new", () => {
    const { sender, port } = started();
    for (const body of [1, 2, 3]) {
      sender.enqueue(publish(2, body), 0);
      sender.flush(0);
    }
    const next = started(port).sender;
    next.enqueue(publish(2, 4), 0);
    const { calls } = next.flush(0);
    expect(calls.map(shown)).toEqual(["1.1: 1", "1.2: 2"]);
    expect(calls.map((call) => batchOf(call).durable)).toEqual([1, 2]);
    for (const call of calls) next.onAnswer(call.id, answer(taken), 1);
    const rest = next.flush(1).calls.map((call) => `${shown(call)} d ${batchOf(call).durable}`);
    expect(rest).toEqual(["1.3: 3 d 3", "1.4: 4 d 4"]);
  });

  test("stores the QoS 1 before a QoS 2 with it, so that a crash does not turn them round", () => {
    const { sender, port } = started();
    sender.enqueue(delivery(1, 1), 0);
    sender.flush(0);
    expect(port.rows.size).toBe(0);
    sender.enqueue(delivery(2, 2), 0);
    sender.flush(0);
    const { calls } = started(port).sender.flush(0);
    expect(calls.map((call) => `${shown(call)} d ${batchOf(call).durable}`)).toEqual([
      "1.1: 1 d undefined",
      "1.2: 2 d 2",
    ]);
  });

  test("puts deliveries for a shard that does not answer into the outbox, each new one behind, and drops QoS 0", () => {
    const { sender, port } = started();
    sender.enqueue(delivery(1, 1), 0, { token: "first" });
    sender.onFailure(callOf(sender.flush(0).calls).id, true, 0);
    expect(sender.flush(100).resolved).toEqual([{ token: "first", outcome: { kind: "stored" } }]);
    for (const body of [2, 3, 4]) {
      expect(sender.enqueue(delivery(0), 100)).toBe("dropped");
      sender.enqueue(delivery(1, body), 100, { token: `${body}` });
      expect(sender.flush(100).resolved).toEqual([{ token: `${body}`, outcome: { kind: "stored" } }]);
    }
    expect([port.summary().count, sender.droppedQos0]).toEqual([4, 3]);
    // Only the oldest knocks; when it is answered the others follow in order.
    const knock = sender.flush(5000).calls;
    expect(knock.map(shown)).toEqual(["1.1: 1"]);
    sender.onAnswer(callOf(knock).id, answer(taken), 5001);
    expect(sender.flush(5001).calls.map(shown)).toEqual(["1.2: 2", "1.3: 3"]);
  });

  test("refuses QoS 2 before anything is promised when the outbox is full [0x97], and never what was promised before", () => {
    const { sender } = started(new MemoryOutbox(), { outboxBytes: 40 });
    expect(sender.hasRoom(1000)).toBe(false);
    const results = Array.from({ length: 12 }, () => sender.enqueue(publish(2), 0));
    expect([results[0], results.at(-1)]).toEqual(["taken", "full"]);
    expect(sender.enqueue(delivery(1), 0, { fromDurable: true })).toBe("taken");
    expect(sender.enqueue({ kind: "route-add", filter: "a", registration: 1 }, 0)).toBe("taken");
  });

  test("stores a QoS 1 that came of a durable batch, but lets it wait for the verdict", () => {
    const { sender, port } = started();
    sender.enqueue(delivery(1), 0, { fromDurable: true, token: "t" });
    const { calls, resolved } = sender.flush(0);
    expect([resolved, batchOf(calls[0]).durable, port.rows.size]).toEqual([[], 1, 1]);
    expect(sender.onAnswer(callOf(calls).id, answer(taken), 1)).toHaveLength(1);
  });

  test("starts over at 1 with everything unanswered when the other end knows nothing of it", () => {
    const { sender } = started();
    const calls = [1, 2, 3].flatMap((body) => {
      sender.enqueue(publish(1, body), 0);
      const flushed = sender.flush(0).calls;
      if (body === 1) sender.onAnswer(callOf(flushed).id, answer(taken), 0);
      return flushed;
    });
    sender.onAnswer(callOf(calls, 2).id, answer({ kind: "restart" }), 1);
    expect(sender.flush(1).calls.map(shown)).toEqual(["2.1: 2", "2.2: 3"]);
    expect(sender.onAnswer(callOf(calls, 1).id, answer(taken), 2)).toEqual([]);
  });

  /** A sender whose first batch was answered before the other end slept, and two with QoS 0 that are on their way. */
  function twoOnTheirWay() {
    const { sender } = started(new MemoryOutbox(), { windowBatches: 3 });
    const calls = [1, 2, 3].flatMap((body) => {
      sender.enqueue(publish(0, body), 0);
      sender.enqueue(publish(1, body + 10), 0);
      const flushed = sender.flush(0).calls;
      if (body === 1) sender.onAnswer(callOf(flushed).id, answer(taken), 0);
      return flushed;
    });
    return { sender, second: callOf(calls, 1), third: callOf(calls, 2) };
  }

  test("starts over with the QoS 0 too of those batches that the other end says it has not taken", () => {
    const { sender, second, third } = twoOnTheirWay();
    sender.onAnswer(second.id, answer({ kind: "restart" }), 1);
    expect(sender.flush(1).calls).toEqual([]);
    sender.enqueue(publish(0, 4), 1);
    sender.onAnswer(third.id, answer({ kind: "restart" }), 2);
    expect(sender.flush(2).calls.map(shown)).toEqual(["2.1: 2 12", "2.2: 3 13", "2.3: 4"]);
  });

  test("starts over without the QoS 0 of a batch whose call fails meanwhile: it may have arrived", () => {
    const { sender, second, third } = twoOnTheirWay();
    sender.onAnswer(third.id, answer({ kind: "restart" }), 1);
    expect(sender.flush(1).calls).toEqual([]);
    sender.onFailure(second.id, true, 2);
    expect(sender.flush(2).calls.map(shown)).toEqual(["2.1: 12", "2.2: 3 13"]);
  });

  test("does not wait for ever for the answers of those that are on their way before it starts over", () => {
    const { sender, second } = twoOnTheirWay();
    sender.onAnswer(second.id, answer({ kind: "restart" }), 1);
    expect([sender.flush(1).calls, sender.nextFlushMs(1)]).toEqual([[], 51]);
    expect(sender.flush(51).calls.map(shown)).toEqual(["2.1: 2 12", "2.2: 13"]);
  });

  test("only repeats the first batch when one that overtook it meets an end that knows nothing", () => {
    const { sender } = started();
    const calls = [1, 2].flatMap((body) => {
      sender.enqueue(publish(1, body), 0);
      return sender.flush(0).calls;
    });
    sender.onAnswer(callOf(calls, 1).id, answer({ kind: "restart" }), 1);
    const [first] = sender.flush(1).calls;
    expect(first && shown(first)).toBe("1.1: 1");
    expect(sender.flush(2).calls).toEqual([]);
    sender.onAnswer(callOf(first ? [first] : []).id, answer(taken), 3);
    expect(sender.flush(3).calls.map(shown)).toEqual(["1.2: 2"]);
  });

  test("makes few calls while one batch fails and the other end asks for it with each answer to the next", () => {
    const { sender } = started();
    for (const body of [1, 2]) sender.enqueue(publish(1, body), 0);
    let calls = 0;
    for (let nowMs = 0; nowMs < 5_000; nowMs += 1) {
      if (nowMs === 1) sender.enqueue(publish(1, 3), nowMs);
      for (const { id } of sender.flush(nowMs).calls) {
        calls += 1;
        if (id.n === 1) sender.onFailure(id, true, nowMs);
        else sender.onAnswer(id, answer({ kind: "resend-from", n: 1 }), nowMs);
      }
    }
    expect(calls).toBeLessThan(30);
  });

  test("starts over at once when the other end asks for a batch that it has answered; the QoS 0 it may hold", () => {
    const { sender } = started();
    sender.enqueue(publish(1, 1), 0);
    sender.onAnswer(callOf(sender.flush(0).calls).id, answer(taken), 0);
    sender.enqueue(publish(0, 9), 0);
    sender.enqueue(publish(1, 2), 0);
    sender.onAnswer(callOf(sender.flush(0).calls).id, answer({ kind: "resend-from", n: 1 }), 1);
    expect(sender.flush(1).calls.map(shown)).toEqual(["2.1: 2"]);
  });

  /** Three on their way: the second was answered, the first was not. `third` leaves before or after that answer. */
  function answeredOutOfTurn(isLate: boolean) {
    const { sender } = started(new MemoryOutbox(), { windowBatches: 3 });
    const send = (body: number): Call => {
      sender.enqueue(publish(1, body), 0);
      return callOf(sender.flush(0).calls);
    };
    const [first, second] = [send(1), send(2)];
    sender.onFailure(first.id, true, 0);
    const early = isLate ? undefined : send(3);
    sender.onAnswer(second.id, answer(taken), 1);
    return { sender, third: early ?? send(3) };
  }

  test("starts over at once when the other end asks for one that it has answered out of turn", () => {
    const { sender, third } = answeredOutOfTurn(true);
    sender.onAnswer(third.id, answer({ kind: "resend-from", n: 2 }), 1);
    expect(sender.flush(1).calls.map(shown)).toEqual(["2.1: 1", "2.2: 3"]);
  });

  test("only repeats where that answer may have crossed the question", () => {
    const { sender, third } = answeredOutOfTurn(false);
    sender.onAnswer(third.id, answer({ kind: "resend-from", n: 2 }), 1);
    expect(sender.flush(1).calls.map(shown)).toEqual(["1.3: 3"]);
  });

  test("splits batches at their limit of bytes; a larger entry travels alone", () => {
    const { sender } = started(new MemoryOutbox(), { batchBytes: 30, windowBatches: 9 });
    const large: KnownEntry = { kind: "publish", qos: 1, retain: false, message: new Uint8Array(100) };
    for (const entry of [publish(1), publish(1), large, publish(1)]) sender.enqueue(entry, 0);
    expect(sender.flush(0).calls.map((call) => batchOf(call).items.length)).toEqual([2, 1, 1]);
  });

  test("has nothing to do while it only waits for answers, until their calls time out", () => {
    const { sender } = started();
    expect(sender.nextFlushMs(0)).toBeUndefined();
    sender.enqueue(publish(0), 0);
    expect(sender.nextFlushMs(0)).toBe(0);
    sender.flush(0);
    expect(sender.nextFlushMs(0)).toBe(1000);
  });
});
