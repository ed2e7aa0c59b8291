// Client ids for chosen shards: with several shards a test says who sits where.

import type { ClientId, TopicName } from "../../../src/core/brand.ts";
import { ownerOfTopic, shardOfClient, type Layout } from "../../../src/core/placement.ts";

const layoutOf = (shards: number): Layout => ({ number: 1, shards, subtreeDepth: 1, depthByPrefix: [], hashSeed: 0 });

export interface Seats {
  /** A client id that begins with `prefix` and sits `steps` shards behind the owner of the topic, going round. */
  clientId(prefix: string, steps: number): string;
}

/** Steps behind the owner: with three shards or more, publisher, owner and subscriber are on three of them. */
export const subscriberSteps = 1;
export const publisherSteps = 2;

/** Who sits where beside `topic`, in a broker with its default layout. */
export function seatsAround(topic: string, shards: number): Seats {
  const layout = layoutOf(shards);
  const owner = ownerOfTopic(topic as TopicName, layout);
  const clientId = (prefix: string, steps: number): string => {
    const wanted = (owner + steps) % shards;
    for (let suffix = 0; ; suffix++) {
      const id = `${prefix}${suffix}`;
      if (shardOfClient(id as ClientId, layout) === wanted) return id;
    }
  };
  assertApart([owner, ...[subscriberSteps, publisherSteps].map((steps) => (owner + steps) % shards)], shards);
  return { clientId };
}

function assertApart(seats: readonly number[], shards: number): void {
  const apart = new Set(seats).size;
  if (apart !== Math.min(shards, seats.length)) throw new Error(`owner and clients are on ${apart} shards`);
}
