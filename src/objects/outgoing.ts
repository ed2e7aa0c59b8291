// What waits to leave on one socket: packets joined to one WebSocket message per flush. Hot path: one copy per packet.

import type { Leaves } from "../core/effect.ts";

const initialBytes = 512;
/** A buffer that grew beyond this is not kept for the next flush: thousands of sockets would add up. */
const keptBytes = 4 * 1024;

export class Outgoing {
  #buffer: Uint8Array<ArrayBuffer> | undefined;
  #length = 0;
  /** Where the part begins that may leave only after the commit; -1: nowhere. */
  #gatedFrom = -1;

  get length(): number {
    return this.#length;
  }

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  get isGated(): boolean {
    return this.#gatedFrom >= 0;
  }

  /** First in, first out: behind a packet that waits for the commit everything waits. */
  append(bytes: Uint8Array, leaves: Leaves): void {
    if (leaves === "after-commit" && this.#gatedFrom < 0) this.#gatedFrom = this.#length;
    const buffer = this.#room(bytes.length);
    buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Sends the part that may leave before the commit. */
  sendAtOnce(send: (bytes: Uint8Array<ArrayBuffer>) => void): void {
    if (this.#buffer === undefined) return;
    const end = this.#gatedFrom < 0 ? this.#length : this.#gatedFrom;
    if (end > 0) send(this.#buffer.subarray(0, end));
    if (this.#gatedFrom < 0) this.clear();
  }

  /** Sends what waited for the commit. */
  sendAfterCommit(send: (bytes: Uint8Array<ArrayBuffer>) => void): void {
    if (this.#buffer !== undefined && this.#gatedFrom >= 0 && this.#length > this.#gatedFrom) {
      send(this.#buffer.subarray(this.#gatedFrom, this.#length));
    }
    this.clear();
  }

  clear(): void {
    if (this.#buffer !== undefined && this.#buffer.length > keptBytes) this.#buffer = undefined;
    this.#length = 0;
    this.#gatedFrom = -1;
  }

  #room(count: number): Uint8Array<ArrayBuffer> {
    const needed = this.#length + count;
    const buffer = this.#buffer ?? new Uint8Array(Math.max(initialBytes, needed));
    this.#buffer = buffer;
    if (needed <= buffer.length) return buffer;
    const grown = new Uint8Array(Math.max(needed, buffer.length * 2));
    grown.set(buffer.subarray(0, this.#length));
    this.#buffer = grown;
    return grown;
  }
}
