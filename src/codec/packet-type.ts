// The fixed header's first byte (§2.1): packet types, their flags, and what of it a server must refuse.

import type { ProtocolVersion } from "../core/packet.ts";
import { malformed, protocolError, type Violation } from "../core/violation.ts";

/** Packet types of §2.1.2, in the upper four bits of a packet's first byte. */
export const packetType = {
  connect: 1,
  connack: 2,
  publish: 3,
  puback: 4,
  pubrec: 5,
  pubrel: 6,
  pubcomp: 7,
  subscribe: 8,
  suback: 9,
  unsubscribe: 10,
  unsuback: 11,
  pingreq: 12,
  pingresp: 13,
  disconnect: 14,
  auth: 15,
} as const;

export const flag = { retain: 0x01, qosShift: 1, qosMask: 0x03, dup: 0x08 } as const;

/** The flags of PUBREL, SUBSCRIBE and UNSUBSCRIBE; 3.1 calls them "QoS 1" and lets a repeat carry DUP. */
const reservedQos1 = 0x02;

interface TypeRule {
  readonly name: string;
  /** The value that the reserved flags must have; absent where they mean something. */
  readonly flags?: number;
  readonly serverOnly?: true;
}

const typeRules: readonly (TypeRule | undefined)[] = [
  undefined, // 0 is forbidden
  { name: "CONNECT", flags: 0 },
  { name: "CONNACK", serverOnly: true },
  { name: "PUBLISH" },
  { name: "PUBACK", flags: 0 },
  { name: "PUBREC", flags: 0 },
  { name: "PUBREL", flags: reservedQos1 }, // [MQTT-3.6.1-1]
  { name: "PUBCOMP", flags: 0 },
  { name: "SUBSCRIBE", flags: reservedQos1 }, // [MQTT-3.8.1-1]
  { name: "SUBACK", serverOnly: true },
  { name: "UNSUBSCRIBE", flags: reservedQos1 }, // [MQTT-3.10.1-1]
  { name: "UNSUBACK", serverOnly: true },
  { name: "PINGREQ", flags: 0 },
  { name: "PINGRESP", serverOnly: true },
  { name: "DISCONNECT", flags: 0 }, // [MQTT-3.14.1-1]
  { name: "AUTH", flags: 0 }, // [MQTT-3.15.1-1]
];

function judgePublishFlags(flags: number): Violation | undefined {
  const qos = (flags >> flag.qosShift) & flag.qosMask;
  if (qos === 3) return malformed("PUBLISH with QoS 3", "MQTT-3.3.1-4");
  const dup = (flags & flag.dup) !== 0;
  // [MQTT-3.3.1-2] DUP is 0 for QoS 0.
  return dup && qos === 0 ? malformed("PUBLISH with DUP and QoS 0", "MQTT-3.3.1-2") : undefined;
}

function judgeReservedFlags(rule: TypeRule, flags: number, version: ProtocolVersion): Violation | undefined {
  // MQTT 3.1 §2.1: a client may set DUP when it repeats PUBREL, SUBSCRIBE or UNSUBSCRIBE.
  const mayRepeat = version === 3 && rule.flags === reservedQos1;
  const significant = mayRepeat ? flags & ~flag.dup : flags;
  // [MQTT-2.1.3-1], [MQTT-2.2.2-2 v3.1.1]
  return significant === rule.flags
    ? undefined
    : malformed(`reserved flags of ${rule.name} are ${flags}`, "MQTT-2.1.3-1");
}

function judgeFirstByteFor(byte: number, version: ProtocolVersion): Violation | undefined {
  const type = byte >> 4;
  const rule = typeRules[type];
  if (rule === undefined || (type === packetType.auth && version !== 5)) {
    return malformed(`packet type ${type} is reserved`);
  }
  if (rule.serverOnly) return protocolError(`${rule.name} is sent by servers only`);
  const flags = byte & 0x0f;
  return rule.flags === undefined ? judgePublishFlags(flags) : judgeReservedFlags(rule, flags, version);
}

const everyByte = Array.from({ length: 256 }, (_, byte) => byte);
const tableFor = (version: ProtocolVersion): readonly (Violation | undefined)[] =>
  everyByte.map((byte) => judgeFirstByteFor(byte, version));
const tables = { 3: tableFor(3), 4: tableFor(4), 5: tableFor(5) } as const;

const connectFirst = protocolError("the first packet is not CONNECT", "MQTT-3.1.0-1");

/**
 * Judges a packet by its first byte alone, before anything is buffered for it. A look-up, for it runs for every packet.
 *
 * @param version `undefined` before CONNECT, when nothing else may come [MQTT-3.1.0-1].
 */
export function judgeFirstByte(byte: number, version: ProtocolVersion | undefined): Violation | undefined {
  if (version !== undefined) return tables[version][byte];
  return byte >> 4 === packetType.connect ? tables[4][byte] : connectFirst;
}

/** The packet type's name, for details of violations. */
export const packetTypeName = (type: number): string => typeRules[type]?.name ?? `type ${type}`;
