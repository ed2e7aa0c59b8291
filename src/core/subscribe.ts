// SUBSCRIBE and UNSUBSCRIBE (§3.8–§3.11).

import type { Broker } from "./broker.ts";
import type { Connection } from "./connection.ts";
import type { PacketId } from "./brand.ts";
import type { QoS, Subscribe, SubscriptionRequest, Unsubscribe } from "./packet.ts";
import { quirksOf } from "./protocol-quirks.ts";
import { reasonCode } from "./reason-code.ts";
import { addToIndex, removeFromIndex } from "./subscription-index.ts";
import { endReplay, pumpReplays, replayKey, startReplay } from "./replay.ts";
import type { Session } from "./session.ts";
import type { Subscription } from "./subscription.ts";
import { parseSubscriptionFilter } from "./topic.ts";
import { routeOf, type Registration } from "./topic-port.ts";
import { limitPassed, refused, type Violation } from "./violation.ts";

/** A filter's verdict: the subscription, or why not. */
type Judged = { readonly kind: "granted"; readonly subscription: Subscription; readonly isNew: boolean } | Violation;

export function onSubscribe(
  broker: Broker,
  connection: Connection,
  session: Session,
  packet: Subscribe,
  nowMs: number,
): void {
  const limit = broker.limits.maximumFiltersPerSubscribe;
  if (packet.subscriptions.length > limit) {
    const detail = "too many topic filters in one SUBSCRIBE";
    broker.onViolation(connection, limitPassed("maximumFiltersPerSubscribe", reasonCode.quotaExceeded, detail), nowMs);
    return;
  }
  const violation = judgePacket(broker, packet);
  if (violation !== undefined) {
    broker.onViolation(connection, violation, nowMs);
    return;
  }
  const slot = connection.acks.reserve();
  if (isIdInUse(connection, session, packet.packetId)) {
    const reasonCodes = packet.subscriptions.map(() => reasonCode.packetIdentifierInUse);
    connection.acks.settle(slot, { kind: "suback", packetId: packet.packetId, reasonCodes }, "at-once");
    return;
  }
  const identifier = packet.properties?.subscriptionIdentifier;
  const fresh = new Set<string>();
  const judged = packet.subscriptions.map((request) => {
    const verdict = subscribeOne(broker, connection, session, request, identifier);
    if (verdict.kind === "granted" && verdict.isNew) fresh.add(verdict.subscription.filter);
    return verdict;
  });
  let unregistered = judged.length;
  const onRegistered = (): void => {
    unregistered -= 1;
    if (unregistered > 0) return;
    // [MQTT-3.8.4-1 v3.1.1, MQTT-3.8.4-5]: one code per filter, in their order.
    const reasonCodes = judged.map((verdict) => codeOf(connection, verdict));
    connection.acks.settle(
      slot,
      { kind: "suback", packetId: packet.packetId, reasonCodes },
      session.kind === "stored" ? "after-commit" : "at-once",
    );
    pumpReplays(broker, session);
  };
  // A filter that comes twice in one packet was new all the same.
  for (const verdict of judged) register(broker, session, verdict, fresh, onRegistered);
}

/** What closes the connection, whatever else the packet asks for. */
function judgePacket({ options }: Broker, { properties }: Subscribe): Violation | undefined {
  if (properties?.subscriptionIdentifier !== undefined && !options.features.subscriptionIdentifiersAvailable) {
    return refused(reasonCode.subscriptionIdentifiersNotSupported, "subscription identifiers are not available");
  }
  return undefined;
}

/** [MQTT-2.2.1-3]: the identifier belongs to a QoS 2 message that is open. MQTT 3 has no answer that says so. */
const isIdInUse = (connection: Connection, session: Session, packetId: PacketId): boolean =>
  quirksOf(connection.protocolVersion).hasReasonCodes && session.online?.inbound.has(packetId) === true;

function subscribeOne(
  broker: Broker,
  connection: Connection,
  session: Session,
  request: SubscriptionRequest,
  identifier: number | undefined,
): Judged {
  const judged = judge(broker, connection, session, request, identifier);
  if (judged.kind === "violation") {
    broker.counters.subscribeDenied += 1;
    broker.effects.log({
      event: "subscribe-denied",
      reason: judged.detail,
      clientId: session.clientId,
      topic: request.topicFilter,
      reasonCode: judged.reasonCode,
      ...(judged.limit !== undefined && { limit: judged.limit }),
    });
    return judged;
  }
  const { subscription } = judged;
  addToIndex(broker, session, subscription); // replaces [MQTT-3.8.4-3]
  broker.sessions.subscriptionChanged(session, subscription.filter, subscription);
  broker.sessions.changed(session);
  broker.effects.needsSave(connection);
  if (session.kind === "stored") broker.effects.needsFlush();
  return judged;
}

function judge(
  broker: Broker,
  connection: Connection,
  session: Session,
  request: SubscriptionRequest,
  identifier: number | undefined,
): Judged {
  const parsed = parseSubscriptionFilter(request.topicFilter, broker.limits);
  if (!parsed.ok) return parsed.error;
  const { topicFilter, shareName } = parsed.value;
  const { features } = broker.options;
  if (shareName !== undefined && !features.sharedSubscriptionAvailable) {
    return refused(reasonCode.sharedSubscriptionsNotSupported, "shared subscriptions are not available");
  }
  if (!features.wildcardSubscriptionAvailable && /[+#]/u.test(topicFilter)) {
    return refused(reasonCode.wildcardSubscriptionsNotSupported, "wildcard subscriptions are not available");
  }
  if (!connection.access.maySubscribe(topicFilter)) {
    return refused(reasonCode.notAuthorized, "the access rules do not allow it");
  }
  const existing = session.subscriptions.get(request.topicFilter);
  if (existing === undefined && session.subscriptions.size >= broker.limits.maximumSubscriptionsPerSession) {
    return limitPassed("maximumSubscriptionsPerSession", reasonCode.quotaExceeded, "too many subscriptions");
  }
  const number = existing?.number ?? session.nextSubscriptionNumber++;
  const subscription: Subscription = {
    filter: request.topicFilter,
    topicFilter,
    number,
    qos: Math.min(request.qos, features.maximumQos) as QoS, // [MQTT-3.2.2-10]
    noLocal: request.noLocal,
    retainAsPublished: request.retainAsPublished,
    retainHandling: request.retainHandling,
    ...(shareName !== undefined && { shareName }),
    ...(identifier !== undefined && { subscriptionIdentifier: identifier }),
  };
  return { kind: "granted", subscription, isNew: existing === undefined };
}

function codeOf(connection: Connection, verdict: Judged): number {
  if (verdict.kind === "granted") return verdict.subscription.qos;
  return quirksOf(connection.protocolVersion).subscribeFailure ?? verdict.reasonCode;
}

/** From `done` on no matching message is missed; what is retained comes by a replay (§3.8.4, Retain Handling). */
function register(
  broker: Broker,
  session: Session,
  verdict: Judged,
  fresh: ReadonlySet<string>,
  done: () => void,
): void {
  if (verdict.kind === "violation") {
    done();
    return;
  }
  const { subscription, isNew } = verdict;
  const route = routeOf(session, subscription);
  broker.topics.register(route, (registrations) => {
    // The session may have ended or unsubscribed while the owners were asked.
    const isCurrent = session.subscriptions.get(subscription.filter) === subscription;
    const wantsRetained =
      subscription.retainHandling === 0 || (subscription.retainHandling === 1 && fresh.has(subscription.filter));
    if (isCurrent && wantsRetained && subscription.shareName === undefined)
      replay(broker, session, subscription, registrations);
    done();
    if (subscription.shareName !== undefined) broker.groups.pumpFor(session);
  });
  // One subscription holds a route once; the new one is asked for first, so that it never ends in between.
  if (!isNew) broker.topics.unregister(route);
}

function replay(
  broker: Broker,
  session: Session,
  subscription: Subscription,
  registrations: readonly Registration[],
): void {
  for (const { owner, version } of registrations) {
    startReplay(broker, session, {
      key: replayKey(owner, subscription.filter),
      filter: subscription.filter,
      topicFilter: subscription.topicFilter,
      owner,
      qos: subscription.qos,
      notAfterVersion: version,
      lastTopic: undefined,
      waiting: false,
      ...(subscription.subscriptionIdentifier !== undefined && {
        subscriptionIdentifier: subscription.subscriptionIdentifier,
      }),
    });
  }
}

export function onUnsubscribe(
  broker: Broker,
  connection: Connection,
  session: Session,
  packet: Unsubscribe,
  nowMs: number,
): void {
  if (packet.topicFilters.length > broker.limits.maximumFiltersPerSubscribe) {
    const detail = "too many topic filters in one UNSUBSCRIBE";
    broker.onViolation(connection, limitPassed("maximumFiltersPerSubscribe", reasonCode.quotaExceeded, detail), nowMs);
    return;
  }
  const slot = connection.acks.reserve();
  if (isIdInUse(connection, session, packet.packetId)) {
    const reasonCodes = packet.topicFilters.map(() => reasonCode.packetIdentifierInUse);
    connection.acks.settle(slot, { kind: "unsuback", packetId: packet.packetId, reasonCodes }, "at-once");
    return;
  }
  const reasonCodes = packet.topicFilters.map((filter) =>
    unsubscribeOne(broker, connection, session, filter) ? reasonCode.success : reasonCode.noSubscriptionExisted,
  );
  // UNSUBACK also where nothing was subscribed [MQTT-3.10.4-5 v3.1.1].
  connection.acks.settle(
    slot,
    { kind: "unsuback", packetId: packet.packetId, reasonCodes },
    session.kind === "stored" ? "after-commit" : "at-once",
  );
}

/** Compared character by character [MQTT-3.10.4-1]. */
function unsubscribeOne(broker: Broker, connection: Connection, session: Session, filter: string): boolean {
  const subscription = session.subscriptions.get(filter);
  if (subscription === undefined) return false;
  session.subscriptions.delete(filter);
  removeFromIndex(broker, session, subscription);
  for (const job of session.replays.values()) {
    if (job.filter === filter) endReplay(broker, session, job.key);
  }
  broker.sessions.subscriptionChanged(session, filter, "removed");
  broker.effects.needsSave(connection);
  if (session.kind === "stored") broker.effects.needsFlush();
  return true;
}
