// Bytes of one connection in, packets out. Judges before it buffers: a packet's type, flags and size are known from
// its first bytes, and a bad one is refused there.

import type { ClientPacket, ProtocolVersion } from "../core/packet.ts";
import { reasonCode } from "../core/reason-code.ts";
import { limitPassed, malformed, type Violation } from "../core/violation.ts";
import { ByteFeed } from "./byte-feed.ts";
import { decodeRequest } from "./decode-cold.ts";
import { decodeConnect } from "./decode-connect.ts";
import { decodeAcknowledgement, decodePingreq, decodePublish } from "./decode-hot.ts";
import { readProtocolVersion } from "./judge-connect.ts";
import { PacketCursor } from "./packet-cursor.ts";
import { judgeFirstByte, packetType } from "./packet-type.ts";

const maximumLengthBytes = 4;
const lengthTooLong = malformed("a remaining length of more than four bytes");
const lengthNotMinimal = malformed("a remaining length with more bytes than it needs", "MQTT-1.5.5-1");

/** Whether a whole packet's remaining length ends with a byte that says something [MQTT-1.5.5-1]. */
function isLengthMinimal(packet: Uint8Array): boolean {
  const length = packet.subarray(1, 1 + maximumLengthBytes);
  const last = length.findIndex((byte) => byte < 0x80);
  return last === 0 || length[last] !== 0;
}

export interface PacketDecoderOptions {
  /** Bytes of a whole packet, fixed header included. */
  readonly maximumPacketSize: number;
  /** In one packet; absent: as many as it holds. */
  readonly maximumUserProperties?: number;
  /** Given where CONNECT was seen before: the connection goes on after a hibernation. */
  readonly protocolVersion?: ProtocolVersion;
}

/** Decodes what one client sends. Push a frame, then take packets until `next` gives `undefined`. */
export class PacketDecoder {
  readonly #maximumPacketSize: number;
  readonly #maximumUserProperties: number;
  readonly #feed = new ByteFeed();
  #protocolVersion: ProtocolVersion | undefined;
  #violation: Violation | undefined;
  /** Of the packet at the feed's position, once `#readLength` has found it. */
  #remainingLength = 0;
  #bodyAt = 0;

  constructor(options: PacketDecoderOptions) {
    this.#maximumPacketSize = options.maximumPacketSize;
    this.#maximumUserProperties = options.maximumUserProperties ?? Infinity;
    this.#protocolVersion = options.protocolVersion;
  }

  /**
   * The version of the first CONNECT; known as soon as its protocol name and level were, even if the rest was bad. For
   * a level that does not exist the version in whose form its client is told so.
   */
  get protocolVersion(): ProtocolVersion | undefined {
    return this.#protocolVersion;
  }

  /** Whether an incomplete packet waits for more bytes. */
  get hasPartial(): boolean {
    return this.#feed.length > 0;
  }

  /** Bytes that were pushed and that no packet has taken. */
  get unread(): number {
    return this.#feed.length;
  }

  /**
   * A copy of the bytes of an incomplete packet (with everything that `next` has not been asked for), to be saved
   * before a hibernation: pushed into a new decoder they continue this one. At most `maximumPacketSize` once `next`
   * has given `undefined`.
   */
  get partial(): Uint8Array<ArrayBuffer> {
    return this.#feed.rest();
  }

  /**
   * Adds what a frame brought. The decoder reads it in place: the bytes must not change until `next` has given
   * `undefined` (then what is left over has been copied), and as long as the payload of a PUBLISH is in use, which is
   * a view of them. Frames of a WebSocket are buffers of their own, so views are safe, but a payload that is kept for
   * long should be copied, for it keeps its whole frame in memory. Every other byte array handed out is a copy.
   */
  push(bytes: Uint8Array): void {
    if (this.#violation === undefined) this.#feed.push(bytes);
  }

  /** The next packet; `undefined` where more bytes are needed; after a violation that violation, for ever. */
  next(): ClientPacket | Violation | undefined {
    if (this.#violation !== undefined) return this.#violation;
    const feed = this.#feed;
    if (feed.length === 0) return this.#needMore();
    const first = feed.bytes[feed.at] ?? 0;
    const refusal = judgeFirstByte(first, this.#protocolVersion) ?? this.#readLength();
    if (refusal !== undefined) return this.#fail(refusal);
    const end = this.#bodyAt + this.#remainingLength;
    if (this.#bodyAt === 0 || end > feed.end) return this.#needMore();
    const packet = this.#decode(first, end);
    feed.at = end;
    return packet.kind === "violation" ? this.#fail(packet) : packet;
  }

  #needMore(): undefined {
    this.#feed.keep();
    return undefined;
  }

  #fail(violation: Violation): Violation {
    this.#violation = violation;
    this.#feed.at = this.#feed.end;
    this.#feed.keep();
    return violation;
  }

  /** Reads the remaining length and judges the packet's size by it. `#bodyAt` stays 0 where its bytes are not all there. */
  #readLength(): Violation | undefined {
    const { bytes, at, end } = this.#feed;
    this.#bodyAt = 0;
    let length = 0;
    for (let count = 0; count < maximumLengthBytes; count += 1) {
      const index = at + 1 + count;
      if (index >= end) return undefined;
      const byte = bytes[index] ?? 0;
      length |= (byte & 0x7f) << (7 * count);
      if (byte >= 0x80) continue;
      // [MQTT-1.5.5-1]; MQTT 3 does not demand it.
      if (byte === 0 && count > 0 && this.#protocolVersion === 5) return lengthNotMinimal;
      return this.#setLength(length, index + 1);
    }
    return lengthTooLong;
  }

  #setLength(length: number, bodyAt: number): Violation | undefined {
    this.#remainingLength = length;
    this.#bodyAt = bodyAt;
    const size = bodyAt - this.#feed.at + length;
    if (size <= this.#maximumPacketSize) return undefined;
    return limitPassed("maximumPacketSize", reasonCode.packetTooLarge, `a packet of ${size} bytes`);
  }

  #decode(first: number, end: number): ClientPacket | Violation {
    const version = this.#protocolVersion;
    const mostUserProperties = this.#maximumUserProperties;
    const type = first >> 4;
    if (type === packetType.connect || version === undefined) return this.#decodeConnect(end);
    const { bytes } = this.#feed;
    const at = this.#bodyAt;
    switch (type) {
      case packetType.publish:
        return decodePublish(first, bytes, at, end, version, mostUserProperties);
      case packetType.puback:
      case packetType.pubrec:
      case packetType.pubrel:
      case packetType.pubcomp:
        return decodeAcknowledgement(type, bytes, at, end, version, mostUserProperties);
      case packetType.pingreq:
        return decodePingreq(end - at);
      default:
        return this.#decodeRequest(end, version);
    }
  }

  #decodeConnect(end: number): ClientPacket | Violation {
    const { bytes, at } = this.#feed;
    const packet = bytes.subarray(at, end);
    const body = new PacketCursor(packet, this.#bodyAt - at, packet.length, this.#maximumUserProperties);
    const version = readProtocolVersion(body);
    if (typeof version === "number") {
      this.#protocolVersion ??= version;
      // When the length was read, the version that demands it was not known.
      return version === 5 && !isLengthMinimal(packet) ? lengthNotMinimal : decodeConnect(body, version);
    }
    if (version.kind === "violation") return version;
    this.#protocolVersion ??= version.answerIn;
    return version.violation;
  }

  #decodeRequest(end: number, version: ProtocolVersion): ClientPacket | Violation {
    const { bytes, at } = this.#feed;
    return decodeRequest(bytes.subarray(at, end), this.#bodyAt - at, version, this.#maximumUserProperties);
  }
}
