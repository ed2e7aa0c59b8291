// What the entries of other shards do here.

import type { TopicFilter, TopicName } from "./brand.ts";
import type { Broker } from "./broker.ts";
import { deliver } from "./delivery.ts";
import type { Verdict } from "./link-answer.ts";
import type { KnownEntry, LinkEntry, Publisher } from "./link-entry.ts";
import type { Outcome } from "./link-flight.ts";
import { packMessage, unpackMessage } from "./message-codec.ts";
import type { Message } from "./packet.ts";
import type { Origin, RetainedPage } from "./topic-port.ts";

type Entry<Kind extends KnownEntry["kind"]> = Extract<KnownEntry, { readonly kind: Kind }>;
/** Told once per entry what became of it. */
type Decide = (verdict: Verdict) => void;

export interface RetainedQuery {
  readonly filter: TopicFilter;
  readonly after: TopicName | undefined;
  readonly limit: number;
  readonly notAfterVersion: number;
}

export class LinkInbox {
  readonly #broker: Broker;
  readonly #queries = new Map<number, (page: RetainedPage | undefined) => void>();
  #lastQuery = 0;

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  queryRetained(owner: number, query: RetainedQuery, done: (page: RetainedPage | undefined) => void): void {
    this.#lastQuery += 1;
    const request = this.#lastQuery;
    this.#queries.set(request, done);
    const onOutcome = (): void => {
      // The page came before the verdict, or it was lost on the way: then it is asked for again.
      if (this.#queries.delete(request)) done(undefined);
    };
    const taken = this.#broker.links.enqueue(owner, { kind: "retained-query", request, ...query }, onOutcome, false);
    if (taken === "full") onOutcome();
  }

  /** `fromDurable`: of a batch that is never taken again. */
  onEntry(from: number, entry: LinkEntry, fromDurable: boolean, decide: Decide): void {
    switch (entry.kind) {
      case "publish":
        this.#onPublish(entry, fromDurable, decide);
        return;
      case "delivery":
        this.#onDelivery(from, entry, decide);
        return;
      case "route-add":
      case "route-remove":
      case "route-set":
        this.#broker.routes.onEntry(from, entry, decide);
        return;
      case "registered":
        this.#broker.routes.onRegistered(from, entry);
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
      case "share-return":
      case "share-refusal":
        this.#onShare(from, entry);
        decide("taken");
        return;
      case "share-state":
        this.#broker.groups.onState(from, entry.filter, entry.isReady);
        this.#broker.groups.greet(from, () => decide("taken"));
        return;
      case "unknown":
        throw new Error("the receiver answers unknown entries itself");
    }
  }

  #onPublish(entry: Entry<"publish">, fromDurable: boolean, decide: Decide): void {
    const message = messageOf(entry);
    if (this.#isExpired(message)) {
      decide("taken");
      return;
    }
    this.#broker.topics.take(message, this.#originOf(entry.publisher), fromDurable, (verdict) => {
      if (verdict.kind === "accepted") decide(verdict.matched ? "matched" : "none");
      else decide("quota-exceeded");
    });
  }

  #onDelivery(owner: number, entry: Entry<"delivery">, decide: Decide): void {
    const message = messageOf(entry);
    if (this.#isExpired(message)) {
      decide("taken");
      return;
    }
    const { matched } = deliver(this.#broker, message, this.#originOf(entry.publisher));
    if (matched === 0) this.#broker.routes.refresh(owner);
    decide(matched > 0 ? "matched" : "none");
  }

  #onShare(from: number, entry: Entry<"share-offer" | "share-return" | "share-refusal">): void {
    const { groups } = this.#broker;
    const { retain } = unpackMessage(entry.message); // for members that want it as published
    const message = messageOf({ ...entry, retain });
    if (this.#isExpired(message)) return;
    if (entry.kind === "share-offer") groups.onOffer(from, entry.filter, message, entry.isDurable);
    else if (entry.kind === "share-return") groups.onReturn(from, entry.filter, message);
    else groups.onRefusal(from, entry.filter, message, entry.isFinal);
  }

  /** It may have waited in an outbox [MQTT-3.3.2-5]. */
  #isExpired(message: Message): boolean {
    const { expiresAtMs, properties } = message;
    if (expiresAtMs === undefined) return false;
    const passageMs = properties?.messageExpiryIntervalSec === 0 ? passageOfZeroMs : 0;
    if (expiresAtMs + passageMs > this.#broker.nowMs) return false;
    this.#broker.dropped(undefined, message, "expired");
    return true;
  }

  #onRetainedQuery(from: number, entry: Entry<"retained-query">, decide: Decide): void {
    const { filter, after, limit, notAfterVersion, request } = entry;
    const page = this.#broker.topics.ownRetainedPage(
      filter as TopicFilter,
      after as TopicName | undefined,
      limit,
      notAfterVersion,
      true,
    );
    const messages = page.messages.map(packMessage);
    const answer = { kind: "retained-page", request, messages, next: page.next } as const;
    const onOutcome = (outcome: Outcome): void => decide(outcome.kind === "verdict" ? "taken" : "quota-exceeded");
    if (this.#broker.links.enqueue(from, answer, onOutcome, false) === "full") decide("quota-exceeded");
  }

  #onRetainedPage(entry: Entry<"retained-page">): void {
    const done = this.#queries.get(entry.request);
    this.#queries.delete(entry.request);
    const messages = entry.messages.map((bytes) => ({ ...unpackMessage(bytes), retain: true }));
    done?.({ messages, next: entry.next as TopicName | undefined });
  }

  #originOf(publisher: Publisher | undefined): Origin {
    return publisher === undefined ? { session: undefined } : { session: publisher.session, shard: publisher.shard };
  }
}

/** An expiry interval of 0 is for those who are there now: also on other shards, which takes its time. */
const passageOfZeroMs = 1_000;

function messageOf(entry: {
  readonly message: Uint8Array;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
}): Message {
  return { ...unpackMessage(entry.message), qos: entry.qos, retain: entry.retain };
}
