// A shared subscription's group (§4.8.2) as one shard has it: its members here, the other shards that have some, and the
// queue of what nobody had a free slot for. A message is handed over only against a free slot, in turn, and what is handed
// over is sent; so what is unsent is still in the queue.

import type { Access } from "./access.ts";
import type { Position, SessionNumber, TopicFilter } from "./brand.ts";
import type { Broker } from "./broker.ts";
import type { Connection } from "./connection.ts";
import type { LogEntry } from "./message-log.ts";
import type { Message, QoS } from "./packet.ts";
import { sendQos0 } from "./sending.ts";
import type { Session } from "./session.ts";
import { hasFreeSlot, identifiersOf, mayReceive, type Member } from "./shared-member.ts";
import { SharedQueue } from "./shared-queue.ts";
import { SharedShards } from "./shared-shards.ts";
import type { Subscription } from "./subscription.ts";

/** A message of a group that a member has in flight, for the case that its session ends first. */
export interface Handed {
  readonly group: SharedGroup;
  readonly message: Message;
  /** Of the group's own log entry, which ends when the member has acknowledged. */
  readonly position: Position | undefined;
}

/**
 * Why a message is not handed over.
 * - `full`: nobody has a free slot.
 * - `waits`: those who have one may not receive it; somebody else may.
 * - `refused`: nobody may receive it.
 */
type Unhanded = "full" | "waits" | "refused";

export class SharedGroup {
  /** `$share/{group}/{filter}`: its key. */
  readonly filter: string;
  readonly topicFilter: TopicFilter;
  /** Unique in memory. */
  readonly ordinal: number;
  readonly #broker: Broker;
  readonly #members = new Map<SessionNumber, Member>();
  readonly shards: SharedShards;
  /** Who was last in turn: a session number, or a shard as `-1 - shard`. */
  #last: number | undefined;
  readonly #queue: SharedQueue;

  /** `number`: of a group that has something stored. */
  constructor(broker: Broker, filter: string, topicFilter: TopicFilter, ordinal: number, number?: SessionNumber) {
    this.#broker = broker;
    this.filter = filter;
    this.topicFilter = topicFilter;
    this.ordinal = ordinal;
    this.shards = new SharedShards(broker.groups.refusalBudget);
    this.#queue = new SharedQueue(broker, number, (taken) => broker.groups.onNumbered(this, taken));
  }

  get number(): SessionNumber | undefined {
    return this.#queue.number;
  }

  get queue(): SharedQueue {
    return this.#queue;
  }

  get isEmpty(): boolean {
    return this.#members.size === 0 && this.shards.isEmpty;
  }

  get hasMembers(): boolean {
    return this.#members.size > 0;
  }

  /** A member's session outlives its connection, as far as is known here. */
  get #isDurable(): boolean {
    for (const { session } of this.#members.values()) if (session.kind === "stored") return true;
    return this.shards.isDurable;
  }

  /** A member of this shard has a free slot. */
  get isReady(): boolean {
    for (const member of this.#members.values()) if (hasFreeSlot(member)) return true;
    return false;
  }

  join(session: Session, subscription: Subscription): void {
    this.#members.set(session.number, { session, subscription });
  }

  leave(session: Session): void {
    this.#members.delete(session.number);
    this.#queue.retryWaiting(); // for it, perhaps
  }

  removeShard(shard: number): void {
    if (this.shards.remove(shard)) this.#queue.retryWaiting(); // for it, perhaps
  }

  /** Those who may refuse a message now: what members with a free slot may do. */
  get freeAccesses(): Access[] {
    const accesses: Access[] = [];
    for (const member of this.#members.values()) {
      const access = hasFreeSlot(member) ? member.session.online?.connection.access : undefined;
      if (access !== undefined) accesses.push(access);
    }
    return accesses;
  }

  /**
   * A message for the group. `done`: it is handed over, or queued, or in another shard's care.
   * `fromDurable`: nobody has it any more who could send it again.
   */
  offer(message: Message, done: (isTaken: boolean) => void, fromDurable = false): void {
    if (message.qos === 0) {
      done(this.#offerQos0(message));
      return;
    }
    if (this.isEmpty) {
      done(false);
      return;
    }
    this.pump();
    const chosen = this.isAsking ? "full" : this.#choose(message);
    if (chosen === "full" || chosen === "waits") {
      this.#queue.push(message);
      done(true);
    } else if (chosen === "refused") {
      this.#refuse(message, undefined);
      done(true);
    } else this.#handTo(chosen, message, undefined, done, fromDurable);
  }

  /** A message that another shard gave this one, for its own members. `isKept`: in storage until it is acknowledged. */
  accept(message: Message, isKept: boolean): "taken" | Unhanded {
    if (message.qos === 0) return this.#acceptQos0(message);
    // Where this gives `full` `isReady` must be false too, or the owner would wait for a free slot that is there.
    this.pump();
    const chosen = this.#choose(message, true);
    if (typeof chosen === "string") return chosen;
    if (typeof chosen !== "number") this.#handToMember(chosen, message, undefined, isKept);
    return "taken";
  }

  #acceptQos0(message: Message): "taken" | Unhanded {
    const offered = this.#tryQos0(message, true);
    if (offered === "refused") return this.#mayFind(message, true) ? "waits" : "refused";
    if (offered === "full") this.#broker.dropped(undefined, message, "queue_full");
    return offered;
  }

  #offerQos0(message: Message): boolean {
    this.shards.turn(this.#broker.nowMs);
    const offered = this.#tryQos0(message, false);
    if (offered === "taken") return true;
    this.#broker.dropped(undefined, message, offered === "refused" ? "not_authorized" : "queue_full");
    return false;
  }

  #tryQos0(message: Message, isForHere: boolean): "taken" | "full" | "refused" {
    let isRefused = !isForHere && this.shards.hasPassedOver(message.topicName);
    for (const candidate of this.#inTurn(message, isForHere)) {
      if (typeof candidate === "number") {
        const entry = this.#broker.links.shareOffer(this.filter, message, this.#isDurable);
        if (this.#broker.links.enqueue(candidate, entry, undefined, false) === "taken") return "taken";
        continue;
      }
      const online = candidate.session.online;
      if (online === undefined || this.#broker.effects.isBehind(online.connection)) continue;
      if (!mayReceive(candidate, message)) {
        isRefused = true;
        continue;
      }
      this.#sendQos0(candidate, online.connection, message);
      return "taken";
    }
    return isRefused ? "refused" : "full";
  }

  #sendQos0({ subscription }: Member, connection: Connection, message: Message): void {
    const { retainAsPublished } = subscription;
    sendQos0(this.#broker, connection, message, message.retain && retainAsPublished, identifiersOf(subscription));
  }

  /** The next member, or shard by its number, in turn that has a free slot. */
  #choose(message: Message, isForHere = false): Member | number | Unhanded {
    let isRefused = !isForHere && this.shards.hasPassedOver(message.topicName);
    for (const candidate of this.#inTurn(message, isForHere)) {
      if (typeof candidate === "number") return candidate;
      if (!hasFreeSlot(candidate)) continue;
      if (mayReceive(candidate, message)) return candidate;
      isRefused = true;
    }
    if (!isRefused) return "full";
    return this.#mayFind(message, isForHere) ? "waits" : "refused";
  }

  /** Somebody who does not take it now, here or as far as is known elsewhere, may receive it. */
  #mayFind(message: Message, isForHere: boolean): boolean {
    for (const member of this.#members.values()) if (mayReceive(member, message)) return true;
    return !isForHere && this.shards.mayTake(message.topicName);
  }

  /**
   * Members, and (unless `isForHere`) shards by number that have a free slot and have not refused such a message; each
   * tried once, starting behind the last in turn.
   */
  *#inTurn({ topicName, qos }: Message, isForHere: boolean): Generator<Member | number> {
    // While the layout changes nobody is on line anywhere: what is offered would only come back.
    const isForNobodyElse = isForHere || this.#broker.stage !== undefined;
    const shards = isForNobodyElse ? [] : this.shards.candidates(topicName, this.#broker.nowMs, qos > 0);
    const all: (Member | number)[] = [...this.#members.values(), ...shards];
    const start = all.findIndex((candidate) => keyOf(candidate) === this.#last) + 1;
    for (let i = 0; i < all.length; i += 1) {
      const candidate = all[(start + i) % all.length] as Member | number;
      this.#last = keyOf(candidate);
      yield candidate;
    }
  }

  /**
   * Nobody who could take it may receive it: it would hold up the queue. Another owner's message goes back to it, for
   * members elsewhere.
   */
  #refuse(message: Message, position: Position | undefined): void {
    if (this.#isForeign(message)) this.#broker.groups.refuse(this, message, !this.#mayFind(message, true));
    else this.#broker.dropped(undefined, message, "not_authorized");
    this.#queue.finish(position);
  }

  #isForeign({ topicName }: Message): boolean {
    return this.#broker.topics.ownerOf(topicName) !== this.#broker.options.shardIndex;
  }

  /** `position`: where it is in the queue, if it is. */
  #handTo(
    candidate: Member | number,
    message: Message,
    position: Position | undefined,
    done: (isTaken: boolean) => void,
    fromDurable: boolean,
  ): void {
    if (typeof candidate === "number") {
      this.#handToShard(candidate, message, position, done, fromDurable);
      return;
    }
    this.#handToMember(candidate, message, position, this.#isDurable);
    done(true);
  }

  #handToMember(member: Member, message: Message, position: Position | undefined, isKept: boolean): void {
    const { session, subscription } = member;
    const outbound = session.online?.outbound;
    const qos = Math.min(message.qos, subscription.qos) as QoS;
    const retain = message.retain && subscription.retainAsPublished; // [MQTT-3.3.1-12, MQTT-3.3.1-13]
    if (session.online === undefined || outbound === undefined) throw new Error("handed to a member that is away");
    if (qos === 0) {
      this.#queue.finish(position);
      this.#sendQos0(member, session.online.connection, message);
      return;
    }
    if (outbound.kind === "stored") {
      // The member's own entry takes the place of the group's, in one commit.
      this.#queue.finish(position);
      outbound.takeHanded(message, qos, retain, identifiersOf(subscription), this.#queue.takeNumber());
      return;
    }
    // QoS 2 once sent is never given to another [MQTT-4.8.2-4]; QoS 1 is, if the session ends [MQTT-4.8.2-5].
    if (qos === 2) this.#queue.finish(position);
    const own = qos === 1 ? this.#hold(message, position, isKept) : position;
    const handed = qos === 1 ? { group: this, message, position: own } : undefined;
    outbound.takeHanded(
      message,
      qos,
      retain,
      identifiersOf(subscription),
      handed,
      own === undefined ? "at-once" : "after-commit",
    );
  }

  /** While the group has a stored member, here or elsewhere, a message is in storage until somebody has acknowledged it. */
  #hold(message: Message, position: Position | undefined, isKept: boolean): Position | undefined {
    if (position === undefined) return isKept || this.#isDurable ? this.#queue.appendHeld(message) : undefined;
    this.#queue.hold(position);
    return position;
  }

  /** The message is the other shard's from the commit, or the answer, on. Where it has no member it sends it back. */
  #handToShard(
    shard: number,
    message: Message,
    position: Position | undefined,
    done: (isTaken: boolean) => void,
    fromDurable: boolean,
  ): void {
    if (position !== undefined) this.#queue.hold(position);
    this.shards.onOffered(shard, message.topicName, this.#broker.nowMs);
    const entry = this.#broker.links.shareOffer(this.filter, message, this.#isDurable);
    const onOutcome = (isTaken: boolean): void => {
      if (isTaken) {
        if (message.qos !== 2) this.#queue.acknowledge(position);
        done(true);
        return;
      }
      this.shards.block(shard);
      this.#broker.groups.onBlocked(this);
      if (position !== undefined) this.giveBack({ group: this, message, position });
      else this.offer(message, done, fromDurable);
    };
    const taken = this.#broker.links.enqueue(shard, entry, () => onOutcome(true), fromDurable);
    if (taken === "full") onOutcome(false);
    // In the outbox by the commit that takes it out of the queue [MQTT-4.8.2-4]: a crash between two would double it.
    else if (message.qos === 2) this.#queue.acknowledge(position);
  }

  /** Other shards are asked first whether they have a free slot, where this one has just started. */
  get isAsking(): boolean {
    if (this.#broker.stage !== undefined) return false;
    return this.shards.isAsking(this.#broker.nowMs, (shard) => this.#broker.groups.ask(this, shard));
  }

  /** A slot may be free: hands over what is queued, oldest first. */
  pump(): void {
    if (this.#queue.count === 0 || this.isAsking) return;
    if (this.shards.turn(this.#broker.nowMs)) this.#queue.retryWaiting();
    if (!this.#pumpWaiting()) return;
    for (let entry = this.#queue.next(); entry !== undefined; entry = this.#queue.next()) {
      if (this.#handQueued(entry) === "full") return;
    }
  }

  /** False where nobody has a free slot any more. */
  #pumpWaiting(): boolean {
    const { waiting } = this.#queue;
    let free = this.#free;
    for (let isDone = false; !isDone;) {
      isDone = true;
      for (const [position, number] of waiting.untriedBy(free)) {
        const entry = this.#queue.at(position);
        const result = entry && this.#handQueued(entry);
        if (result === "full") return false;
        if (result !== "taken") continue;
        waiting.onTried(free, number);
        isDone = false;
        break;
      }
      if (isDone) waiting.onTried(free);
      else free = this.#free;
    }
    return free.length > 0;
  }

  /** Who can take something now: what members may do, and shards. */
  get #free(): object[] {
    return [...this.freeAccesses, ...this.shards.ready];
  }

  #handQueued(entry: LogEntry): "taken" | Unhanded {
    const { position, message } = entry;
    if (message.expiresAtMs !== undefined && message.expiresAtMs <= this.#broker.nowMs) {
      this.#queue.take(entry);
      this.#queue.finish(position);
      this.#broker.dropped(undefined, message, "expired");
      return "taken";
    }
    if (this.#isForeign(message)) {
      this.#queue.take(entry);
      this.#handForeign(message, position);
      return "taken";
    }
    const chosen = this.#choose(message);
    if (chosen === "full") return chosen;
    if (chosen === "waits") {
      this.#queue.setAside(position, this.#free);
      return chosen;
    }
    this.#queue.take(entry);
    if (chosen === "refused") this.#refuse(message, position);
    else this.#handTo(chosen, message, position, () => undefined, false);
    return "taken";
  }

  /** Of another owner's topic: it goes to a member here, or back to where the queue is. */
  #handForeign(message: Message, position: Position): void {
    const chosen = this.#choose(message, true);
    if (chosen === "full") {
      this.#broker.groups.returnToOwner(this.filter, message);
      this.#queue.finish(position);
    } else if (chosen === "waits" || chosen === "refused") this.#refuse(message, position);
    else this.#handTo(chosen, message, position, () => undefined, false);
  }

  /** After a start: what members here had in flight whose sessions ended with a crash goes back to the topics' owners. */
  handBackForeign(): void {
    for (const entry of Array.from(this.#queue.unsent())) {
      if (!this.#isForeign(entry.message)) continue;
      this.#queue.takeOut(entry);
      this.#handForeign(entry.message, entry.position);
    }
  }

  /** A member came back from hibernation with this entry in flight. */
  onRestored(position: Position | undefined, message: Message): void {
    this.#queue.onRestored(position, message);
  }

  /** A member has acknowledged what it was handed. */
  onAcknowledged({ position }: Handed): void {
    this.#queue.acknowledge(position);
  }

  /** The member's session ended before it acknowledged: another one gets the message. */
  giveBack({ message, position }: Handed): void {
    if (position === undefined) {
      this.offer(message, () => undefined);
      return;
    }
    if (this.#isForeign(message)) {
      this.#queue.unhold(position);
      this.#handForeign(message, position);
      return;
    }
    this.#queue.untake(position, message);
    this.pump();
  }

  /** The last member of this shard went: what it has of other shards' messages goes back to their owners. */
  drain(): Generator<Message> {
    return this.#queue.drain();
  }

  /** What old refusals take is free for other groups. */
  forgetRefusals(): void {
    if (this.shards.turn(this.#broker.nowMs)) this.#queue.retryWaiting();
  }

  /** The outbox for a shard may have room again. */
  unblock(): void {
    if (this.shards.unblock((shard) => this.#broker.links.hasRoom(shard, 0))) this.pump();
  }

  end(): void {
    this.shards.end();
    this.#queue.end();
  }
}

const keyOf = (candidate: Member | number): number =>
  typeof candidate === "number" ? -1 - candidate : candidate.session.number;
