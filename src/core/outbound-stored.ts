// Outgoing QoS 1 and 2 messages of a stored session: a cursor over the shard's log. The log keeps the messages, the
// progress page keeps what is acknowledged; in memory are the window and where the cursor stands (design §4.4–§4.6).

import type { PacketId, Position, SessionNumber } from "./brand.ts";
import type { Broker } from "./broker.ts";
import type { Connection } from "./connection.ts";
import type { DropReason } from "./counters.ts";
import type { LogEntry } from "./message-log.ts";
import { messageSize } from "./message-size.ts";
import { packetIdOf } from "./packet-ids.ts";
import type { Message, QoS } from "./packet.ts";
import { pubrel } from "./pubrel.ts";
import { fits, send } from "./sending.ts";
import { PositionRanges } from "./position-ranges.ts";
import type { Progress } from "./progress.ts";
import { SentReservation } from "./sent-reservation.ts";
import type { Session } from "./session.ts";
import { UnsentQueue } from "./unsent-queue.ts";
import { Window, type InFlight } from "./window.ts";

/** What an idle save keeps beside the progress page. */
export interface StoredOutboundState {
  readonly cursor: Position;
  readonly resendTo: Position;
  readonly inFlight: readonly InFlight[];
}

/** So many ranges of acknowledged messages are kept before it is tried to join them. */
const unjoinedRanges = 16;

export class StoredOutbound {
  readonly kind = "stored";
  readonly window: Window;
  readonly #broker: Broker;
  readonly #session: Session;
  readonly #connection: Connection;
  /** Own entries up to here need nothing any more. */
  #acknowledgedTo: Position;
  /** Everything own in there was acknowledged or dropped out of order; all > acknowledgedTo. */
  readonly #acknowledged: PositionRanges;
  /** So many of them are worth another try to join them. */
  #joinAt = unjoinedRanges;
  /** QoS 2 positions whose PUBREC was seen; the PUBLISH must not be sent again. */
  readonly #released: Set<Position>;
  readonly #explicitIds: Map<Position, PacketId>;
  /** Entries that a shared group handed over, with its number. */
  readonly #handed: Map<Position, SessionNumber>;
  /** Own entries up to here were taken up on this connection: sent, or found to need nothing. */
  #cursor: Position;
  #sentTo: Position;
  /** Own entries up to here were sent on an earlier connection: DUP [MQTT-3.3.1-1]. */
  #resendTo: Position;
  /** Nothing own lies between the cursor and the end of the log. */
  #caughtUp = false;
  readonly #unsent: UnsentQueue;
  readonly #reservation: SentReservation;
  /** Ids of completed QoS 2 messages whose completion is not committed: not free yet (design §4.5). */
  readonly #freeing = new Set<PacketId>();
  /** Those of them whose completion is in the progress that the next commit has. */
  readonly #committing = new Set<PacketId>();
  /** The last own entry of those that came on this connection. */
  #lastAppended: Position | undefined;

  constructor(broker: Broker, session: Session, connection: Connection, windowSize: number, progress: Progress) {
    this.#broker = broker;
    this.#session = session;
    this.#connection = connection;
    this.window = new Window(windowSize);
    this.#acknowledgedTo = progress.acknowledgedTo;
    this.#acknowledged = new PositionRanges(progress.acknowledged);
    this.#released = new Set(progress.released);
    this.#explicitIds = new Map(progress.explicitIds.map(([id, position]) => [position, id]));
    this.#handed = new Map(progress.handed);
    this.#cursor = progress.acknowledgedTo;
    this.#sentTo = progress.sentTo;
    this.#resendTo = progress.sentTo;
    this.#unsent = new UnsentQueue({
      broker,
      connection,
      session,
      nextUndone: (after) => broker.log.nextOutside(session.number, after, this.#acknowledged),
      onDropped: (from, to) => this.#onDropped(from, to),
    });
    this.#reservation = new SentReservation(broker.log, session.number, progress.reservedTo ?? progress.sentTo);
    broker.offlineQueues.forget(session);
  }

  /** Before the first `pump` of a resumed session: the queue limit, applied to what gathered off line. */
  onResume(): void {
    const isDone = (position: Position): boolean => this.#acknowledged.has(position);
    const after = this.#lastSent();
    this.#unsent.begin(this.#broker.log.countAfter(this.#session.number, after, isDone), after);
  }

  /** Takes back what an idle save kept. */
  restore(state: StoredOutboundState): void {
    this.#cursor = state.cursor;
    this.#resendTo = state.resendTo;
    this.#sentTo = Math.max(state.cursor, state.resendTo) as Position; // the page has what was reserved
    for (const entry of state.inFlight) this.window.add(this.#withPhase(entry));
    this.#caughtUp = this.#broker.log.next(this.#session.number, this.#cursor) === undefined;
    if (this.#caughtUp) return;
    this.onResume();
    if (!this.window.isFull) this.#broker.effects.pumpSoon(this.#connection);
  }

  /** A PUBREC is in the progress page in the moment that it comes, in the attachment only later. */
  #withPhase(entry: InFlight): InFlight {
    const isReleased = entry.position !== undefined && this.#released.has(entry.position);
    return isReleased ? { ...entry, phase: "released" } : entry;
  }

  get state(): StoredOutboundState {
    return { cursor: this.#cursor, resendTo: this.#resendTo, inFlight: [...this.window.entries()] };
  }

  /** For the progress page. `open`: the client is still connected. */
  progress(open: boolean, inbound: Iterable<PacketId>): Progress {
    this.#advanceTo(this.#doneTo());
    this.#joinAcknowledged();
    this.#forgetGone();
    for (const packetId of this.#freeing) this.#committing.add(packetId);
    return {
      acknowledgedTo: this.#acknowledgedTo,
      acknowledged: this.#acknowledged.entries,
      sentTo: this.#sentTo,
      ...(open && { reservedTo: this.#reservation.renew(this.#caughtUp, this.#lastSent()) }),
      released: [...this.#released].sort((a, b) => a - b),
      inbound: [...inbound],
      handed: [...this.#handed],
      explicitIds: [...this.#explicitIds].map(([position, id]) => [id, position] as const),
      open,
    };
  }

  /** The log has just taken a message for this session. */
  onAppended(
    position: Position,
    message: Message,
    qos: Exclude<QoS, 0>,
    retain: boolean,
    subscriptionIdentifiers: readonly number[] | undefined,
  ): void {
    this.#lastAppended = position;
    if (this.#caughtUp && !fits(this.#connection, message, qos, subscriptionIdentifiers)) {
      this.#cursor = position;
      this.#broker.dropped(this.#connection, message, "packet_too_large");
      this.#markDone(position);
      this.#broker.saveProgress(this.#session); // after a crash it must not count as one of the last that were sent
      return;
    }
    if (this.#caughtUp && this.#hasRoom) {
      const packetId = packetIdOf(position);
      if (!this.#isIdInUse(packetId)) {
        this.#cursor = position;
        this.#send(position, packetId, false, message, qos, retain, subscriptionIdentifiers);
        return;
      }
    }
    if (this.#caughtUp) this.#broker.effects.needsSave(this.#connection); // from here on not all of the log counts as sent
    const mustReserve = this.#reservation.onWaiting(this.#caughtUp);
    this.#caughtUp = false;
    this.#unsent.add(messageSize(message));
    this.#unsent.relieve(this.#lastSent());
    if (mustReserve) this.#broker.saveProgress(this.#session);
    this.#pumpWhenDrained();
  }

  /** Asked before the log takes a message, where the oldest do not make room. False: this session must do without it. */
  admits(message: Message): boolean {
    return (this.#caughtUp && this.#hasRoom) || this.#unsent.admits(message);
  }

  /** In the window, and on the way to the client. */
  get #hasRoom(): boolean {
    return !this.window.isFull && this.#broker.effects.hasRoom(this.#connection);
  }

  /** The window has room and the socket has none: no acknowledgement may come that would say when to go on. */
  #pumpWhenDrained(): void {
    if (!this.window.isFull) this.#broker.effects.pumpSoon(this.#connection);
  }

  /** The log has just taken a message that this client may not see: it counts as acknowledged and as dropped. */
  onRefused(position: Position, message: Message): void {
    this.#broker.dropped(this.#connection, message, "not_authorized");
    if (this.#caughtUp) this.#cursor = position;
    // Also what others have in between: many in a row are one range.
    this.#markRangeDone(((this.#lastAppended ?? position - 1) + 1) as Position, position);
    this.#lastAppended = position;
  }

  /** A retained message of a replay gets a log entry of its own, outside the queue limit. */
  replay(message: Message, qos: Exclude<QoS, 0>, subscriptionIdentifiers: readonly number[] | undefined): void {
    const position = this.#broker.log.append(message, [
      {
        session: this.#session.number,
        qos,
        retain: true,
        ...(subscriptionIdentifiers && { subscriptionIdentifiers }),
      },
    ]);
    this.#broker.effects.needsFlush();
    this.onAppended(position, message, qos, true, subscriptionIdentifiers);
  }

  /** A message of a shared group could be sent now. If only the socket is in the way, its groups are asked again later. */
  get canTake(): boolean {
    if (!this.#hasRoom) this.#pumpWhenDrained();
    return this.#caughtUp && this.#hasRoom && !this.#isIdInUse(packetIdOf((this.#broker.log.end + 1) as Position));
  }

  /** A message of a shared group; the caller has seen `canTake`. Entry and origin are committed before it is sent. */
  takeHanded(
    message: Message,
    qos: Exclude<QoS, 0>,
    retain: boolean,
    subscriptionIdentifiers: readonly number[] | undefined,
    group: SessionNumber,
  ): void {
    const recipient = {
      session: this.#session.number,
      qos,
      retain,
      ...(subscriptionIdentifiers && { subscriptionIdentifiers }),
    };
    const position = this.#broker.log.append(message, [recipient]);
    this.#handed.set(position, group);
    this.onAppended(position, message, qos, retain, subscriptionIdentifiers);
    this.#broker.saveProgress(this.#session);
  }

  /** Sends own entries after the cursor, oldest first, as far as the window has room. */
  pump(nowMs: number): void {
    while (!this.#caughtUp && this.#hasRoom) {
      const entry = this.#broker.log.next(this.#session.number, this.#cursor);
      if (entry === undefined) {
        this.#caughtUp = true;
        this.#unsent.clear();
        this.#advanceTo(this.#doneTo());
        return;
      }
      if (!this.#take(entry, nowMs)) return;
    }
    if (!this.#caughtUp) this.#pumpWhenDrained();
  }

  onPuback(packetId: PacketId): void {
    const entry = this.window.onPuback(packetId);
    if (entry?.position !== undefined) this.#markDone(entry.position);
  }

  onPubrec(packetId: PacketId): void {
    const entry = this.window.onPubrec(packetId);
    if (entry?.position !== undefined) {
      this.#released.add(entry.position);
      // The mark is committed before the PUBREL that relies on it.
      this.#broker.saveProgress(this.#session);
    }
    this.#broker.effects.send(this.#connection, pubrel(packetId, entry !== undefined), "after-commit");
  }

  onPubcomp(packetId: PacketId): void {
    const entry = this.window.onPubcomp(packetId);
    if (entry?.position === undefined) return;
    this.#released.delete(entry.position);
    this.#freeing.add(packetId);
    this.#markDone(entry.position);
  }

  /** The page with the last `progress` was committed: a message that waits for an id may go now. */
  onProgressCommitted(): void {
    if (this.#committing.size === 0) return;
    for (const packetId of this.#committing) this.#freeing.delete(packetId);
    this.#committing.clear();
    if (!this.#caughtUp) this.#broker.effects.pumpSoon(this.#connection);
  }

  /** False where the entry must wait for its packet id. */
  #take(entry: LogEntry, nowMs: number): boolean {
    const { position } = entry;
    const isUnsent = position > this.#resendTo;
    const done = this.#acknowledged.endOf(position);
    if (done !== undefined) {
      this.#cursor = done;
      return true;
    }
    if (isUnsent) this.#unsent.remove(entry.size);
    if (isUnsent && this.#mustDrop(entry, nowMs)) {
      this.#cursor = position;
      this.#markDone(position);
      this.#broker.saveProgress(this.#session);
      return true;
    }
    const packetId = this.#explicitIds.get(position) ?? packetIdOf(position);
    if (this.#isIdInUse(packetId)) {
      if (this.#freeing.has(packetId)) this.#broker.saveProgress(this.#session);
      if (isUnsent) this.#unsent.add(entry.size);
      return false;
    }
    this.#cursor = position;
    const reason = isUnsent ? undefined : this.#whyNotAgain(entry);
    if (reason !== undefined) {
      this.#endUnsendable(entry, packetId, reason);
      return true;
    }
    if (this.#released.has(position)) {
      this.window.add({ packetId, qos: 2, position, phase: "released" });
      this.#broker.effects.send(this.#connection, pubrel(packetId, true), "after-commit");
      return true;
    }
    this.#send(position, packetId, !isUnsent, entry.message, entry.qos, entry.retain, entry.subscriptionIdentifiers);
    return true;
  }

  /** Only an unsent entry may be dropped: a sent one is the client's until it answers. */
  #mustDrop(entry: LogEntry, nowMs: number): boolean {
    if (entry.message.expiresAtMs !== undefined && entry.message.expiresAtMs <= nowMs) {
      this.#broker.dropped(this.#connection, entry.message, "expired");
      return true;
    }
    if (!this.#connection.access.mayReceive(entry.message.topicName)) {
      this.#broker.dropped(this.#connection, entry.message, "not_authorized");
      return true;
    }
    if (!fits(this.#connection, entry.message, entry.qos, entry.subscriptionIdentifiers)) {
      this.#broker.dropped(this.#connection, entry.message, "packet_too_large");
      return true;
    }
    return false;
  }

  /**
   * The client came back with a smaller Maximum Packet Size, or it may not see the message: a crash may have forgotten
   * that it was refused, and then it counts as sent.
   */
  #whyNotAgain({ position, message, qos, subscriptionIdentifiers }: LogEntry): DropReason | undefined {
    if (this.#released.has(position)) return undefined;
    if (!this.#connection.access.mayReceive(message.topicName)) return "not_authorized";
    return fits(this.#connection, message, qos, subscriptionIdentifiers) ? undefined : "packet_too_large";
  }

  /** It ends as if it had been sent again [MQTT-3.1.2-25]; one of QoS 2 goes on with its PUBREL. */
  #endUnsendable({ position, message, qos }: LogEntry, packetId: PacketId, reason: DropReason): void {
    this.#broker.dropped(this.#connection, message, reason);
    if (qos === 1) {
      this.#markDone(position);
      return;
    }
    this.window.add({ packetId, qos, position, phase: "released" });
    this.#released.add(position);
    this.#broker.saveProgress(this.#session);
    this.#broker.effects.send(this.#connection, pubrel(packetId, true), "after-commit");
  }

  #send(
    position: Position,
    packetId: PacketId,
    dup: boolean,
    message: Message,
    qos: Exclude<QoS, 0>,
    retain: boolean,
    subscriptionIdentifiers: readonly number[] | undefined,
  ): void {
    this.window.add({ packetId, qos, position, phase: "sent" });
    if (position > this.#sentTo) this.#sentTo = position;
    if (!this.#reservation.covers(position)) this.#broker.saveProgress(this.#session);
    this.#broker.effects.needsSave(this.#connection);
    send(
      this.#broker,
      this.#connection,
      message,
      { qos, retain, dup, packetId, subscriptionIdentifiers },
      "after-commit",
    );
  }

  #markDone(position: Position): void {
    this.#explicitIds.delete(position);
    this.#handed.delete(position);
    this.#markRangeDone(position, position);
  }

  #markRangeDone(from: Position, to: Position): void {
    this.#broker.effects.needsSave(this.#connection);
    const doneTo = this.#doneTo();
    if (to > doneTo) this.#acknowledged.addRange(from, to); // else it comes in the order of sending
    this.#advanceTo(doneTo);
    if (this.#acknowledged.count > this.#joinAt) this.#joinAcknowledged();
  }

  /** Up to the oldest message that is still in flight all is done. */
  #doneTo(): Position {
    const first = this.window.firstPosition();
    const end = this.#caughtUp ? this.#broker.log.end : this.#cursor;
    return first === undefined ? end : (Math.min(first - 1, end) as Position);
  }

  /** Moves `acknowledgedTo`, and lets the log go of what is before it. */
  #advanceTo(to: Position): void {
    const from = this.#acknowledgedTo;
    if (to <= from) return;
    this.#acknowledgedTo = to;
    this.#acknowledged.dropUpTo(to);
    this.#broker.log.release(this.#session.number, from, to);
  }

  /** Up to the cursor all is done but the window: so there are never many more ranges than that is large. */
  #joinAcknowledged(): void {
    this.#acknowledged.joinUpTo(this.#cursor, this.#inFlightPositions());
    this.#joinAt = Math.max(unjoinedRanges, 2 * this.#acknowledged.count);
    for (const [from, to] of this.#acknowledged.entries) this.#broker.log.releaseRange(this.#session.number, from, to);
  }

  *#inFlightPositions(): Generator<Position> {
    for (const { position } of this.window.entries()) if (position !== undefined) yield position;
  }

  /** Marks of entries that ended without this connection: a crash may have come between their end and its record. */
  #forgetGone(): void {
    for (const position of this.#released) if (position <= this.#acknowledgedTo) this.#released.delete(position);
    for (const position of this.#handed.keys()) if (position <= this.#acknowledgedTo) this.#handed.delete(position);
    for (const position of this.#explicitIds.keys()) {
      if (position <= this.#acknowledgedTo) this.#explicitIds.delete(position);
    }
  }

  #isIdInUse(packetId: PacketId): boolean {
    return this.window.has(packetId) || this.#freeing.has(packetId);
  }

  /** The last own entry that was sent, or that counts as sent after a crash. */
  #lastSent(): Position {
    return Math.max(this.#cursor, this.#sentTo) as Position;
  }

  /** For the queue limit. The decision is in the next commit, so that a crash does not bring back what was dropped. */
  #onDropped(from: Position, to: Position): void {
    for (const ofEntries of [this.#explicitIds, this.#handed]) {
      for (const position of ofEntries.keys()) if (position >= from && position <= to) ofEntries.delete(position);
    }
    this.#markRangeDone(from, to);
    this.#broker.log.releaseRange(this.#session.number, from, to);
    if (this.#broker.options.queueOverflow === "drop-newest") this.#broker.saveProgress(this.#session);
  }
}
