// Judges CONNECT before the library parses it: `mqtt-packet` does not look at the UTF-8, at will QoS 3, at a password
// without a user name or at bytes behind the last field, pairs protocol names with any level, and knows none of the
// tolerances of MQTT 3.1.

import type { ProtocolVersion } from "../core/packet.ts";
import { reasonCode } from "../core/reason-code.ts";
import { malformed, protocolError, refused, type Violation } from "../core/violation.ts";
import type { PacketCursor } from "./packet-cursor.ts";
import type { Properties } from "./properties.ts";
import { readProperties } from "./read-properties.ts";

/** Connect Flags (§3.1.2.3). */
const connectFlag = {
  reserved: 0x01,
  cleanStart: 0x02,
  will: 0x04,
  willQosShift: 3,
  willQosMask: 0x03,
  willQos: 0x18,
  willRetain: 0x20,
  password: 0x40,
  username: 0x80,
} as const;

/** What the judge found that the library does not give. */
export interface JudgedConnect {
  readonly kind: "judged-connect";
  /** Offset of the Connect Flags in the bytes judged. */
  readonly flagsAt: number;
  /** Flags to be read as 0: those that MQTT 3.1 disregards. */
  readonly ignoredFlags: number;
  readonly properties: Properties | undefined;
  readonly willProperties: Properties | undefined;
}

const levels: { readonly [name: string]: readonly ProtocolVersion[] | undefined } = { MQIsdp: [3], MQTT: [4, 5] };
/** Bridges set this bit of the level; they try again without it when they are refused. */
const bridgeBit = 0x80;

/** A level that does not exist, and the version in whose form its client understands the refusal. */
export interface UnknownLevel {
  readonly kind: "unknown-level";
  readonly violation: Violation;
  readonly answerIn: ProtocolVersion;
}

function unknownLevel(name: string, level: number): UnknownLevel {
  // [MQTT-3.1.2-2]: the client is told.
  const violation = refused(reasonCode.unsupportedProtocolVersion, `${name} level ${level}`, "MQTT-3.1.2-2");
  const isNewer = name === "MQTT" && (level & ~bridgeBit) >= 5;
  return { kind: "unknown-level", violation, answerIn: isNewer ? 5 : 4 };
}

/** Reads protocol name and level; the rest can be read only when they are known. */
export function readProtocolVersion(cursor: PacketCursor): ProtocolVersion | UnknownLevel | Violation {
  const name = cursor.string("protocol name");
  if (cursor.failure !== undefined) return cursor.failure;
  const known = Object.hasOwn(levels, name) ? levels[name] : undefined;
  // [MQTT-3.1.2-1]
  if (known === undefined) return protocolError("CONNECT of another protocol", "MQTT-3.1.2-1");
  const level = cursor.byte("protocol level");
  if (cursor.failure !== undefined) return cursor.failure;
  return known.find((candidate) => candidate === level) ?? unknownLevel(name, level);
}

function judgeWillFlags(flags: number): Violation | undefined {
  const willQos = (flags >> connectFlag.willQosShift) & connectFlag.willQosMask;
  // [MQTT-3.1.2-12], [MQTT-3.1.2-14 v3.1.1]
  if (willQos === 3) return malformed("will QoS 3", "MQTT-3.1.2-12");
  if ((flags & connectFlag.will) !== 0) return undefined;
  // [MQTT-3.1.2-11], [MQTT-3.1.2-13 v3.1.1]
  if (willQos !== 0) return malformed("will QoS without a will", "MQTT-3.1.2-11");
  // [MQTT-3.1.2-13], [MQTT-3.1.2-15 v3.1.1]
  return (flags & connectFlag.willRetain) !== 0 ? malformed("will retain without a will", "MQTT-3.1.2-13") : undefined;
}

function judgeFlags(flags: number, version: ProtocolVersion): Violation | undefined {
  // [MQTT-3.1.2-3]
  if ((flags & connectFlag.reserved) !== 0) return malformed("the reserved connect flag is set", "MQTT-3.1.2-3");
  const withPassword = (flags & connectFlag.password) !== 0;
  const withUsername = (flags & connectFlag.username) !== 0;
  // [MQTT-3.1.2-22 v3.1.1]; MQTT 5 allows it.
  if (version !== 5 && withPassword && !withUsername) {
    return malformed("a password without a user name", "MQTT-3.1.2-22 v3.1.1");
  }
  return judgeWillFlags(flags);
}

/** MQTT 3.1 §3.1: the lowest bit is unused, and will QoS and will retain are disregarded where there is no will. */
function disregardedFlags(flags: number, version: ProtocolVersion): number {
  if (version !== 3) return 0;
  const withWill = (flags & connectFlag.will) !== 0;
  return connectFlag.reserved | (withWill ? 0 : connectFlag.willQos | connectFlag.willRetain);
}

/**
 * Reads user name and password.
 *
 * @returns Flags of fields that are missing, which only MQTT 3.1 §3.1 allows: "the Remaining Length field takes
 *   precedence over the User Name flag".
 */
function readCredentials(cursor: PacketCursor, flags: number, version: ProtocolVersion): number {
  let missing = 0;
  const isMissing = (): boolean => version === 3 && cursor.atEnd && cursor.failure === undefined;
  if ((flags & connectFlag.username) !== 0) {
    if (isMissing()) missing |= connectFlag.username;
    else cursor.string("user name"); // [MQTT-3.1.3-12], [MQTT-3.1.3-11 v3.1.1]
  }
  if ((flags & connectFlag.password) !== 0) {
    if (isMissing()) missing |= connectFlag.password;
    else cursor.binary("password");
  }
  return missing;
}

/** §3.1.2.11.10 */
const isDataWithoutMethod = (properties: Properties | undefined): boolean =>
  properties?.authenticationData !== undefined && properties.authenticationMethod === undefined;

/** Judges everything behind the protocol level, to the packet's last byte. */
export function judgeConnect(cursor: PacketCursor, version: ProtocolVersion): JudgedConnect | Violation {
  const flagsAt = cursor.at;
  const allFlags = cursor.byte("connect flags");
  const disregarded = disregardedFlags(allFlags, version);
  const flags = allFlags & ~disregarded;
  const refusal = judgeFlags(flags, version);
  if (refusal !== undefined) cursor.fail(refusal);
  cursor.uint16("keep alive");
  const properties = version === 5 ? readProperties(cursor, "connect") : undefined;
  if (isDataWithoutMethod(properties)) cursor.fail(protocolError("authentication data without a method"));
  cursor.string("client identifier"); // [MQTT-3.1.3-4]
  const withWill = (flags & connectFlag.will) !== 0;
  const willProperties = withWill && version === 5 ? readProperties(cursor, "will") : undefined;
  if (withWill) {
    cursor.string("will topic"); // [MQTT-3.1.3-11], [MQTT-3.1.3-10 v3.1.1]
    cursor.binary("will payload");
  }
  const missing = readCredentials(cursor, flags, version);
  const ignoredFlags = (allFlags & disregarded) | missing;
  return cursor.finish() ?? { kind: "judged-connect", flagsAt, ignoredFlags, properties, willProperties };
}
