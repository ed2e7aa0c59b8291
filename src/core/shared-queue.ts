// The queue of a shared group: an entry list of the log under a number of the group's own, and its progress. It holds
// what nobody had a free slot for, and what a member has in flight until it is acknowledged.

import type { Position, SessionNumber } from "./brand.ts";
import type { Broker } from "./broker.ts";
import type { LogEntry } from "./message-log.ts";
import type { Message } from "./packet.ts";
import { PositionRanges } from "./position-ranges.ts";
import { SharedWaiting } from "./shared-waiting.ts";

/** So many ranges of what is done are kept before it is tried to join them. */
const unjoinedRanges = 16;

export class SharedQueue {
  /** Under which the log and the progress pages know the queue; taken when something is first stored. */
  #number: SessionNumber | undefined;
  readonly #broker: Broker;
  readonly #onNumbered: (number: SessionNumber) => void;
  #acknowledgedTo: Position;
  /** Everything of the queue in there is done, out of order; all > acknowledgedTo. */
  readonly #acknowledged: PositionRanges;
  /** So many ranges are worth a try to join them. */
  #joinAt = unjoinedRanges;
  /** Entries up to here were looked at: handed over, or in `#returned` or `waiting`. */
  #cursor: Position;
  #returned: Position[] = [];
  readonly waiting = new SharedWaiting();
  /** Entries that a member has in flight. */
  readonly #inFlight = new Set<Position>();
  #count: number;
  /** Beyond the cursor, but in flight since before a hibernation. */
  readonly #skipped = new Set<Position>();

  /** `number`: of a group that has something stored. */
  constructor(broker: Broker, number: SessionNumber | undefined, onNumbered: (number: SessionNumber) => void) {
    this.#broker = broker;
    this.#number = number;
    this.#onNumbered = onNumbered;
    const progress = number === undefined ? undefined : broker.progress.get(number);
    this.#acknowledgedTo = progress?.acknowledgedTo ?? broker.log.end;
    this.#acknowledged = new PositionRanges(progress?.acknowledged);
    this.#cursor = this.#acknowledgedTo;
    const isDone = (position: Position): boolean => this.#acknowledged.has(position);
    this.#count = number === undefined ? 0 : broker.log.countAfter(number, this.#cursor, isDone).count;
  }

  get number(): SessionNumber | undefined {
    return this.#number;
  }

  get acknowledgedTo(): Position {
    return this.#acknowledgedTo;
  }

  /** What is not handed over. */
  get count(): number {
    return this.#count;
  }

  takeNumber(): SessionNumber {
    if (this.#number === undefined) {
      this.#number = this.#broker.sessions.takeNumber();
      this.#onNumbered(this.#number);
      this.#save();
    }
    return this.#number;
  }

  #append(message: Message): Position {
    this.#broker.effects.needsFlush();
    const session = this.takeNumber();
    return this.#broker.log.append(message, [{ session, qos: message.qos === 2 ? 2 : 1, retain: false }]);
  }

  push(message: Message): void {
    const position = this.#append(message);
    this.#count += 1;
    if (this.#count <= this.#broker.limits.maximumQueuedMessages) return;
    const oldest = this.#oldest();
    if (oldest === undefined || oldest.position === position) return;
    this.take(oldest.position);
    this.finish(oldest.position);
    this.#broker.dropped(undefined, oldest.message, "queue_full", "maximumQueuedMessages");
  }

  #oldest(): LogEntry | undefined {
    const next = this.next();
    const { oldest } = this.waiting;
    return oldest !== undefined && (next === undefined || oldest < next.position) ? this.at(oldest) : next;
  }

  at(position: Position): LogEntry | undefined {
    return this.#number === undefined ? undefined : this.#broker.log.next(this.#number, (position - 1) as Position);
  }

  /** The oldest that is not set aside. */
  next(): LogEntry | undefined {
    const number = this.#number;
    if (number === undefined || this.#count === 0) return undefined;
    const [returned] = this.#returned;
    if (returned !== undefined) return this.at(returned);
    let entry = this.#broker.log.next(number, this.#cursor);
    while (entry !== undefined && (this.#acknowledged.has(entry.position) || this.#skipped.delete(entry.position))) {
      this.#cursor = entry.position;
      entry = this.#broker.log.next(number, this.#cursor);
    }
    return entry;
  }

  take(position: Position): void {
    this.#count -= 1;
    if (!this.waiting.delete(position)) this.#pass(position);
  }

  #pass(position: Position): void {
    if (this.#returned[0] === position) this.#returned.shift();
    else this.#cursor = position;
  }

  /** Nobody of `tried`, who has a free slot, may receive it. */
  setAside(position: Position, tried: readonly object[]): void {
    if (this.waiting.has(position)) return;
    this.#pass(position);
    this.waiting.add(position, tried);
  }

  /** What was set aside is tried with everybody again. */
  retryWaiting(): void {
    const waiting = this.waiting.takeAll();
    if (waiting.length > 0) this.#returned = [...this.#returned, ...waiting].sort((a, b) => a - b);
  }

  /** What was handed over comes back. */
  untake(position: Position): void {
    this.#inFlight.delete(position);
    this.#returned = [position, ...this.#returned].sort((a, b) => a - b);
    this.#count += 1;
  }

  /** Handed over: in storage until somebody has acknowledged it. */
  hold(position: Position): void {
    this.#inFlight.add(position);
  }

  /** The same for a message that was handed over without having been in the queue. */
  appendHeld(message: Message): Position {
    const position = this.#append(message);
    this.#inFlight.add(position);
    this.#cursor = position;
    return position;
  }

  /** A member came back from hibernation with this entry in flight. */
  onRestored(position: Position | undefined): void {
    if (position === undefined || this.#inFlight.has(position)) return;
    this.#inFlight.add(position);
    this.#count -= 1;
    if (position > this.#cursor) this.#skipped.add(position);
  }

  acknowledge(position: Position | undefined): void {
    if (position === undefined) return;
    this.#inFlight.delete(position);
    this.finish(position);
  }

  finish(position: Position | undefined): void {
    if (position === undefined) return;
    this.#acknowledged.add(position);
    let first = Math.min(...this.#inFlight, ...this.#returned, this.waiting.oldest ?? Infinity);
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

  /** Up to the cursor all is done but what is in flight, came back or was set aside. */
  #joinAcknowledged(): void {
    const open = [...this.#inFlight, ...this.#returned, ...this.waiting.positions].sort((a, b) => a - b);
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

  *drain(): Generator<Message> {
    this.retryWaiting();
    for (let entry = this.next(); entry !== undefined; entry = this.next()) {
      this.take(entry.position);
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
