// Writes packets into one buffer that is used again and again: the finished packet is the only allocation.

const encoder = new TextEncoder();
const maximumStringBytes = 0xffff;
const maximumVariableByteInteger = 0x0fff_ffff;
/** A UTF-16 unit takes three bytes of UTF-8 at most. */
const utf8BytesPerUnit = 3;
/** Type and flags, and at most four bytes of remaining length: kept free in front, filled when the length is known. */
const fixedHeaderRoom = 5;
/** Up to here a loop is faster than the encoder (UTF-16 units; workerd, November 2026). */
const shortText = 64;

/** Writes a big-endian number of two bytes. */
export function setUint16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >> 8;
  bytes[at + 1] = value & 0xff;
}

/** Writes a big-endian number of four bytes. */
export function setUint32(bytes: Uint8Array, at: number, value: number): void {
  setUint16(bytes, at, value >>> 16);
  setUint16(bytes, at + 2, value & 0xffff);
}

/** Bytes of a number as a variable byte integer (§1.5.5). */
function sizeOfVarint(value: number): number {
  if (value > maximumVariableByteInteger) throw new RangeError(`not a variable byte integer: ${value}`);
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : 4;
}

function setVarint(bytes: Uint8Array, at: number, value: number): number {
  let rest = value;
  let next = at;
  for (; rest >= 0x80; rest >>>= 7) bytes[next++] = (rest & 0x7f) | 0x80;
  bytes[next] = rest;
  return next + 1;
}

export class PacketWriter {
  #bytes = new Uint8Array(256);
  #at = fixedHeaderRoom;

  /** Begins a new packet. */
  reset(): this {
    this.#at = fixedHeaderRoom;
    return this;
  }

  /** Bytes written since `reset`. */
  get length(): number {
    return this.#at - fixedHeaderRoom;
  }

  /** What was written since `reset`, valid until the next write. */
  get view(): Uint8Array {
    return this.#bytes.subarray(fixedHeaderRoom, this.#at);
  }

  #room(count: number): void {
    const needed = this.#at + count;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(2 * needed);
    grown.set(this.#bytes);
    this.#bytes = grown;
  }

  byte(value: number): this {
    this.#room(1);
    this.#bytes[this.#at++] = value;
    return this;
  }

  uint16(value: number): this {
    this.#room(2);
    setUint16(this.#bytes, this.#at, value);
    this.#at += 2;
    return this;
  }

  uint32(value: number): this {
    return this.uint16(value >>> 16).uint16(value & 0xffff);
  }

  varint(value: number): this {
    this.#room(sizeOfVarint(value));
    this.#at = setVarint(this.#bytes, this.#at, value);
    return this;
  }

  raw(value: Uint8Array): this {
    this.#room(value.length);
    this.#bytes.set(value, this.#at);
    this.#at += value.length;
    return this;
  }

  /** Bytes with their length in front (§1.5.6). */
  binary(value: Uint8Array): this {
    if (value.length > maximumStringBytes) throw new RangeError(`binary data of ${value.length} bytes`);
    return this.uint16(value.length).raw(value);
  }

  /** UTF-8 with its length in front (§1.5.4). */
  string(text: string): this {
    this.#room(2 + utf8BytesPerUnit * text.length);
    const written = text.length <= shortText ? this.#text(text) : this.#encode(text);
    if (written > maximumStringBytes) throw new RangeError(`a string of ${written} bytes`);
    setUint16(this.#bytes, this.#at, written);
    this.#at += 2 + written;
    return this;
  }

  /** Writes the text where the string's begins; gives its bytes. Most texts are short and ASCII. */
  #text(text: string): number {
    const bytes = this.#bytes;
    const at = this.#at + 2;
    for (let i = 0; i < text.length; i += 1) {
      const unit = text.charCodeAt(i);
      if (unit > 0x7f) return this.#encode(text);
      bytes[at + i] = unit;
    }
    return text.length;
  }

  #encode(text: string): number {
    return encoder.encodeInto(text, this.#bytes.subarray(this.#at + 2)).written;
  }

  /** The packet: fixed header, what was written since `reset`, `payload`; in `used` where it has just that size. */
  finish(firstByte: number, payload: Uint8Array, used?: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    const remaining = this.length + payload.length;
    const start = fixedHeaderRoom - 1 - sizeOfVarint(remaining);
    this.#bytes[start] = firstByte;
    setVarint(this.#bytes, start + 1, remaining);
    const head = this.#at - start;
    const packet = used?.length === head + payload.length ? used : new Uint8Array(head + payload.length);
    for (let i = 0; i < head; i += 1) packet[i] = this.#bytes[start + i] ?? 0;
    packet.set(payload, head);
    return packet;
  }
}
