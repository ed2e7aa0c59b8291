// Packets as bytes, for the tests of the codec: written by hand but for lengths, so that the codec cannot vouch for itself.

import { Buffer } from "node:buffer";
import type { ClientPacket, ProtocolVersion } from "../../../src/core/packet.ts";
import type { Violation } from "../../../src/core/violation.ts";
import { PacketDecoder } from "../../../src/codec/packet-decoder.ts";

export const maximumPacketSize = 1024 * 1024;

type Part = number | string | Uint8Array | readonly number[];

const partBytes = (part: Part): readonly number[] => {
  if (typeof part === "number") return [part];
  // A string stands with its length in front, as MQTT writes it.
  if (typeof part === "string") return stringBytes(part);
  return [...part];
};

const stringBytes = (text: string): readonly number[] => {
  const bytes = new TextEncoder().encode(text);
  return [bytes.length >> 8, bytes.length & 0xff, ...bytes];
};

export const bytes = (...parts: Part[]): Uint8Array => Uint8Array.from(parts.flatMap(partBytes));

export function variableByteInteger(value: number): readonly number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...variableByteInteger(value >>> 7)];
}

/** A packet: first byte, remaining length, and the parts (numbers are bytes, strings carry their length). */
export function packet(first: number, ...parts: Part[]): Uint8Array {
  const body = bytes(...parts);
  return bytes(first, variableByteInteger(body.length), body);
}

export const concat = (...chunks: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(chunks));

/** For comparing long ones, which is slow byte by byte. */
export const hex = (some: Uint8Array): string => Buffer.from(some).toString("hex");

export function drain(decoder: PacketDecoder): (ClientPacket | Violation)[] {
  const seen: (ClientPacket | Violation)[] = [];
  for (;;) {
    const next = decoder.next();
    if (next !== undefined) seen.push(next);
    if (next === undefined || next.kind === "violation") return seen;
  }
}

/** Everything that a decoder makes of these frames; stops at a violation. */
export function decodeAll(
  version: ProtocolVersion | undefined,
  ...frames: readonly Uint8Array[]
): (ClientPacket | Violation)[] {
  const seen: (ClientPacket | Violation)[] = [];
  const decoder = new PacketDecoder({
    maximumPacketSize,
    ...(version === undefined ? undefined : { protocolVersion: version }),
  });
  for (const frame of frames) {
    decoder.push(frame);
    seen.push(...drain(decoder));
    if (seen.at(-1)?.kind === "violation") break;
  }
  return seen;
}

/** What a decoder makes of one packet. */
export const decodeOne = (
  version: ProtocolVersion | undefined,
  frame: Uint8Array,
): ClientPacket | Violation | undefined => decodeAll(version, frame)[0];

export const everyVersion = [3, 4, 5] as const;
