// CONNECT, SUBSCRIBE, UNSUBSCRIBE, DISCONNECT and AUTH: judged by us, parsed by `mqtt-packet`, translated to our types.

import type { IAuthPacket, IConnectPacket, IDisconnectPacket, ISubscribePacket, IUnsubscribePacket } from "mqtt-packet";
import type { PacketId } from "../core/brand.ts";
import type {
  Auth,
  ClientPacket,
  Connect,
  Disconnect,
  ProtocolVersion,
  Subscribe,
  SubscriptionRequest,
  Unsubscribe,
  Will,
} from "../core/packet.ts";
import { reasonCode, type ReasonCode } from "../core/reason-code.ts";
import type { Violation } from "../core/violation.ts";
import { judgeConnect, type JudgedConnect } from "./judge-connect.ts";
import { judgeRequest } from "./judge-requests.ts";
import { parseWithLibrary, type LibraryPacket } from "./library.ts";
import { PacketCursor } from "./packet-cursor.ts";
import { flag } from "./packet-type.ts";
import type { Properties } from "./properties.ts";

const withProperties = (properties: Properties | undefined): { readonly properties?: Properties } =>
  properties === undefined ? {} : { properties };

/** A copy: what the library gives are views, and these few bytes outlive the packet. */
const copy = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes);

/** The packet with some bits of one byte cleared, for the library, which knows no tolerance. */
function cleared(packet: Uint8Array, at: number, bits: number): Uint8Array {
  if (((packet[at] ?? 0) & bits) === 0) return packet;
  const patched = new Uint8Array(packet);
  patched[at] = (packet[at] ?? 0) & ~bits;
  return patched;
}

function toWill(will: NonNullable<IConnectPacket["will"]>, found: Properties | undefined): Will {
  const { willDelayIntervalSec, ...properties } = found ?? {};
  return {
    topicName: will.topic,
    payload: copy(will.payload as Uint8Array), // a string only where one is generated
    qos: will.qos ?? 0,
    retain: will.retain ?? false,
    ...(Object.keys(properties).length === 0 ? undefined : { properties }),
    ...(willDelayIntervalSec === undefined ? undefined : { willDelayIntervalSec }),
  };
}

function toConnect(packet: IConnectPacket, protocolVersion: ProtocolVersion, judged: JudgedConnect): Connect {
  const { will, username, password } = packet;
  return {
    kind: "connect",
    protocolVersion,
    clientId: packet.clientId,
    cleanStart: packet.clean ?? false,
    keepAliveSec: packet.keepalive ?? 0,
    ...(will ? { will: toWill(will, judged.willProperties) } : undefined),
    ...(username === undefined ? undefined : { username }),
    ...(password === undefined ? undefined : { password: copy(password) }),
    ...withProperties(judged.properties),
  };
}

/**
 * Decodes CONNECT.
 *
 * @param packet The whole packet.
 * @param body Over its variable header, protocol name and level already read.
 */
export function decodeConnect(packet: Uint8Array, body: PacketCursor, version: ProtocolVersion): Connect | Violation {
  const judged = judgeConnect(body, version);
  if (judged.kind === "violation") return judged;
  const parsed = parseWithLibrary(cleared(packet, judged.flagsAt, judged.ignoredFlags), version);
  return "kind" in parsed ? parsed : toConnect(parsed as IConnectPacket, version, judged);
}

const toSubscription = (subscription: ISubscribePacket["subscriptions"][number]): SubscriptionRequest => ({
  topicFilter: subscription.topic,
  qos: subscription.qos,
  noLocal: subscription.nl ?? false,
  retainAsPublished: subscription.rap ?? false,
  retainHandling: (subscription.rh ?? 0) as SubscriptionRequest["retainHandling"],
});

const toSubscribe = (packet: ISubscribePacket, properties: Properties | undefined): Subscribe => ({
  kind: "subscribe",
  packetId: packet.messageId as PacketId,
  subscriptions: packet.subscriptions.map(toSubscription),
  ...withProperties(properties),
});

const toUnsubscribe = (packet: IUnsubscribePacket, properties: Properties | undefined): Unsubscribe => ({
  kind: "unsubscribe",
  packetId: packet.messageId as PacketId,
  topicFilters: packet.unsubscriptions,
  ...withProperties(properties),
});

const toDisconnect = (packet: IDisconnectPacket, properties: Properties | undefined): Disconnect => ({
  kind: "disconnect",
  ...(packet.reasonCode ? { reasonCode: packet.reasonCode as ReasonCode } : undefined),
  ...withProperties(properties),
});

const toAuth = (packet: IAuthPacket, properties: Properties | undefined): Auth => ({
  kind: "auth",
  reasonCode: (packet.reasonCode ?? reasonCode.success) as ReasonCode,
  ...withProperties(properties),
});

function toRequest(packet: LibraryPacket, properties: Properties | undefined): ClientPacket {
  switch (packet.cmd) {
    case "subscribe":
      return toSubscribe(packet, properties);
    case "unsubscribe":
      return toUnsubscribe(packet, properties);
    case "disconnect":
      return toDisconnect(packet, properties);
    case "auth":
      return toAuth(packet, properties);
    default:
      throw new Error(`not a request: ${packet.cmd}`);
  }
}

/**
 * Decodes SUBSCRIBE, UNSUBSCRIBE, DISCONNECT or AUTH.
 *
 * @param packet The whole packet.
 * @param bodyAt Where its variable header begins.
 */
export function decodeRequest(
  packet: Uint8Array,
  bodyAt: number,
  version: ProtocolVersion,
  mostUserProperties: number,
): ClientPacket | Violation {
  const type = (packet[0] ?? 0) >> 4;
  const cursor = new PacketCursor(packet, bodyAt, packet.length, mostUserProperties);
  const judged = judgeRequest(type, cursor, version);
  if (judged.kind === "violation") return judged;
  // MQTT 3.1 lets a repeated SUBSCRIBE or UNSUBSCRIBE carry DUP; the library does not.
  const parsed = parseWithLibrary(cleared(packet, 0, flag.dup), version);
  return "kind" in parsed ? parsed : toRequest(parsed, judged.properties);
}
