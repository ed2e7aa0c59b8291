// The routes of subscriptions that an import brought, and their replays: as a SUBSCRIBE would make them.

import type { Broker } from "../broker.ts";
import { routeOf } from "../topic-port.ts";
import { replayKey, startReplay } from "../replay.ts";
import type { BroughtSubscription } from "./import.ts";

/** Retained messages of the same import are set later than the subscription. */
const anyVersion = Number.MAX_SAFE_INTEGER;

/** `done`: from now on no matching message is missed. */
export function registerBrought(broker: Broker, brought: readonly BroughtSubscription[], done: () => void): void {
  let missing = brought.length;
  if (missing === 0) done();
  for (const one of brought) {
    broker.topics.register(routeOf(one.session, one.subscription), (registrations) => {
      if (one.wantsReplay)
        replayFrom(
          broker,
          one,
          registrations.map(({ owner }) => owner),
        );
      missing -= 1;
      if (missing === 0) done();
    });
  }
}

/** From its start: where it stood counts by the table of another shard. */
function replayFrom(broker: Broker, { session, subscription }: BroughtSubscription, owners: readonly number[]): void {
  const { filter, topicFilter, qos, subscriptionIdentifier } = subscription;
  if (session.subscriptions.get(filter) !== subscription) return;
  for (const owner of owners) {
    startReplay(broker, session, {
      key: replayKey(owner, filter),
      filter,
      topicFilter,
      owner,
      qos,
      notAfterVersion: anyVersion,
      lastTopic: undefined,
      waiting: false,
      ...(subscriptionIdentifier !== undefined && { subscriptionIdentifier }),
    });
  }
}
