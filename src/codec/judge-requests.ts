// Judges SUBSCRIBE, UNSUBSCRIBE, DISCONNECT and AUTH before the library parses them: it does not look at UTF-8, packet
// identifier 0, empty lists of filters or bytes behind the last field.

import type { ProtocolVersion } from "../core/packet.ts";
import { reasonCode } from "../core/reason-code.ts";
import { malformed, protocolError, type Violation } from "../core/violation.ts";
import type { PacketCursor } from "./packet-cursor.ts";
import { packetType } from "./packet-type.ts";
import type { Properties } from "./properties.ts";
import { readProperties } from "./read-properties.ts";

/** Subscription Options (§3.8.3.1). */
const subscriptionOption = {
  qosMask: 0x03,
  noLocal: 0x04,
  retainHandlingShift: 4,
  retainHandlingMask: 0x03,
  reserved: 0xc0,
  reservedV3: 0xfc,
} as const;

/** What the judge found that the library does not give. */
interface JudgedRequest {
  readonly kind: "judged-request";
  readonly properties: Properties | undefined;
}

const judged = (cursor: PacketCursor, properties: Properties | undefined): JudgedRequest | Violation =>
  cursor.finish() ?? { kind: "judged-request", properties };

const sharePrefix = "$share/";

/** §3.8.3.1: what is reserved makes the packet malformed, a value that is not allowed is a protocol error. */
function judgeSubscriptionOptions(filter: string, options: number, version: ProtocolVersion): Violation | undefined {
  const reserved = version === 5 ? subscriptionOption.reserved : subscriptionOption.reservedV3;
  // [MQTT-3.8.3-5], [MQTT-3-8.3-4 v3.1.1]
  if ((options & reserved) !== 0) return malformed("reserved subscription options are set", "MQTT-3.8.3-5");
  if ((options & subscriptionOption.qosMask) === 3) {
    return version === 5
      ? protocolError("subscription with QoS 3")
      : malformed("requested QoS 3", "MQTT-3-8.3-4 v3.1.1");
  }
  const retainHandling = (options >> subscriptionOption.retainHandlingShift) & subscriptionOption.retainHandlingMask;
  if (retainHandling === 3) return protocolError("retain handling 3");
  const isNoLocal = (options & subscriptionOption.noLocal) !== 0;
  return isNoLocal && filter.startsWith(sharePrefix)
    ? protocolError("no local on a shared subscription", "MQTT-3.8.3-4")
    : undefined;
}

/** Packet identifier and properties, with which SUBSCRIBE and UNSUBSCRIBE begin. */
function readIdentified(cursor: PacketCursor, version: ProtocolVersion, place: "subscribe" | "unsubscribe") {
  cursor.packetId();
  return version === 5 ? readProperties(cursor, place) : undefined;
}

function readFilter(cursor: PacketCursor): string {
  const filter = cursor.string("topic filter");
  if (filter === "") cursor.fail(malformed("an empty topic filter", "MQTT-4.7.3-1"));
  return filter;
}

function judgeSubscribe(cursor: PacketCursor, version: ProtocolVersion): JudgedRequest | Violation {
  const properties = readIdentified(cursor, version, "subscribe");
  // [MQTT-3.8.3-2], [MQTT-3.8.3-3 v3.1.1]
  if (cursor.atEnd) cursor.fail(protocolError("SUBSCRIBE without a topic filter", "MQTT-3.8.3-2"));
  while (!cursor.atEnd) {
    const filter = readFilter(cursor); // [MQTT-3.8.3-1]
    const refusal = judgeSubscriptionOptions(filter, cursor.byte("subscription options"), version);
    if (refusal !== undefined) cursor.fail(refusal);
  }
  return judged(cursor, properties);
}

function judgeUnsubscribe(cursor: PacketCursor, version: ProtocolVersion): JudgedRequest | Violation {
  const properties = readIdentified(cursor, version, "unsubscribe");
  // [MQTT-3.10.3-2]
  if (cursor.atEnd) cursor.fail(protocolError("UNSUBSCRIBE without a topic filter", "MQTT-3.10.3-2"));
  while (!cursor.atEnd) readFilter(cursor); // [MQTT-3.10.3-1]
  return judged(cursor, properties);
}

/** Those of §3.14.2.1 that a client sends. */
const disconnectCodes: ReadonlySet<number> = new Set([
  reasonCode.success,
  reasonCode.disconnectWithWill,
  reasonCode.unspecifiedError,
  reasonCode.malformedPacket,
  reasonCode.protocolError,
  reasonCode.implementationSpecificError,
  reasonCode.topicNameInvalid,
  reasonCode.receiveMaximumExceeded,
  reasonCode.topicAliasInvalid,
  reasonCode.packetTooLarge,
  reasonCode.messageRateTooHigh,
  reasonCode.quotaExceeded,
  reasonCode.administrativeAction,
  reasonCode.payloadFormatInvalid,
]);

function judgeDisconnect(cursor: PacketCursor, version: ProtocolVersion): JudgedRequest | Violation {
  if (version !== 5 || cursor.atEnd) return judged(cursor, undefined);
  const code = cursor.byte("reason code");
  // [MQTT-3.14.2-1]
  if (!disconnectCodes.has(code)) cursor.fail(protocolError(`reason code ${code} in DISCONNECT`, "MQTT-3.14.2-1"));
  // §3.14.2.2.1: a remaining length below 2 means no properties.
  return judged(cursor, cursor.atEnd ? undefined : readProperties(cursor, "disconnect"));
}

/** Those of §3.15.2.1 that a client sends. */
const authCodes: ReadonlySet<number> = new Set([reasonCode.continueAuthentication, reasonCode.reAuthenticate]);

function judgeAuth(cursor: PacketCursor): JudgedRequest | Violation {
  // §3.15.2.1: without a reason code it is 0, which only a server sends.
  const code = cursor.atEnd ? reasonCode.success : cursor.byte("reason code");
  // [MQTT-3.15.2-1]
  if (!authCodes.has(code)) cursor.fail(protocolError(`reason code ${code} in AUTH`, "MQTT-3.15.2-1"));
  const properties = readProperties(cursor, "auth");
  // §3.15.2.2.2
  if (properties?.authenticationMethod === undefined) {
    cursor.fail(protocolError("AUTH without an authentication method", "MQTT-4.12.0-5"));
  }
  return judged(cursor, properties);
}

/** Judges the body of one of the four packets to its last byte. */
export function judgeRequest(type: number, cursor: PacketCursor, version: ProtocolVersion): JudgedRequest | Violation {
  switch (type) {
    case packetType.subscribe:
      return judgeSubscribe(cursor, version);
    case packetType.unsubscribe:
      return judgeUnsubscribe(cursor, version);
    case packetType.disconnect:
      return judgeDisconnect(cursor, version);
    case packetType.auth:
      return judgeAuth(cursor);
    default:
      throw new Error(`not a request: packet type ${type}`);
  }
}
