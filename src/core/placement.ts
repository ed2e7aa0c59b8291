// Which shard a topic, a filter or a client belongs to. The same answer in every version for ever: data was written
// where these functions said, so a change here is a change of layout.

import type { ClientId, TopicFilter, TopicName } from "./brand.ts";
import { hasWildcard } from "./topic.ts";

/** A numbered record: the placement in force (design: routing). */
export interface Layout {
  readonly number: number;
  /** How many shards; at least 1. */
  readonly shards: number;
  /** Levels that name a subtree; at least 1. */
  readonly subtreeDepth: number;
  /**
   * Other depths (in all, at least 1) for topics that are `prefix` or start with `prefix/`. The longest prefix that
   * fits counts.
   */
  readonly depthByPrefix: readonly { readonly prefix: string; readonly depth: number }[];
  readonly hashSeed: number;
}

/** The subtree of a topic: its first levels, as many as the layout says. `/news/eu` is of `/news`. */
export function subtreeOf(topicName: TopicName, layout: Layout): string {
  return firstLevels(topicName, depthOf(topicName, layout));
}

/** The shard that owns the topic's subtree: 0 … shards - 1. */
export function ownerOfTopic(topicName: TopicName, layout: Layout): number {
  if (layout.shards === 1) return 0;
  return ownerOf(subtreeOf(topicName, layout), layout);
}

/**
 * The shards at which a filter is registered, rising: every one that owns a topic which the filter matches. One,
 * where the levels that name subtrees are literal; all, where a wildcard is among them. The filter is that behind
 * `$share/{name}/`.
 */
export function ownersOfFilter(topicFilter: TopicFilter, layout: Layout): number[] {
  if (layout.shards === 1) return [0];
  // Without wildcards a filter matches the topic of its own name alone.
  if (!hasWildcard(topicFilter)) return [ownerOfTopic(topicFilter as string as TopicName, layout)];
  const literal = literalLevels(topicFilter);
  const depths = depthsBelow(literal, layout);
  if (Math.max(...depths) > countLevels(literal)) return allShards(layout);
  const owners = new Set(depths.map((depth) => ownerOf(firstLevels(literal, depth), layout)));
  return [...owners].toSorted((a, b) => a - b);
}

/** The shard on which the client's session lives. */
export function shardOfClient(clientId: ClientId, layout: Layout): number {
  if (layout.shards === 1) return 0;
  return ownerOf(clientId, layout);
}

/** The shard that keeps an idempotency key. */
export function shardOfKey(key: string, layout: Layout): number {
  return layout.shards === 1 ? 0 : ownerOf(key, layout);
}

const allShards = (layout: Layout): number[] => Array.from({ length: layout.shards }, (_, shard) => shard);

const isWithin = (topic: string, prefix: string): boolean => topic === prefix || topic.startsWith(`${prefix}/`);

function depthOf(topic: string, layout: Layout): number {
  let depth = layout.subtreeDepth;
  let longest = -1;
  for (const rule of layout.depthByPrefix) {
    if (rule.prefix.length <= longest || !isWithin(topic, rule.prefix)) continue;
    longest = rule.prefix.length;
    depth = rule.depth;
  }
  return depth;
}

/** Every depth that a topic which is `literal` or lies below it may have. */
function depthsBelow(literal: string, layout: Layout): number[] {
  const below = layout.depthByPrefix.filter((rule) => rule.prefix.startsWith(`${literal}/`));
  return [depthOf(literal, layout), ...below.map((rule) => rule.depth)];
}

/** The levels before the first wildcard, without the `/` that follows them. */
function literalLevels(filter: TopicFilter): string {
  const wildcard = filter.search(/[+#]/u);
  return filter.slice(0, Math.max(wildcard - 1, 0));
}

/** Where the level that starts at `from` ends. A leading empty level counts together with the next one. */
function levelEnd(topic: string, from: number): number {
  const end = topic.indexOf("/", from === 0 && topic.startsWith("/") ? 1 : from);
  return end === -1 ? topic.length : end;
}

function countLevels(topic: string): number {
  if (topic === "") return 0;
  let count = 1;
  for (let end = levelEnd(topic, 0); end < topic.length; end = levelEnd(topic, end + 1)) count += 1;
  return count;
}

function firstLevels(topic: string, depth: number): string {
  let end = levelEnd(topic, 0);
  for (let level = 1; level < depth && end < topic.length; level += 1) end = levelEnd(topic, end + 1);
  return topic.slice(0, end);
}

/** Rendezvous hashing: the shard with the highest score; a shard more takes keys from each and moves no other. */
function ownerOf(key: string, layout: Layout): number {
  const keyHash = murmur3(key, layout.hashSeed);
  let owner = 0;
  let best = -1;
  for (let shard = 0; shard < layout.shards; shard += 1) {
    // Both mixes are bijective, so no two shards ever have the same score.
    const score = finalMix(keyHash ^ finalMix(shard + 1));
    if (score <= best) continue;
    best = score;
    owner = shard;
  }
  return owner;
}

const encoder = new TextEncoder();

/** MurmurHash3 x86 32-bit over UTF-8. Gives 0 … 2^32 - 1. */
export function murmur3(text: string, seed: number): number {
  const bytes = encoder.encode(text);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tail = bytes.length & ~3;
  let state = seed | 0;
  for (let at = 0; at < tail; at += 4) {
    state ^= scramble(view.getUint32(at, true));
    state = (Math.imul(rotateLeft(state, 13), 5) + 0xe6546b64) | 0;
  }
  let rest = 0;
  for (let at = bytes.length - 1; at >= tail; at -= 1) rest = (rest << 8) | view.getUint8(at);
  state ^= scramble(rest);
  return finalMix(state ^ bytes.length);
}

const rotateLeft = (value: number, by: number): number => (value << by) | (value >>> (32 - by));

const scramble = (block: number): number => Math.imul(rotateLeft(Math.imul(block, 0xcc9e2d51), 15), 0x1b873593);

function finalMix(value: number): number {
  let mixed = value ^ (value >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
