// Which shards want which filter. At an owner: the table that its messages are matched against. At a shard with
// subscribers: what it has registered where. Routes may be too many, never too few.

import type { TopicFilter, TopicName } from "./brand.ts";
import type { KnownEntry } from "./link-entry.ts";
import { TopicCache } from "./topic-cache.ts";
import { TopicTree } from "./topic-tree.ts";

type Entry<Kind extends KnownEntry["kind"]> = Extract<KnownEntry, { readonly kind: Kind }>;

/** Rows of an owner's table. Called inside a flush. */
export interface RoutePort {
  put(filter: TopicFilter, shard: number, registration: number): void;
  delete(filter: TopicFilter, shard: number): void;
  /** Below it no remove of the shard counts; one row per shard. */
  putFloor(shard: number, registration: number): void;
}

export interface StoredRoute {
  readonly filter: TopicFilter;
  readonly shard: number;
  readonly registration: number;
}

/** The owner's side. */
export class RouteTable {
  readonly #tree = new TopicTree<number>();
  readonly #matches = new TopicCache<readonly number[]>();
  /** Shard → filter → registration: a late repeat of an older remove or set must not end a newer route. */
  readonly #registrations = new Map<number, Map<TopicFilter, number>>();
  /** What storage does not have yet, by shard and filter; `undefined` is a deletion. */
  readonly #changed = new Map<number, Map<TopicFilter, number | undefined>>();

  /** Shard → registration of its last set: removes from before it are late ones of an earlier life. */
  readonly #floors: Map<number, number>;
  readonly #raisedFloors = new Set<number>();

  /** From the rows that an earlier life committed; `floors` are pairs of shard and registration. */
  constructor(rows: Iterable<StoredRoute>, floors: Iterable<readonly [number, number]>) {
    this.#floors = new Map(floors);
    for (const { filter, shard, registration } of rows) this.#enter(filter, shard, registration);
  }

  #enter(filter: TopicFilter, shard: number, registration: number): void {
    this.#tree.set(filter, shard, shard);
    mapOf(this.#registrations, shard).set(filter, registration);
  }

  /** How many (filter, shard) there are. */
  get size(): number {
    return this.#tree.size;
  }

  /** What a shard has registered here. */
  filtersOf(shard: number): TopicFilter[] {
    return [...(this.#registrations.get(shard)?.keys() ?? [])];
  }

  /** The shards with a subscription that may match (§4.7), in no special order. */
  match(topicName: TopicName): readonly number[] {
    const known = this.#matches.get(topicName, this.#tree.generation);
    return known ?? this.#matches.set(topicName, [...new Set(this.#tree.match(topicName))]);
  }

  /**
   * Carries out an add, a remove or a part of a set that came over the link from `shard`, in the link's order. Its
   * verdict may be given when `flush` is committed; that of an add when the `registered` entry that answers it has
   * reached the shard, so that a crash between the two repeats both.
   */
  onEntry(shard: number, entry: Entry<"route-add" | "route-remove" | "route-set">): void {
    switch (entry.kind) {
      case "route-add":
        return this.#add(entry.filter as TopicFilter, shard, entry.registration);
      case "route-remove":
        return this.#remove(entry.filter as TopicFilter, shard, entry.registration);
      case "route-set":
        this.#raiseFloor(shard, entry.registration);
        for (const filter of entry.filters) this.#add(filter as TopicFilter, shard, entry.registration);
        if (entry.last) this.#endOlder(shard, entry.registration);
    }
  }

  #raiseFloor(shard: number, registration: number): void {
    if (registration <= (this.#floors.get(shard) ?? 0)) return;
    this.#floors.set(shard, registration);
    this.#raisedFloors.add(shard);
  }

  #add(filter: TopicFilter, shard: number, registration: number): void {
    const known = this.#registrations.get(shard)?.get(filter);
    if (known !== undefined && known >= registration) return;
    this.#enter(filter, shard, registration);
    // The row of a route that exists may keep its older number: no remove between the two was ever sent.
    if (known === undefined) mapOf(this.#changed, shard).set(filter, registration);
  }

  #remove(filter: TopicFilter, shard: number, registration: number): void {
    const routes = this.#registrations.get(shard);
    const known = routes?.get(filter);
    if (routes === undefined || known === undefined || known > registration) return;
    if (registration < (this.#floors.get(shard) ?? 0)) return;
    this.#tree.delete(filter, shard);
    routes.delete(filter);
    mapOf(this.#changed, shard).set(filter, undefined);
  }

  /** The set is whole: what it did not name is of an earlier life of the shard. */
  #endOlder(shard: number, registration: number): void {
    for (const [filter, known] of this.#registrations.get(shard) ?? []) {
      if (known < registration) this.#remove(filter, shard, registration);
    }
  }

  /** Writes what changed since the last flush: a row per new or ended (filter, shard), and one per set. */
  flush(port: RoutePort): void {
    for (const [shard, filters] of this.#changed) {
      for (const [filter, registration] of filters) {
        if (registration === undefined) port.delete(filter, shard);
        else port.put(filter, shard, registration);
      }
    }
    this.#changed.clear();
    for (const shard of this.#raisedFloors) port.putFloor(shard, this.#floors.get(shard) ?? 0);
    this.#raisedFloors.clear();
  }
}

function mapOf<Value>(maps: Map<number, Map<TopicFilter, Value>>, key: number): Map<TopicFilter, Value> {
  const found = maps.get(key);
  if (found !== undefined) return found;
  const made = new Map<TopicFilter, Value>();
  maps.set(key, made);
  return made;
}

/** What one shard has registered at one owner. */
interface Registered {
  /** Subscriptions that want it. At 0 it lingers. */
  count: number;
  /** Whether messages from the owner are matched: from its first `registered` entry on. */
  serving: boolean;
  /** Since when nobody wants it, in epoch ms. */
  idleSinceMs: number;
}

export interface Done<Waiter> {
  readonly waiter: Waiter;
  /** The owner's version when it registered: retained values up to it are to be replayed. */
  readonly version: number;
}

/** How long a route that nobody wants is kept: a client that comes back finds it and no row is written. */
const LINGER_MS = 60_000;
/** Bytes of filters in one part of a set, roughly: several parts share a batch or have one each. */
const SET_PART_LENGTH = 64 * 1024;

/** The subscriber shard's side. `Waiter` stands for a subscription whose SUBACK waits. */
export class RouteRegistrations<Waiter> {
  readonly #owners = new Map<number, Map<TopicFilter, Registered>>();
  readonly #waiting = new Map<number, Waiter>();
  #nextRegistration: number;

  /**
   * @param firstRegistration higher than any of an earlier life; epoch ms × 1,024 at start does.
   */
  constructor(firstRegistration: number) {
    this.#nextRegistration = firstRegistration;
  }

  /** A subscription that was acknowledged before this object started: it is served at once. */
  restore(filter: TopicFilter, owner: number): void {
    const registered = this.#obtain(filter, owner);
    registered.serving = true;
    registered.count += 1;
  }

  /** One subscription more wants the filter. Gives what goes to the owner; `onRegistered` gives the waiter back. */
  acquire(filter: TopicFilter, owner: number, waiter: Waiter): Entry<"route-add"> {
    this.#obtain(filter, owner).count += 1;
    const registration = this.#nextRegistration++;
    this.#waiting.set(registration, waiter);
    return { kind: "route-add", filter, registration };
  }

  #obtain(filter: TopicFilter, owner: number): Registered {
    const filters = mapOf(this.#owners, owner);
    const found = filters.get(filter);
    if (found !== undefined) return found;
    const made = { count: 0, serving: false, idleSinceMs: Infinity };
    filters.set(filter, made);
    return made;
  }

  /** One subscription less; the route goes later (`sweep`). */
  release(filter: TopicFilter, owner: number, nowMs: number): void {
    const registered = this.#owners.get(owner)?.get(filter);
    if (registered === undefined || registered.count === 0) throw new Error(`released more than acquired: ${filter}`);
    registered.count -= 1;
    registered.idleSinceMs = nowMs;
  }

  /** The owner's `registered` entry came. `undefined` where nobody waits for it: a repeat, or one of an earlier life. */
  onRegistered(owner: number, entry: Entry<"registered">): Done<Waiter> | undefined {
    const waiter = this.#waiting.get(entry.registration);
    if (waiter === undefined) return undefined;
    this.#waiting.delete(entry.registration);
    // It may have ended meanwhile: an UNSUBSCRIBE does not wait for the SUBACK, and that is owed all the same.
    const registered = this.#owners.get(owner)?.get(entry.filter as TopicFilter);
    if (registered !== undefined) registered.serving = true;
    return { waiter, version: entry.version };
  }

  /** Whether a subscription to the filter may match what comes from the owner now. */
  isServed(filter: TopicFilter, owner: number): boolean {
    return this.#owners.get(owner)?.get(filter)?.serving === true;
  }

  /** The remove for a filter that nobody wants any more, to be sent to the owner now; `undefined` where somebody does. */
  end(filter: TopicFilter, owner: number): Entry<"route-remove"> | undefined {
    return this.#owners.get(owner)?.get(filter)?.count === 0 ? this.disown(filter, owner) : undefined;
  }

  /** The remove for a filter that an earlier life wanted, perhaps; `undefined` where somebody wants it now. */
  disown(filter: TopicFilter, owner: number): Entry<"route-remove"> | undefined {
    const filters = this.#owners.get(owner);
    if ((filters?.get(filter)?.count ?? 0) > 0) return undefined;
    filters?.delete(filter);
    return { kind: "route-remove", filter, registration: this.#nextRegistration++ };
  }

  /** Removes for what nobody has wanted for a while, to be sent to each owner. */
  sweep(nowMs: number): { readonly owner: number; readonly entry: Entry<"route-remove"> }[] {
    const ended = [...this.#owners].flatMap(([owner, filters]) => {
      const idle = [...filters].filter(([, { count, idleSinceMs }]) => count === 0 && idleSinceMs <= nowMs - LINGER_MS);
      return idle.map(([filter]) => ({ owner, filter }));
    });
    return ended.map(({ owner, filter }) => {
      this.#owners.get(owner)?.delete(filter);
      return { owner, entry: { kind: "route-remove", filter, registration: this.#nextRegistration++ } };
    });
  }

  /** When `sweep` has something to do next, in epoch ms. */
  nextSweepMs(): number | undefined {
    let next = Infinity;
    for (const filters of this.#owners.values()) {
      for (const { count, idleSinceMs } of filters.values())
        if (count === 0) next = Math.min(next, idleSinceMs + LINGER_MS);
    }
    return next === Infinity ? undefined : next;
  }

  /** Everything that is wanted of the owner, in parts: sent after a start without sockets. What it does not name ends. */
  fullSet(owner: number): Entry<"route-set">[] {
    const registration = this.#nextRegistration++;
    const parts: TopicFilter[][] = [[]];
    let length = 0;
    for (const [filter, { count }] of this.#owners.get(owner) ?? []) {
      if (count === 0) continue;
      if (length > SET_PART_LENGTH) {
        parts.push([]);
        length = 0;
      }
      parts.at(-1)?.push(filter);
      length += filter.length;
    }
    return parts.map((filters, at) => ({ kind: "route-set", registration, filters, last: at === parts.length - 1 }));
  }
}
