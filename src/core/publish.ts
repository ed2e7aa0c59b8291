// PUBLISH from a client, and PUBREL which ends its QoS 2 (§3.3, §4.3).

import { fail, type PacketId, type Result, type TopicName } from "./brand.ts";
import type { Broker } from "./broker.ts";
import type { Connection } from "./connection.ts";
import type { AckSlot } from "./ack-queue.ts";
import { featureFault, formatFault } from "./message-fault.ts";
import type { Acknowledgement, ClientPacket, Message, Publish } from "./packet.ts";
import { quirksOf } from "./protocol-quirks.ts";
import { reasonCode, type ReasonCode } from "./reason-code.ts";
import type { Online, Session } from "./session.ts";
import { isFarBeyond, judgeRate } from "./publish-rate.ts";
import type { PublishVerdict } from "./topic-port.ts";
import { InboundAliases } from "./topic-alias.ts";
import { limitPassed, protocolError, refused, type Violation } from "./violation.ts";
import { endConnection, explain } from "./disconnect.ts";

export function onPublish(
  broker: Broker,
  connection: Connection,
  online: Online,
  session: Session,
  packet: Publish,
  nowMs: number,
): void {
  broker.counters.publishReceived[packet.qos] += 1;
  const topicName = topicNameOf(broker, connection, packet);
  if (!topicName.ok) {
    onWrongTopic(broker, connection, session, packet, topicName.error, nowMs);
    return;
  }
  const fault = featureFault(broker.options.features, packet);
  if (fault !== undefined) {
    broker.onViolation(connection, fault, nowMs);
    return;
  }
  if (packet.qos > 0 && isOutOfTurn(broker, connection, online, session, packet, nowMs)) return;
  const refusal = judgeMessage(broker, connection, packet, topicName.value);
  if (refusal !== undefined) {
    refuse(broker, connection, session, packet, refusal);
    return;
  }
  const lateMs = broker.rates.isOn ? judgeRate(broker, connection, session, packet, nowMs) : 0;
  if (lateMs === undefined) return;
  const message = toMessage(packet, topicName.value, nowMs);
  if (packet.qos === 0) passOn(broker, connection, session, packet, message, nowMs);
  else accept(broker, connection, online, session, packet, message, nowMs, lateMs);
}

/** The topic name of the packet, or what its alias stands for (§3.3.2.3.4). */
function topicNameOf(broker: Broker, connection: Connection, packet: Publish): Result<TopicName, Violation> {
  const topicAlias = packet.properties?.topicAlias;
  if (topicAlias === undefined) {
    return packet.topicName === "" && quirksOf(connection.protocolVersion).hasReasonCodes
      ? fail(protocolError("neither a topic name nor a topic alias"))
      : broker.topicNames.parse(packet.topicName);
  }
  const aliases = (connection.inboundAliases ??= new InboundAliases(broker.limits.topicAliasMaximum));
  const violation = aliases.judge(topicAlias);
  if (violation !== undefined) return fail(violation);
  if (packet.topicName === "") return aliases.get(topicAlias);
  const parsed = broker.topicNames.parse(packet.topicName);
  if (!parsed.ok) return parsed;
  if (aliases.set(topicAlias, parsed.value)) broker.effects.needsSave(connection);
  return parsed;
}

/** A topic name that the standard allows and a limit of ours does not is refused alone, where the version can say it. */
function onWrongTopic(
  broker: Broker,
  connection: Connection,
  session: Session,
  packet: Publish,
  violation: Violation,
  nowMs: number,
): void {
  const isOurs = violation.limit !== undefined && quirksOf(connection.protocolVersion).hasReasonCodes;
  const isAliased = packet.properties?.topicAlias !== undefined; // what it would stand for from now on is refused
  if (isOurs && !isAliased && packet.qos > 0) refuse(broker, connection, session, packet, violation);
  else broker.onViolation(connection, violation, nowMs); // [MQTT-3.3.2-2]
}

/** What the packet identifier, or how many are open, forbids. True where the packet is done with. */
function isOutOfTurn(
  broker: Broker,
  connection: Connection,
  online: Online,
  session: Session,
  packet: Publish,
  nowMs: number,
): boolean {
  const packetId = packet.packetId as PacketId;
  const { hasReasonCodes, hasReceiveMaximum } = quirksOf(connection.protocolVersion);
  if (online.inbound.has(packetId)) {
    if (broker.rates.isOn && isFarBeyond(broker, connection, session, packet, nowMs)) return true;
    if (packet.qos === 2) repeatPubrec(broker, connection, packetId);
    else if (hasReasonCodes) refuse(broker, connection, session, packet, idInUse);
    return packet.qos === 2 || hasReasonCodes;
  }
  if (packet.qos === 1 && !hasReceiveMaximum) return false;
  // Who was told a maximum counts from 0 on each connection; MQTT 3 may have as many open as the session has in all.
  const unanswered = hasReceiveMaximum ? online.unansweredQos1 + online.unansweredQos2 : online.inbound.size;
  if (unanswered >= broker.limits.receiveMaximum) {
    const detail = "more QoS 1 and 2 messages without an answer than Receive Maximum";
    broker.onViolation(connection, limitPassed("receiveMaximum", reasonCode.receiveMaximumExceeded, detail), nowMs);
    return true;
  }
  if (packet.qos === 1 || online.inbound.size < maximumOpenQos2) return false;
  refuse(broker, connection, session, packet, tooManyOpen);
  return true;
}

/** Of a session, whatever connections they came on: the ids of 128 sessions share a row of 2 MB, at three bytes each. */
const maximumOpenQos2 = 4_500;

const tooManyOpen = refused(reasonCode.quotaExceeded, "too many QoS 2 messages of the session wait for PUBREL");

const idInUse = refused(reasonCode.packetIdentifierInUse, "a QoS 2 message with this packet identifier is open");

/** A QoS 2 message that was taken before is answered again and not routed again [MQTT-4.3.3-2 v3.1.1, MQTT-4.3.3-10]. */
function repeatPubrec(broker: Broker, connection: Connection, packetId: PacketId): void {
  const slot = connection.acks.reserve();
  connection.acks.settle(slot, { kind: "pubrec", packetId }, "after-commit");
  broker.effects.needsFlush();
}

function judgeMessage(
  broker: Broker,
  connection: Connection,
  packet: Publish,
  topicName: TopicName,
): Violation | undefined {
  if (!broker.mayPublish(connection.access, topicName)) return notAllowed;
  return formatFault(broker.options.features, packet);
}

const notAllowed = refused(reasonCode.notAuthorized, "the access rules do not allow it");

function toMessage(packet: Publish, topicName: TopicName, nowMs: number): Message {
  const { payload, qos, retain } = packet;
  if (packet.properties === undefined) return { topicName, payload, qos, retain };
  // Those are about this connection and the subscriptions of its client, not about the message.
  const { topicAlias: _, subscriptionIdentifiers: __, ...properties } = packet.properties;
  const expirySec = properties.messageExpiryIntervalSec;
  return {
    topicName,
    payload,
    qos,
    retain,
    properties,
    ...(expirySec !== undefined && { expiresAtMs: nowMs + expirySec * 1000 }),
  };
}

/** Of QoS 0. */
function passOn(
  broker: Broker,
  connection: Connection,
  session: Session,
  packet: Publish,
  message: Message,
  nowMs: number,
): void {
  broker.publish(message, { session: session.number }, (verdict) => {
    if (verdict.kind === "refused") onRefused(broker, connection, packet, verdict, undefined, nowMs);
  });
}

/** Of QoS 1 or 2. */
function accept(
  broker: Broker,
  connection: Connection,
  online: Online,
  session: Session,
  packet: Publish,
  message: Message,
  nowMs: number,
  /** How long the acknowledgement waits for the client's rate. */
  lateMs: number,
): void {
  const slot = connection.acks.reserve();
  if (packet.qos === 2) openInbound(broker, connection, session, packet);
  else online.unansweredQos1 += 1;
  broker.publish(message, { session: session.number }, (verdict) => {
    if (packet.qos === 1) online.unansweredQos1 -= 1;
    if (verdict.kind === "refused") onRefused(broker, connection, packet, verdict, slot, nowMs);
    else if (lateMs === 0) acknowledge(broker, connection, packet, slot, verdict);
    else broker.effects.later(lateMs, () => acknowledge(broker, connection, packet, slot, verdict));
  });
}

/** The id is recorded in the commit that hands the message over, wherever its verdict comes from. */
function openInbound(broker: Broker, connection: Connection, session: Session, packet: Publish): void {
  if (session.online !== undefined) {
    session.online.inbound.add(packet.packetId as PacketId);
    session.online.unansweredQos2 += 1;
  }
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

/**
 * The message goes nowhere, and the connection stays. No right to publish: v3 cannot say it, so the answer is positive
 * [MQTT-3.3.5-2 v3.1.1].
 */
function refuse(broker: Broker, connection: Connection, session: Session, packet: Publish, violation: Violation): void {
  if (broker.rates.isOn && isFarBeyond(broker, connection, session, packet, broker.nowMs)) return;
  broker.counters.publishDenied += 1;
  if (violation === notAllowed) broker.counters.drop("not_authorized");
  if (violation.reasonCode === reasonCode.payloadFormatInvalid) broker.counters.drop("payload_format_invalid");
  broker.effects.log({
    event: "publish-denied",
    reason: violation.detail,
    clientId: session.clientId,
    topic: packet.topicName,
    reasonCode: violation.reasonCode,
    ...(violation.limit !== undefined && { limit: violation.limit }),
  });
  if (packet.qos === 0) return;
  const slot = connection.acks.reserve();
  if (packet.qos === 2 && !quirksOf(connection.protocolVersion).hasReasonCodes) {
    openInbound(broker, connection, session, packet);
  }
  connection.acks.settle(slot, refusal(connection, packet, violation), "after-commit");
}

/** [MQTT-3.1.2-29]: a client that wants no problem information gets none with an acknowledgement. */
const refusal = (connection: Connection, packet: Publish, violation: Violation): Acknowledgement => ({
  ...answer(packet, violation.reasonCode),
  ...(connection.wantsProblemInformation && { properties: explain(violation) }),
});

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
    ...(connection.state.kind === "connected" && { clientId: connection.state.session.clientId }),
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
    if (session.online !== undefined) countAnsweredQos2(session.online);
    onInboundChanged(broker, connection, session);
  }
  if (quirksOf(connection.protocolVersion).hasReasonCodes) {
    connection.acks.settle(slot, refusal(connection, packet, violation), "at-once");
  } else if (connection.state.kind !== "closed") {
    endConnection(broker, connection, violation, nowMs);
  }
}

/** The client counts so too, whichever message was answered, and never beyond Receive Maximum (§4.9). */
function countAnsweredQos2(online: Online): void {
  online.unansweredQos2 = Math.max(0, online.unansweredQos2 - 1);
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
  countAnsweredQos2(online);
  // The id is free for a new message once PUBCOMP is out: so its removal is committed before.
  if (wasOpen) onInboundChanged(broker, connection, session);
  broker.effects.needsFlush();
  const slot = connection.acks.reserve();
  const code = wasOpen ? reasonCode.success : reasonCode.packetIdentifierNotFound;
  connection.acks.settle(slot, { kind: "pubcomp", packetId, reasonCode: code }, "after-commit");
}

/** An answer of the wrong kind for a message in flight (§4.3); one that names no message is late, and harmless. */
export function isWrongAnswer(online: Online | undefined, packet: ClientPacket): boolean {
  if (packet.kind !== "puback" && packet.kind !== "pubrec" && packet.kind !== "pubcomp") return false;
  const inFlight = online?.outbound.window.get(packet.packetId);
  if (inFlight === undefined) return false;
  if (inFlight.qos === 1) return packet.kind !== "puback";
  return packet.kind === "puback" || (packet.kind === "pubcomp" && inFlight.phase === "sent");
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
  if (isWrongAnswer(online, packet)) {
    broker.onViolation(connection, protocolError(`${packet.kind} that does not fit the message it names`), nowMs);
    return;
  }
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
