// A shared subscription's group (§4.8.2) as one shard has it: its members here, the other shards that have some, and the
// queue of what nobody had a free slot for. A message is handed over only against a free slot, in turn, and what is handed
// over is sent; so what is unsent is still in the queue, which is an entry list of the log under a number of the group's own.

import type { Position, SessionNumber, TopicFilter } from "./brand.ts";
import type { Broker } from "./broker.ts";
import type { Message, QoS } from "./packet.ts";
import { PositionRanges } from "./position-ranges.ts";
import type { Session } from "./session.ts";
import type { Subscription } from "./subscription.ts";

/** A message of a group that a member has in flight, for the case that its session ends first. */
export interface Handed {
  readonly group: SharedGroup;
  readonly message: Message;
  /** Of the group's own log entry, which ends when the member has acknowledged. */
  readonly position: Position | undefined;
}

interface Member {
  readonly session: Session;
  readonly subscription: Subscription;
}

/** So many ranges of what is done are kept before it is tried to join them. */
const unjoinedRanges = 16;

export class SharedGroup {
  /** `$share/{group}/{filter}`: its key. */
  readonly filter: string;
  readonly topicFilter: TopicFilter;
  /** Unique in memory. */
  readonly ordinal: number;
  /** Under which the log and the progress pages know the queue; taken when something is first stored. */
  #number: SessionNumber | undefined;
  readonly #broker: Broker;
  readonly #members = new Map<SessionNumber, Member>();
  /** Other shards with members, and whether one of those has a free slot, as far as is known. */
  readonly #shards = new Map<number, boolean>();
  /** Who was last in turn: a session number, or a shard as `-1 - shard`. */
  #last: number | undefined;
  #acknowledgedTo: Position;
  /** Everything of the queue in there is done, out of order; all > acknowledgedTo. */
  readonly #acknowledged: PositionRanges;
  /** So many ranges are worth a try to join them. */
  #joinAt = unjoinedRanges;
  /** Entries up to here were looked at: handed over, or waiting in `#returned`. */
  #cursor: Position;
  #returned: Position[] = [];
  /** Entries that a member has in flight. */
  readonly #inFlight = new Set<Position>();
  #queued: number;
  /** Beyond the cursor, but in flight since before a hibernation. */
  readonly #skipped = new Set<Position>();

  /** `number`: of a group that has something stored. */
  constructor(broker: Broker, filter: string, topicFilter: TopicFilter, ordinal: number, number?: SessionNumber) {
    this.#broker = broker;
    this.filter = filter;
    this.topicFilter = topicFilter;
    this.ordinal = ordinal;
    this.#number = number;
    const progress = number === undefined ? undefined : broker.progress.get(number);
    this.#acknowledgedTo = progress?.acknowledgedTo ?? broker.log.end;
    this.#acknowledged = new PositionRanges(progress?.acknowledged);
    this.#cursor = this.#acknowledgedTo;
    const isDone = (position: Position): boolean => this.#acknowledged.has(position);
    this.#queued = number === undefined ? 0 : broker.log.countAfter(number, this.#cursor, isDone).count;
  }

  get number(): SessionNumber | undefined {
    return this.#number;
  }

  get acknowledgedTo(): Position {
    return this.#acknowledgedTo;
  }

  #takeNumber(): SessionNumber {
    if (this.#number === undefined) {
      this.#number = this.#broker.sessions.takeNumber();
      this.#broker.groups.onNumbered(this, this.#number);
      this.#save();
    }
    return this.#number;
  }

  get isEmpty(): boolean {
    return this.#members.size === 0 && this.#shards.size === 0;
  }

  get hasMembers(): boolean {
    return this.#members.size > 0;
  }

  get #isDurable(): boolean {
    for (const { session } of this.#members.values()) if (session.kind === "stored") return true;
    return false;
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
  }

  setShard(shard: number, isReady: boolean): void {
    this.#shards.set(shard, isReady);
  }

  /** What a shard says of its members; of one whose route has ended it says nothing any more. */
  onShardState(shard: number, isReady: boolean): void {
    if (this.#shards.has(shard)) this.#shards.set(shard, isReady);
  }

  removeShard(shard: number): void {
    this.#shards.delete(shard);
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
    if (this.#queued > 0 || !this.#handOver(message, undefined, done, fromDurable)) {
      this.#enqueue(message);
      done(true);
      if (this.#queued > 1) this.pump();
    }
  }

  /** A message that another shard gave this one, for its own members: none of them has a free slot where this is false. */
  accept(message: Message): boolean {
    if (message.qos === 0) return this.#offerQos0(message, true);
    // Where this gives false `isReady` must be false too, or the owner would wait for a free slot that is there.
    this.pump();
    return this.#queued === 0 && this.#handOver(message, undefined, () => undefined, false, true);
  }

  #offerQos0(message: Message, isForHere = false): boolean {
    for (const candidate of this.#inTurn(isForHere)) {
      if (typeof candidate === "number") {
        const entry = this.#broker.links.shareOffer(this.filter, message);
        if (this.#broker.links.enqueue(candidate, entry, undefined, false) === "taken") return true;
        continue;
      }
      const online = candidate.session.online;
      if (online === undefined || this.#broker.effects.isBehind(online.connection)) continue;
      this.#broker.deliverQos0(online.connection, message, false, identifiersOf(candidate.subscription));
      return true;
    }
    this.#broker.dropped(undefined, message, "queue_full");
    return false;
  }

  /** To the next member or shard in turn that has a free slot. `position`: where it is in the queue, if it is. */
  #handOver(
    message: Message,
    position: Position | undefined,
    done: (isTaken: boolean) => void,
    fromDurable = false,
    isForHere = false,
  ): boolean {
    for (const candidate of this.#inTurn(isForHere)) {
      if (typeof candidate === "number") {
        this.#handToShard(candidate, message, position, done, fromDurable);
        return true;
      }
      if (!hasFreeSlot(candidate)) continue;
      this.#handToMember(candidate, message, position);
      done(true);
      return true;
    }
    return false;
  }

  /**
   * Members, and (unless `isForHere`) shards by number that have a free slot; each tried once, starting behind the last
   * in turn.
   */
  *#inTurn(isForHere: boolean): Generator<Member | number> {
    const ready = [...this.#shards].filter(([, isReady]) => isReady).map(([shard]) => shard);
    const all: (Member | number)[] = [...this.#members.values(), ...ready];
    const start = all.findIndex((candidate) => keyOf(candidate) === this.#last) + 1;
    for (let i = 0; i < all.length; i += 1) {
      const candidate = all[(start + i) % all.length] as Member | number;
      if (isForHere && typeof candidate === "number") continue;
      this.#last = keyOf(candidate);
      yield candidate;
    }
  }

  #handToMember({ session, subscription }: Member, message: Message, position: Position | undefined): void {
    const outbound = session.online?.outbound;
    const qos = Math.min(message.qos, subscription.qos) as QoS;
    if (session.online === undefined || outbound === undefined) throw new Error("handed to a member that is away");
    if (qos === 0) {
      this.#finish(position);
      this.#broker.deliverQos0(session.online.connection, message, false, identifiersOf(subscription));
      return;
    }
    if (outbound.kind === "stored") {
      // The member's own entry takes the place of the group's, in one commit.
      this.#finish(position);
      outbound.takeHanded(message, qos, identifiersOf(subscription), this.#takeNumber());
      return;
    }
    // QoS 2 once sent is never given to another [MQTT-4.8.2-4]; QoS 1 is, if the session ends [MQTT-4.8.2-5].
    if (qos === 2) this.#finish(position);
    // While the group has a stored member, a message is in storage until somebody has acknowledged it.
    const own = qos === 1 && position === undefined && this.#isDurable ? this.#append(message) : position;
    if (qos === 1 && own !== undefined) this.#inFlight.add(own);
    if (qos === 1 && position === undefined && own !== undefined) this.#cursor = own;
    const handed = qos === 1 ? { group: this, message, position: own } : undefined;
    outbound.takeHanded(
      message,
      qos,
      identifiersOf(subscription),
      handed,
      own === undefined ? "at-once" : "after-commit",
    );
  }

  /** The message is the other shard's from the commit, or the answer, on. Where it has no member it sends it back. */
  #handToShard(
    shard: number,
    message: Message,
    position: Position | undefined,
    done: (isTaken: boolean) => void,
    fromDurable: boolean,
  ): void {
    if (position !== undefined) this.#inFlight.add(position);
    const entry = this.#broker.links.shareOffer(this.filter, message);
    const onOutcome = (isTaken: boolean): void => {
      if (isTaken) {
        if (message.qos !== 2) this.#acknowledge(position);
        done(true);
        return;
      }
      this.#shards.set(shard, false);
      if (position !== undefined) this.giveBack({ group: this, message, position });
      else this.offer(message, done, fromDurable);
    };
    const taken = this.#broker.links.enqueue(shard, entry, () => onOutcome(true), fromDurable);
    if (taken === "full") onOutcome(false);
    // In the outbox by the commit that takes it out of the queue [MQTT-4.8.2-4]: a crash between two would double it.
    else if (message.qos === 2) this.#acknowledge(position);
  }

  #append(message: Message): Position {
    this.#broker.effects.needsFlush();
    const session = this.#takeNumber();
    return this.#broker.log.append(message, [{ session, qos: message.qos === 2 ? 2 : 1, retain: false }]);
  }

  #enqueue(message: Message): void {
    const position = this.#append(message);
    this.#queued += 1;
    if (this.#queued <= this.#broker.limits.maximumQueuedMessages) return;
    const oldest = this.#nextQueued();
    if (oldest === undefined || oldest.position === position) return;
    this.#take(oldest.position);
    this.#finish(oldest.position);
    this.#broker.dropped(undefined, oldest.message, "queue_full", "maximumQueuedMessages");
  }

  /** A slot may be free: hands over what is queued, oldest first. */
  pump(): void {
    for (let entry = this.#nextQueued(); entry !== undefined; entry = this.#nextQueued()) {
      const { message, position } = entry;
      if (message.expiresAtMs !== undefined && message.expiresAtMs <= this.#broker.nowMs) {
        this.#take(position);
        this.#finish(position);
        this.#broker.dropped(undefined, message, "expired");
        continue;
      }
      this.#take(position);
      if (this.#handOver(message, position, () => undefined)) continue;
      this.#untake(position);
      return;
    }
  }

  #nextQueued(): { position: Position; message: Message } | undefined {
    const number = this.#number;
    if (number === undefined || this.#queued === 0) return undefined;
    const [returned] = this.#returned;
    if (returned !== undefined) return this.#broker.log.next(number, (returned - 1) as Position);
    let entry = this.#broker.log.next(number, this.#cursor);
    while (entry !== undefined && (this.#acknowledged.has(entry.position) || this.#skipped.delete(entry.position))) {
      this.#cursor = entry.position;
      entry = this.#broker.log.next(number, this.#cursor);
    }
    return entry;
  }

  #take(position: Position): void {
    if (this.#returned[0] === position) this.#returned.shift();
    else this.#cursor = position;
    this.#queued -= 1;
  }

  #untake(position: Position): void {
    this.#returned = [position, ...this.#returned].sort((a, b) => a - b);
    this.#queued += 1;
  }

  /** A member came back from hibernation with this entry in flight. */
  onRestored(position: Position | undefined): void {
    if (position === undefined || this.#inFlight.has(position)) return;
    this.#inFlight.add(position);
    this.#queued -= 1;
    if (position > this.#cursor) this.#skipped.add(position);
  }

  /** A member has acknowledged what it was handed. */
  onAcknowledged({ position }: Handed): void {
    this.#acknowledge(position);
  }

  #acknowledge(position: Position | undefined): void {
    if (position === undefined) return;
    this.#inFlight.delete(position);
    this.#finish(position);
  }

  /** The member's session ended before it acknowledged: another one gets the message. */
  giveBack({ message, position }: Handed): void {
    if (position === undefined) {
      this.offer(message, () => undefined);
      return;
    }
    this.#inFlight.delete(position);
    this.#untake(position);
    this.pump();
  }

  #finish(position: Position | undefined): void {
    if (position === undefined) return;
    this.#acknowledged.add(position);
    let first = Math.min(...this.#inFlight, ...this.#returned);
    if (first > this.#cursor) first = this.#cursor + 1;
    const to = (first - 1) as Position;
    if (to > this.#acknowledgedTo && this.#number !== undefined) {
      this.#broker.log.release(this.#number, this.#acknowledgedTo, to);
      this.#acknowledgedTo = to;
      this.#acknowledged.dropUpTo(to);
    }
    if (this.#acknowledged.count > this.#joinAt) this.#joinAcknowledged();
    this.#save();
  }

  /** Up to the cursor all is done but what is in flight or came back. */
  #joinAcknowledged(): void {
    const open = [...this.#inFlight, ...this.#returned].sort((a, b) => a - b);
    this.#acknowledged.joinUpTo(this.#cursor, open);
    this.#joinAt = Math.max(unjoinedRanges, 2 * this.#acknowledged.count);
    if (this.#number === undefined) return;
    for (const [from, to] of this.#acknowledged.entries) this.#broker.log.releaseRange(this.#number, from, to);
  }

  /** Written with the commit of the hand-over: what was handed over is not handed over again after a crash. */
  #save(): void {
    if (this.#number === undefined) return;
    this.#broker.progress.set(this.#number, {
      acknowledgedTo: this.#acknowledgedTo,
      acknowledged: this.#acknowledged.entries,
      sentTo: this.#acknowledgedTo,
      released: [],
      inbound: [],
      explicitIds: [],
      open: false,
    });
    this.#broker.effects.needsFlush();
  }

  /** The last member of this shard went: what it has of other shards' messages goes back to their owners. */
  *drain(): Generator<Message> {
    for (let entry = this.#nextQueued(); entry !== undefined; entry = this.#nextQueued()) {
      this.#take(entry.position);
      yield entry.message;
    }
  }

  end(): void {
    if (this.#number === undefined) return;
    this.#broker.log.forget(this.#number, this.#acknowledgedTo);
    this.#broker.progress.delete(this.#number);
    this.#broker.effects.needsFlush();
  }
}

const keyOf = (candidate: Member | number): number =>
  typeof candidate === "number" ? -1 - candidate : candidate.session.number;

const hasFreeSlot = ({ session, subscription }: Member): boolean => {
  const online = session.online;
  if (online === undefined) return false;
  return subscription.qos === 0 || online.outbound.canTake;
};

const identifiersOf = (subscription: Subscription): readonly number[] | undefined =>
  subscription.subscriptionIdentifier === undefined ? undefined : [subscription.subscriptionIdentifier];
