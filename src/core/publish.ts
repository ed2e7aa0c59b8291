// PUBLISH from a client, and PUBREL which ends its QoS 2 (§3.3, §4.3).

import type { PacketId, TopicName } from "./brand.ts";
import type { Broker } from "./broker.ts";
import type { Connection } from "./connection.ts";
import type { AckSlot } from "./ack-queue.ts";
import type { Acknowledgement, Message, Publish } from "./packet.ts";
import { quirksOf } from "./protocol-quirks.ts";
import { reasonCode, type ReasonCode } from "./reason-code.ts";
import type { Online, Session } from "./session.ts";
import type { PublishVerdict } from "./topic-port.ts";
import { limitPassed, protocolError } from "./violation.ts";
import { endConnection } from "./disconnect.ts";

export function onPublish(
  broker: Broker,
  connection: Connection,
  online: Online,
  session: Session,
  packet: Publish,
  nowMs: number,
): void {
  broker.counters.publishReceived[packet.qos] += 1;
  const topicName = broker.topicNames.parse(packet.topicName);
  if (!topicName.ok) {
    broker.onViolation(connection, topicName.error, nowMs); // [MQTT-3.3.2-2]
    return;
  }
  if (packet.qos === 2 && isRepeated(broker, connection, online, packet, nowMs)) return;
  if (!broker.mayPublish(connection.access, topicName.value)) {
    onDenied(broker, connection, session, packet);
    return;
  }
  accept(broker, connection, session, packet, toMessage(packet, topicName.value, nowMs), nowMs);
}

/** A QoS 2 message that was taken before is answered again and not routed again [MQTT-4.3.3-2 v3.1.1, MQTT-4.3.3-10]. */
function isRepeated(broker: Broker, connection: Connection, online: Online, packet: Publish, nowMs: number): boolean {
  const packetId = packet.packetId as PacketId;
  if (online.inbound.has(packetId)) {
    const slot = connection.acks.reserve();
    connection.acks.settle(slot, { kind: "pubrec", packetId }, "after-commit");
    broker.effects.needsFlush();
    return true;
  }
  if (online.inbound.size < broker.limits.maximumInboundQos2) return false;
  const detail = "too many QoS 2 messages without PUBREL";
  broker.onViolation(connection, limitPassed("maximumInboundQos2", reasonCode.receiveMaximumExceeded, detail), nowMs);
  return true;
}

function toMessage(packet: Publish, topicName: TopicName, nowMs: number): Message {
  const expirySec = packet.properties?.messageExpiryIntervalSec;
  return {
    topicName,
    payload: packet.payload,
    qos: packet.qos,
    retain: packet.retain,
    ...(packet.properties && { properties: packet.properties }),
    ...(expirySec !== undefined && { expiresAtMs: nowMs + expirySec * 1000 }),
  };
}

function accept(
  broker: Broker,
  connection: Connection,
  session: Session,
  packet: Publish,
  message: Message,
  nowMs: number,
): void {
  if (packet.qos === 0) {
    broker.publish(message, { session: session.number }, (verdict) => {
      if (verdict.kind === "refused") onRefused(broker, connection, packet, verdict, undefined, nowMs);
    });
    return;
  }
  const slot = connection.acks.reserve();
  if (packet.qos === 2) openInbound(broker, connection, session, packet);
  broker.publish(message, { session: session.number }, (verdict) => {
    if (verdict.kind === "refused") onRefused(broker, connection, packet, verdict, slot, nowMs);
    else acknowledge(broker, connection, packet, slot, verdict);
  });
}

/** The id is recorded in the commit that hands the message over, wherever its verdict comes from. */
function openInbound(broker: Broker, connection: Connection, session: Session, packet: Publish): void {
  session.online?.inbound.add(packet.packetId as PacketId);
  onInboundChanged(broker, connection, session);
}

function onInboundChanged(broker: Broker, connection: Connection, session: Session): void {
  if (session.kind === "stored") broker.saveProgress(session);
  broker.effects.needsSave(connection);
}

/** PUBACK or PUBREC: only when the message is where the promise wants it [MQTT-4.3.2-2 v3.1.1, MQTT-4.3.3-8]. */
function acknowledge(
  broker: Broker,
  connection: Connection,
  packet: Publish,
  slot: AckSlot,
  verdict: Extract<PublishVerdict, { kind: "accepted" }>,
): void {
  broker.effects.needsFlush();
  // QoS ≥ 1 is never acknowledged by an instance that a newer one has replaced: the flush touches storage first.
  connection.acks.settle(
    slot,
    answer(packet, verdict.matched ? reasonCode.success : reasonCode.noMatchingSubscribers),
    "after-commit",
  );
}

const answer = (packet: Publish, code: ReasonCode): Acknowledgement => ({
  kind: packet.qos === 1 ? "puback" : "pubrec",
  packetId: packet.packetId as PacketId,
  reasonCode: code,
});

/** No right to publish: v3 cannot say it, so the answer is positive and the message goes nowhere [MQTT-3.3.5-2 v3.1.1]. */
function onDenied(broker: Broker, connection: Connection, session: Session, packet: Publish): void {
  broker.counters.publishDenied += 1;
  broker.counters.drop("not_authorized");
  broker.effects.log({
    event: "publish-denied",
    reason: "the access rules do not allow it",
    clientId: session.clientId,
    topic: packet.topicName,
    reasonCode: reasonCode.notAuthorized,
  });
  if (packet.qos === 0) return;
  const slot = connection.acks.reserve();
  if (packet.qos === 2 && !quirksOf(connection.protocolVersion).hasReasonCodes) {
    openInbound(broker, connection, session, packet);
  }
  connection.acks.settle(slot, answer(packet, reasonCode.notAuthorized), "after-commit");
}

/** The message cannot be kept: MQTT 5 is told, a v3 client is closed without an acknowledgement (design §3, no verdict). */
function onRefused(
  broker: Broker,
  connection: Connection,
  packet: Publish,
  verdict: Extract<PublishVerdict, { kind: "refused" }>,
  slot: AckSlot | undefined,
  nowMs: number,
): void {
  const { violation } = verdict;
  broker.effects.log({
    event: "publish-refused",
    reason: violation.detail,
    topic: packet.topicName,
    reasonCode: violation.reasonCode,
    ...(violation.limit !== undefined && { limit: violation.limit }),
  });
  if (slot === undefined) {
    broker.counters.drop("retained_quota");
    return;
  }
  if (packet.qos === 2 && connection.state.kind === "connected") {
    const { session } = connection.state;
    session.online?.inbound.delete(packet.packetId as PacketId);
    onInboundChanged(broker, connection, session);
  }
  if (quirksOf(connection.protocolVersion).hasReasonCodes) {
    connection.acks.settle(slot, answer(packet, violation.reasonCode), "at-once");
  } else if (connection.state.kind !== "closed") {
    endConnection(broker, connection, violation, nowMs);
  }
}

/** PUBREL ends the client's QoS 2 message: PUBCOMP always [MQTT-4.3.3-2 v3.1.1, MQTT-4.3.3-11]. */
export function onPubrel(
  broker: Broker,
  connection: Connection,
  online: Online,
  session: Session,
  packet: Acknowledgement,
): void {
  const { packetId } = packet;
  const wasOpen = online.inbound.delete(packetId);
  // The id is free for a new message once PUBCOMP is out: so its removal is committed before.
  if (wasOpen) onInboundChanged(broker, connection, session);
  broker.effects.needsFlush();
  const slot = connection.acks.reserve();
  const code = wasOpen ? reasonCode.success : reasonCode.packetIdentifierNotFound;
  connection.acks.settle(slot, { kind: "pubcomp", packetId, reasonCode: code }, "after-commit");
}

/** PUBACK, PUBREC and PUBCOMP: the client's answers to what was sent to it. */
export function onAcknowledgement(
  broker: Broker,
  connection: Connection,
  online: Online,
  packet: Acknowledgement,
  nowMs: number,
): void {
  const { outbound } = online;
  switch (packet.kind) {
    case "puback":
      outbound.onPuback(packet.packetId);
      break;
    case "pubrec":
      if ((packet.reasonCode ?? 0) >= reasonCode.unspecifiedError) outbound.onPubcomp(packet.packetId); // [MQTT-4.3.3-4]
      else outbound.onPubrec(packet.packetId);
      break;
    case "pubcomp":
      outbound.onPubcomp(packet.packetId);
      break;
    case "pubrel":
      broker.onViolation(connection, protocolError("PUBREL is not an answer to the server"), nowMs);
      return;
  }
  outbound.pump(nowMs);
}
