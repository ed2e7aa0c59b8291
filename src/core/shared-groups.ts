// The groups of shared subscriptions that this shard knows: as owner of topics, and as the home of members.

import { unrestricted, type Access } from "./access.ts";
import type { SessionNumber, TopicFilter } from "./brand.ts";
import type { Broker } from "./broker.ts";
import type { Outcome } from "./link-flight.ts";
import type { Message } from "./packet.ts";
import { PendingRows, type RowStore } from "./pending-rows.ts";
import type { Session } from "./session.ts";
import { topicFilterOf } from "./session-table.ts";
import { SharedGroup, type Handed } from "./shared-group.ts";
import { RefusalBudget } from "./shared-refusals.ts";
import type { Subscription } from "./subscription.ts";
import { TopicTree } from "./topic-tree.ts";

/** Numbers of groups with something stored, by filter. */
export interface SharedGroupStore extends RowStore<string, SessionNumber> {
  all(): (readonly [filter: string, number: SessionNumber])[];
}

const sharePrefix = "$share/";
/** No topic name holds a `+`, so no message matches it. */
const durablePrefix = "$share+/";

export const isShared = (filter: string): boolean => filter.startsWith(sharePrefix);

/**
 * A route of its own tells the owners that a member's session outlives its connection: `$share+/{group}/{filter}`. Older
 * owners take it for a filter that nothing matches.
 */
export const durableMarkOf = (filter: string): TopicFilter =>
  `${durablePrefix}${filter.slice(sharePrefix.length)}` as TopicFilter;

export const isDurableMark = (filter: string): boolean => filter.startsWith(durablePrefix);

export class SharedGroups {
  readonly #broker: Broker;
  readonly #store: SharedGroupStore;
  readonly #rows: PendingRows<string, SessionNumber>;
  readonly #byFilter = new Map<string, SharedGroup>();
  readonly #byNumber = new Map<SessionNumber, SharedGroup>();
  readonly #bySession = new Map<SessionNumber, Set<SharedGroup>>();
  readonly #tree = new TopicTree<SharedGroup>();
  /** Lives of owners that know the state of all groups here, by owner. */
  readonly #toldLives = new Map<number, number | undefined>();
  /** What the owners were last told: whether a member here has a free slot. */
  readonly #saidReady = new Map<SharedGroup, boolean>();
  /** Groups whose messages were refused here, and by whom each time: who has a free slot and is not among them may want them. */
  readonly #refusing = new Map<SharedGroup, ReadonlySet<Access>>();
  /** Groups for which the outbox of some shard is full. */
  readonly #blocked = new Set<SharedGroup>();
  /** Groups that have asked a shard whether it has a free slot. */
  readonly #asking = new Set<SharedGroup>();
  readonly refusalBudget = new RefusalBudget();
  #nextOrdinal = 1;
  #isLoaded = false;

  constructor(broker: Broker, store: SharedGroupStore) {
    this.#broker = broker;
    this.#store = store;
    this.#rows = new PendingRows(store);
  }

  /** Groups with something stored. Before sessions join; `endAbandoned` after. */
  load(): void {
    if (this.#isLoaded) return;
    this.#isLoaded = true;
    for (const [filter, number] of this.#store.all()) this.#make(filter, number);
  }

  /**
   * Once members and routes are loaded: groups whose members were all ephemeral and are gone with a crash end. That a
   * group has a free slot here is what its owners believe; of others they are told.
   */
  onWhole(): void {
    for (const group of this.#byFilter.values()) {
      if (!group.hasMembers) {
        this.#onMemberless(group);
        continue;
      }
      // What was refused before a sleep is not known: the first who is free then may want it.
      if (group.freeAccesses.some((access) => access !== unrestricted)) this.#refusing.set(group, new Set());
      if (this.#broker.layout.shards > 1 && !this.#isMoving) group.handBackForeign();
      this.#sayState(group);
    }
  }

  has(number: SessionNumber): boolean {
    return this.#byNumber.has(number);
  }

  acknowledgedTo(number: SessionNumber): number | undefined {
    return this.#byNumber.get(number)?.queue.acknowledgedTo;
  }

  #make(filter: string, number?: SessionNumber): SharedGroup {
    const { topicFilter } = topicFilterOf(filter);
    const group = new SharedGroup(this.#broker, filter, topicFilter, this.#nextOrdinal++, number);
    this.#byFilter.set(filter, group);
    if (number !== undefined) this.#byNumber.set(number, group);
    this.#tree.set(topicFilter, group.ordinal, group);
    return group;
  }

  #obtain(filter: string): SharedGroup {
    this.load();
    return this.#byFilter.get(filter) ?? this.#make(filter);
  }

  onNumbered(group: SharedGroup, number: SessionNumber): void {
    this.#byNumber.set(number, group);
    this.#rows.put(group.filter, number);
  }

  join(session: Session, subscription: Subscription): void {
    const group = this.#obtain(subscription.filter);
    group.join(session, subscription);
    const groups = this.#bySession.get(session.number) ?? new Set();
    this.#bySession.set(session.number, groups.add(group));
  }

  leave(session: Session, filter: string): void {
    const group = this.#byFilter.get(filter);
    if (group === undefined) return;
    group.leave(session);
    const groups = this.#bySession.get(session.number);
    groups?.delete(group);
    if (groups?.size === 0) this.#bySession.delete(session.number);
    if (group.hasMembers) {
      group.pump(); // what waited for this one alone
      this.#sayState(group);
    } else this.#onMemberless(group);
  }

  get #isMoving(): boolean {
    const { stage } = this.#broker;
    return stage === "sealed" || stage === "joining";
  }

  /** No member is left here: what lies here for the topics of other owners goes back to them. */
  #onMemberless(group: SharedGroup): void {
    // While queues move, who has members elsewhere is not known: `settle` ends what has none.
    if (this.#isMoving) return;
    this.#sayState(group);
    if (!group.isEmpty) {
      group.pump();
      return;
    }
    for (const message of group.drain()) this.returnToOwner(group.filter, message);
    group.end();
    this.#byFilter.delete(group.filter);
    this.#tree.delete(group.topicFilter, group.ordinal);
    this.#saidReady.delete(group);
    this.#refusing.delete(group);
    this.#blocked.delete(group);
    this.#asking.delete(group);
    if (group.number === undefined) return;
    this.#byNumber.delete(group.number);
    this.#rows.delete(group.filter);
  }

  returnToOwner(filter: string, message: Message): void {
    const owner = this.#broker.topics.ownerOf(message.topicName);
    if (owner === this.#broker.options.shardIndex) this.#broker.dropped(undefined, message, "session_ended");
    else this.#broker.links.enqueue(owner, this.#broker.links.shareReturn(filter, message), undefined, true);
  }

  /**
   * Members here that have a free slot may not receive what another owner gave this shard: the owner looks for others.
   * `isFinal`: no member here may.
   */
  refuse(group: SharedGroup, message: Message, isFinal: boolean): void {
    const { links, topics } = this.#broker;
    const before = this.#refusing.get(group);
    const refusing = group.freeAccesses.filter((access) => before?.has(access) ?? true);
    this.#refusing.set(group, new Set(refusing));
    const onOutcome = (outcome: Outcome): void => {
      // The owner has an older version, which takes it like this.
      const isUnderstood = outcome.kind !== "verdict" || outcome.verdict !== "not-understood";
      if (!isUnderstood) this.returnToOwner(group.filter, message);
    };
    const token = message.qos === 0 ? undefined : onOutcome;
    const entry = links.shareRefusal(group.filter, message, isFinal);
    links.enqueue(topics.ownerOf(message.topicName), entry, token, message.qos > 0);
  }

  /** As owner: to every group whose filter matches. `done` once for all: whether any of them took it. */
  offerToAll(message: Message, fromDurable: boolean, done: (isTaken: boolean) => void): void {
    const groups = this.#tree.match(message.topicName);
    let unanswered = groups.length;
    let isTaken = false;
    if (unanswered === 0) done(false);
    for (const group of groups) {
      const onOffered = (isTakenHere: boolean): void => {
        isTaken ||= isTakenHere;
        unanswered -= 1;
        if (unanswered === 0) done(isTaken);
      };
      group.offer(message, onOffered, fromDurable);
      this.#sayState(group);
    }
  }

  get isEmpty(): boolean {
    return this.#byFilter.size === 0;
  }

  /** A message that the owner handed to this shard. Without a free slot here it goes back: the queue is the owner's. */
  onOffer(from: number, filter: string, message: Message, isDurable: boolean): void {
    const group = this.#byFilter.get(filter);
    // Before the message goes back: a crash took the members, and where nobody else has one the group is over.
    if (group?.hasMembers !== true) this.#broker.routes.disown(filter, from);
    if (group !== undefined) this.#accept(group, message, isDurable);
    else if (message.qos > 0) this.returnToOwner(filter, message);
    if (group?.hasMembers === true) this.#sayState(group);
  }

  #accept(group: SharedGroup, message: Message, isKept: boolean): void {
    const accepted = group.accept(message, isKept);
    if (accepted === "waits" || accepted === "refused") this.refuse(group, message, accepted === "refused");
    else if (accepted === "full" && message.qos > 0) this.returnToOwner(group.filter, message);
  }

  /** As owner: a shard had no member for a message. */
  onReturn(from: number, filter: string, message: Message): void {
    const group = this.#byFilter.get(filter);
    group?.shards.onState(from, false, this.#broker.nowMs);
    if (group === undefined || group.isEmpty) this.#broker.dropped(undefined, message, "session_ended");
    else group.offer(message, () => undefined, true);
  }

  /** As owner: members of a shard may not receive a message that it was offered. Others may. */
  onRefusal(from: number, filter: string, message: Message, isFinal: boolean): void {
    const group = this.#byFilter.get(filter);
    if (this.refusalBudget.isSpent) for (const one of this.#byFilter.values()) one.forgetRefusals();
    group?.shards.onRefused(from, message.topicName, isFinal, this.#broker.nowMs);
    if (group === undefined || group.isEmpty) this.#broker.dropped(undefined, message, "session_ended");
    else group.offer(message, () => undefined, true);
    if (group !== undefined) this.#sayState(group);
  }

  /** As owner that knows nothing of a shard's members since it started: a first word makes it say everything. */
  ask(group: SharedGroup, shard: number): void {
    const onAnswer = (): void => {
      if (group.shards.onAnswered(shard)) group.pump();
    };
    this.#asking.add(group);
    const { filter, isReady } = group;
    this.#broker.links.enqueue(shard, { kind: "share-state", filter, isReady }, onAnswer, false);
  }

  /** Before the first word of another shard's new life is answered, that shard knows the state of all groups here. */
  greet(from: number, done: () => void): void {
    const life = this.#broker.links.lifeOf(from);
    if (this.#toldLives.get(from) === life) {
      done();
      return;
    }
    this.#toldLives.set(from, life);
    this.sayAll(from, done);
  }

  /** As owner: a member of the shard has a free slot, or none has one any more. */
  onState(from: number, filter: string, isReady: boolean): void {
    const group = this.#byFilter.get(filter);
    if (group === undefined) return;
    group.shards.onState(from, isReady, this.#broker.nowMs);
    if (isReady) group.pump();
  }

  onBlocked(group: SharedGroup): void {
    this.#blocked.add(group);
  }

  /** Rows have left an outbox, perhaps; a shard that was asked does not answer, perhaps. */
  onFlushed(): void {
    for (const group of this.#asking) {
      if (group.isAsking) continue;
      this.#asking.delete(group);
      group.pump();
    }
    for (const group of this.#blocked) {
      group.unblock();
      if (!group.shards.isBlocked) this.#blocked.delete(group);
    }
  }

  /** As owner, at its start: before all shards have had their turn no group is without members. */
  loadRoutes(shard: number, filters: ReadonlySet<string>, marks: ReadonlySet<string>, joined?: string): void {
    for (const filter of filters) {
      this.#obtain(filter).shards.set(shard, marks.has(durableMarkOf(filter)), filter === joined);
    }
  }

  /**
   * As owner: all shared filters that a shard has registered here, and those marked as of a durable member. `joined`:
   * the one that was added now.
   */
  onRoutes(shard: number, filters: ReadonlySet<string>, marks: ReadonlySet<string>, joined?: string): void {
    this.loadRoutes(shard, filters, marks, joined);
    for (const filter of filters) this.#obtain(filter).pump();
    for (const group of this.#byFilter.values()) {
      if (filters.has(group.filter)) continue;
      group.removeShard(shard);
      if (group.isEmpty) this.#onMemberless(group);
      else group.pump(); // what waited for this shard alone
    }
  }

  /** Tells the owners when a free slot appears or the last one is taken. */
  #sayState(group: SharedGroup): void {
    const { layout, isWhole, stage } = this.#broker;
    if (layout.shards === 1 || !isWhole || stage === "sealed") return;
    const isReady = group.isReady;
    if ((this.#saidReady.get(group) ?? true) === isReady) return;
    this.#saidReady.set(group, isReady);
    this.#say(group, isReady);
  }

  /** To an owner that has started, or to which this shard has sent all its routes: what it knew may be long over. */
  sayAll(owner: number, done?: () => void): void {
    let unanswered = 1;
    const onAnswer = (): void => {
      unanswered -= 1;
      if (unanswered === 0) done?.();
    };
    for (const group of this.#byFilter.values()) {
      const { filter, isReady } = group;
      if (!group.hasMembers || !this.#broker.topics.otherOwnersOf(group.topicFilter).includes(owner)) continue;
      this.#sayState(group);
      unanswered += 1;
      this.#broker.links.enqueue(owner, { kind: "share-state", filter, isReady }, onAnswer, false);
    }
    onAnswer();
  }

  #say(group: SharedGroup, isReady: boolean): void {
    for (const owner of this.#broker.topics.otherOwnersOf(group.topicFilter)) {
      this.#broker.links.enqueue(owner, { kind: "share-state", filter: group.filter, isReady }, undefined, false);
    }
  }

  /** A member may have a free slot: it came on line, or acknowledged something. */
  pumpFor(session: Session): void {
    if (this.#bySession.size === 0) return;
    for (const group of this.#bySession.get(session.number) ?? []) {
      group.pump();
      this.#sayState(group);
      this.#sayAnew(group, session);
    }
  }

  /** A member that did not refuse what was refused here is ready now: the owners may offer it again. */
  #sayAnew(group: SharedGroup, { online }: Session): void {
    const refusing = this.#refusing.get(group);
    if (refusing === undefined || online === undefined) return;
    const { access } = online.connection;
    if (refusing.has(access) || !group.freeAccesses.includes(access)) return;
    this.#refusing.delete(group);
    this.#say(group, true);
  }

  /** The member's session ended with this in flight [MQTT-4.8.2-5]. `isKept`: it was in storage. */
  giveBack(handed: Handed, isKept: boolean): void {
    const { group, message, position } = handed;
    const isForeign = this.#broker.topics.ownerOf(message.topicName) !== this.#broker.options.shardIndex;
    if (group.isEmpty) this.returnToOwner(group.filter, message);
    else if (position !== undefined || !isForeign) group.giveBack(handed);
    else this.#accept(group, message, isKept);
  }

  byNumber(number: number): SharedGroup | undefined {
    return this.#byNumber.get(number as SessionNumber);
  }

  find(filter: string): SharedGroup | undefined {
    return this.#byFilter.get(filter);
  }

  /** Filters of those that have members, wherever these are. */
  get inUse(): string[] {
    return [...this.#byFilter.values()].filter(({ isEmpty }) => !isEmpty).map(({ filter }) => filter);
  }

  /** Into the group's queue, whether or not it has members yet: `settle` ends it where it gets none. */
  takeIn(filter: string, message: Message): void {
    this.#obtain(filter).queue.takeIn(message);
  }

  /** Of the queues of all groups, the messages that another shard has now. */
  forgetMoved(isMoved: (message: Message) => boolean): void {
    for (const group of this.#byFilter.values()) group.queue.forgetMoved(isMoved);
  }

  /** An import is over: groups without members end, the others go on. */
  settle(): void {
    for (const group of this.#byFilter.values()) {
      if (group.isEmpty) this.#onMemberless(group);
      else group.pump();
      if (group.hasMembers) this.#sayState(group);
    }
  }

  get isDirty(): boolean {
    return this.#rows.isDirty;
  }

  flush(): void {
    this.#rows.flush();
  }
}
