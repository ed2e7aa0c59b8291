// The decoder held to `mqtt-packet`: packet for packet, and error for error but for the gaps that it is there to fill.

import { isUtf8 } from "node:buffer";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Packet } from "mqtt-packet";
import type { Acknowledgement, ClientPacket, ProtocolVersion, Publish } from "../../../src/core/packet.ts";
import type { Violation } from "../../../src/core/violation.ts";
import { encodePacket } from "../../../src/codec/encode.ts";
import { PacketDecoder } from "../../../src/codec/packet-decoder.ts";
import { frames, packetId, publish, text, version } from "./arbitraries.ts";
import { referenceDecode, referenceEncode } from "./reference.ts";
import { bytes, concat, decodeAll, decodeOne, drain, hex, maximumPacketSize, packet } from "./wire.ts";

type Fields = Record<string, unknown>;

/** A hot packet in the library's terms, without what the library alone has. */
function toLibraryTerms(decoded: ClientPacket): Fields {
  switch (decoded.kind) {
    case "publish":
      return publishTerms(decoded);
    case "puback":
    case "pubrec":
    case "pubrel":
    case "pubcomp":
      return { cmd: decoded.kind, messageId: decoded.packetId, reasonCode: decoded.reasonCode ?? 0 };
    default:
      return { cmd: decoded.kind };
  }
}

const publishTerms = (decoded: Publish): Fields => ({
  cmd: "publish",
  topic: decoded.topicName,
  qos: decoded.qos,
  dup: decoded.dup,
  retain: decoded.retain,
  messageId: decoded.packetId,
  payload: hex(decoded.payload),
});

function reduced(reference: Packet): Fields {
  switch (reference.cmd) {
    case "publish": {
      const { topic, qos, dup, retain, messageId } = reference;
      return { cmd: "publish", topic, qos, dup, retain, messageId, payload: hex(reference.payload as Uint8Array) };
    }
    case "puback":
    case "pubrec":
    case "pubrel":
    case "pubcomp":
      return { cmd: reference.cmd, messageId: reference.messageId, reasonCode: reference.reasonCode ?? 0 };
    default:
      return { cmd: reference.cmd };
  }
}

const refused = "refused";

function ofDecoder(decoded: ClientPacket | Violation | undefined): Fields | typeof refused {
  if (decoded === undefined) throw new Error("a whole packet gives something");
  return decoded.kind === "violation" ? refused : toLibraryTerms(decoded);
}

const ofReference = (reference: Packet | Error): Fields | typeof refused =>
  reference instanceof Error ? refused : reduced(reference);

/** With the payload in a form that compares fast. */
const comparable = (decoded: ClientPacket | Violation | undefined): unknown =>
  decoded?.kind === "publish" ? { ...decoded, payload: hex(decoded.payload) } : decoded;

const uint16 = (body: Uint8Array, at: number): number => ((body[at] ?? 0) << 8) | (body[at + 1] ?? 0);

/** What the library lets pass and the standard does not, in a PUBLISH whose topic fits. */
function publishGap(flags: number, body: Uint8Array): boolean {
  const topicEnd = 2 + uint16(body, 0);
  const topic = body.slice(2, topicEnd);
  const qos = (flags >> 1) & 3;
  if (!isUtf8(topic) || topic.includes(0)) return true;
  if (qos === 0) return (flags & 8) !== 0;
  return topicEnd + 2 > body.length || uint16(body, topicEnd) === 0;
}

function libraryGap(first: number, body: Uint8Array): boolean {
  if (first >> 4 === 3) return publishGap(first & 0x0f, body);
  if (first === 0xc0) return body.length !== 0;
  return body.length !== 2 || uint16(body, 0) === 0;
}

const hotFirstByte = fc.oneof(
  fc.integer({ min: 0x30, max: 0x3f }),
  fc.constantFrom(0x40, 0x50, 0x62, 0x70, 0xc0),
  fc.integer({ min: 0x40, max: 0x7f }),
);
const fewBytes = fc.uint8Array({ maxLength: 6 });
const topicBytes = fc.oneof(
  text.map((topic) => bytes(topic)),
  fewBytes.map((topic) => bytes([0, topic.length], topic)),
);
const hotBody = fc.oneof(
  fc.uint8Array({ maxLength: 12 }),
  fc.tuple(topicBytes, fewBytes).map(([topic, rest]) => bytes(topic, rest)),
);

describe("the fast path is mqtt-packet's equal", () => {
  test("in MQTT 3.1.1, for any bytes", () => {
    fc.assert(
      fc.property(hotFirstByte, hotBody, (first, body) => {
        const frame = packet(first, body);
        const reference = libraryGap(first, body) ? refused : ofReference(referenceDecode(frame, 4));
        expect(ofDecoder(decodeOne(4, frame))).toEqual(reference);
      }),
      { numRuns: 2000 },
    );
  });

  test("in MQTT 5 without properties, for any bytes", () => {
    const id = fc.constantFrom([0, 0], [0, 1], [0xff, 0xff]);
    fc.assert(
      fc.property(fc.integer({ min: 0x30, max: 0x3f }), topicBytes, id, fewBytes, (first, topic, packetId_, rest) => {
        const head = (first & 6) === 0 ? topic : bytes(topic, packetId_);
        const frame = packet(first, head, 0, rest);
        const reference = libraryGap(first, head) ? refused : ofReference(referenceDecode(frame, 5));
        expect(ofDecoder(decodeOne(5, frame))).toEqual(reference);
      }),
      { numRuns: 2000 },
    );
  });

  test("in MQTT 5, for any bytes: what it refuses we refuse, and what we take it takes alike", () => {
    fc.assert(
      fc.property(hotFirstByte, hotBody, (first, body) => {
        const frame = packet(first, body);
        const ours = ofDecoder(decodeOne(5, frame));
        const reference = ofReference(referenceDecode(frame, 5));
        expect(ours).toEqual(ours === refused ? refused : reference);
        expect(reference === refused && ours !== refused).toBe(false);
      }),
      { numRuns: 2000 },
    );
  });

  test("for every PUBLISH that there can be", () => {
    fc.assert(
      fc.property(version, publish, (protocolVersion, sent) => {
        const known = clientSide(sent, protocolVersion);
        const frame = encodePacket(known, protocolVersion);
        expect(comparable(decodeOne(protocolVersion, frame))).toEqual(comparable(known));
        expect(ofReference(referenceDecode(frame, protocolVersion))).toEqual(publishTerms(known));
      }),
      { numRuns: 300 },
    );
  });

  test("for every acknowledgement that there can be", () => {
    const kind = fc.constantFrom<Acknowledgement["kind"]>("puback", "pubrec", "pubrel", "pubcomp");
    fc.assert(
      fc.property(version, kind, packetId, (protocolVersion, cmd, id) => {
        const frame = referenceEncode({ cmd, messageId: id }, 4);
        expect(decodeOne(protocolVersion, frame)).toEqual({ kind: cmd, packetId: id });
      }),
    );
  });
});

/** Without what only a server sends, and in MQTT 3 without properties. */
function clientSide(sent: Publish, protocolVersion: ProtocolVersion): Publish {
  const { properties, ...rest } = sent;
  const { subscriptionIdentifiers: _, ...own } = properties ?? {};
  return protocolVersion === 5 && Object.keys(own).length > 0 ? { ...rest, properties: own } : rest;
}

describe("frames do not matter", () => {
  const connect = packet(0x10, "MQTT", 5, 0xc6, [0, 9], 0, "c", 0, "w", [0, 1, 1], "u", [0, 1, 1]);
  const subscribe = packet(0x82, [0, 9], 0, "a/#", 1, "b", 2);
  const stream = fc
    .array(
      fc.oneof(
        publish.map((sent) => encodePacket(clientSide(sent, 5), 5)),
        fc.constantFrom(connect, subscribe, packet(0xc0), packet(0xe0)),
      ),
      { maxLength: 6 },
    )
    .map((packets) => concat(connect, ...packets));

  test("the same packets come however the bytes are cut", () => {
    const cut = stream.chain((whole) => frames(whole).map((pieces) => ({ whole, pieces })));
    fc.assert(
      fc.property(cut, ({ whole, pieces }) => {
        expect(decodeAll(undefined, ...pieces).map(comparable)).toEqual(decodeAll(undefined, whole).map(comparable));
      }),
    );
  });

  test("and with a hibernation between any two of them", () => {
    const cut = stream.chain((whole) => frames(whole).map((pieces) => ({ whole, pieces })));
    fc.assert(
      fc.property(cut, ({ whole, pieces }) => {
        let decoder = new PacketDecoder({ maximumPacketSize });
        const seen = pieces.flatMap((piece) => {
          decoder.push(piece);
          const packets = drain(decoder);
          const { partial, protocolVersion } = decoder;
          decoder = new PacketDecoder({
            maximumPacketSize,
            ...(protocolVersion === undefined ? undefined : { protocolVersion }),
          });
          decoder.push(partial);
          return packets;
        });
        expect(seen.map(comparable)).toEqual(decodeAll(undefined, whole).map(comparable));
      }),
    );
  });

  test("bytes that are wrong anywhere never throw, and give the same however they are cut", () => {
    const damaged = fc
      .tuple(stream, fc.nat(), fc.integer({ min: 0, max: 255 }), fc.uint8Array({ maxLength: 4 }))
      .map(([whole, at, value, rest]) =>
        concat(whole.slice(0, 400).with(at % Math.min(whole.length, 400), value), rest),
      )
      .chain((whole) => frames(whole).map((pieces) => ({ whole, pieces })));
    fc.assert(
      fc.property(damaged, ({ whole, pieces }) => {
        expect(decodeAll(undefined, ...pieces).map(comparable)).toEqual(decodeAll(undefined, whole).map(comparable));
      }),
      { numRuns: 1000 },
    );
  });

  test("cold packets with random bodies never throw", () => {
    const first = fc.constantFrom(0x10, 0x82, 0xa2, 0xe0, 0xf0);
    fc.assert(
      fc.property(version, first, hotBody, (protocolVersion, firstByte, body) => {
        expect(decodeOne(protocolVersion, packet(firstByte, body))).toBeDefined();
      }),
      { numRuns: 2000 },
    );
  });
});
