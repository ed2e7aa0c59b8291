// The check behind every figure: a message that is lost, doubled or out of order is seen.

import { expect, test } from "vitest";
import { Flow } from "../../../bench/speed/load/flow.ts";
import { Latencies } from "../../../bench/speed/load/latency.ts";
import { faultsOf, noFaults, Receipts } from "../../../bench/speed/load/receipts.ts";

const sentThree = (): number => 3;

function receiptsOf(sequences: readonly number[], mayRepeat = false): Receipts {
  const receipts = new Receipts([4, 5]);
  for (const sequence of sequences) receipts.take(4, sequence, mayRepeat);
  return receipts;
}

test("all in order is no fault", () => {
  expect(receiptsOf([0, 1, 2]).tally(sentThree)).toEqual(noFaults);
  expect(faultsOf(noFaults)).toEqual([]);
});

test("a lost message is seen, in the midst and at the end", () => {
  expect(receiptsOf([0, 2]).tally(sentThree)).toEqual({ ...noFaults, lost: 1 });
  expect(receiptsOf([0]).tally(sentThree)).toEqual({ ...noFaults, lost: 2 });
  expect(receiptsOf([]).tally(sentThree)).toEqual({ ...noFaults, lost: 3 });
});

test("a doubled message is seen, and does not count as delivered", () => {
  const receipts = receiptsOf([0, 1, 2]);
  expect(receipts.take(4, 1, false)).toBe(false);
  expect(receipts.tally(sentThree)).toEqual({ ...noFaults, doubled: 1 });
});

test("a message that was sent again with DUP at QoS 1 is counted apart", () => {
  expect(receiptsOf([0, 1, 1, 2], true).tally(sentThree)).toEqual({ ...noFaults, repeated: 1 });
});

test("messages out of order are seen, and are not lost", () => {
  expect(receiptsOf([0, 2, 1]).tally(sentThree)).toEqual({ ...noFaults, reordered: 1 });
  expect(receiptsOf([2, 1, 0, 0]).tally(sentThree)).toEqual({ ...noFaults, reordered: 2, doubled: 1 });
});

test("messages of a publisher that was not subscribed to are seen", () => {
  const receipts = receiptsOf([0, 1, 2]);
  expect(receipts.take(3, 0, false)).toBe(false);
  expect(receipts.take(5, 0, false)).toBe(false);
  expect(receipts.tally(sentThree)).toEqual({ ...noFaults, strays: 2 });
  expect(faultsOf(receipts.tally(() => 4))).toEqual(["1 messages lost", "2 messages that nobody asked for"]);
});

test("a publisher goes on when the slowest of its subscribers has the message", () => {
  const flow = new Flow({ publishers: 2, receiversEach: 2, ahead: 3 });
  const pumped: number[] = [];
  for (const n of [0, 1]) flow.add({ pump: () => pumped.push(n) });
  for (const sequence of [0, 1, 2]) flow.onDelivered(1, sequence);
  flow.pumpReady();
  expect([flow.completedBy(1), pumped]).toEqual([0, []]);
  for (const sequence of [0, 1]) flow.onDelivered(1, sequence);
  flow.pumpReady();
  flow.pumpReady();
  expect([flow.completedBy(0), flow.completedBy(1), flow.delivered, pumped]).toEqual([0, 2, 5, [1]]);
});

test("percentiles of latencies are exact below a millisecond and to 0.2 % above", () => {
  const latencies = new Latencies();
  for (let us = 1; us <= 1_000; us += 1) latencies.add(us);
  expect([0.5, 0.99, 0.999, 1].map((share) => latencies.percentile(share))).toEqual([0.5, 0.99, 0.999, 1]);
  for (const us of [1_024, 5_000, 123_456, 2 ** 31]) {
    const one = new Latencies();
    one.add(us);
    expect(Math.abs(one.percentile(1) * 1_000 - us) / us).toBeLessThan(0.002);
  }
});
