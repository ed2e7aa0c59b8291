// The idle save writes down what only memory has. Long queues of clients that do not answer are much, so not all at once.

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { PacketDecoder } from "../../src/codec/packet-decoder.ts";
import type { TopicName } from "../../src/core/brand.ts";
import type { Broker } from "../../src/core/broker.ts";
import type { Connection } from "../../src/core/connection.ts";
import { Counters } from "../../src/core/counters.ts";
import { defaultLimits } from "../../src/core/limits.ts";
import { EphemeralOutbound } from "../../src/core/outbound-ephemeral.ts";
import type { Message } from "../../src/core/packet.ts";
import { PendingRows } from "../../src/core/pending-rows.ts";
import { QueueMemory } from "../../src/core/queue-memory.ts";
import { IdleSave } from "../../src/objects/idle-save.ts";
import { ShardSocket } from "../../src/objects/shard-socket.ts";

const KiB = 1024;
const clients = 20;
const queued = 20;
const payload = new Uint8Array(20 * KiB);
/** Of one client, about; and of so many in one save. */
const queueBytes = queued * payload.length;
const maximumSavedBytes = 1_900_000;
const inOneSave = Math.floor(maximumSavedBytes / queueBytes);

/** A broker as far as a queue needs one; its sockets have no room. */
const broker = {
  options: {},
  limits: defaultLimits,
  queueMemory: new QueueMemory(),
  effects: { hasRoom: () => false, needsSave: () => {}, pumpSoon: () => {} },
} as unknown as Broker;

/** An ephemeral subscriber that has acknowledged nothing. */
function waiting(id: number): Connection {
  const connection = { id, protocolVersion: 4 } as Connection;
  const outbound = new EphemeralOutbound(broker, connection, 1);
  const message: Message = { topicName: "t" as TopicName, payload, qos: 1, retain: false };
  for (let left = queued; left > 0; left -= 1) outbound.enqueue(message, 1, false, undefined);
  const online = { connection, outbound, inbound: new Set(), unansweredQos1: 0, unansweredQos2: 0 };
  const session = {
    clientId: `s${id}`,
    online,
    subscriptions: new Map(),
    nextSubscriptionNumber: 1,
    replays: new Map(),
  };
  return Object.assign(connection, {
    state: { kind: "connected", session },
    keepAliveSec: 0,
    connectedAtMs: 0,
    lastSeenMs: 0,
    hasWill: false,
  });
}

class World {
  readonly sockets: ShardSocket[] = [];
  #written = 0;
  readonly #overflow = new PendingRows<number, Uint8Array>({ get: () => undefined, put: () => {}, delete: () => {} });
  readonly #idleSave = new IdleSave({
    overflow: this.#overflow,
    saveProgress: () => {},
    compact: () => false,
    flush: () => {},
    abort: (fault) => {
      throw fault;
    },
  });

  constructor() {
    const put = this.#overflow.put.bind(this.#overflow);
    this.#overflow.put = (key, bytes) => {
      this.#written += bytes.length;
      put(key, bytes);
    };
    for (let id = 1; id <= clients; id += 1) {
      const ws = { bufferedAmount: 0, serializeAttachment: () => {} } as unknown as WebSocket;
      const decoder = new PacketDecoder(defaultLimits);
      this.sockets.push(new ShardSocket(ws, waiting(id), decoder, new Counters(), defaultLimits, () => Infinity));
    }
    this.changeAll();
  }

  changeAll(): void {
    for (const socket of this.sockets) this.#idleSave.onChanged(socket);
  }

  /** A second goes by; gives what was written. */
  round(): number {
    this.#written = 0;
    vi.advanceTimersByTime(1_000);
    return this.#written;
  }

  saveNow(): number {
    this.#written = 0;
    this.#idleSave.now();
    return this.#written;
  }
}

test("nothing is packed for sockets that keep the object awake", () => {
  vi.useFakeTimers();
  const world = new World();
  for (const socket of world.sockets) socket.keepsAwake = true;
  expect(world.round()).toBe(0);
  expect(world.sockets.map(({ isDirty }) => isDirty)).not.toContain(true);
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

describe("the queues of clients that do not answer", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test("are saved a bounded part at a time, until all are and the object may sleep", () => {
    const world = new World();
    const rounds = Array.from({ length: 10 }, () => world.round());
    const all = rounds.reduce((sum, bytes) => sum + bytes, 0);
    expect(Math.max(...rounds)).toBeLessThanOrEqual(maximumSavedBytes);
    expect(all).toBeGreaterThan(clients * queueBytes);
    expect(all).toBeLessThan(clients * queueBytes * 1.1);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("take turns while they change all the time", () => {
    const world = new World();
    for (let saved = 0; saved < clients; saved += inOneSave) {
      world.round();
      expect(world.sockets.filter(({ isDirty }) => !isDirty)).toHaveLength(inOneSave);
      world.changeAll();
    }
    expect(world.sockets.filter(({ attachment }) => attachment === undefined)).toEqual([]);
  });

  test("are saved at once where the object is about to end", () => {
    expect(new World().saveNow()).toBeGreaterThan(clients * queueBytes);
  });
});
