// One WebSocket of a shard: its connection in the core, its decoder, what waits to leave on it, and what has not left.

import type { PacketDecoder } from "../codec/packet-decoder.ts";
import type { Connection } from "../core/connection.ts";
import type { Counters } from "../core/counters.ts";
import type { Limits } from "../core/limits.ts";
import { Outgoing } from "./outgoing.ts";
import { relaySignal } from "./relay.ts";

/** What is not in all runtimes: bytes handed to `send` that have not reached the network (platform.md §6). */
interface Buffered {
  readonly bufferedAmount?: number;
}

const normalClosure = 1000;
const msPerSec = 1000;
/**
 * Where the runtime does not tell: what a client that says nothing is taken to read. One that says something has read
 * what it was sent before, as far as anybody knows.
 */
const assumedBytesPerSec = 64 * 1024;
/** However many are behind, a client that reads has room for so much, or for what the configuration says where that is less. */
export const leastSoftBytes = 16 * 1024;
/** To look what is unsent costs as much as a small packet: so much may be handed over without a look. */
const lookEveryBytes = 1024;

export class ShardSocket {
  readonly ws: WebSocket;
  readonly connection: Connection;
  readonly decoder: PacketDecoder;
  readonly outgoing = new Outgoing();
  /** While it is open the object does not sleep: nothing of its connection needs to be saved for that. */
  keepsAwake = false;
  /** The attachment's bytes as last written. */
  attachment: Uint8Array<ArrayBuffer> | undefined;
  /** The attachment's last-seen time is new enough for packets before this time (epoch ms). */
  saveSeenFromMs = 0;
  /** Something of it waits for the flush. */
  isInFlush = false;
  /** Memory differs from the attachment (or a row that belongs to it). */
  isDirty = false;
  /** The snapshot did not fit the attachment: it is in an overflow row. */
  hasOverflow = false;
  /** Unsent bytes in the sum of all sockets; -1 once it is out of that. */
  counted = 0;
  /** The relay's client reads too slowly, says the relay. */
  isRelayBehind = false;
  readonly #counters: Counters;
  /** Unsent bytes above which the socket is behind, while so many wait for the flush. */
  readonly #softBytes: (waiting: number) => number;
  /** What `#softBytes` never goes below: the sum of all sockets need not be known for fewer. */
  readonly #leastSoftBytes: number;
  readonly #isTold: boolean;
  /** Handed to the runtime and not sent, when it was last looked; what was handed over since counts as unsent. */
  #unsent = 0;
  #handedOver = 0;
  /** Of `#handedOver`. */
  #lookedAt = 0;
  /** Where the runtime does not tell. */
  #sentSinceHeard = 0;
  #heardAtMs = Date.now();
  #isClosed = false;

  /** `softBytes`: where the runtime tells what is unsent. */
  constructor(
    ws: WebSocket,
    connection: Connection,
    decoder: PacketDecoder,
    counters: Counters,
    { slowConsumerSoftBytes, slowConsumerHardBytes }: Limits,
    softBytes: (waiting: number) => number,
  ) {
    this.ws = ws;
    this.connection = connection;
    this.decoder = decoder;
    this.#counters = counters;
    this.#isTold = (ws as Buffered).bufferedAmount !== undefined;
    // An estimate says too much: it means something only above the hard limit.
    this.#softBytes = this.#isTold ? softBytes : () => slowConsumerHardBytes;
    this.#leastSoftBytes = Math.min(leastSoftBytes, slowConsumerSoftBytes, slowConsumerHardBytes);
  }

  /**
   * Unsent bytes above the soft limit. Asked anew only while it is behind: the question is not free. `waiting`: bytes of
   * all sockets that wait for the flush.
   */
  isBehind(waiting: number): boolean {
    if (this.isRelayBehind) return true;
    if (this.#unsent <= this.#leastSoftBytes) return false;
    const most = this.#softBytes(waiting);
    return this.#unsent > most && this.look() > most;
  }

  /** For QoS 1 and 2: what waits for the flush counts too. */
  hasRoom(waiting: number): boolean {
    if (this.isRelayBehind) return false;
    const most = this.#softBytes(waiting) - this.outgoing.length;
    return this.#unsent <= most || this.look() <= most;
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
    this.isRelayBehind = signal === relaySignal.behind;
    return true;
  }

  /** Something came from the client. */
  onHeard(): void {
    if (this.#isTold) return;
    this.#sentSinceHeard = 0;
    this.#heardAtMs = Date.now();
  }

  /** The runtime tells how many bytes are unsent: what it says is no estimate. */
  get isTold(): boolean {
    return this.#isTold;
  }

  /** As it was last looked, and what was handed over since: as much at most. */
  get unsent(): number {
    return this.#unsent;
  }

  /** Of all that was handed over, what has left as far as was last looked. */
  get drained(): number {
    return this.#handedOver - this.#unsent;
  }

  /** Looks how many bytes are unsent. */
  look(): number {
    this.#unsent = (this.ws as Buffered).bufferedAmount ?? this.#estimate();
    this.#lookedAt = this.#handedOver;
    return this.#unsent;
  }

  #estimate(): number {
    const taken = ((Date.now() - this.#heardAtMs) * assumedBytesPerSec) / msPerSec;
    return Math.max(0, this.#sentSinceHeard - taken);
  }

  sendAtOnce(): void {
    const bytes = this.outgoing.takeAtOnce();
    if (bytes !== undefined) this.#send(bytes);
  }

  sendAfterCommit(): void {
    const bytes = this.outgoing.takeAfterCommit();
    if (bytes !== undefined) this.#send(bytes);
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
    this.#handedOver += bytes.length;
    this.#sentSinceHeard += bytes.length;
    this.#unsent += bytes.length;
    if (this.#handedOver - this.#lookedAt >= lookEveryBytes) this.look();
  }

  get isClosed(): boolean {
    return this.#isClosed;
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
