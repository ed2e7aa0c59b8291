// What a CONNECT may say in its protocol name, its level and its flags. `mqtt-packet` takes will QoS 3 and a password
// without a user name, pairs protocol names with any level, and knows none of the tolerances of MQTT 3.1.

import type { ProtocolVersion } from "../core/packet.ts";
import { reasonCode } from "../core/reason-code.ts";
import { malformed, protocolError, refused, type Violation } from "../core/violation.ts";
import type { PacketCursor } from "./packet-cursor.ts";

/** Connect Flags (§3.1.2.3). */
export const connectFlag = {
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

/** Judges the Connect Flags; those that are to be disregarded are 0. */
export function judgeFlags(flags: number, version: ProtocolVersion): Violation | undefined {
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
export function disregardedFlags(flags: number, version: ProtocolVersion): number {
  if (version !== 3) return 0;
  const withWill = (flags & connectFlag.will) !== 0;
  return connectFlag.reserved | (withWill ? 0 : connectFlag.willQos | connectFlag.willRetain);
}
