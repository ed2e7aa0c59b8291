// SUBSCRIBE, UNSUBSCRIBE, DISCONNECT and AUTH: judged by us, parsed by `mqtt-packet`, translated to our types.

import type { IAuthPacket, IDisconnectPacket, ISubscribePacket, IUnsubscribePacket } from "mqtt-packet";
import type { PacketId } from "../core/brand.ts";
import type {
  Auth,
  ClientPacket,
  Disconnect,
  ProtocolVersion,
  Subscribe,
  SubscriptionRequest,
  Unsubscribe,
} from "../core/packet.ts";
import { reasonCode, type ReasonCode } from "../core/reason-code.ts";
import type { Violation } from "../core/violation.ts";
import { judgeRequest } from "./judge-requests.ts";
import { parseWithLibrary, type LibraryPacket } from "./library.ts";
import { PacketCursor } from "./packet-cursor.ts";
import { flag } from "./packet-type.ts";
import type { Properties } from "./properties.ts";

const withProperties = (properties: Properties | undefined): { readonly properties?: Properties } =>
  properties === undefined ? {} : { properties };

/** MQTT 3.1 lets a repeated SUBSCRIBE or UNSUBSCRIBE carry DUP; the library does not. */
function withoutDup(packet: Uint8Array): Uint8Array {
  const first = packet[0] ?? 0;
  if ((first & flag.dup) === 0) return packet;
  const patched = new Uint8Array(packet);
  patched[0] = first & ~flag.dup;
  return patched;
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
  const parsed = parseWithLibrary(withoutDup(packet), version);
  return "kind" in parsed ? parsed : toRequest(parsed, judged.properties);
}
