// Hot path: one message to all sessions of this shard that want it. A plain loop, no effect object per receiver.

import type { Broker } from "./broker.ts";
import { join, type PlannedDelivery } from "./delivery-plan.ts";
import type { Recipient } from "./message-log.ts";
import { messageSize } from "./message-size.ts";
import type { Message, QoS } from "./packet.ts";
import { sendQos0 } from "./sending.ts";
import type { Origin } from "./topic-port.ts";

export interface Delivered {
  /** How many sessions receive it now or later. */
  readonly matched: number;
  /** It went into the log: an acknowledgement must wait for the commit. */
  readonly stored: boolean;
}

export function deliver(broker: Broker, message: Message, origin: Origin): Delivered {
  const plan = broker.plans.get(message.topicName);
  let matched = 0;
  let isPlain = !message.retain;
  for (const planned of plan.deliveries) {
    const delivery = withoutOwnCopies(planned, origin, broker.options.shardIndex);
    if (delivery !== planned) isPlain = false;
    if (delivery === undefined) continue;
    matched += 1;
    const qos = Math.min(delivery.qos, message.qos) as QoS;
    if (qos === 0) deliverQos0(broker, delivery, message);
    else if (delivery.session.kind === "ephemeral") deliverLive(broker, delivery, message, qos);
  }
  if (message.qos === 0) return { matched, stored: false };
  const recipients = isPlain ? plan.recipients[message.qos] : recipientsFor(broker, plan.deliveries, message, origin);
  if (recipients === undefined || recipients.length === 0) return { matched, stored: false };
  const admitted = broker.options.queueOverflow === undefined ? recipients : withoutFull(broker, message, recipients);
  if (admitted.length === 0) return { matched, stored: false };
  store(broker, message, admitted);
  return { matched, stored: true };
}

/** Those whose queue is full and does not make room by losing its oldest are no part of the audience. */
function withoutFull(broker: Broker, message: Message, recipients: readonly Recipient[]): readonly Recipient[] {
  if (broker.options.queueOverflow === "drop-oldest") return recipients;
  let admitted: Recipient[] | undefined;
  recipients.forEach((recipient, index) => {
    if (!mayQueue(broker, message, recipient)) admitted ??= recipients.slice(0, index);
    else admitted?.push(recipient);
  });
  return admitted ?? recipients;
}

function mayQueue(broker: Broker, message: Message, recipient: Recipient): boolean {
  const session = broker.sessions.byNumber(recipient.session);
  if (session === undefined) return true;
  const outbound = session.online?.outbound;
  if (outbound === undefined) return broker.offlineQueues.admits(session, message);
  return outbound.kind !== "stored" || outbound.admits(message);
}

/** No Local: what the publisher itself subscribed with it is left out [MQTT-3.8.3-3]. */
function withoutOwnCopies(planned: PlannedDelivery, origin: Origin, shardIndex: number): PlannedDelivery | undefined {
  if (planned.withNoLocal === undefined || planned.session.number !== origin.session) return planned;
  if (origin.shard !== undefined && origin.shard !== shardIndex) return planned;
  const others = planned.withNoLocal.filter((subscription) => !subscription.noLocal);
  return others.length === 0 ? undefined : join(planned.session, others);
}

/** The RETAIN flag of a forwarded message: 0 unless Retain As Published [MQTT-3.3.1-9 v3.1.1, MQTT-3.3.1-12, MQTT-3.3.1-13]. */
const forwardedRetain = (delivery: PlannedDelivery, message: Message): boolean =>
  message.retain && delivery.retainAsPublished;

function deliverQos0(broker: Broker, delivery: PlannedDelivery, message: Message): void {
  const online = delivery.session.online;
  if (online === undefined) return; // QoS 0 is not kept for a client that is away
  if (!online.connection.access.mayReceive(message.topicName)) {
    broker.dropped(online.connection, message, "not_authorized");
    return;
  }
  sendQos0(broker, online.connection, message, forwardedRetain(delivery, message), delivery.subscriptionIdentifiers);
}

function deliverLive(broker: Broker, delivery: PlannedDelivery, message: Message, qos: 1 | 2): void {
  const online = delivery.session.online;
  if (online === undefined || online.outbound.kind !== "ephemeral") return;
  if (!online.connection.access.mayReceive(message.topicName)) {
    broker.dropped(online.connection, message, "not_authorized");
    return;
  }
  online.outbound.enqueue(message, qos, forwardedRetain(delivery, message), delivery.subscriptionIdentifiers);
}

function recipientsFor(
  broker: Broker,
  deliveries: readonly PlannedDelivery[],
  message: Message,
  origin: Origin,
): readonly Recipient[] {
  const recipients: Recipient[] = [];
  for (const planned of deliveries) {
    const delivery = withoutOwnCopies(planned, origin, broker.options.shardIndex);
    if (delivery === undefined || delivery.session.kind !== "stored") continue;
    const qos = Math.min(delivery.qos, message.qos);
    if (qos === 0) continue;
    recipients.push({
      session: delivery.session.number,
      qos: qos as 1 | 2,
      retain: forwardedRetain(delivery, message),
      ...(delivery.subscriptionIdentifiers && {
        subscriptionIdentifiers: delivery.subscriptionIdentifiers,
      }),
    });
  }
  return recipients;
}

/** Once in the log for all of them; those on line and caught up are handed it at once. */
function store(broker: Broker, message: Message, recipients: readonly Recipient[]): void {
  if (recipients.length > 1 && !broker.log.fitsRow(messageSize(message), recipients)) {
    // Thousands of sessions with hundreds of subscription identifiers each: an entry for either half.
    const middle = recipients.length >> 1;
    store(broker, message, recipients.slice(0, middle));
    store(broker, message, recipients.slice(middle));
    return;
  }
  const position = broker.log.append(message, recipients);
  broker.effects.needsFlush();
  for (const recipient of recipients) {
    const online = broker.sessions.byNumber(recipient.session)?.online;
    if (online === undefined || online.outbound.kind !== "stored") continue;
    if (!online.connection.access.mayReceive(message.topicName)) {
      online.outbound.onRefused(position, message);
      continue;
    }
    online.outbound.onAppended(position, message, recipient.qos, recipient.retain, recipient.subscriptionIdentifiers);
  }
}
