// What becomes of a message over a rate. QoS 0 has no answer: it is dropped and counted. MQTT 5 is told 0x97 for QoS 1
// and 2, and may send the message again as a new one. MQTT 3 has no such answer: the message is taken and acknowledged
// when its rate has come round, which slows down every client that waits for acknowledgements. Who goes on far beyond
// its rate is disconnected.

import type { Broker } from "./broker.ts";
import type { Connection } from "./connection.ts";
import { endConnection, explain } from "./disconnect.ts";
import type { LimitName } from "./limits.ts";
import { propertiesSize } from "./message-size.ts";
import type { MessageProperties, Publish } from "./packet.ts";
import { quirksOf } from "./protocol-quirks.ts";
import type { PublishOutcome } from "./publish-outcome.ts";
import type { RateLimitName } from "./rate-limits.ts";
import { reasonCode } from "./reason-code.ts";
import type { Session } from "./session.ts";
import { utf8Length } from "./topic.ts";
import { limitPassed } from "./violation.ts";

const msPerSec = 1_000;

interface Sized {
  readonly topicName: string;
  readonly payload: Uint8Array;
  readonly properties?: MessageProperties;
}

const sizeOf = ({ topicName, payload, properties }: Sized): number =>
  payload.length + utf8Length(topicName) + propertiesSize(properties);

const detail = "more messages than the rate allows";

/**
 * Judges a PUBLISH that would be accepted. Gives how many ms its acknowledgement is to be late: 0 within the rates;
 * `undefined` where the packet is done with.
 */
export function judgeRate(
  broker: Broker,
  connection: Connection,
  session: Session,
  packet: Publish,
  nowMs: number,
): number | undefined {
  const { rates } = broker;
  const bytes = sizeOf(packet);
  rates.onShards(broker.layout.shards);
  const limit = rates.take(session.clientId, 1, bytes, nowMs);
  if (limit === undefined) return 0;
  const { hasReasonCodes } = quirksOf(connection.protocolVersion);
  if (packet.qos > 0 && !hasReasonCodes) {
    const lateMs = rates.takeInDebt(session.clientId, bytes, nowMs);
    if (lateMs === undefined) endForRate(broker, connection, limit, nowMs);
    else broker.counters.publishDelayed += 1;
    return lateMs;
  }
  if (isFarBeyond(broker, connection, session, packet, nowMs, limit)) return undefined;
  countDropped(broker, session, packet.topicName, limit);
  if (packet.qos > 0) refuse(connection, packet, limit);
  return undefined;
}

/**
 * A PUBLISH that is not taken, for whatever reason: true where the client has sent so many of them, beside its rate, that
 * its connection ends.
 */
export function isFarBeyond(
  broker: Broker,
  connection: Connection,
  session: Session,
  packet: Publish,
  nowMs: number,
  limit: LimitName = "clientMessageRate",
): boolean {
  if (broker.rates.mayExceed(session.clientId, sizeOf(packet), nowMs)) return false;
  endForRate(broker, connection, limit, nowMs);
  return true;
}

function endForRate(broker: Broker, connection: Connection, limit: LimitName, nowMs: number): void {
  if (connection.state.kind === "closed") return;
  endConnection(broker, connection, limitPassed(limit, reasonCode.messageRateTooHigh, detail), nowMs);
}

/** As a drop, whose lines in the log are joined: a flood must not fill it. */
function countDropped(broker: Broker, session: Session, topic: string, limit: LimitName): void {
  broker.counters.drop("rate_limited");
  broker.effects.log({ event: "message-dropped", reason: "rate_limited", clientId: session.clientId, topic, limit });
}

/** The packet identifier is free again: no PUBREL follows a PUBREC with an error [MQTT-4.3.3-4]. */
function refuse(connection: Connection, packet: Publish, limit: RateLimitName): void {
  const { packetId, qos } = packet;
  if (packetId === undefined) throw new Error("QoS 1 and 2 without a packet identifier");
  const violation = limitPassed(limit, reasonCode.quotaExceeded, detail);
  const kind = qos === 1 ? "puback" : "pubrec";
  const properties = connection.wantsProblemInformation && { properties: explain(violation) }; // [MQTT-3.1.2-29]
  const slot = connection.acks.reserve();
  connection.acks.settle(slot, { kind, packetId, reasonCode: violation.reasonCode, ...properties }, "at-once");
}

/** A message from outside MQTT, with whose it is: that shares the rates, and not the buckets, of client ids. */
interface RatedRequest extends Sized {
  readonly publisher?: string;
}

/** U+0000 is in no client id [MQTT-1.5.4-2]. */
const bucketOf = (publisher: string | undefined): string | undefined =>
  publisher === undefined ? undefined : `\u0000${publisher}`;

/** Judges messages of one caller, all together: what becomes of each of them where they are over a rate. */
export function judgeRequestRate(
  broker: Broker,
  requests: readonly RatedRequest[],
  nowMs: number,
): PublishOutcome | undefined {
  const { rates } = broker;
  if (!rates.isOn) return undefined;
  rates.onShards(broker.layout.shards);
  const bucket = bucketOf(requests[0]?.publisher);
  const bytes = requests.reduce((sum, request) => sum + sizeOf(request), 0);
  const limit = rates.take(bucket, requests.length, bytes, nowMs);
  if (limit === undefined) return undefined;
  broker.counters.drop("rate_limited", requests.length);
  const retryAfterSec = Math.max(1, Math.ceil(rates.waitMs(bucket, nowMs) / msPerSec));
  return { kind: "refused", reasonCode: reasonCode.messageRateTooHigh, detail, retryAfterSec };
}
