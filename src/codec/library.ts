// The one door to `mqtt-packet`: a whole packet's bytes in, its packet out, and back.

import { Buffer } from "node:buffer";
import { generate, parser, writeToStream, type Packet } from "mqtt-packet";
import type { ProtocolVersion } from "../core/packet.ts";
import { malformed, type Violation } from "../core/violation.ts";

// Else the first packet generated fills a table of 65,536 two-byte buffers, some 10 MB of the isolate's 128.
writeToStream.cacheNumbers = false;

export type LibraryPacket = Packet;
type Received = { readonly packet?: Packet; readonly error?: Error };

/** Parses exactly one packet, already judged: an error here is one that the judge let pass. */
export function parseWithLibrary(bytes: Uint8Array, protocolVersion: ProtocolVersion): Packet | Violation {
  const received: { -readonly [Name in keyof Received]: Received[Name] } = {};
  const once = parser({ protocolVersion });
  once.on("packet", (packet) => (received.packet ??= packet));
  once.on("error", (error: Error) => (received.error ??= error));
  once.parse(toBuffer(bytes));
  if (received.error !== undefined) return malformed(received.error.message);
  return received.packet ?? malformed("the packet ends too early");
}

/** @throws Error for a packet that cannot be put into bytes: a bug of the caller. */
export function generateWithLibrary(packet: Packet, protocolVersion: ProtocolVersion): Uint8Array<ArrayBuffer> {
  const bytes = generate(packet, { protocolVersion });
  if (bytes.length === 0) throw new Error(`cannot encode ${packet.cmd}`);
  // A copy: the library's bytes are a part of Node's shared pool.
  return new Uint8Array(bytes);
}

/** The same bytes, as the class that the library wants. */
export const toBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
