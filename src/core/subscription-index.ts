// Where subscriptions are found by topic: the one place that adds and removes them.

import type { Broker } from "./broker.ts";
import type { Session } from "./session.ts";
import type { Subscription } from "./subscription.ts";
import { countSys } from "./sys-topics.ts";
import { routeOf } from "./topic-port.ts";

export function addToIndex(broker: Broker, session: Session, subscription: Subscription): void {
  const isNew = !session.subscriptions.has(subscription.filter);
  session.subscriptions.set(subscription.filter, subscription);
  if (subscription.shareName === undefined)
    broker.tree.set(subscription.topicFilter, session.number, { session, subscription });
  else broker.groups.join(session, subscription);
  if (isNew) broker.subscriptionCount += 1;
  if (isNew) countSys(broker, subscription.topicFilter, 1);
}

export function removeFromIndex(broker: Broker, session: Session, subscription: Subscription): void {
  if (subscription.shareName === undefined) broker.tree.delete(subscription.topicFilter, session.number);
  else broker.groups.leave(session, subscription.filter);
  broker.topics.unregister(routeOf(session, subscription));
  broker.subscriptionCount -= 1;
  countSys(broker, subscription.topicFilter, -1);
}
