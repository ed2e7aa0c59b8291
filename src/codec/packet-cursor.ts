// Reads one packet's bytes strictly. The first failure sticks and moves the cursor to the end, so a reader walks the
// whole layout without asking after each step and asks `failure` once.

import type { PacketId } from "../core/brand.ts";
import { malformed, protocolError, type Violation } from "../core/violation.ts";
import { parseUtf8 } from "./utf8.ts";

const variableByteIntegerBytes = 4;

/** Big-endian two bytes at `at`, which the caller knows to be there. */
export const uint16At = (bytes: Uint8Array, at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);

export const notUtf8 = (what: string): Violation => malformed(`${what} is not UTF-8 or holds U+0000`, "MQTT-1.5.4-1");

/** [MQTT-2.2.1-3], [MQTT-2.3.1-1 v3.1.1] */
export const zeroPacketId: Violation = protocolError("packet identifier 0", "MQTT-2.2.1-3");

export class PacketCursor {
  readonly bytes: Uint8Array;
  readonly end: number;
  /** How many user properties one list may have: `maximumUserProperties` of the limits. */
  readonly mostUserProperties: number;
  #at: number;
  #failure: Violation | undefined;

  /** Over `bytes[at, end)`, the part of a packet behind its fixed header. */
  constructor(bytes: Uint8Array, at: number, end: number, mostUserProperties: number) {
    this.bytes = bytes;
    this.mostUserProperties = mostUserProperties;
    this.#at = at;
    this.end = end;
  }

  get at(): number {
    return this.#at;
  }

  get atEnd(): boolean {
    return this.#at >= this.end;
  }

  get failure(): Violation | undefined {
    return this.#failure;
  }

  fail(violation: Violation): void {
    this.#failure ??= violation;
    this.#at = this.end;
  }

  /** Fails where bytes are left that no field of the packet accounts for. */
  finish(): Violation | undefined {
    if (!this.atEnd) this.fail(malformed(`${this.end - this.#at} bytes behind the packet's last field`));
    return this.#failure;
  }

  /** Takes `count` bytes and gives their offset, or -1 where the packet is too short. */
  #take(count: number, what: string): number {
    const at = this.#at;
    if (at + count > this.end) {
      this.fail(malformed(`${what} is cut short`));
      return -1;
    }
    this.#at = at + count;
    return at;
  }

  /** A cursor over the next `count` bytes alone, which are taken. Its failures are its own. */
  part(count: number, what: string): PacketCursor {
    const at = this.#take(count, what);
    const [from, to] = at < 0 ? [this.end, this.end] : [at, at + count];
    return new PacketCursor(this.bytes, from, to, this.mostUserProperties);
  }

  byte(what: string): number {
    const at = this.#take(1, what);
    return at < 0 ? 0 : (this.bytes[at] ?? 0);
  }

  uint16(what: string): number {
    const at = this.#take(2, what);
    return at < 0 ? 0 : uint16At(this.bytes, at);
  }

  uint32(what: string): number {
    return this.uint16(what) * 0x1_0000 + this.uint16(what);
  }

  packetId(): PacketId {
    const id = this.uint16("packet identifier");
    if (id === 0) this.fail(zeroPacketId);
    return id as PacketId;
  }

  /** §1.5.5; more bytes than needed are malformed [MQTT-1.5.5-1]. */
  variableByteInteger(what: string): number {
    let value = 0;
    for (let count = 0; count < variableByteIntegerBytes; count += 1) {
      const byte = this.byte(what);
      value |= (byte & 0x7f) << (7 * count);
      if (byte >= 0x80) continue;
      if (byte === 0 && count > 0) break;
      return value;
    }
    this.fail(malformed(`${what} is not a variable byte integer`, "MQTT-1.5.5-1"));
    return 0;
  }

  /** A view of bytes that carry their length in two bytes. */
  binary(what: string): Uint8Array {
    const length = this.uint16(what);
    const at = this.#take(length, what);
    return this.bytes.subarray(at < 0 ? this.end : at, at < 0 ? this.end : at + length);
  }

  string(what: string): string {
    const text = parseUtf8(this.binary(what));
    if (text === undefined) this.fail(notUtf8(what));
    return text ?? "";
  }
}
