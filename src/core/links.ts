// A shard's links to the other shards: one sender and one receiver each, what their entries do here, and what of it waits
// for the flush (design §5).

import type { TopicFilter, TopicName } from "./brand.ts";
import type { Broker } from "./broker.ts";
import { deliver } from "./delivery.ts";
import { packAnswer, type Verdict } from "./link-answer.ts";
import { unpackBatch, type BatchItem } from "./link-batch.ts";
import type { KnownEntry, LinkEntry, Publisher } from "./link-entry.ts";
import type { Outcome, Resolved } from "./link-flight.ts";
import { linkLimits } from "./link-limits.ts";
import { LinkReceiver, type Reply, type Taken } from "./link-receiver.ts";
import { isShared } from "./shared-groups.ts";
import { LinkSender } from "./link-sender.ts";
import type { Call, CallId } from "./link-window.ts";
import { packMessage, unpackMessage } from "./message-codec.ts";
import { Outbox, type OutboxPort } from "./outbox.ts";
import type { Message } from "./packet.ts";
import { RouteRegistrations, RouteTable, type RoutePort, type StoredRoute } from "./routes.ts";
import type { Origin, RetainedPage } from "./topic-port.ts";

/** Told what became of an entry. */
type Token = (outcome: Outcome) => void;
/** An RPC of another shard that waits for its answer. */
export type LinkCall = (answer: Uint8Array<ArrayBuffer>) => void;

export interface LinkStore extends RoutePort {
  routes(): StoredRoute[];
  floors(): (readonly [shard: number, registration: number])[];
  outbox(shard: number): OutboxPort;
  /** Shards with rows in their outbox. */
  outboxShards(): number[];
  /** The highest durable number taken from a shard, 0 at first. */
  durableTaken(shard: number): number;
  putDurableTaken(shard: number, number: number): void;
}

interface Link {
  readonly shard: number;
  readonly sender: LinkSender<Token>;
  readonly receiver: LinkReceiver<LinkCall>;
}

interface RetainedQuery {
  readonly filter: TopicFilter;
  readonly after: TopicName | undefined;
  readonly limit: number;
  readonly notAfterVersion: number;
}

/** A set of routes is sent again at most so often to an owner whose messages nobody here wants. */
const routeRefreshMs = 60_000;
/** How soon after a crash at the latest a shard sends what its outbox holds. */
const owedWatchMs = 60_000;

export class Links {
  readonly #broker: Broker;
  readonly #store: LinkStore;
  readonly #incarnation: number;
  readonly #links = new Map<number, Link>();
  #routes: RouteTable | undefined;
  #registrations: RouteRegistrations<(version: number) => void> | undefined;
  readonly #queries = new Map<number, (page: RetainedPage | undefined) => void>();
  #lastQuery = 0;
  #countedDrops = 0;
  #sweepAtMs: number | undefined;
  readonly #refreshedAtMs = new Map<number, number>();
  /** For after the commit. */
  #calls: { readonly shard: number; readonly call: Call }[] = [];
  #resolved: Resolved<Token>[] = [];
  #replies: Reply<LinkCall>[] = [];

  /** `incarnation`: drawn at random when the object started. */
  constructor(broker: Broker, store: LinkStore, incarnation: number) {
    this.#broker = broker;
    this.#store = store;
    this.#incarnation = incarnation;
  }

  /** Rows of an earlier life go out again. */
  resume(): void {
    for (const shard of this.#store.outboxShards()) this.#link(shard);
    if (this.#links.size > 0) this.#broker.effects.needsFlush();
  }

  #link(shard: number): Link {
    const known = this.#links.get(shard);
    if (known !== undefined) return known;
    const { options, layout } = this.#broker;
    const outbox = new Outbox(this.#store.outbox(shard), linkLimits);
    const identity = { from: options.shardIndex, incarnation: this.#incarnation, layout: layout.number };
    const link: Link = {
      shard,
      sender: new LinkSender<Token>({ ...identity, outbox, limits: linkLimits }),
      receiver: new LinkReceiver<LinkCall>(this.#store.durableTaken(shard), linkLimits),
    };
    this.#links.set(shard, link);
    return link;
  }

  get #table(): RouteTable {
    this.#routes ??= new RouteTable(this.#store.routes(), this.#store.floors());
    return this.#routes;
  }

  get #registered(): RouteRegistrations<(version: number) => void> {
    this.#registrations ??= new RouteRegistrations(this.#broker.nowMs * registrationsPerMs);
    return this.#registrations;
  }

  publisherOf(origin: Origin): Publisher | undefined {
    if (origin.session === undefined) return undefined;
    return { shard: origin.shard ?? this.#broker.options.shardIndex, session: origin.session };
  }

  /** The other shards that want a topic of this owner. */
  targetsOf(topicName: TopicName): readonly number[] {
    const { layout, options } = this.#broker;
    if (layout.shards === 1) return none;
    return [...this.#table.match(topicName)].filter((shard) => shard !== options.shardIndex);
  }

  hasRoom(shard: number, bytes: number): boolean {
    return this.#link(shard).sender.hasRoom(bytes + entryOverheadBytes);
  }

  enqueue(
    shard: number,
    entry: KnownEntry,
    token: Token | undefined,
    fromDurable: boolean,
  ): "taken" | "dropped" | "full" {
    const options = { fromDurable, ...(token && { token }) };
    const taken = this.#link(shard).sender.enqueue(entry, this.#broker.nowMs, options);
    if (taken === "taken") this.#broker.effects.needsFlush();
    return taken;
  }

  /** A QoS 0 message that a link did not take; `flush` counts it with those that a link gave up. */
  onDropped(message: Message): void {
    this.#broker.effects.log({ event: "message-dropped", reason: "link_unavailable", topic: message.topicName });
  }

  #countDropped(): void {
    let total = 0;
    for (const { sender } of this.#links.values()) total += sender.droppedQos0;
    if (total > this.#countedDrops) this.#broker.counters.drop("link_unavailable", total - this.#countedDrops);
    this.#countedDrops = total;
  }

  // Routes, as a shard with subscribers.

  register(filter: TopicFilter, owner: number, done: (version: number) => void): void {
    const entry = this.#registered.acquire(filter, owner, done);
    this.enqueue(owner, entry, undefined, false);
  }

  restoreRoute(filter: TopicFilter, owner: number): void {
    this.#registered.restore(filter, owner);
  }

  unregister(filter: TopicFilter, owner: number): void {
    this.#registered.release(filter, owner, this.#broker.nowMs);
    // A group without members must not gather messages: it ends at once, and with it its queue.
    const entry = isShared(filter) ? this.#registered.end(filter, owner) : undefined;
    if (entry !== undefined) this.enqueue(owner, entry, undefined, false);
    // Without an alarm of its own: a route that lingers in a sleeping object does no harm, and its next wake ends it.
    this.#sweepAtMs ??= this.#registered.nextSweepMs();
  }

  /** After a crash: the full set to every owner. Routes may be too many, never too few (design §5). */
  restateRoutes(): void {
    const { layout, options } = this.#broker;
    for (let owner = 0; owner < layout.shards; owner += 1) {
      if (owner === options.shardIndex) continue;
      for (const part of this.#registered.fullSet(owner)) this.enqueue(owner, part, undefined, false);
    }
  }

  isServed(filter: TopicFilter, owner: number): boolean {
    return this.#registered.isServed(filter, owner);
  }

  queryRetained(owner: number, query: RetainedQuery, done: (page: RetainedPage | undefined) => void): void {
    this.#lastQuery += 1;
    const request = this.#lastQuery;
    this.#queries.set(request, done);
    const onOutcome = (): void => {
      // The page came before the verdict, or it was lost on the way: then it is asked for again.
      if (this.#queries.delete(request)) done(undefined);
    };
    const taken = this.enqueue(owner, { kind: "retained-query", request, ...query }, onOutcome, false);
    if (taken === "full") onOutcome();
  }

  shareOffer(filter: string, message: Message): KnownEntry {
    return { kind: "share-offer", filter, qos: message.qos, message: packMessage(message) };
  }

  shareReturn(filter: string, message: Message): KnownEntry {
    return { kind: "share-return", filter, qos: message.qos, message: packMessage(message) };
  }

  /** Shared groups learn which other shards have members. */
  loadRoutes(): void {
    if (this.#broker.layout.shards === 1) return;
    for (let shard = 0; shard < this.#broker.layout.shards; shard += 1) {
      if (shard !== this.#broker.options.shardIndex)
        this.#broker.groups.loadRoutes(shard, this.#sharedFiltersOf(shard));
    }
  }

  #sharedFiltersOf(shard: number): ReadonlySet<string> {
    return new Set(this.#table.filtersOf(shard).filter(isShared));
  }

  #onSharedRoutes(shard: number, changed: readonly string[] | undefined): void {
    if (changed !== undefined && !changed.some(isShared)) return;
    if (shard === this.#broker.options.shardIndex) return;
    this.#broker.groups.onRoutes(shard, this.#sharedFiltersOf(shard));
  }

  // The receiving end.

  /** A batch came. `call` is told the answer after the commit of what it did. */
  onBatch(bytes: Uint8Array, call: LinkCall): void {
    const batch = unpackBatch(bytes);
    if (batch === undefined) {
      call(packAnswer({ kind: "unreadable" }));
      return;
    }
    const { layout } = this.#broker;
    if (batch.layout < layout.number) {
      call(packAnswer({ kind: "layout", layout: layout.number }));
      return;
    }
    const link = this.#link(batch.from);
    if (batch.durable !== undefined && !this.#mayPassOn(batch.items)) {
      call(packAnswer({ kind: "unreadable" })); // a failed call: it is repeated when there is room again
      return;
    }
    const step = link.receiver.onBatch(batch, call);
    this.#reply(step.replies);
    for (const taken of step.taken) for (const item of taken.items) this.#onItem(link, taken, item);
  }

  /** What comes in a durable batch is promised already: it must not be let in and then find no room. */
  #mayPassOn(items: readonly BatchItem[]): boolean {
    return items.every(({ entry }) => {
      if (entry.kind !== "publish" || entry.qos === 0) return true;
      const targets = this.targetsOf(unpackMessage(entry.message).topicName);
      return targets.every((shard) => this.hasRoom(shard, entry.message.length));
    });
  }

  #onItem(link: Link, taken: Taken, item: BatchItem): void {
    this.#onEntry(link.shard, item.entry, taken.durable, (verdict) => {
      this.#reply(link.receiver.onVerdicts(taken.id, [{ ordinal: item.ordinal, verdict }]));
    });
  }

  #reply(replies: readonly Reply<LinkCall>[]): void {
    if (replies.length === 0) return;
    this.#replies.push(...replies);
    this.#broker.effects.needsFlush();
  }

  #onEntry(from: number, entry: LinkEntry, fromDurable: boolean, decide: (verdict: Verdict) => void): void {
    switch (entry.kind) {
      case "publish":
        this.#onPublish(entry, fromDurable, decide);
        return;
      case "delivery":
        this.#onDelivery(from, entry, decide);
        return;
      case "route-add":
        this.#table.onEntry(from, entry);
        this.#onSharedRoutes(from, [entry.filter]);
        this.#answerRoute(from, entry.filter, entry.registration, decide);
        return;
      case "route-remove":
      case "route-set":
        this.#table.onEntry(from, entry);
        this.#onSharedRoutes(from, entry.kind === "route-set" ? undefined : [entry.filter]);
        decide("taken");
        return;
      case "registered":
        this.#registered.onRegistered(from, entry)?.waiter(entry.version);
        this.#broker.plans.forget();
        decide("taken");
        return;
      case "retained-query":
        this.#onRetainedQuery(from, entry, decide);
        return;
      case "retained-page":
        this.#onRetainedPage(entry);
        decide("taken");
        return;
      case "share-offer":
        this.#broker.groups.onOffer(from, entry.filter, messageOf({ ...entry, retain: false }));
        decide("taken");
        return;
      case "share-return":
        this.#broker.groups.onReturn(from, entry.filter, messageOf({ ...entry, retain: false }));
        decide("taken");
        return;
      case "share-state":
        this.#broker.groups.onState(from, entry.filter, entry.isReady);
        decide("taken");
        return;
      case "targeted":
        decide("not-understood");
        return;
      case "unknown":
        throw new Error("the receiver answers unknown entries itself");
    }
  }

  #onPublish(
    entry: Extract<KnownEntry, { kind: "publish" }>,
    fromDurable: boolean,
    decide: (verdict: Verdict) => void,
  ): void {
    const message = messageOf(entry);
    this.#broker.topics.take(message, this.#originOf(entry.publisher), fromDurable, (verdict) => {
      if (verdict.kind === "accepted") decide(verdict.matched ? "matched" : "none");
      else decide("quota-exceeded");
    });
  }

  #onDelivery(
    owner: number,
    entry: Extract<KnownEntry, { kind: "delivery" }>,
    decide: (verdict: Verdict) => void,
  ): void {
    const { matched } = deliver(this.#broker, messageOf(entry), this.#originOf(entry.publisher));
    if (matched === 0) this.refreshRoutes(owner);
    decide(matched > 0 ? "matched" : "none");
  }

  /** Nobody here wants what the owner sends: after a crash it may know routes of sessions that have ended. */
  refreshRoutes(owner: number): void {
    const { nowMs } = this.#broker;
    if (nowMs - (this.#refreshedAtMs.get(owner) ?? -Infinity) < routeRefreshMs) return;
    this.#refreshedAtMs.set(owner, nowMs);
    for (const part of this.#registered.fullSet(owner)) this.enqueue(owner, part, undefined, false);
  }

  /** The route is in this flush; its verdict waits until the subscriber's shard knows that it is served. */
  #answerRoute(shard: number, filter: string, registration: number, decide: (verdict: Verdict) => void): void {
    const version = this.#broker.retained.versionAt(this.#broker.nowMs);
    this.enqueue(shard, { kind: "registered", filter, registration, version }, () => decide("taken"), false);
  }

  #onRetainedQuery(
    from: number,
    entry: Extract<KnownEntry, { kind: "retained-query" }>,
    decide: (verdict: Verdict) => void,
  ): void {
    const { filter, after, limit, notAfterVersion, request } = entry;
    const page = this.#broker.topics.ownRetainedPage(
      filter as TopicFilter,
      after as TopicName | undefined,
      limit,
      notAfterVersion,
    );
    const messages = page.messages.map(packMessage);
    const answer = { kind: "retained-page", request, messages, next: page.next } as const;
    const onOutcome = (outcome: Outcome): void => decide(outcome.kind === "verdict" ? "taken" : "quota-exceeded");
    if (this.enqueue(from, answer, onOutcome, false) === "full") decide("quota-exceeded");
  }

  #onRetainedPage(entry: Extract<KnownEntry, { kind: "retained-page" }>): void {
    const done = this.#queries.get(entry.request);
    this.#queries.delete(entry.request);
    const messages = entry.messages.map((bytes) => ({ ...unpackMessage(bytes), retain: true }));
    done?.({ messages, next: entry.next as TopicName | undefined });
  }

  #originOf(publisher: Publisher | undefined): Origin {
    return publisher === undefined ? { session: undefined } : { session: publisher.session, shard: publisher.shard };
  }

  // The sending end.

  /** A call was answered. */
  onAnswer(shard: number, id: CallId, answer: Uint8Array): void {
    this.#tell(this.#link(shard).sender.onAnswer(id, answer, this.#broker.nowMs));
    this.#broker.effects.needsFlush();
  }

  /** A call failed. `retryable`: false where the other shard asked for less load. */
  onFailure(shard: number, id: CallId, retryable: boolean): void {
    this.#link(shard).sender.onFailure(id, retryable, this.#broker.nowMs);
    this.#broker.effects.needsFlush();
  }

  #tell(resolved: readonly Resolved<Token>[]): void {
    for (const { token, outcome } of resolved) token(outcome);
  }

  /** When a flush has something to do for the links (epoch ms). */
  nextFlushMs(nowMs: number): number | undefined {
    let next: number | undefined;
    for (const { sender } of this.#links.values()) {
      const due = sender.nextFlushMs(nowMs);
      if (due !== undefined && (next === undefined || due < next)) next = due;
    }
    return next;
  }

  get isBusy(): boolean {
    return this.#links.size > 0;
  }

  /** Inside the flush's transaction. */
  flush(nowMs: number): void {
    if (this.#sweepAtMs !== undefined && this.#sweepAtMs <= nowMs) this.#sweepRoutes(nowMs);
    for (const { shard, sender, receiver } of this.#links.values()) {
      const { calls, resolved } = sender.flush(nowMs);
      for (const call of calls) this.#calls.push({ shard, call });
      this.#resolved.push(...resolved);
      receiver.flush({ storeDurable: (number) => this.#store.putDurableTaken(shard, number) });
    }
    this.#countDropped();
    this.#routes?.flush(this.#store);
  }

  #sweepRoutes(nowMs: number): void {
    for (const { owner, entry } of this.#registered.sweep(nowMs)) this.#link(owner).sender.enqueue(entry, nowMs);
    this.#sweepAtMs = this.#registered.nextSweepMs();
  }

  /** The flush is written: what relied on it leaves; the output gate holds it until it is durable. */
  onFlushed(): void {
    const [calls, resolved, replies] = [this.#calls, this.#resolved, this.#replies];
    this.#calls = [];
    this.#resolved = [];
    this.#replies = [];
    for (const { shard, call } of calls) this.#broker.effects.callShard(shard, call);
    for (const { call, bytes } of replies) call(bytes);
    this.#tell(resolved);
    // What is owed by a commit leaves after a crash too, whether or not a client wakes this shard.
    const isOwing = [...this.#links.values()].some(({ sender }) => sender.hasRows);
    if (isOwing) this.#broker.effects.wakeAt(this.#broker.nowMs + owedWatchMs);
  }
}

const none: readonly number[] = [];
/** Room for an entry's head beside the message. */
const entryOverheadBytes = 64;
/** Registration numbers rise across the lives of a shard: a time with room for so many in one millisecond. */
const registrationsPerMs = 1024;

function messageOf(entry: {
  readonly message: Uint8Array;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
}): Message {
  return { ...unpackMessage(entry.message), qos: entry.qos, retain: entry.retain };
}
