// Takes PINGREQ packets out of a client's byte stream without decoding the rest: a relay answers them itself.

const pingreqFirstByte = 0xc0;
const continuationBit = 0x80;
const lengthBits = 7;
const pingreqLength = 2;
/** A remaining length has at most four bytes [MQTT-1.5.5-1]; more is for the shard to refuse. */
const maximumLengthBytes = 4;

export interface Filtered {
  /** What goes on to the shard; may be empty. */
  readonly forward: Uint8Array;
  readonly pings: number;
}

const none = new Uint8Array(0);

export class PingFilter {
  /** Bytes of the present packet's body that are still to come. */
  #bodyLeft = 0;
  /** A fixed header that was cut off by the end of a frame. */
  #header: Uint8Array = none;
  #isBroken = false;

  /** `frame` is not changed; what is given may be a view of it. */
  feed(frame: Uint8Array): Filtered {
    if (this.#isBroken) return { forward: frame, pings: 0 };
    const bytes = this.#header.length === 0 ? frame : concat(this.#header, frame);
    this.#header = none;
    const pings: number[] = [];
    const end = this.#scan(bytes, pings);
    if (pings.length === 0) return { forward: bytes.subarray(0, end), pings: 0 };
    return { forward: without(bytes.subarray(0, end), pings), pings: pings.length };
  }

  /** Gives where the bytes end that may go on; notes where the PINGREQ packets are. */
  #scan(bytes: Uint8Array, pings: number[]): number {
    let at = 0;
    while (at < bytes.length) {
      if (this.#bodyLeft > 0) {
        const step = Math.min(this.#bodyLeft, bytes.length - at);
        this.#bodyLeft -= step;
        at += step;
        continue;
      }
      const header = readHeader(bytes, at);
      if (header === "broken") {
        this.#isBroken = true;
        return bytes.length;
      }
      if (header === "cut") {
        this.#header = bytes.slice(at);
        return at;
      }
      // One whose length takes more bytes than it needs is for the shard to judge [MQTT-1.5.5-1].
      if (bytes[at] === pingreqFirstByte && header.length === 0 && header.size === pingreqLength) pings.push(at);
      at += header.size;
      this.#bodyLeft = header.length;
    }
    return at;
  }
}

function readHeader(bytes: Uint8Array, at: number): { size: number; length: number } | "cut" | "broken" {
  let length = 0;
  for (let i = 1; i <= maximumLengthBytes; i += 1) {
    const byte = bytes[at + i];
    if (byte === undefined) return "cut";
    length += (byte & ~continuationBit) * 2 ** (lengthBits * (i - 1));
    if ((byte & continuationBit) === 0) return { size: 1 + i, length };
  }
  return "broken";
}

function without(bytes: Uint8Array, pings: readonly number[]): Uint8Array {
  const kept = new Uint8Array(bytes.length - pings.length * pingreqLength);
  let from = 0;
  let to = 0;
  for (const ping of [...pings, bytes.length]) {
    kept.set(bytes.subarray(from, ping), to);
    to += ping - from;
    from = ping + pingreqLength;
  }
  return kept;
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}
