// One WebSocket of a shard: its connection in the core, its decoder, what waits to leave on it.

import type { PacketDecoder } from "../codec/packet-decoder.ts";
import type { Connection } from "../core/connection.ts";
import type { Counters } from "../core/counters.ts";
import type { Limits } from "../core/limits.ts";
import { Outgoing } from "./outgoing.ts";
import { relaySignal } from "./relay.ts";

/** What is not in all runtimes' types: bytes handed to `send` that have not reached the network (platform.md §6). */
interface Buffered {
  readonly bufferedAmount?: number;
}

const normalClosure = 1000;

export class ShardSocket {
  readonly ws: WebSocket;
  readonly connection: Connection;
  readonly decoder: PacketDecoder;
  readonly outgoing = new Outgoing();
  /** The attachment's bytes as last written. */
  attachment: Uint8Array<ArrayBuffer> | undefined;
  /** Memory differs from the attachment (or a row that belongs to it). */
  isDirty = false;
  /** The snapshot did not fit the attachment: it is in an overflow row. */
  hasOverflow = false;
  readonly #counters: Counters;
  readonly #limits: Limits;
  #isBehind = false;
  /** The relay's client reads too slowly, says the relay. */
  #isRelayBehind = false;
  #isClosed = false;

  constructor(ws: WebSocket, connection: Connection, decoder: PacketDecoder, counters: Counters, limits: Limits) {
    this.ws = ws;
    this.connection = connection;
    this.decoder = decoder;
    this.#counters = counters;
    this.#limits = limits;
  }

  /** Unsent bytes above the soft limit. Asked anew only while it is behind: the question is not free. */
  get isBehind(): boolean {
    if (this.#isRelayBehind) return true;
    if (this.#isBehind) this.#isBehind = this.bufferedAmount > this.#limits.slowConsumerSoftBytes;
    return this.#isBehind;
  }

  /** A text frame of a relay; false where the socket has none behind it, or the frame says something else. */
  onRelaySignal(signal: string, nowMs: number): boolean {
    if (this.connection.leaseSec === undefined) return false;
    if (signal === relaySignal.alive) {
      this.connection.lastSeenMs = nowMs;
      this.connection.lastSeenSlackMs = 0;
      return true;
    }
    if (signal !== relaySignal.behind && signal !== relaySignal.drained) return false;
    this.#isRelayBehind = signal === relaySignal.behind;
    return true;
  }

  get isHopelesslyBehind(): boolean {
    return this.#isBehind && this.bufferedAmount > this.#limits.slowConsumerHardBytes;
  }

  get bufferedAmount(): number {
    return (this.ws as Buffered).bufferedAmount ?? 0;
  }

  sendAtOnce(): void {
    this.outgoing.sendAtOnce((bytes) => this.#send(bytes));
  }

  sendAfterCommit(): void {
    this.outgoing.sendAfterCommit((bytes) => this.#send(bytes));
  }

  #send(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#isClosed) return;
    try {
      this.ws.send(bytes); // copies
    } catch {
      this.#isClosed = true; // the close event tells the rest
      return;
    }
    this.#counters.bytesSent += bytes.length;
    this.#isBehind = this.bufferedAmount > this.#limits.slowConsumerSoftBytes;
  }

  closeNow(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    try {
      // A client that does not answer the close may say more after a hibernation: nothing brings its connection back.
      this.ws.serializeAttachment(null);
      this.ws.close(normalClosure);
    } catch {
      // closed by the other side in the meantime
    }
  }
}
