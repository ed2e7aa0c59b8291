// *Topics*, and the way to it: what this shard owns is a plain call, one commit; what another owns goes over a link.

import type { TopicFilter, TopicName } from "./brand.ts";
import type { Broker } from "./broker.ts";
import { deliver, type Delivered } from "./delivery.ts";
import type { Outcome } from "./link-flight.ts";
import { packMessage } from "./message-codec.ts";
import { messageSize } from "./message-size.ts";
import type { Message } from "./packet.ts";
import { ownerOfTopic, ownersOfFilter } from "./placement.ts";
import { reasonCode } from "./reason-code.ts";
import { durableMarkOf } from "./shared-groups.ts";
import { isSysFilter, sysValues } from "./sys-topics.ts";
import { TopicCache } from "./topic-cache.ts";
import type { Origin, PublishVerdict, Registration, RetainedPage, Route, TopicPort } from "./topic-port.ts";
import { limitPassed, refused, type Violation } from "./violation.ts";

export class Topics implements TopicPort {
  readonly #broker: Broker;
  readonly #owners = new TopicCache<number>();

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  /** The shard that owns the topic's subtree. */
  ownerOf(topicName: TopicName): number {
    const { layout, options } = this.#broker;
    if (layout.shards === 1) return options.shardIndex;
    return this.#owners.get(topicName, layout) ?? this.#owners.set(topicName, ownerOfTopic(topicName, layout));
  }

  #ownersOf(filter: TopicFilter): readonly number[] {
    const { layout, options } = this.#broker;
    return layout.shards === 1 || isSysFilter(filter) ? [options.shardIndex] : ownersOfFilter(filter, layout);
  }

  otherOwnersOf(filter: TopicFilter): readonly number[] {
    return this.#ownersOf(filter).filter((owner) => owner !== this.#broker.options.shardIndex);
  }

  publish(message: Message, origin: Origin, done: (verdict: PublishVerdict) => void): void {
    const owner = this.ownerOf(message.topicName);
    if (owner === this.#broker.options.shardIndex) this.take(message, origin, false, done);
    else this.#forward(owner, message, origin, done);
  }

  /**
   * As the owner. Everything that could refuse comes before anything is changed.
   * `fromDurable`: it came in a batch with a durable number, which is never taken again.
   */
  take(message: Message, origin: Origin, fromDurable: boolean, done: (verdict: PublishVerdict) => void): void {
    const broker = this.#broker;
    const targets = broker.routes.targetsOf(message.topicName);
    const refusal = this.#refusal(message, targets, fromDurable) ?? this.#retain(message, fromDurable);
    if (refusal !== undefined) {
      done({ kind: "refused", violation: refusal });
      return;
    }
    const delivered = deliver(broker, message, origin);
    if (broker.groups.isEmpty) {
      this.#passOn(message, origin, targets, fromDurable, delivered, done);
      return;
    }
    // Both in this turn: nothing that is taken later may overtake it, and one commit holds all of it.
    const join = joinVerdicts(done);
    broker.groups.offerToAll(message, fromDurable, join.onShared);
    this.#passOn(message, origin, targets, fromDurable, delivered, join.onPassedOn);
  }

  /**
   * As the owner, for a publisher that will not repeat: what other shards are to have is in the outbox by the commit that
   * holds the rest, whatever the QoS ≥ 1.
   */
  takeOnce(message: Message, done: (verdict: PublishVerdict) => void): void {
    const { routes, options } = this.#broker;
    const isOwn = this.ownerOf(message.topicName) === options.shardIndex;
    const refusal = isOwn ? this.#refusal(message, routes.targetsOf(message.topicName), false) : notOwner;
    if (refusal === undefined) this.take(message, { session: undefined }, true, done);
    else done({ kind: "refused", violation: refusal });
  }

  #refusal(message: Message, targets: readonly number[], fromDurable: boolean): Violation | undefined {
    if (message.qos === 0 || fromDurable) return undefined;
    const size = messageSize(message);
    if (!this.#broker.log.mayAppend(size)) {
      return limitPassed("maximumLogBytes", reasonCode.quotaExceeded, "the log for off-line sessions is full");
    }
    return this.#haveRoom(targets, size) ? undefined : outboxFull;
  }

  #haveRoom(targets: readonly number[], size: number): boolean {
    for (const shard of targets) if (!this.#broker.links.hasRoom(shard, size)) return false;
    return true;
  }

  /** What was promised elsewhere is delivered in any case; over the quota it is not kept. */
  #retain(message: Message, isPromised: boolean): Violation | undefined {
    if (!message.retain) return undefined;
    const kept = this.#broker.retained.set(message, this.#broker.nowMs);
    if (!kept.ok && isPromised) this.#broker.dropped(undefined, message, "retained_quota", kept.error.limit);
    if (!kept.ok) return isPromised ? undefined : kept.error;
    this.#broker.effects.needsFlush();
    return undefined;
  }

  /** To the shards with subscribers; QoS ≥ 1 is answered when each of them has answered or its share is stored here. */
  #passOn(
    message: Message,
    origin: Origin,
    targets: readonly number[],
    fromDurable: boolean,
    delivered: Delivered,
    done: (verdict: PublishVerdict) => void,
  ): void {
    if (targets.length === 0) {
      done(accepted(message, delivered, false));
      return;
    }
    const { links } = this.#broker;
    const bytes = packMessage(message);
    let isMatched = false;
    let unanswered = targets.length;
    const onOutcome = (outcome: Outcome): void => {
      unanswered -= 1;
      if (outcome.kind !== "verdict" || outcome.verdict !== "none") isMatched = true;
      if (unanswered === 0) done(accepted(message, delivered, isMatched));
    };
    const { qos, retain } = message;
    const token = qos === 0 ? undefined : onOutcome;
    for (const shard of targets) {
      const entry = { kind: "delivery", qos, retain, publisher: links.publisherOf(origin), message: bytes } as const;
      const taken = links.enqueue(shard, entry, token, fromDurable);
      if (taken === "full") onOutcome({ kind: "no-verdict" });
      if (taken === "dropped") links.onDropped(message);
    }
    if (qos === 0) done(accepted(message, delivered, true));
  }

  #forward(owner: number, message: Message, origin: Origin, done: (verdict: PublishVerdict) => void): void {
    const { links } = this.#broker;
    const { qos, retain } = message;
    const entry = {
      kind: "publish",
      qos,
      retain,
      publisher: links.publisherOf(origin),
      message: packMessage(message),
    } as const;
    const token = qos === 0 ? undefined : (outcome: Outcome) => done(verdictOf(outcome));
    const taken = links.enqueue(owner, entry, token, false);
    if (taken === "full") {
      done({ kind: "refused", violation: refused(reasonCode.quotaExceeded, "the way to the topic's shard is full") });
    } else if (qos === 0) {
      if (taken === "dropped") links.onDropped(message);
      done({ kind: "accepted", matched: true, stored: false });
    }
  }

  register(route: Route, done: (registrations: readonly Registration[]) => void): void {
    const { routes, options, retained, nowMs } = this.#broker;
    const owners = this.#ownersOf(route.topicFilter);
    const registrations: Registration[] = [];
    const filters = filtersOf(route);
    let missing = owners.length * filters.length;
    const onRegistered = (): void => {
      missing -= 1;
      if (missing === 0) done(registrations);
    };
    for (const owner of owners) {
      filters.forEach((filter, index) => {
        const onVersion = (version: number): void => {
          if (index === 0) registrations.push({ owner, version });
          onRegistered();
        };
        if (owner === options.shardIndex) onVersion(retained.versionAt(nowMs));
        else routes.register(filter, owner, onVersion);
      });
    }
  }

  /** A subscription that was acknowledged before this object started. */
  restore(route: Route): void {
    for (const owner of this.otherOwnersOf(route.topicFilter)) {
      for (const filter of filtersOf(route)) this.#broker.routes.restore(filter, owner);
    }
  }

  unregister(route: Route): void {
    for (const owner of this.otherOwnersOf(route.topicFilter)) {
      for (const filter of filtersOf(route)) this.#broker.routes.unregister(filter, owner);
    }
  }

  retainedPage(
    owner: number,
    filter: TopicFilter,
    after: TopicName | undefined,
    limit: number,
    notAfterVersion: number,
    done: (page: RetainedPage | undefined) => void,
  ): void {
    const { options, inbox } = this.#broker;
    if (isSysFilter(filter)) sysValues(this.#broker, filter, (messages) => done({ messages, next: undefined }));
    else if (owner === options.shardIndex) done(this.ownRetainedPage(filter, after, limit, notAfterVersion));
    else inbox.queryRetained(owner, { filter, after, limit, notAfterVersion }, done);
  }

  ownRetainedPage(
    filter: TopicFilter,
    after: TopicName | undefined,
    limit: number,
    notAfterVersion: number,
    forOther = false,
  ): RetainedPage {
    const { retained, nowMs } = this.#broker;
    const { messages, next } = retained.page(filter, after, limit, nowMs, notAfterVersion, forOther);
    return { messages: messages.map((stored) => ({ ...stored, retain: true })), next };
  }
}

function accepted(message: Message, delivered: Delivered, isMatchedElsewhere: boolean): PublishVerdict {
  return {
    kind: "accepted",
    matched: delivered.matched > 0 || isMatchedElsewhere || message.retain,
    stored: delivered.stored || message.retain,
  };
}

/** Told once, when the shared groups and the other shards both have answered. */
function joinVerdicts(done: (verdict: PublishVerdict) => void) {
  let taken: boolean | undefined;
  let passedOn: PublishVerdict | undefined;
  const tell = (): void => {
    if (taken !== undefined && passedOn !== undefined) done(orTaken(passedOn, taken));
  };
  return {
    onShared: (isTaken: boolean): void => {
      taken = isTaken;
      tell();
    },
    onPassedOn: (verdict: PublishVerdict): void => {
      passedOn = verdict;
      tell();
    },
  };
}

const orTaken = (verdict: PublishVerdict, isTaken: boolean): PublishVerdict =>
  verdict.kind === "accepted" && isTaken ? { ...verdict, matched: true } : verdict;

/** What the owners keep of it as routes. */
function filtersOf({ filter, topicFilter, shareName, isDurable }: Route): readonly TopicFilter[] {
  if (shareName === undefined) return [topicFilter];
  return isDurable ? [filter as TopicFilter, durableMarkOf(filter)] : [filter as TopicFilter];
}

const outboxFull = refused(reasonCode.quotaExceeded, "the outbox for another shard is full");

const notOwner = refused(reasonCode.implementationSpecificError, "another shard owns the topic");

/** What the owner's answer means to the publisher (design §3, no verdict). */
function verdictOf(outcome: Outcome): PublishVerdict {
  if (outcome.kind === "stored") return { kind: "accepted", matched: true, stored: true };
  if (outcome.kind === "verdict" && isTaken.has(outcome.verdict)) {
    return { kind: "accepted", matched: outcome.verdict !== "none", stored: true };
  }
  const detail =
    outcome.kind === "verdict" ? "the topic's shard has no room" : "the topic's shard did not answer in time";
  return { kind: "refused", violation: refused(reasonCode.quotaExceeded, detail) };
}

const isTaken: ReadonlySet<string> = new Set(["taken", "matched", "none"]);
