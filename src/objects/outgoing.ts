// What waits to leave on one socket: packets joined to one WebSocket message per flush. Hot path: one copy per packet.

import type { Leaves } from "../core/effect.ts";
import { giveBuffer, takeBuffer } from "./send-buffers.ts";

/** An acknowledgement that says no more than that. */
export const shortBytes = 4;

export class Outgoing {
  #buffer: Uint8Array<ArrayBuffer> | undefined;
  #length = 0;
  /** As much as waited the last time: what waits next is often as long, and so is not moved as it grows. */
  #usual = 0;
  /** Where the part begins that may leave only after the commit; -1: nowhere. */
  #gatedFrom = -1;

  get length(): number {
    return this.#length;
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

  /** A packet of four bytes: the second is 2, the rest a packet identifier. */
  appendShort(first: number, packetId: number, leaves: Leaves): void {
    if (leaves === "after-commit" && this.#gatedFrom < 0) this.#gatedFrom = this.#length;
    const at = this.#length;
    const buffer = this.#room(shortBytes);
    buffer[at] = first;
    buffer[at + 1] = 2;
    buffer[at + 2] = packetId >> 8;
    buffer[at + 3] = packetId & 0xff;
    this.#length = at + shortBytes;
  }

  /** Takes the part that may leave before the commit; valid until the next `append` to any socket. */
  takeAtOnce(): Uint8Array<ArrayBuffer> | undefined {
    const isAll = this.#gatedFrom < 0;
    const part = this.#buffer?.subarray(0, isAll ? this.#length : this.#gatedFrom);
    if (isAll) this.clear();
    return part?.length === 0 ? undefined : part;
  }

  /** Takes what waited for the commit; valid until the next `append` to any socket. */
  takeAfterCommit(): Uint8Array<ArrayBuffer> | undefined {
    const part = this.#gatedFrom < 0 ? undefined : this.#buffer?.subarray(this.#gatedFrom, this.#length);
    this.clear();
    return part?.length === 0 ? undefined : part;
  }

  clear(): void {
    if (this.#buffer !== undefined) giveBuffer(this.#buffer);
    this.#buffer = undefined;
    this.#usual = this.#length;
    this.#length = 0;
    this.#gatedFrom = -1;
  }

  #room(count: number): Uint8Array<ArrayBuffer> {
    const needed = this.#length + count;
    const buffer = this.#buffer;
    if (buffer !== undefined && needed <= buffer.length) return buffer;
    const larger = takeBuffer(Math.max(needed, this.#usual));
    if (buffer !== undefined) {
      larger.set(buffer.subarray(0, this.#length));
      giveBuffer(buffer);
    }
    this.#buffer = larger;
    return larger;
  }
}
