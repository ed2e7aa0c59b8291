// Who receives a message of a topic: found once in the tree, kept until subscriptions change. Nothing on the message
// path grows with the number of clients that do not match.

import type { TopicName } from "./brand.ts";
import type { Recipient } from "./message-log.ts";
import type { QoS } from "./packet.ts";
import type { Session } from "./session.ts";
import type { Subscription } from "./subscription.ts";
import type { TopicTree } from "./topic-tree.ts";

export interface IndexedSubscription {
  readonly session: Session;
  readonly subscription: Subscription;
}

/** One receiving session. Overlapping subscriptions are joined: one copy, the highest QoS [MQTT-3.3.5-1 v3.1.1]. */
export interface PlannedDelivery {
  readonly session: Session;
  readonly qos: QoS;
  readonly retainAsPublished: boolean;
  readonly subscriptionIdentifiers: readonly number[] | undefined;
  /** All that matched, where one of them has No Local: the publisher's own copy is judged apart. */
  readonly withNoLocal: readonly Subscription[] | undefined;
}

export interface DeliveryPlan {
  readonly deliveries: readonly PlannedDelivery[];
  /** Stored sessions with QoS ≥ 1, for the audience in the log, by the message's QoS: shared, so that the log stores it once. */
  readonly recipients: { 1: readonly Recipient[] | undefined; 2: readonly Recipient[] | undefined };
}

/** More topics or receivers of them than this and the cache starts anew: a bound on memory, not on speed. */
const maximumPlans = 10_000;
const maximumDeliveries = 100_000;

export class DeliveryPlans {
  readonly #tree: TopicTree<IndexedSubscription>;
  readonly #isServed: (topicName: TopicName, subscription: Subscription) => boolean;
  readonly #plans = new Map<TopicName, DeliveryPlan>();
  #generation = -1;
  #deliveries = 0;

  /** `isServed`: whether the topic's owner has registered the subscription's filter. */
  constructor(
    tree: TopicTree<IndexedSubscription>,
    isServed: (topicName: TopicName, subscription: Subscription) => boolean,
  ) {
    this.#tree = tree;
    this.#isServed = isServed;
  }

  /** A registration changed. */
  forget(): void {
    this.#plans.clear();
    this.#deliveries = 0;
  }

  /** Receivers in the cache, once for each topic. */
  get plannedDeliveries(): number {
    return this.#deliveries;
  }

  get #isFull(): boolean {
    return this.#plans.size > maximumPlans || this.#deliveries > maximumDeliveries;
  }

  get(topicName: TopicName): DeliveryPlan {
    if (this.#generation !== this.#tree.generation || this.#isFull) {
      this.forget();
      this.#generation = this.#tree.generation;
    }
    return this.#plans.get(topicName) ?? this.#make(topicName);
  }

  #make(topicName: TopicName): DeliveryPlan {
    const matches = this.#tree.match(topicName);
    const plan = makePlan(matches.filter(({ subscription }) => this.#isServed(topicName, subscription)));
    this.#plans.set(topicName, plan);
    this.#deliveries += plan.deliveries.length;
    return plan;
  }
}

function makePlan(matches: readonly IndexedSubscription[]): DeliveryPlan {
  const bySession = new Map<Session, Subscription[]>();
  for (const { session, subscription } of matches) {
    const own = bySession.get(session);
    if (own === undefined) bySession.set(session, [subscription]);
    else own.push(subscription);
  }
  const deliveries = [...bySession].map(([session, own]) => join(session, own));
  return { deliveries, recipients: { 1: recipientsOf(deliveries, 1), 2: recipientsOf(deliveries, 2) } };
}

/** One copy for all of a session's matching subscriptions [MQTT-3.3.4-2 … MQTT-3.3.4-5]. */
export function join(session: Session, own: readonly Subscription[]): PlannedDelivery {
  let qos: QoS = 0;
  const identifiers: number[] = [];
  for (const subscription of own) {
    if (subscription.qos > qos) qos = subscription.qos;
    if (subscription.subscriptionIdentifier !== undefined) {
      identifiers.push(subscription.subscriptionIdentifier);
    }
  }
  return {
    session,
    qos,
    retainAsPublished: own.some((subscription) => subscription.retainAsPublished),
    subscriptionIdentifiers: identifiers.length === 0 ? undefined : identifiers.sort((a, b) => a - b),
    withNoLocal: own.some((subscription) => subscription.noLocal) ? own : undefined,
  };
}

function recipientsOf(deliveries: readonly PlannedDelivery[], messageQos: 1 | 2): Recipient[] | undefined {
  const recipients: Recipient[] = [];
  for (const { session, qos, subscriptionIdentifiers } of deliveries) {
    if (session.kind !== "stored" || qos === 0) continue;
    recipients.push({
      session: session.number,
      qos: Math.min(qos, messageQos) as 1 | 2,
      retain: false,
      ...(subscriptionIdentifiers && { subscriptionIdentifiers }),
    });
  }
  return recipients.length === 0 ? undefined : recipients;
}
