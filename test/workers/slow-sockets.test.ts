// Clients that do not read: limits for one socket and for all, with a clock and sockets of the test's own.

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { PacketDecoder } from "../../src/codec/packet-decoder.ts";
import type { Connection } from "../../src/core/connection.ts";
import { Counters } from "../../src/core/counters.ts";
import { defaultLimits, type Limits } from "../../src/core/limits.ts";
import { ShardSocket } from "../../src/objects/shard-socket.ts";
import { SlowSockets } from "../../src/objects/slow-sockets.ts";

const limits = {
  ...defaultLimits,
  slowConsumerSoftBytes: 1_000,
  slowConsumerHardBytes: 5_000,
  slowConsumerTimeoutMs: 10_000,
  maximumUnsentBytes: 8_000,
};
const lookMs = 100;
const soonMs = 250;

/** A runtime's socket. `bufferedAmount` is missing where the runtime does not tell. */
class FakeWs {
  bufferedAmount?: number;
  sent = 0;

  constructor(isTold: boolean) {
    if (isTold) this.bufferedAmount = 0;
  }

  send(bytes: Uint8Array): void {
    this.sent += bytes.length;
    if (this.bufferedAmount !== undefined) this.bufferedAmount += bytes.length;
  }
  serializeAttachment(): void {}
  close(): void {}
}

class World {
  readonly limits: Limits;
  readonly sockets: ShardSocket[] = [];
  readonly closed: string[] = [];
  readonly faults: unknown[] = [];
  readonly queued = new Map<ShardSocket, number>();
  readonly slow: SlowSockets;

  constructor(own: Limits = limits) {
    this.limits = own;
    this.slow = new SlowSockets({
      limits: own,
      all: () => this.sockets,
      queuedBytes: (socket) => this.queued.get(socket) ?? 0,
      queuedBytesInAll: () => [...this.queued.values()].reduce((sum, bytes) => sum + bytes, 0),
      guard: (run) => run(),
      close: (socket, { limit, reasonCode }) => {
        this.closed.push(`${this.sockets.indexOf(socket)} ${limit} ${reasonCode}`);
        this.queued.delete(socket);
        socket.closeNow();
      },
      abort: (fault) => this.faults.push(fault),
    });
  }

  open(isTold = true): { socket: ShardSocket; ws: FakeWs } {
    const ws = new FakeWs(isTold);
    const connection = { leaseSec: undefined } as Connection;
    const socket = new ShardSocket(
      ws as never,
      connection,
      {} as PacketDecoder,
      new Counters(),
      this.limits,
      (waiting) => this.slow.softBytes(waiting),
    );
    this.sockets.push(socket);
    return { socket, ws };
  }

  /** A flush with so many bytes for the socket. */
  send(socket: ShardSocket, bytes: number): void {
    socket.outgoing.append(new Uint8Array(bytes), "at-once");
    socket.sendAtOnce();
    this.slow.onSent([socket]);
  }
}

let world: World;
beforeEach(() => {
  vi.useFakeTimers();
  world = new World();
});
afterEach(() => {
  vi.useRealTimers();
});
const pass = (ms: number): unknown => vi.advanceTimersByTime(ms);

describe("one socket", () => {
  test("above the soft limit it is behind until it has drained", () => {
    const { socket, ws } = world.open();
    world.send(socket, 1_000);
    expect([socket.isBehind(0), socket.hasRoom(0)]).toEqual([false, true]);
    world.send(socket, 1);
    expect([socket.isBehind(0), socket.hasRoom(0)]).toEqual([true, false]);
    ws.bufferedAmount = 1_000;
    expect([socket.isBehind(0), socket.hasRoom(0)]).toEqual([false, true]);
  });

  test("for QoS 1 and 2 what waits for the flush counts; for QoS 0 it does not", () => {
    const { socket } = world.open();
    socket.outgoing.append(new Uint8Array(1_001), "after-commit");
    expect([socket.isBehind(0), socket.hasRoom(0)]).toEqual([false, false]);
  });

  test("above the hard limit it is closed with 0x97, without another packet of the client", () => {
    const { socket } = world.open();
    world.send(socket, 5_001);
    expect(world.closed).toEqual([]); // nothing can have left yet
    pass(soonMs);
    expect(world.closed).toEqual(["0 slowConsumerHardBytes 151"]);
  });

  test("one that was handed a lot and reads it is not closed", () => {
    const { socket, ws } = world.open();
    world.send(socket, 7_000);
    ws.bufferedAmount = 500;
    pass(60_000);
    expect(world.closed).toEqual([]);
    expect(vi.getTimerCount()).toBe(0); // the object may sleep
  });

  test("a reader that stops above the soft limit and stays silent is closed in time", () => {
    const { socket } = world.open();
    world.send(socket, 2_000);
    pass(limits.slowConsumerTimeoutMs - lookMs);
    expect(world.closed).toEqual([]);
    pass(2 * lookMs);
    expect(world.closed).toEqual(["0 slowConsumerTimeoutMs 151"]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("a slow reader that goes on reading is not closed, also while it gets more", () => {
    const { socket, ws } = world.open();
    for (let second = 0; second < 60; second += 1) {
      world.send(socket, 2_000);
      ws.bufferedAmount = 1_999;
      pass(1_000);
    }
    expect(world.closed).toEqual([]);
  });

  test("one that is gone is not looked at any more", () => {
    const { socket } = world.open();
    world.send(socket, 2_000);
    world.slow.forget(socket);
    pass(soonMs);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("one that is gone counts for nothing any more, also where a flush had something for it still", () => {
    const { socket } = world.open();
    world.send(socket, 4_000);
    world.slow.forget(socket);
    world.sockets.pop();
    pass(soonMs);
    world.send(socket, 4_500);
    world.send(world.open().socket, 900);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("all together", () => {
  test("those with most unsent are closed first, until the rest is within the limit", () => {
    for (const bytes of [900, 4_000, 900, 3_000, 900]) world.send(world.open().socket, bytes);
    pass(soonMs);
    expect(world.closed).toEqual(["1 maximumUnsentBytes 151"]);
  });

  test("many that are each below the soft limit count too", () => {
    for (let index = 0; index < 10; index += 1) world.send(world.open().socket, 900 + index);
    pass(soonMs);
    expect(world.closed).toEqual(["9 maximumUnsentBytes 151", "8 maximumUnsentBytes 151"]);
  });

  test("what left meanwhile does not count", () => {
    const opened = Array.from({ length: 10 }, () => world.open());
    for (const { socket, ws } of opened) {
      world.send(socket, 1_000);
      ws.bufferedAmount = 0;
    }
    pass(soonMs);
    expect(world.closed).toEqual([]);
  });

  test("queues in memory count, and who has the longest is closed", () => {
    const [first, second] = [world.open(), world.open()];
    world.queued.set(first.socket, 3_000).set(second.socket, 6_000);
    world.send(first.socket, 1);
    pass(soonMs);
    expect(world.closed).toEqual(["1 maximumUnsentBytes 151"]);
  });

  test("what closed ones hold back closes nobody else", () => {
    const stuck = Array.from({ length: 2 }, () => world.open());
    for (const { socket } of stuck) {
      world.send(socket, 1_500);
      socket.closeNow(); // the runtime keeps what is unsent until the client reads it or goes
    }
    for (const bytes of [4_000, 4_000]) world.send(world.open().socket, bytes);
    pass(soonMs);
    expect([world.closed, world.faults]).toEqual([[], []]);
    world.send(world.open().socket, 1);
    pass(soonMs);
    expect([world.closed, world.faults]).toEqual([["2 maximumUnsentBytes 151"], []]);
  });

  test("where closed ones alone pass the limit, only a new start of the object frees memory", () => {
    const stuck = Array.from({ length: 6 }, () => world.open());
    for (const { socket } of stuck) {
      world.send(socket, 1_500);
      socket.closeNow();
    }
    pass(soonMs);
    expect(world.faults).toHaveLength(1);
  });
});

describe("many that stop reading, with the limits as they are", () => {
  const KiB = 1024;
  const message = 8 * KiB;

  /** A message to all that take one, until nobody does. */
  function fill(opened: ReturnType<World["open"]>[]): void {
    for (let isTaken = true; isTaken;) {
      isTaken = false;
      const waiting = { bytes: 0 };
      for (const { socket } of opened) {
        if (socket.isBehind(waiting.bytes)) continue;
        isTaken = true;
        waiting.bytes += message;
        socket.outgoing.append(new Uint8Array(message), "at-once");
      }
      for (const { socket } of opened) socket.sendAtOnce();
      world.slow.onSent(opened.map(({ socket }) => socket));
    }
  }
  const unsentOf = (opened: ReturnType<World["open"]>[]): number =>
    opened.reduce((sum, { ws }) => sum + (ws.bufferedAmount ?? 0), 0);

  test.each([10, 150, 300, 1_000])("%i: each has less, and together they stay within the limit", (count) => {
    world = new World(defaultLimits);
    const opened = Array.from({ length: count }, () => world.open());
    fill(opened);
    const share = unsentOf(opened) / count;
    expect(share).toBeGreaterThan(16 * KiB);
    expect(share > defaultLimits.slowConsumerSoftBytes).toBe(count === 10);
    expect(unsentOf(opened)).toBeLessThan(defaultLimits.maximumUnsentBytes);
    pass(soonMs);
    expect(world.closed).toEqual([]);
    pass(defaultLimits.slowConsumerTimeoutMs);
    expect(world.closed.length).toBeGreaterThan(count / 2);
    expect(new Set(world.closed.map((line) => line.replace(/^\d+ /u, "")))).toEqual(
      new Set(["slowConsumerTimeoutMs 151"]),
    );
    pass(60_000);
    expect(world.faults).toEqual([]); // what they leave does not end the object
  });

  test("one that reads is not behind, and gets its messages", () => {
    world = new World(defaultLimits);
    fill(Array.from({ length: 1_000 }, () => world.open()));
    const { socket, ws } = world.open();
    for (let round = 0; round < 100; round += 1) {
      expect([socket.isBehind(0), socket.hasRoom(0)]).toEqual([false, true]);
      world.send(socket, message);
      ws.bufferedAmount = 0;
      pass(lookMs);
    }
  });
});

describe("where the runtime does not tell what is unsent", () => {
  test("a client that says nothing gets the hard limit, and then a trickle", () => {
    const { socket } = world.open(false);
    world.send(socket, 5_000);
    expect([socket.isBehind(0), socket.hasRoom(0)]).toEqual([false, true]);
    world.send(socket, 100_000);
    expect([socket.isBehind(0), socket.hasRoom(0)]).toEqual([true, false]);
    pass(1_000);
    expect([socket.isBehind(0), socket.hasRoom(0)]).toEqual([true, false]);
    pass(1_000);
    expect([socket.isBehind(0), socket.hasRoom(0)]).toEqual([false, true]);
  });

  test("one that says something has read: an acknowledgement makes room", () => {
    const { socket } = world.open(false);
    world.send(socket, 100_000);
    socket.onHeard();
    expect([socket.isBehind(0), socket.hasRoom(0)]).toEqual([false, true]);
  });

  test("nobody is closed on an estimate: that is what the keep-alive is for", () => {
    for (let index = 0; index < 3; index += 1) world.send(world.open(false).socket, 1_000_000);
    pass(60_000);
    expect([world.closed, world.faults]).toEqual([[], []]);
  });
});
