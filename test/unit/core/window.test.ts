import { describe, expect, test } from "vitest";
import { AckQueue } from "../../../src/core/ack-queue.ts";
import type { PacketId, Position } from "../../../src/core/brand.ts";
import { maximumPacketId, nextPacketId, packetIdOf } from "../../../src/core/packet-ids.ts";
import { PendingRows } from "../../../src/core/pending-rows.ts";
import { Window, type InFlight } from "../../../src/core/window.ts";

const id = (n: number): PacketId => n as PacketId;
const sent = (packetId: number, qos: 1 | 2, position?: number): InFlight => ({
  packetId: id(packetId),
  qos,
  position: position as Position | undefined,
  phase: "sent",
});

function windowOf(size: number, ...entries: InFlight[]): Window {
  const window = new Window(size);
  for (const entry of entries) window.add(entry);
  return window;
}

describe("window", () => {
  test("it is full with as many messages as its size", () => {
    const window = windowOf(2, sent(1, 1));
    expect([window.isFull, window.room]).toEqual([false, 1]);
    window.add(sent(2, 2));
    expect([window.isFull, window.room, window.count]).toEqual([true, 0, 2]);
  });

  test("PUBACK ends a QoS 1 message, and nothing else", () => {
    const window = windowOf(9, sent(1, 1), sent(2, 2));
    expect([window.onPuback(id(1))?.packetId, window.onPuback(id(2)), window.onPuback(id(3))]).toEqual([
      1,
      undefined,
      undefined,
    ]);
    expect(window.count).toBe(1);
  });

  test("[MQTT-4.3.3-1] PUBREC keeps the message in flight, PUBCOMP ends it", () => {
    const window = windowOf(9, sent(1, 2));
    expect([window.onPubrec(id(1))?.phase, window.has(id(1))]).toEqual(["released", true]);
    expect([window.onPubcomp(id(1))?.packetId, window.has(id(1))]).toEqual([1, false]);
  });

  test("PUBREC and PUBCOMP for a QoS 1 message do nothing", () => {
    const window = windowOf(9, sent(1, 1));
    expect([window.onPubrec(id(1)), window.onPubcomp(id(1)), window.count]).toEqual([undefined, undefined, 1]);
  });

  test("the first position is that of the oldest in flight", () => {
    const window = windowOf(9, sent(5, 1, 4), sent(6, 1, 5));
    window.onPuback(id(5));
    expect(window.firstPosition()).toBe(5);
  });

  test("the first position is that of the oldest in flight, in whatever order the others end and their ids come again", () => {
    const window = windowOf(9, sent(5, 1, 4), sent(6, 1, 5), sent(7, 1, 6));
    window.onPuback(id(6));
    expect(window.firstPosition()).toBe(4);
    window.onPuback(id(5));
    window.add(sent(5, 1, 9));
    expect(window.firstPosition()).toBe(6);
    window.onPuback(id(7));
    window.onPuback(id(5));
    expect(window.firstPosition()).toBeUndefined();
    window.add(sent(8, 1, 10));
    expect(window.firstPosition()).toBe(10);
  });

  test("a window smaller than what is in flight has no room, and no less than none", () => {
    expect(windowOf(1, sent(1, 1), sent(2, 1)).room).toBe(0);
  });
});

describe("packet ids", () => {
  test("[MQTT-2.2.1-3] ids count round from 1 to 65,535 and pass over those in use", () => {
    expect(nextPacketId(0, { has: () => false })).toBe(1);
    expect(nextPacketId(maximumPacketId, { has: () => false })).toBe(1);
    expect(nextPacketId(1, { has: (candidate) => candidate <= 3 })).toBe(4);
  });

  test("[MQTT-2.2.1-3] a position's id is never 0", () => {
    expect([0, 1, 65_534, 65_535].map((position) => packetIdOf(position as Position))).toEqual([1, 2, 65_535, 1]);
  });

  test("asking for an id where none is free is a bug", () => {
    expect(() => nextPacketId(7, { has: () => true })).toThrow("every packet id is in use");
  });
});

describe("acknowledgements", () => {
  const queue = (): { acks: AckQueue; sent: number[] } => {
    const out: number[] = [];
    return { acks: new AckQueue((packet) => out.push("packetId" in packet ? (packet.packetId ?? 0) : 0)), sent: out };
  };
  const puback = (n: number) => ({ kind: "puback", packetId: id(n) }) as const;

  test("[MQTT-4.6.0-2] they leave in the order of the packets, whatever order the verdicts come in", () => {
    const { acks, sent: out } = queue();
    const [first, second, third] = [acks.reserve(), acks.reserve(), acks.reserve()];
    acks.settle(third, puback(3), "at-once");
    acks.settle(second, puback(2), "at-once");
    expect([out, acks.waiting]).toEqual([[], 3]);
    acks.settle(first, puback(1), "at-once");
    expect([out, acks.waiting]).toEqual([[1, 2, 3], 0]);
  });

  test("one that is skipped holds nothing up", () => {
    const { acks, sent: out } = queue();
    const [first, second] = [acks.reserve(), acks.reserve()];
    acks.settle(second, puback(2), "at-once");
    acks.skip(first);
    expect(out).toEqual([2]);
  });
});

describe("pending rows", () => {
  const store = () => {
    const rows = new Map<number, string>([
      [1, "one"],
      [2, "two"],
    ]);
    return {
      rows,
      get: (key: number) => rows.get(key),
      put: (key: number, row: string) => void rows.set(key, row),
      delete: (key: number) => void rows.delete(key),
    };
  };

  test("readers see storage with what is pending", () => {
    const pending = new PendingRows<number, string>(store());
    pending.put(3, "three");
    pending.delete(1);
    expect([1, 2, 3].map((key) => pending.get(key))).toEqual([undefined, "two", "three"]);
    expect([...pending.overlay(store().rows)]).toEqual([
      [2, "two"],
      [3, "three"],
    ]);
  });

  test("a flush writes each row once, and then nothing is pending", () => {
    const backing = store();
    const pending = new PendingRows<number, string>(backing);
    pending.put(1, "first");
    pending.put(1, "last");
    pending.delete(2);
    expect([pending.isDirty, (pending.flush(), pending.isDirty), [...backing.rows]]).toEqual([
      true,
      false,
      [[1, "last"]],
    ]);
  });
});
