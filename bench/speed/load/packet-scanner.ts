// Finds MQTT packets in a stream of bytes. A packet that lies whole in the bytes given is passed on in place; one that
// is cut, by a frame or by TCP, is put together first.

import { u8 } from "./bytes.ts";

export interface PacketSink {
  /** `first` is the packet's first byte; its variable header begins at `at`, its payload ends at `end`. */
  onPacket(bytes: Uint8Array, first: number, at: number, end: number): void;
}

const moreBit = 0x80;
const lengthBits = 0x7f;
const bitsPerLengthByte = 7;
const longestLength = 4;
const initialCarryBytes = 256;

export class PacketScanner {
  readonly #sink: PacketSink;
  #carry = new Uint8Array(initialCarryBytes);
  #fill = 0;
  /** Of the packet that `#measure` looked at last: fixed header, and all of it. */
  #headSize = 0;
  #size = 0;

  constructor(sink: PacketSink) {
    this.#sink = sink;
  }

  scan(bytes: Uint8Array, from: number, to: number): void {
    let at = from;
    while (at < to) {
      if (this.#fill === 0 && this.#measure(bytes, at, to) && at + this.#size <= to) {
        const [start, end] = [at + this.#headSize, at + this.#size];
        this.#sink.onPacket(bytes, u8(bytes, at), start, end);
        at = end;
      } else {
        at = this.#collect(bytes, at, to);
      }
    }
  }

  /** Whether the fixed header is there. */
  #measure(bytes: Uint8Array, at: number, to: number): boolean {
    let length = 0;
    for (let n = 0; n < longestLength; n += 1) {
      if (at + 1 + n >= to) return false;
      const byte = u8(bytes, at + 1 + n);
      length |= (byte & lengthBits) << (n * bitsPerLengthByte);
      if ((byte & moreBit) === 0) {
        this.#headSize = n + 2;
        this.#size = this.#headSize + length;
        return true;
      }
    }
    throw new Error("a packet with a remaining length of more than four bytes");
  }

  /** Takes what the cut packet lacks, and gives where it stopped. */
  #collect(bytes: Uint8Array, from: number, to: number): number {
    let at = from;
    while (!this.#measure(this.#carry, 0, this.#fill)) {
      if (at === to) return at;
      this.#carry[this.#fill] = u8(bytes, at);
      this.#fill += 1;
      at += 1;
    }
    this.#reserve(this.#size);
    const end = Math.min(to, at + this.#size - this.#fill);
    this.#carry.set(bytes.subarray(at, end), this.#fill);
    this.#fill += end - at;
    if (this.#fill === this.#size) {
      this.#fill = 0;
      this.#sink.onPacket(this.#carry, u8(this.#carry, 0), this.#headSize, this.#size);
    }
    return end;
  }

  #reserve(size: number): void {
    if (size <= this.#carry.length) return;
    const larger = new Uint8Array(size);
    larger.set(this.#carry);
    this.#carry = larger;
  }
}
