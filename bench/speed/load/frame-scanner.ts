// Takes WebSocket frames of a server apart, however TCP cut them, and passes the payload on where it lies.

import { u16, u32, u8 } from "./bytes.ts";

export interface FrameSink {
  /** Bytes of a binary message: a piece of one, several in a row. */
  onPayload(bytes: Uint8Array, from: number, to: number): void;
  onPing(payload: Uint8Array): void;
  onClose(code: number): void;
}

/** RFC 6455, section 5.2. */
const opcodes = { continuation: 0, binary: 2, close: 8, ping: 9, pong: 10 } as const;
const finBit = 0x80;
const reservedBits = 0x70;
const opcodeBits = 0x0f;
const maskBit = 0x80;
const [length16, length64] = [126, 127];
const [shortHeader, header16, header64] = [2, 4, 10];
const largestControlPayload = 125;
const closeCodeBytes = 2;
/** RFC 6455, section 7.1.5: what a close without a code counts as. */
const noCode = 1005;

export class FrameScanner {
  readonly #sink: FrameSink;
  readonly #header = new Uint8Array(header64);
  readonly #control = new Uint8Array(largestControlPayload);
  #headerFill = 0;
  #controlFill = 0;
  #opcode = 0;
  /** Of the frame's payload, still to come. */
  #left = 0;
  #isInsideMessage = false;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  scan(bytes: Uint8Array, from: number, to: number): void {
    let at = from;
    while (at < to) {
      if (this.#left > 0) {
        const end = Math.min(to, at + this.#left);
        this.#left -= end - at;
        this.#onPiece(bytes, at, end);
        at = end;
      } else {
        this.#onHeaderByte(u8(bytes, at));
        at += 1;
      }
    }
  }

  #onHeaderByte(byte: number): void {
    this.#header[this.#headerFill] = byte;
    this.#headerFill += 1;
    if (this.#headerFill < shortHeader) return;
    const short = u8(this.#header, 1);
    if ((short & maskBit) !== 0) throw new Error("a masked frame from a server");
    const size = short === length16 ? header16 : short === length64 ? header64 : shortHeader;
    if (this.#headerFill < size) return;
    this.#headerFill = 0;
    this.#left = short === length16 ? u16(this.#header, 2) : short === length64 ? this.#length64() : short;
    this.#onHeader(u8(this.#header, 0));
  }

  #length64(): number {
    return u32(this.#header, 2) * 2 ** 32 + u32(this.#header, 6);
  }

  #onHeader(first: number): void {
    if ((first & reservedBits) !== 0) throw new Error("a frame with an extension that was not agreed on");
    this.#opcode = first & opcodeBits;
    const isFinal = (first & finBit) !== 0;
    switch (this.#opcode) {
      case opcodes.binary:
      case opcodes.continuation:
        if (this.#isInsideMessage !== (this.#opcode === opcodes.continuation)) throw new Error("a frame out of turn");
        this.#isInsideMessage = !isFinal;
        return;
      case opcodes.close:
      case opcodes.ping:
      case opcodes.pong:
        if (!isFinal || this.#left > largestControlPayload) throw new Error("a control frame of more than one piece");
        this.#controlFill = 0;
        if (this.#left === 0) this.#onControl();
        return;
      default:
        throw new Error(`a frame with opcode ${this.#opcode}`);
    }
  }

  #onPiece(bytes: Uint8Array, from: number, to: number): void {
    if (this.#opcode <= opcodes.binary) {
      this.#sink.onPayload(bytes, from, to);
      return;
    }
    this.#control.set(bytes.subarray(from, to), this.#controlFill);
    this.#controlFill += to - from;
    if (this.#left === 0) this.#onControl();
  }

  #onControl(): void {
    const payload = this.#control.slice(0, this.#controlFill);
    if (this.#opcode === opcodes.ping) this.#sink.onPing(payload);
    if (this.#opcode === opcodes.close) this.#sink.onClose(payload.length < closeCodeBytes ? noCode : u16(payload, 0));
  }
}
