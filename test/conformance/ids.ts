// Identifiers for one run of a dialogue: three characters each, never used before, so that dialogues in one shared
// broker do not disturb one another. With several shards they are picked so that owner, subscriber and publisher sit
// on three of them.

import type { Ids } from "./notation.ts";

export interface Placement {
  readonly shards: number;
  clientShard(clientId: string): number;
  topicShard(topicName: string): number;
}

const ID_LENGTH = 3;
const RADIX = 36;
/** Owner, subscriber, publisher. */
const APART = 3;
/** First: always three characters. */
const FIRST = RADIX ** (ID_LENGTH - 1);

/** `{t}`, `{u}`: topics. `{a}` … `{d}`: clients; by custom `{a}` subscribes and `{b}` publishes. `{z}`: the bystander. */
export function createIdSource(placement: Placement): () => Ids {
  let next = FIRST;
  const fresh = (): string => {
    if (next >= RADIX ** ID_LENGTH) throw new Error("out of identifiers: make them longer");
    return (next++).toString(RADIX);
  };
  const freshWhere = (accepts: (id: string) => boolean): string => {
    for (;;) {
      const id = fresh();
      if (placement.shards < APART || accepts(id)) return id;
    }
  };
  return () => {
    const t = fresh();
    const owner = placement.topicShard(t);
    const a = freshWhere((id) => placement.clientShard(id) !== owner);
    const taken = new Set([owner, placement.clientShard(a)]);
    const b = freshWhere((id) => !taken.has(placement.clientShard(id)));
    return { t, a, b, c: fresh(), d: fresh(), u: fresh(), z: fresh() };
  };
}

/** Asserts what a run with several shards is for: owner, subscriber and publisher are on three shards. */
export function assertApart(ids: Ids, placement: Placement): void {
  if (placement.shards < APART) return;
  const { a = "", b = "", t = "" } = ids;
  const apart = new Set([placement.topicShard(t), placement.clientShard(a), placement.clientShard(b)]);
  if (apart.size !== APART) throw new Error(`{t}, {a} and {b} are on ${apart.size} shards, not on three`);
}
