// CONNECT by code of our own: every client sends one, and after a restart thousands come at once. `mqtt-packet`
// makes a stream for each: while clients connect it took 40 µs where this takes 5 (a profile of workerd, November 2026).

import type { Connect, ProtocolVersion, Will } from "../core/packet.ts";
import { protocolError, type Violation } from "../core/violation.ts";
import { connectFlag, disregardedFlags, judgeFlags } from "./judge-connect.ts";
import type { PacketCursor } from "./packet-cursor.ts";
import type { Properties } from "./properties.ts";
import { readProperties } from "./read-properties.ts";

/** A copy: these few bytes outlive the frame that they are a view of. */
const copy = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes);

/** Those that count. */
function readFlags(cursor: PacketCursor, version: ProtocolVersion): number {
  const all = cursor.byte("connect flags");
  const flags = all & ~disregardedFlags(all, version);
  const refusal = judgeFlags(flags, version);
  if (refusal !== undefined) cursor.fail(refusal);
  return flags;
}

function readWill(cursor: PacketCursor, flags: number, version: ProtocolVersion): Will {
  const found = version === 5 ? readProperties(cursor, "will") : undefined;
  const { willDelayIntervalSec, ...properties } = found ?? {};
  return {
    topicName: cursor.string("will topic"), // [MQTT-3.1.3-11], [MQTT-3.1.3-10 v3.1.1]
    payload: copy(cursor.binary("will payload")),
    qos: ((flags >> connectFlag.willQosShift) & connectFlag.willQosMask) as Will["qos"],
    retain: (flags & connectFlag.willRetain) !== 0,
    ...(Object.keys(properties).length === 0 ? undefined : { properties }),
    ...(willDelayIntervalSec === undefined ? undefined : { willDelayIntervalSec }),
  };
}

/** MQTT 3.1 §3.1: "the Remaining Length field takes precedence over the User Name flag", and over that of the password. */
function readCredentials(
  cursor: PacketCursor,
  flags: number,
  version: ProtocolVersion,
): Pick<Connect, "username" | "password"> {
  const has = (flag: number): boolean =>
    (flags & flag) !== 0 && !(version === 3 && cursor.atEnd && cursor.failure === undefined);
  return {
    ...(has(connectFlag.username) ? { username: cursor.string("user name") } : undefined), // [MQTT-3.1.3-12], [MQTT-3.1.3-11 v3.1.1]
    ...(has(connectFlag.password) ? { password: copy(cursor.binary("password")) } : undefined),
  };
}

/** §3.1.2.11.10 */
const isDataWithoutMethod = (properties: Properties | undefined): boolean =>
  properties?.authenticationData !== undefined && properties.authenticationMethod === undefined;

/** Decodes everything behind the protocol level, to the packet's last byte. */
export function decodeConnect(cursor: PacketCursor, version: ProtocolVersion): Connect | Violation {
  const flags = readFlags(cursor, version);
  const keepAliveSec = cursor.uint16("keep alive");
  const properties = version === 5 ? readProperties(cursor, "connect") : undefined;
  if (isDataWithoutMethod(properties)) cursor.fail(protocolError("authentication data without a method"));
  const clientId = cursor.string("client identifier"); // [MQTT-3.1.3-4]
  const will = (flags & connectFlag.will) === 0 ? undefined : readWill(cursor, flags, version);
  const credentials = readCredentials(cursor, flags, version);
  const failure = cursor.finish();
  if (failure !== undefined) return failure;
  return {
    kind: "connect",
    protocolVersion: version,
    clientId,
    cleanStart: (flags & connectFlag.cleanStart) !== 0,
    keepAliveSec,
    ...(will === undefined ? undefined : { will }),
    ...credentials,
    ...(properties === undefined ? undefined : { properties }),
  };
}
