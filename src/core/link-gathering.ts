// What waits at the sender of a link until a batch is made of it, and what becomes of an entry when the other shard does
// not answer.

import type { KnownEntry } from "./link-entry.ts";

/**
 * - `drop`: QoS 0. Never repeated, never stored.
 * - `give-up`: has no verdict once the budget has passed; whoever waits decides.
 * - `store`: goes to the outbox once the budget has passed.
 * - `keep`: stays in memory until it is answered; a restart makes it anew.
 */
export type Policy = "drop" | "give-up" | "store" | "keep";

export interface Item<Token> {
  /** Place in its batch; set when the batch is made. */
  readonly ordinal: number;
  readonly bytes: Uint8Array;
  readonly policy: Policy;
  /** Its batch carries a durable number and is stored before it leaves. */
  readonly durable: boolean;
  /** The commit that stores it is its verdict: nobody waits for the other shard. */
  readonly commitIsVerdict: boolean;
  readonly atMs: number;
  readonly token: Token | undefined;
}

export function policyOf(entry: KnownEntry): Policy {
  switch (entry.kind) {
    case "publish":
      // [MQTT-4.3.2-4]: nobody was told of a QoS 1 publish yet, so the publisher still has it.
      return (["drop", "give-up", "store"] as const)[entry.qos];
    case "delivery":
      return entry.qos === 0 ? "drop" : "store";
    case "share-offer":
    case "share-refusal":
      return entry.qos === 0 ? "drop" : "store";
    case "share-return":
      return "store";
    case "retained-query":
    case "retained-page":
      return "give-up";
    case "route-add":
    case "route-remove":
    case "route-set":
    case "registered":
    case "share-state":
      return "keep";
  }
}

const earlier = (a: number | undefined, b: number): number => (a === undefined || b < a ? b : a);

/** Times of the oldest of each kind, in epoch ms: what budgets are counted from. */
export interface Ages {
  storableSinceMs?: number | undefined;
  givableSinceMs?: number | undefined;
}

export function agesOf(items: readonly Item<unknown>[]): Ages {
  const ages: Ages = {};
  for (const item of items) addAge(ages, item);
  return ages;
}

function addAge(ages: Ages, item: Item<unknown>): void {
  if (item.policy === "store") ages.storableSinceMs = earlier(ages.storableSinceMs, item.atMs);
  if (item.policy === "give-up") ages.givableSinceMs = earlier(ages.givableSinceMs, item.atMs);
}

/** A queue of items in the order in which they came. */
export class Gathering<Token> {
  #items: Item<Token>[] = [];
  #bytes = 0;
  #durable = 0;
  #ages: Ages = {};

  get isEmpty(): boolean {
    return this.#items.length === 0;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get hasDurable(): boolean {
    return this.#durable > 0;
  }

  get ages(): Readonly<Ages> {
    return this.#ages;
  }

  push(item: Item<Token>): void {
    this.#items.push(item);
    this.#bytes += item.bytes.length;
    if (item.durable) this.#durable += 1;
    addAge(this.#ages, item);
  }

  /** Takes from the front what fits `maximumBytes`, at least one, and numbers it. */
  take(maximumBytes: number): Item<Token>[] {
    const taken: Item<Token>[] = [];
    let bytes = 0;
    for (const item of this.#items) {
      bytes += item.bytes.length;
      if (taken.length > 0 && bytes > maximumBytes) break;
      taken.push({ ...item, ordinal: taken.length });
    }
    this.#replace(this.#items.slice(taken.length));
    return taken;
  }

  /** Takes out what has waited for its verdict since before `sinceMs`. */
  giveUp(sinceMs: number): Item<Token>[] {
    if (this.#ages.givableSinceMs === undefined || this.#ages.givableSinceMs > sinceMs) return [];
    const isOver = (item: Item<Token>): boolean => item.policy === "give-up" && item.atMs <= sinceMs;
    const given = this.#items.filter(isOver);
    this.#replace(this.#items.filter((item) => !isOver(item)));
    return given;
  }

  #replace(items: Item<Token>[]): void {
    this.#items = [];
    this.#bytes = 0;
    this.#durable = 0;
    this.#ages = {};
    for (const item of items) this.push(item);
  }
}
