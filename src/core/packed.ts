// Reading and writing of packed bytes: the one notation of attachments, chunks, pages and link batches. Every format
// built on it starts with a version byte of its own.

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Most strings are topic names, of less than this and ASCII alone: a call to the encoder costs more. The length is one byte. */
const shortText = 0x7f;

/** Grows as it is written. Integers are unsigned LEB128 up to 2^53-1; strings and byte strings carry their length. */
export class PackedWriter {
  #bytes: Uint8Array;
  #length = 0;

  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  /** Bytes it takes in memory. */
  get capacity(): number {
    return this.#bytes.length;
  }

  /** Empty again, in the room that it has: what `written` gave is written over. */
  reset(): this {
    this.#length = 0;
    return this;
  }

  #room(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }

  byte(value: number): this {
    this.#room(1);
    this.#bytes[this.#length++] = value;
    return this;
  }

  uint(value: number): this {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`not a packable integer: ${value}`);
    this.#room(9);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#length++] = rest;
    return this;
  }

  /** `undefined` is 0, everything else its value plus one. */
  optionalUint(value: number | undefined): this {
    return this.uint(value === undefined ? 0 : value + 1);
  }

  bytes(value: Uint8Array): this {
    this.uint(value.length);
    return this.raw(value);
  }

  /** Without a length: the reader must know it. */
  raw(value: Uint8Array): this {
    this.#room(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
    return this;
  }

  string(value: string): this {
    return value.length <= shortText && this.#ascii(value) ? this : this.bytes(encoder.encode(value));
  }

  /** False, and nothing is written, where a character is not ASCII. */
  #ascii(value: string): boolean {
    this.#room(value.length + 1);
    let at = this.#length;
    this.#bytes[at++] = value.length;
    for (let index = 0; index < value.length; index += 1) {
      const unit = value.charCodeAt(index);
      if (unit >= 0x80) return false;
      this.#bytes[at++] = unit;
    }
    this.#length = at;
    return true;
  }

  /** What was written so far, not a copy: valid until more is written. */
  get written(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** A copy of what was written. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }
}

/** Kept for the next use where it has not grown beyond this. */
const mostScratchBytes = 64 * 1024;

/** One writer for many short runs of bytes, each finished before the next begins. */
export class ScratchWriter {
  #writer = new PackedWriter();

  begin(): PackedWriter {
    if (this.#writer.capacity > mostScratchBytes) this.#writer = new PackedWriter();
    return this.#writer.reset();
  }
}

/** Reads what `PackedWriter` wrote; throws a RangeError where the bytes end too early (a broken row is a bug). */
export class PackedReader {
  readonly #bytes: Uint8Array;
  #at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  get offset(): number {
    return this.#at;
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  byte(): number {
    const value = this.#bytes[this.#at];
    if (value === undefined) throw new RangeError("packed bytes end too early");
    this.#at += 1;
    return value;
  }

  uint(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
  }

  optionalUint(): number | undefined {
    const value = this.uint();
    return value === 0 ? undefined : value - 1;
  }

  /** A view, not a copy. */
  bytes(): Uint8Array {
    return this.raw(this.uint());
  }

  raw(length: number): Uint8Array {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new RangeError("packed bytes end too early");
    const view = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return view;
  }

  string(): string {
    return decoder.decode(this.bytes());
  }
}
