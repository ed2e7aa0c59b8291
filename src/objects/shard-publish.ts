// Publishing and reading retained messages from outside MQTT: what the Worker asks over RPC.

import { fail, ok, type Result } from "../core/brand.ts";
import type { Broker } from "../core/broker.ts";
import type { ClaimVerdict } from "../core/idempotency.ts";
import type { Message } from "../core/packet.ts";
import { outcomeOf, type PublishOutcome } from "../core/publish-outcome.ts";
import { judgeRequestRate } from "../core/publish-rate.ts";
import { parseTopicName, utf8Length } from "../core/topic.ts";
import { limitPassed, type Violation } from "../core/violation.ts";
import { reasonCode } from "../core/reason-code.ts";
import type { ClaimAnswer, KeyClaim, OnceAnswer, PublishRequest, RetainedValue } from "./shard-api.ts";

/** Room for the fixed header, lengths and properties of the PUBLISH that the message becomes. */
const packetOverheadBytes = 1024;

export function publishAll(
  broker: Broker,
  requests: readonly PublishRequest[],
  nowMs: number,
): Promise<readonly PublishOutcome[]> {
  const refusal = judgeRequestRate(broker, requests, nowMs);
  if (refusal !== undefined) return Promise.resolve(requests.map(() => refusal));
  return Promise.all(requests.map((request) => publishOne(broker, request, nowMs)));
}

function publishOne(broker: Broker, request: PublishRequest, nowMs: number): Promise<PublishOutcome> {
  return new Promise((resolve) => {
    const message = toMessage(broker, request, nowMs);
    if (message.ok) broker.onPublishRequest(message.value, nowMs, (verdict) => resolve(outcomeOf(verdict)));
    else resolve(outcomeOf({ kind: "refused", violation: message.error }));
  });
}

export function publishOnce(
  broker: Broker,
  requests: readonly PublishRequest[],
  claim: KeyClaim,
  nowMs: number,
  done: (answer: OnceAnswer) => void,
): void {
  const drafts = requests.map((request) => toMessage(broker, request, nowMs));
  broker.onPublishOnce(
    drafts,
    claim,
    nowMs,
    (answer) => done(answer.kind === "refused" ? refusedAnswer(answer.violation) : answer),
    () => judgeRequestRate(broker, requests, nowMs),
  );
}

/** What the core says of a claim, for the caller. */
export function claimAnswer(verdict: ClaimVerdict): ClaimAnswer {
  if (verdict.kind === "answered") return { ...verdict, isReplayed: true };
  return verdict.kind === "refused" ? refusedAnswer(verdict.violation) : verdict;
}

const refusedAnswer = ({ reasonCode: code, detail, limit }: Violation): OnceAnswer => ({
  kind: "refused",
  reasonCode: code,
  detail,
  ...(limit !== undefined && { limit }),
});

function toMessage(broker: Broker, request: PublishRequest, nowMs: number): Result<Message, Violation> {
  const topicName = parseTopicName(request.topicName, broker.limits);
  if (!topicName.ok) return topicName;
  const size = request.payload.length + utf8Length(request.topicName) + packetOverheadBytes;
  if (size > broker.limits.maximumPacketSize) {
    return fail(limitPassed("maximumPacketSize", reasonCode.packetTooLarge, "the message is too large"));
  }
  const expirySec = request.properties?.messageExpiryIntervalSec;
  return ok({
    topicName: topicName.value,
    payload: request.payload,
    qos: request.qos,
    retain: request.retain,
    ...(request.properties && { properties: request.properties }),
    ...(expirySec !== undefined && { expiresAtMs: nowMs + expirySec * 1000 }),
  });
}

export function readRetained(broker: Broker, topic: string, nowMs: number): RetainedValue | null {
  broker.counters.requestsReceived += 1;
  const topicName = parseTopicName(topic, broker.limits);
  const stored = topicName.ok ? broker.retained.get(topicName.value, nowMs) : undefined;
  if (stored === undefined) return null;
  const { payload, qos, properties, publishedAtMs, expiresAtMs } = stored;
  return {
    topicName: topic,
    payload,
    qos,
    publishedAtMs,
    ...(properties && { properties }),
    ...(expiresAtMs !== undefined && {
      messageExpiryIntervalSec: Math.max(0, Math.ceil((expiresAtMs - nowMs) / 1000)),
    }),
  };
}
