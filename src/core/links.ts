// A shard's links to the other shards: one sender and one receiver each, and what of them waits for the flush (design §5).

import type { Broker } from "./broker.ts";
import { packAnswer } from "./link-answer.ts";
import { unpackBatch, type BatchItem } from "./link-batch.ts";
import type { KnownEntry, Publisher } from "./link-entry.ts";
import type { Outcome, Resolved } from "./link-flight.ts";
import { linkLimits } from "./link-limits.ts";
import { LinkReceiver, type Reply, type Taken } from "./link-receiver.ts";
import { LinkSender } from "./link-sender.ts";
import type { Call, CallId } from "./link-window.ts";
import { packMessage, unpackMessage } from "./message-codec.ts";
import { Outbox, type OutboxPort } from "./outbox.ts";
import type { Message } from "./packet.ts";
import type { RouteStore } from "./link-routes.ts";
import type { Origin } from "./topic-port.ts";

/** Told what became of an entry. */
type Token = (outcome: Outcome) => void;
/** An RPC of another shard that waits for its answer. */
export type LinkCall = (answer: Uint8Array<ArrayBuffer>) => void;

export interface LinkStore extends RouteStore {
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

/** How soon after a crash at the latest a shard sends what its outbox holds. */
const owedWatchMs = 60_000;

export class Links {
  readonly #broker: Broker;
  readonly #store: LinkStore;
  readonly #incarnation: number;
  readonly #links = new Map<number, Link>();
  #countedDrops = 0;
  /** Batches that came and answers: where it has not moved, nothing has happened. */
  turns = 0;
  /** For after the commit. */
  #calls: { readonly shard: number; readonly call: Call }[] = [];
  #resolved: Resolved<Token>[] = [];
  #replies: Reply<LinkCall>[] = [];

  /** `incarnation`: of this life of the object (`incarnationAt`). */
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

  /** Differs from one life of the other shard to the next. */
  lifeOf(shard: number): number | undefined {
    return this.#link(shard).receiver.incarnation;
  }

  publisherOf(origin: Origin): Publisher | undefined {
    if (origin.session === undefined) return undefined;
    return { shard: origin.shard ?? this.#broker.options.shardIndex, session: origin.session };
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

  shareOffer(filter: string, message: Message, isDurable: boolean): KnownEntry {
    return { kind: "share-offer", filter, qos: message.qos, message: packMessage(message), isDurable };
  }

  shareReturn(filter: string, message: Message): KnownEntry {
    return { kind: "share-return", filter, qos: message.qos, message: packMessage(message) };
  }

  shareRefusal(filter: string, message: Message, isFinal: boolean): KnownEntry {
    return { kind: "share-refusal", filter, qos: message.qos, message: packMessage(message), isFinal };
  }

  // The receiving end.

  /** A batch came. `call` is told the answer after the commit of what it did. */
  onBatch(bytes: Uint8Array, call: LinkCall): void {
    this.turns += 1;
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
      const targets = this.#broker.routes.targetsOf(unpackMessage(entry.message).topicName);
      return targets.every((shard) => this.hasRoom(shard, entry.message.length));
    });
  }

  #onItem(link: Link, taken: Taken, item: BatchItem): void {
    this.#broker.inbox.onEntry(link.shard, item.entry, taken.durable, (verdict) => {
      this.#reply(link.receiver.onVerdicts(taken.id, [{ ordinal: item.ordinal, verdict }]));
    });
  }

  #reply(replies: readonly Reply<LinkCall>[]): void {
    if (replies.length === 0) return;
    this.#replies.push(...replies);
    this.#broker.effects.needsFlush();
  }

  // The sending end.

  /** A call was answered. */
  onAnswer(shard: number, id: CallId, answer: Uint8Array): void {
    this.turns += 1;
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

  /** The last number in each outbox that is not empty, by shard. */
  outboxEnds(): ReadonlyMap<number, number> {
    const ends = [...this.#links.values()].flatMap(({ shard, sender }) =>
      sender.hasRows ? [[shard, sender.lastStored] as const] : [],
    );
    return new Map(ends);
  }

  /** A batch up to these numbers waits for its answer still. */
  owes(ends: ReadonlyMap<number, number>): boolean {
    for (const [shard, end] of ends) if (this.#link(shard).sender.owes(end)) return true;
    return false;
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

  /** Nothing is on its way, and nothing waits to be. */
  get isQuiet(): boolean {
    const isSaid = this.#calls.length + this.#replies.length + this.#resolved.length === 0;
    return isSaid && [...this.#links.values()].every(({ sender, receiver }) => sender.isQuiet && receiver.isQuiet);
  }

  get isBusy(): boolean {
    return this.#links.size > 0;
  }

  /** Inside the flush's transaction. */
  flush(nowMs: number): void {
    for (const { shard, sender, receiver } of this.#links.values()) {
      const { calls, resolved } = sender.flush(nowMs);
      for (const call of calls) this.#calls.push({ shard, call });
      this.#resolved.push(...resolved);
      receiver.flush({ storeDurable: (number) => this.#store.putDurableTaken(shard, number) });
    }
    this.#countDropped();
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
    this.#broker.groups.onFlushed();
    // What is owed by a commit leaves after a crash too, whether or not a client wakes this shard.
    const isOwing = [...this.#links.values()].some(({ sender }) => sender.hasRows);
    if (isOwing) this.#broker.effects.wakeAt(this.#broker.nowMs + owedWatchMs);
  }
}

/** Room for an entry's head beside the message. */
const entryOverheadBytes = 64;
