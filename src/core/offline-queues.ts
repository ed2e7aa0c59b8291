// The queue limit of stored sessions whose client is away: nobody reads their entries, so the log is gone over, a bounded
// step at a time, and the oldest unsent go (design §4.7), or the newest where `QUEUE_OVERFLOW` says so. Else one abandoned
// session would fill the log for everybody.

import type { Position } from "./brand.ts";
import type { Broker } from "./broker.ts";
import type { LimitName } from "./limits.ts";
import type { LogEntry } from "./message-log.ts";
import type { Message } from "./packet.ts";
import { PositionRanges } from "./position-ranges.ts";
import { dropQueued, passedQueueLimit } from "./queue-overflow.ts";
import type { Session } from "./session.ts";

/** What a step may do: an entry read is one, a session looked into this many. */
const workPerStep = 10_000;
const workPerSession = 10;
/** A pass over the sessions when this part of a queue limit has come since the last one; under pressure, a smaller part. */
const growthPart = 4;
const pressedGrowthPart = 64;
/** The log is under pressure from this part of its limit on. */
const pressurePart = 2;

/** A run of unsent entries that must go. */
interface Overflow {
  readonly from: Position;
  to: Position;
  count: number;
  limit: LimitName;
}

/** One session's queue, as far as it was read. Each entry is read once to be counted, and once more to be dropped. */
class OfflineQueue {
  readonly #broker: Broker;
  readonly #session: Session;
  readonly #sentTo: Position;
  #readTo: Position;
  /**
   * Everything own up to here was sent, or dropped; behind it are so many. Where the newest go: up to here everything own
   * was sent, or is kept.
   */
  #droppedTo: Position;
  #count = 0;
  #bytes = 0;
  /** Of the newest, that did not fit: whatever comes now does not either. */
  #isFull = false;

  constructor(broker: Broker, session: Session) {
    const { acknowledgedTo, sentTo } = broker.progress.get(session.number);
    this.#broker = broker;
    this.#session = session;
    this.#sentTo = sentTo;
    this.#readTo = acknowledgedTo;
    this.#droppedTo = acknowledgedTo;
  }

  /** Reads on, until it has read so many entries. */
  read(most: number): { readonly read: number; readonly overflow: Overflow | undefined } {
    const done = new PositionRanges(this.#broker.progress.get(this.#session.number).acknowledged);
    const next = (after: Position): LogEntry | undefined =>
      this.#broker.log.nextOutside(this.#session.number, after, done);
    let overflow: Overflow | undefined;
    let read = 0;
    while (read < most) {
      const entry = next(this.#readTo);
      if (entry === undefined) break;
      read += 1;
      if (this.#broker.options.queueOverflow === "drop-newest") {
        overflow = this.#keepOrDrop(entry, overflow);
        continue;
      }
      this.#add(entry);
      for (let limit = this.#passed; limit !== undefined; limit = this.#passed) {
        overflow ??= { from: (this.#droppedTo + 1) as Position, to: this.#droppedTo, count: 0, limit };
        this.#dropOldest(next(this.#droppedTo), overflow);
        read += 1;
      }
    }
    return { read, overflow };
  }

  get isFull(): boolean {
    return this.#isFull;
  }

  /** What goes is one range behind what stays, however often the queue is looked at. */
  #keepOrDrop(entry: LogEntry, overflow: Overflow | undefined): Overflow | undefined {
    const limit = passedQueueLimit(this.#broker.limits, this.#count + 1, this.#bytes + entry.size);
    if (entry.position <= this.#sentTo || (limit === undefined && !this.#isFull)) {
      this.#add(entry);
      this.#droppedTo = entry.position;
      return overflow;
    }
    this.#isFull = true;
    this.#readTo = entry.position;
    const begun = overflow ?? {
      from: (this.#droppedTo + 1) as Position,
      to: entry.position,
      count: 0,
      limit: limit ?? "maximumQueuedBytes",
    };
    begun.to = entry.position;
    begun.count += 1;
    return begun;
  }

  #add({ position, size }: LogEntry): void {
    this.#readTo = position;
    if (position <= this.#sentTo) {
      this.#droppedTo = position;
      return;
    }
    this.#count += 1;
    this.#bytes += size;
  }

  get #passed(): LimitName | undefined {
    return passedQueueLimit(this.#broker.limits, this.#count, this.#bytes);
  }

  #dropOldest(entry: LogEntry | undefined, overflow: Overflow): void {
    if (entry === undefined) {
      this.#count = 0; // fewer than were counted: nothing is left to drop
      this.#bytes = 0;
      return;
    }
    this.#droppedTo = entry.position;
    this.#count -= 1;
    this.#bytes -= entry.size;
    overflow.to = entry.position;
    overflow.count += 1;
  }
}

export class OfflineQueues {
  readonly #broker: Broker;
  readonly #queues = new WeakMap<Session, OfflineQueue>();
  #pass: Iterator<Session> | undefined;
  #unfinished: Session | undefined;
  #passes = 0;
  #messagesBefore = 0;
  #bytesBefore = 0;

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  /** The client is back: what was counted holds no more. */
  forget(session: Session): void {
    this.#queues.delete(session);
  }

  /** Whether one more may be appended. False once it was seen that the newest do not fit: they would only be dropped later. */
  admits(session: Session, message: Message): boolean {
    if (this.#broker.options.queueOverflow !== "drop-newest" || this.#queues.get(session)?.isFull !== true) return true;
    const { topicName: topic } = message;
    this.#broker.counters.drop("queue_full");
    this.#broker.effects.log({ event: "message-dropped", reason: "queue_full", clientId: session.clientId, topic });
    return false;
  }

  /**
   * One bounded step, once every stored session is known and every connection that lives is back. True where there is
   * more to do. What it changes is pending until the flush.
   */
  step(): boolean {
    this.#pass ??= this.#begin();
    if (this.#pass === undefined) return false;
    for (let left = workPerStep; left > 0;) {
      const session = this.#unfinished ?? this.#pass.next().value;
      this.#unfinished = undefined;
      if (session === undefined) {
        this.#pass = undefined;
        return false;
      }
      left -= this.#mayBeLong(session) ? workPerSession + this.#shorten(session, left) : 1;
    }
    return true;
  }

  #begin(): Iterator<Session, undefined> | undefined {
    const { log, limits, sessions } = this.#broker;
    const isPressed = log.bytes * pressurePart > limits.maximumLogBytes;
    const part = isPressed ? pressedGrowthPart : growthPart;
    const { messages, bytes } = log.appended;
    const isGrown =
      (messages - this.#messagesBefore) * part > limits.maximumQueuedMessages ||
      (bytes - this.#bytesBefore) * part > limits.maximumQueuedBytes;
    if (!isGrown && !(isPressed && this.#passes === 0)) return undefined;
    this.#messagesBefore = messages;
    this.#bytesBefore = bytes;
    this.#passes += 1;
    return sessions.all();
  }

  /** Without a look at its entries: whether they can be more than the limits allow. */
  #mayBeLong(session: Session): boolean {
    if (session.kind !== "stored" || session.online !== undefined) return false;
    if (this.#broker.sessions.byNumber(session.number) !== session) return false; // it ended since the last step
    if (this.#queues.has(session)) return true;
    const { log, limits, progress } = this.#broker;
    if (log.bytes > limits.maximumQueuedBytes) return true;
    return log.end - progress.get(session.number).acknowledgedTo > limits.maximumQueuedMessages;
  }

  /** Reads at most about so many entries, and drops those beyond the limit; gives how many it read. */
  #shorten(session: Session, most: number): number {
    const queue = this.#queues.get(session) ?? new OfflineQueue(this.#broker, session);
    this.#queues.set(session, queue);
    const { read, overflow } = queue.read(most);
    if (overflow !== undefined) this.#drop(session, overflow);
    if (read >= most) this.#unfinished = session;
    return read;
  }

  #drop(session: Session, { from, to, count, limit }: Overflow): void {
    const { progress, log } = this.#broker;
    const known = progress.get(session.number);
    if (from === known.acknowledgedTo + 1) {
      log.release(session.number, known.acknowledgedTo, to);
      const rest = new PositionRanges(known.acknowledged);
      rest.dropUpTo(to);
      const sentTo = Math.max(known.sentTo, to) as Position;
      progress.set(session.number, { ...known, acknowledgedTo: to, sentTo, acknowledged: rest.entries });
    } else {
      log.releaseRange(session.number, from, to);
      const acknowledged = new PositionRanges([...known.acknowledged, [from, to]]).entries;
      progress.set(session.number, { ...known, acknowledged });
    }
    dropQueued(this.#broker, session.clientId, limit, count);
  }
}
