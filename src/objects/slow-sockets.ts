// Clients that do not read what they are sent. It waits in the object's memory, so there are limits: for one socket, for
// all together, and for how long a reader may stop. Looked at a moment after a flush, since right after `send` nothing
// has left yet; and without another packet of the client, which may never come.
//
// Surprise (workerd 1.20261117.1): `close` waits behind what is unsent, and nothing takes that back. It goes when the
// client reads on or its network connection ends; until then it stays in memory, and the object awake.

import type { LimitName, Limits } from "../core/limits.ts";
import { reasonCode } from "../core/reason-code.ts";
import { limitPassed, type Violation } from "../core/violation.ts";
import { leastSoftBytes, type ShardSocket } from "./shard-socket.ts";

const lookAfterMs = 100;
/**
 * Clients that are behind share this part of `MAXIMUM_UNSENT_BYTES`; the rest is for what one flush brings. What those
 * that were closed leave unsent has to fit too, or the object ends for it.
 */
const sharedPart = 3 / 4;
/** Of what is free of it one client may have this part: so it is never used up, however many they are. */
const partOfFree = 1 / 2;
/** From this part of `MAXIMUM_UNSENT_BYTES` on it is counted anew. */
const muchPart = 1 / 2;

export interface SlowSocketsPort {
  readonly limits: Limits;
  all(): Iterable<ShardSocket>;
  /** What waits in memory for this client, before it reaches its socket. */
  queuedBytes(socket: ShardSocket): number;
  /** The same for all clients; what several have in common counts once. */
  queuedBytesInAll(): number;
  /** Runs an input; a throw ends the object. */
  guard(run: () => void): void;
  /** Tells the client, and ends its connection. */
  close(socket: ShardSocket, violation: Violation): void;
  /** The object starts again from storage. */
  abort(fault: unknown): void;
}

/** Since when a socket that is behind has sent nothing, and how much it had sent then. */
interface Standstill {
  drained: number;
  sinceMs: number;
}

export class SlowSockets {
  readonly #port: SlowSocketsPort;
  readonly #behind = new Map<ShardSocket, Standstill>();
  /** Of what each socket had unsent when it was last counted; too high rather than too low. */
  #total = 0;
  #isArmed = false;

  constructor(port: SlowSocketsPort) {
    this.#port = port;
  }

  /** Unsent bytes above which a client is behind: fewer where many are, so that together they stay within the limit. */
  softBytes(waiting = 0): number {
    const { slowConsumerSoftBytes, maximumUnsentBytes } = this.#port.limits;
    const used = this.#total + waiting + this.#port.queuedBytesInAll();
    const most = (maximumUnsentBytes * sharedPart - used) * partOfFree;
    return Math.min(slowConsumerSoftBytes, Math.max(leastSoftBytes, most));
  }

  /** What is counted may have left meanwhile: worth a look at all of them. */
  get #isMuch(): boolean {
    return this.#total + this.#port.queuedBytesInAll() > this.#port.limits.maximumUnsentBytes * muchPart;
  }

  /** A flush has handed over what these sockets had to send. */
  onSent(sockets: readonly ShardSocket[]): void {
    for (const socket of sockets) {
      if (!socket.isTold || socket.counted < 0) continue; // gone: the flush had something for it still
      this.#count(socket);
      this.#watch(socket);
    }
    if (this.#isMuch || this.#behind.size > 0) this.#arm();
  }

  #watch(socket: ShardSocket): void {
    if (socket.unsent <= this.softBytes() || this.#behind.has(socket)) return;
    this.#behind.set(socket, { drained: socket.drained, sinceMs: Date.now() });
  }

  forget(socket: ShardSocket): void {
    this.#behind.delete(socket);
    this.#total -= Math.max(0, socket.counted);
    socket.counted = -1;
  }

  #count(socket: ShardSocket): void {
    this.#total += socket.unsent - socket.counted;
    socket.counted = socket.unsent;
  }

  #arm(): void {
    if (this.#isArmed) return;
    this.#isArmed = true;
    setTimeout(() => {
      this.#isArmed = false;
      this.#port.guard(() => this.#look());
    }, lookAfterMs);
  }

  #look(): void {
    const nowMs = Date.now();
    for (const [socket, standstill] of this.#behind) this.#judge(socket, standstill, nowMs);
    if (this.#isMuch) this.#relieve();
    if (this.#behind.size > 0) this.#arm();
  }

  #judge(socket: ShardSocket, standstill: Standstill, nowMs: number): void {
    const { slowConsumerHardBytes, slowConsumerTimeoutMs } = this.#port.limits;
    const unsent = socket.look();
    this.#count(socket);
    if (unsent <= this.softBytes() || socket.isClosed) {
      this.#behind.delete(socket);
      return;
    }
    if (socket.drained > standstill.drained) {
      standstill.drained = socket.drained;
      standstill.sinceMs = nowMs;
    }
    if (unsent > slowConsumerHardBytes) this.#close(socket, "slowConsumerHardBytes");
    else if (nowMs - standstill.sinceMs >= slowConsumerTimeoutMs) this.#close(socket, "slowConsumerTimeoutMs");
  }

  /**
   * Much in all: looked at as it is now. Where it is too much, those that have most waiting go, until the rest is within
   * the limit. What the closed ones leave unsent counts apart: else each that is closed would drag others along.
   */
  #relieve(): void {
    const { maximumUnsentBytes } = this.#port.limits;
    const open: ShardSocket[] = [];
    let unsent = 0;
    let left = 0;
    for (const socket of this.#port.all()) {
      socket.look();
      this.#count(socket);
      if (socket.isClosed) left += socket.unsent;
      else {
        open.push(socket);
        unsent += socket.unsent;
      }
    }
    for (const socket of open) if (socket.isTold) this.#watch(socket);
    if (left > maximumUnsentBytes) {
      // The platform would end the object for its memory, and with it whatever else shares its isolate.
      this.#port.abort(new Error(`${left} bytes are unsent to clients that were disconnected and read nothing`));
      return;
    }
    const waiting = new Map(open.map((socket) => [socket, socket.unsent + this.#port.queuedBytes(socket)]));
    for (const [socket, bytes] of [...waiting].toSorted(([, a], [, b]) => b - a)) {
      if (bytes === 0 || unsent + this.#port.queuedBytesInAll() <= maximumUnsentBytes) return;
      unsent -= socket.unsent;
      this.#close(socket, "maximumUnsentBytes");
    }
  }

  #close(socket: ShardSocket, limit: LimitName): void {
    this.#behind.delete(socket);
    this.#port.close(socket, limitPassed(limit, reasonCode.quotaExceeded, "the client reads too slowly"));
  }
}
