// Client ids and topics by the shard that they belong to, so that a test at several shards says where everything is.

import type { ClientId, TopicFilter, TopicName } from "../../src/core/brand.ts";
import { ownerOfTopic, ownersOfFilter, shardOfClient, type Layout } from "../../src/core/placement.ts";

export const layoutOf = (shards: number, number = 1): Layout => ({
  number,
  shards,
  subtreeDepth: 1,
  depthByPrefix: [],
  hashSeed: 0,
});

/** Hands out ids that were not handed out before. */
export class Placement {
  readonly layout: Layout;
  #next = 0;

  constructor(shards: number) {
    this.layout = layoutOf(shards);
  }

  clientOn(shard: number, name = "client"): string {
    return this.#fresh(name, (id) => shardOfClient(id as ClientId, this.layout) === this.#within(shard));
  }

  /** The first level of a topic. */
  subtreeOn(shard: number, name = "topic"): string {
    return this.#fresh(name, (id) => ownerOfTopic(id as TopicName, this.layout) === this.#within(shard));
  }

  #within(shard: number): number {
    return shard % this.layout.shards;
  }

  #fresh(name: string, isRight: (id: string) => boolean): string {
    for (;;) {
      const id = `${name}-${(this.#next += 1)}`;
      if (isRight(id)) return id;
    }
  }

  ownersOf(filter: string): number[] {
    return ownersOfFilter(filter as TopicFilter, this.layout);
  }

  shardOf(clientId: string): number {
    return shardOfClient(clientId as ClientId, this.layout);
  }

  ownerOf(topicName: string): number {
    return ownerOfTopic(topicName as TopicName, this.layout);
  }

  /** Throws unless publisher, owner and subscriber sit on three shards: what a test at three shards is for. */
  assertApart(publisherId: string, topicName: string, subscriberId: string): void {
    const places = [this.shardOf(publisherId), this.ownerOf(topicName), this.shardOf(subscriberId)];
    if (new Set(places).size !== 3)
      throw new Error(`publisher, owner and subscriber are on shards ${places.join(", ")}`);
  }
}
