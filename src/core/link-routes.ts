// The routes between this shard and the others: as an owner, who wants what of it; as a shard with subscribers, what it
// has registered where (design §5).

import type { TopicFilter, TopicName } from "./brand.ts";
import type { Broker } from "./broker.ts";
import type { Verdict } from "./link-answer.ts";
import type { KnownEntry } from "./link-entry.ts";
import { RouteRegistrations, RouteTable, type RoutePort, type StoredRoute } from "./routes.ts";
import { durableMarkOf, isDurableMark, isShared } from "./shared-groups.ts";

export interface RouteStore extends RoutePort {
  routes(): StoredRoute[];
  floors(): (readonly [shard: number, registration: number])[];
}

type RouteEntry = Extract<KnownEntry, { kind: "route-add" | "route-remove" | "route-set" }>;

/** A set of routes is sent again at most so often to an owner whose messages nobody here wants. */
const routeRefreshMs = 60_000;
/** Registration numbers rise across the lives of a shard: a time with room for so many in one millisecond. */
const registrationsPerMs = 1024;

export class LinkRoutes {
  readonly #broker: Broker;
  readonly #store: RouteStore;
  #routes: RouteTable | undefined;
  #registrations: RouteRegistrations<(version: number) => void> | undefined;
  #sweepAtMs: number | undefined;
  readonly #refreshedAtMs = new Map<number, number>();

  constructor(broker: Broker, store: RouteStore) {
    this.#broker = broker;
    this.#store = store;
  }

  get #table(): RouteTable {
    this.#routes ??= new RouteTable(this.#store.routes(), this.#store.floors());
    return this.#routes;
  }

  get #registered(): RouteRegistrations<(version: number) => void> {
    this.#registrations ??= new RouteRegistrations(this.#broker.nowMs * registrationsPerMs);
    return this.#registrations;
  }

  /** The other shards that want a topic of this owner. */
  targetsOf(topicName: TopicName): readonly number[] {
    const { layout, options } = this.#broker;
    if (layout.shards === 1) return none;
    const shards = this.#table.match(topicName);
    return shards.includes(options.shardIndex) ? shards.filter((shard) => shard !== options.shardIndex) : shards;
  }

  register(filter: TopicFilter, owner: number, done: (version: number) => void): void {
    const entry = this.#registered.acquire(filter, owner, done);
    this.#broker.links.enqueue(owner, entry, undefined, false);
  }

  restore(filter: TopicFilter, owner: number): void {
    this.#registered.restore(filter, owner);
  }

  unregister(filter: TopicFilter, owner: number): void {
    this.#registered.release(filter, owner, this.#broker.nowMs);
    // A group without members must not gather messages: it ends at once, and with it its queue.
    const entry = isOfGroup(filter) ? this.#registered.end(filter, owner) : undefined;
    if (entry !== undefined) this.#broker.links.enqueue(owner, entry, undefined, false);
    // Without an alarm of its own: a route that lingers in a sleeping object does no harm, and its next wake ends it.
    this.#sweepAtMs ??= this.#registered.nextSweepMs();
  }

  /**
   * After a crash, and in a new layout: the full set to every owner. Routes may be too many, never too few (design §5).
   * `done`: each owner has committed it.
   */
  restate(done?: () => void): void {
    const { layout, options } = this.#broker;
    let unanswered = 1;
    const onAnswer = (): void => {
      unanswered -= 1;
      if (unanswered === 0) done?.();
    };
    for (let owner = 0; owner < layout.shards; owner += 1) {
      if (owner === options.shardIndex) continue;
      for (const part of this.#registered.fullSet(owner)) {
        unanswered += 1;
        this.#broker.links.enqueue(owner, part, onAnswer, false);
      }
      this.#broker.groups.sayAll(owner);
    }
    onAnswer();
  }

  isServed(filter: TopicFilter, owner: number): boolean {
    return this.#registered.isServed(filter, owner);
  }

  /** Shared groups learn which other shards have members. */
  load(): void {
    if (this.#broker.layout.shards === 1) return;
    for (let shard = 0; shard < this.#broker.layout.shards; shard += 1) {
      if (shard !== this.#broker.options.shardIndex)
        this.#broker.groups.loadRoutes(shard, ...this.#sharedFiltersOf(shard));
    }
  }

  /** And those that are marked as of a durable member. */
  #sharedFiltersOf(shard: number): [filters: ReadonlySet<string>, marks: ReadonlySet<string>] {
    const filters = this.#table.filtersOf(shard);
    return [new Set(filters.filter(isShared)), new Set(filters.filter(isDurableMark))];
  }

  /** `changed` absent: any of them. `joined`: the one that was added. */
  #onSharedRoutes(shard: number, changed: string | undefined, joined: string | undefined): void {
    if (changed !== undefined && !isOfGroup(changed)) return;
    if (shard === this.#broker.options.shardIndex) return;
    this.#broker.groups.onRoutes(shard, ...this.#sharedFiltersOf(shard), joined);
  }

  /** As owner: another shard wants something, or does not any more. An add is decided once that shard knows it is served. */
  onEntry(from: number, entry: RouteEntry, decide: (verdict: Verdict) => void): void {
    this.#table.onEntry(from, entry);
    const changed = entry.kind === "route-set" ? undefined : entry.filter;
    this.#onSharedRoutes(from, changed, entry.kind === "route-add" ? changed : undefined);
    if (entry.kind === "route-add") this.#answer(from, entry.filter, entry.registration, decide);
    else decide("taken");
  }

  /** The route is in this flush; its verdict waits until the subscriber's shard knows that it is served. */
  #answer(shard: number, filter: string, registration: number, decide: (verdict: Verdict) => void): void {
    const version = this.#broker.retained.versionAt(this.#broker.nowMs);
    this.#broker.links.enqueue(
      shard,
      { kind: "registered", filter, registration, version },
      () => decide("taken"),
      false,
    );
  }

  /** An owner has registered a filter of this shard: from here on its messages match. */
  onRegistered(owner: number, entry: Extract<KnownEntry, { kind: "registered" }>): void {
    this.#registered.onRegistered(owner, entry)?.waiter(entry.version);
    this.#broker.plans.forget();
  }

  /** Nobody here wants what the owner sends: after a crash it may know routes of sessions that have ended. */
  refresh(owner: number): void {
    const { nowMs } = this.#broker;
    if (nowMs - (this.#refreshedAtMs.get(owner) ?? -Infinity) < routeRefreshMs) return;
    this.#refreshedAtMs.set(owner, nowMs);
    for (const part of this.#registered.fullSet(owner)) this.#broker.links.enqueue(owner, part, undefined, false);
    this.#broker.groups.sayAll(owner);
  }

  /** An owner offers messages of a shared group that has no member here: its routes end, whoever they are from. */
  disown(filter: string, owner: number): void {
    for (const one of [filter as TopicFilter, durableMarkOf(filter)]) {
      const entry = this.#registered.disown(one, owner);
      if (entry !== undefined) this.#broker.links.enqueue(owner, entry, undefined, false);
    }
  }

  /** Inside the flush's transaction, before the links': what has lingered is taken back. */
  flush(nowMs: number): void {
    if (this.#sweepAtMs !== undefined && this.#sweepAtMs <= nowMs) this.#sweep(nowMs);
    this.#routes?.flush(this.#store);
  }

  #sweep(nowMs: number): void {
    for (const { owner, entry } of this.#registered.sweep(nowMs)) {
      this.#broker.links.enqueue(owner, entry, undefined, false);
    }
    this.#sweepAtMs = this.#registered.nextSweepMs();
  }
}

const isOfGroup = (filter: string): boolean => isShared(filter) || isDurableMark(filter);

const none: readonly number[] = [];
