// The shard counts that every end-to-end test runs with.

import { describe } from "vitest";

const shardCounts = [1, 3];

/** One `describe` per shard count. `suite` gets the count. */
export function describeShards(title: string, suite: (shards: number) => void): void {
  for (const shards of shardCounts) describe(`${title}, SHARDS=${shards}`, () => suite(shards));
}
