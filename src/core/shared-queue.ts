// The queue of a shared group: an entry list of the log under a number of the group's own, and its progress. It holds
// what nobody had a free slot for, and what a member has in flight until it is acknowledged.

import type { Position, SessionNumber } from "./brand.ts";
import type { Broker } from "./broker.ts";
import type { LimitName } from "./limits.ts";
import type { LogEntry } from "./message-log.ts";
import { messageSize } from "./message-size.ts";
import type { Message } from "./packet.ts";
import { PositionRanges } from "./position-ranges.ts";
import { passedQueueLimit } from "./queue-overflow.ts";
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
  /** The first of them is the last. */
  #returned: Position[] = [];
  readonly waiting = new SharedWaiting();
  /** Entries that a member has in flight. */
  readonly #inFlight = new Set<Position>();
  /** Of what is not handed over. */
  #count: number;
  #bytes: number;
  /** Beyond the cursor, but in flight: handed over out of turn, or since before a hibernation. */
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
    const { count, bytes } =
      number === undefined ? { count: 0, bytes: 0 } : broker.log.countAfter(number, this.#cursor, isDone);
    this.#count = count;
    this.#bytes = bytes;
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
    const { limits, options } = this.#broker;
    const exceeded = passedQueueLimit(limits, this.#count + 1, this.#bytes + messageSize(message));
    if (exceeded !== undefined && options.queueOverflow === "drop-newest") {
      this.#broker.dropped(undefined, message, "queue_full", exceeded);
      return;
    }
    this.takeIn(message);
    for (let limit = this.#passed; limit !== undefined; limit = this.#passed) {
      const oldest = this.#oldest();
      if (oldest === undefined) return;
      this.take(oldest);
      this.finish(oldest.position);
      this.#broker.dropped(undefined, oldest.message, "queue_full", limit);
    }
  }

  get #passed(): LimitName | undefined {
    return passedQueueLimit(this.#broker.limits, this.#count, this.#bytes);
  }

  #oldest(): LogEntry | undefined {
    const next = this.next();
    const { oldest } = this.waiting;
    return oldest !== undefined && (next === undefined || oldest < next.position) ? this.at(oldest) : next;
  }

  at(position: Position): LogEntry | undefined {
    return this.#number === undefined ? undefined : this.#broker.log.next(this.#number, (position - 1) as Position);
  }

  /** A message of another shard's queue, or of another broker's: whatever the limit, it was promised there. */
  takeIn(message: Message): void {
    this.#append(message);
    this.#count += 1;
    this.#bytes += messageSize(message);
  }

  /** Deletes those that another shard has now, in storage alone: the object starts again. Nothing is in flight. */
  forgetMoved(isMoved: (message: Message) => boolean): void {
    const number = this.#number;
    if (number === undefined) return;
    const { log } = this.#broker;
    let entry = log.next(number, this.#acknowledgedTo);
    for (; entry !== undefined; entry = log.next(number, entry.position)) {
      if (isMoved(entry.message)) this.#acknowledged.add(entry.position);
    }
    for (const [from, to] of this.#acknowledged.entries) log.releaseRange(number, from, to);
    this.#save();
  }

  /** The oldest that is not set aside. */
  next(): LogEntry | undefined {
    const number = this.#number;
    if (number === undefined || this.#count === 0) return undefined;
    const returned = this.#returned.at(-1);
    if (returned !== undefined) return this.at(returned);
    let entry = this.#broker.log.next(number, this.#cursor);
    while (entry !== undefined && (this.#acknowledged.has(entry.position) || this.#skipped.delete(entry.position))) {
      this.#cursor = entry.position;
      entry = this.#broker.log.next(number, this.#cursor);
    }
    return entry;
  }

  take({ position, size }: LogEntry): void {
    this.#count -= 1;
    this.#bytes -= size;
    if (!this.waiting.delete(position)) this.#pass(position);
  }

  /** What nobody has in flight, wherever it stands. */
  *unsent(): Generator<LogEntry> {
    const number = this.#number;
    if (number === undefined || this.#count === 0) return;
    const { log } = this.#broker;
    let entry = log.next(number, this.#acknowledgedTo);
    for (; entry !== undefined; entry = log.next(number, entry.position)) {
      if (!this.#acknowledged.has(entry.position) && !this.#inFlight.has(entry.position)) yield entry;
    }
  }

  /** Out of its turn, right after a start. */
  takeOut({ position, size }: LogEntry): void {
    this.#count -= 1;
    this.#bytes -= size;
    this.#skipped.add(position);
  }

  #pass(position: Position): void {
    if (this.#returned.at(-1) === position) this.#returned.pop();
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
    if (waiting.length > 0) this.#returned = [...this.#returned, ...waiting].sort((a, b) => b - a);
  }

  /** What was handed over comes back. */
  untake(position: Position, message: Message): void {
    this.unhold(position);
    this.#returned = [position, ...this.#returned].sort((a, b) => b - a);
    this.#count += 1;
    this.#bytes += messageSize(message);
  }

  /** It has it no more; what becomes of it is decided at once. */
  unhold(position: Position): void {
    this.#inFlight.delete(position);
  }

  /** Handed over: in storage until somebody has acknowledged it. */
  hold(position: Position): void {
    this.#inFlight.add(position);
  }

  /** The same for a message that was handed over without having been in the queue. */
  appendHeld(message: Message): Position {
    const position = this.#append(message);
    this.#inFlight.add(position);
    const isLast = this.#count === this.#returned.length + this.waiting.size;
    if (isLast) this.#cursor = position;
    else this.#skipped.add(position);
    return position;
  }

  /** A member came back from hibernation with this entry in flight. */
  onRestored(position: Position | undefined, message: Message): void {
    if (position === undefined || this.#inFlight.has(position)) return;
    this.#inFlight.add(position);
    this.#count -= 1;
    this.#bytes -= messageSize(message);
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
    const to = (Math.min(this.#firstOpen, this.#cursor + 1) - 1) as Position;
    if (to > this.#acknowledgedTo && this.#number !== undefined) {
      this.#broker.log.release(this.#number, this.#acknowledgedTo, to);
      this.#acknowledgedTo = to;
      this.#acknowledged.dropUpTo(to);
    }
    if (this.#acknowledged.count > this.#joinAt) this.#joinAcknowledged();
    this.#save();
  }

  /** Of what is in flight, came back or was set aside. Infinity: of nothing. */
  get #firstOpen(): number {
    let first = Math.min(this.#returned.at(-1) ?? Infinity, this.waiting.oldest ?? Infinity);
    for (const position of this.#inFlight) first = Math.min(first, position);
    return first;
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
      this.take(entry);
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
