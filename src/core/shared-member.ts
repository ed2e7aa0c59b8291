// A member of a shared subscription's group: a session of this shard, by the subscription that it joined with.

import type { Message } from "./packet.ts";
import type { Session } from "./session.ts";
import type { Subscription } from "./subscription.ts";

export interface Member {
  readonly session: Session;
  readonly subscription: Subscription;
}

/** A message handed over now would be sent now. */
export function hasFreeSlot({ session, subscription }: Member): boolean {
  const { online } = session;
  if (online === undefined) return false;
  return subscription.qos === 0 || online.outbound.canTake;
}

/** Asked at the hand-over: a filter may be broader than what its owner may see. Who is away is not asked yet. */
export const mayReceive = ({ session }: Member, { topicName }: Message): boolean =>
  session.online?.connection.access.mayReceive(topicName) ?? true;

export const identifiersOf = ({ subscriptionIdentifier }: Subscription): readonly number[] | undefined =>
  subscriptionIdentifier === undefined ? undefined : [subscriptionIdentifier];
