// Client frames in one buffer that goes to the socket in one write. The mask key is zero: to the server it is a mask
// like any other, and it leaves the bytes as they are.

import type { Socket } from "node:net";
import { putU16, putU32 } from "./bytes.ts";

const finalBinary = 0x82;
const finalPong = 0x8a;
const maskBit = 0x80;
const [length16, length64] = [126, 127];
const longestShort = 125;
const longest16 = 0xffff;
const [shortHeader, header16, header64] = [6, 8, 14];
const initialBytes = 1_024;

export class FrameWriter {
  readonly #socket: Socket;
  #bytes = new Uint8Array(initialBytes);
  #fill = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** The buffer that `frame` last gave a place in. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** Begins a frame; its payload of `length` bytes is to be written into `bytes` from the position given back. */
  frame(length: number, first = finalBinary): number {
    const headerSize = length <= longestShort ? shortHeader : length <= longest16 ? header16 : header64;
    this.#reserve(this.#fill + headerSize + length);
    const [bytes, at] = [this.#bytes, this.#fill];
    bytes[at] = first;
    if (headerSize === shortHeader) bytes[at + 1] = maskBit | length;
    else if (headerSize === header16) {
      bytes[at + 1] = maskBit | length16;
      putU16(bytes, at + 2, length);
    } else {
      bytes[at + 1] = maskBit | length64;
      putU32(bytes, at + 2, 0);
      putU32(bytes, at + 6, length);
    }
    const payload = at + headerSize;
    putU32(bytes, payload - 4, 0);
    this.#fill = payload + length;
    return payload;
  }

  send(packet: Uint8Array): void {
    const at = this.frame(packet.length);
    this.#bytes.set(packet, at);
  }

  pong(payload: Uint8Array): void {
    const at = this.frame(payload.length, finalPong);
    this.#bytes.set(payload, at);
  }

  flush(): void {
    if (this.#fill === 0) return;
    this.#socket.write(this.#bytes.subarray(0, this.#fill));
    this.#fill = 0;
    // What the kernel did not take at once still lies in this buffer: it belongs to the socket now.
    if (this.#socket.writableLength > 0) this.#bytes = new Uint8Array(this.#bytes.length);
  }

  #reserve(size: number): void {
    if (size <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(size, 2 * this.#bytes.length));
    larger.set(this.#bytes.subarray(0, this.#fill));
    this.#bytes = larger;
  }
}
