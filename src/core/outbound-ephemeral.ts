// Outgoing QoS 1 and 2 messages of an ephemeral session: a window and a queue, both in memory.

import type { PacketId } from "./brand.ts";
import type { Broker } from "./broker.ts";
import type { Connection } from "./connection.ts";
import type { LimitName } from "./limits.ts";
import { messageSize } from "./message-size.ts";
import { nextPacketId } from "./packet-ids.ts";
import type { Message, QoS } from "./packet.ts";
import { pubrel } from "./pubrel.ts";
import { passedQueueLimit, queueIsFull } from "./queue-overflow.ts";
import { fits, send } from "./sending.ts";
import type { Leaves } from "./effect.ts";
import type { Handed } from "./shared-group.ts";
import { Window, type InFlight } from "./window.ts";

export interface QueuedMessage {
  readonly message: Message;
  readonly qos: Exclude<QoS, 0>;
  readonly retain: boolean;
  readonly subscriptionIdentifiers: readonly number[] | undefined;
}

export class EphemeralOutbound {
  readonly kind = "ephemeral";
  readonly window: Window;
  readonly #broker: Broker;
  readonly #connection: Connection;
  readonly #queue: QueuedMessage[] = [];
  #queuedBytes = 0;
  #lastPacketId = 0;
  /** The queue was full, and the client is about to be disconnected. */
  #isToEnd = false;

  constructor(broker: Broker, connection: Connection, windowSize: number) {
    this.#broker = broker;
    this.#connection = connection;
    this.window = new Window(windowSize);
  }

  get queue(): readonly QueuedMessage[] {
    return this.#queue;
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  get lastPacketId(): number {
    return this.#lastPacketId;
  }

  /** Takes back what an idle save kept. */
  restore(inFlight: readonly InFlight[], lastPacketId: number, queue: readonly QueuedMessage[]): void {
    for (const entry of inFlight) this.window.add(entry);
    this.#lastPacketId = lastPacketId;
    for (const queued of queue) this.#push(queued);
  }

  /** A live message: sent if the window has room and nothing waits before it, else queued. */
  enqueue(
    message: Message,
    qos: Exclude<QoS, 0>,
    retain: boolean,
    subscriptionIdentifiers: readonly number[] | undefined,
  ): void {
    if (this.#isFree) {
      this.#send(message, qos, retain, subscriptionIdentifiers);
      return;
    }
    if (!this.#admits(message)) return;
    this.#push({ message, qos, retain, subscriptionIdentifiers });
    if ((this.#broker.options.queueOverflow ?? "drop-oldest") === "drop-oldest") this.#dropOldest();
  }

  /**
   * A retained message of a replay. The window had room when the page was asked for; where another shard's page took its
   * time it waits its turn, outside the queue limit.
   */
  replay(message: Message, qos: Exclude<QoS, 0>, subscriptionIdentifiers: readonly number[] | undefined): void {
    if (this.#hasRoom) this.#send(message, qos, true, subscriptionIdentifiers);
    else this.#push({ message, qos, retain: true, subscriptionIdentifiers });
  }

  /** A message of a shared group could be sent now. If only the socket is in the way, its groups are asked again later. */
  get canTake(): boolean {
    if (!this.#isFree && !this.window.isFull) this.#broker.effects.pumpSoon(this.#connection);
    return this.#isFree;
  }

  get #isFree(): boolean {
    return this.#queue.length === 0 && this.#hasRoom;
  }

  /** In the window, and on the way to the client. */
  get #hasRoom(): boolean {
    return !this.window.isFull && this.#broker.effects.hasRoom(this.#connection);
  }

  /** A message of a shared group; the caller has seen `canTake`. */
  takeHanded(
    message: Message,
    qos: Exclude<QoS, 0>,
    retain: boolean,
    subscriptionIdentifiers: readonly number[] | undefined,
    handed: Handed | undefined,
    leaves: Leaves,
  ): void {
    this.#send(message, qos, retain, subscriptionIdentifiers, handed, leaves);
  }

  /** What shared groups get back when the session ends [MQTT-4.8.2-5]. */
  get handed(): Handed[] {
    return [...this.window.entries()].flatMap(({ handed }) => (handed === undefined ? [] : [handed]));
  }

  pump(nowMs: number): void {
    while (this.#hasRoom) {
      const queued = this.#shift();
      if (queued === undefined) return;
      if (queued.message.expiresAtMs !== undefined && queued.message.expiresAtMs <= nowMs) {
        this.#broker.dropped(this.#connection, queued.message, "expired");
        continue;
      }
      this.#send(queued.message, queued.qos, queued.retain, queued.subscriptionIdentifiers);
    }
    this.#pumpWhenDrained();
  }

  onPuback(packetId: PacketId): void {
    const entry = this.window.onPuback(packetId);
    if (entry === undefined) return;
    entry.handed?.group.onAcknowledged(entry.handed);
    this.#broker.effects.needsSave(this.#connection);
  }

  onPubrec(packetId: PacketId): void {
    // [MQTT-4.3.3-1 v3.1.1] PUBREL also where the id is unknown: the client may have kept it over a lost answer.
    const isKnown = this.window.onPubrec(packetId) !== undefined;
    if (isKnown) this.#broker.effects.needsSave(this.#connection);
    this.#broker.effects.send(this.#connection, pubrel(packetId, isKnown), "at-once");
  }

  onPubcomp(packetId: PacketId): void {
    if (this.window.onPubcomp(packetId) !== undefined) this.#broker.effects.needsSave(this.#connection);
  }

  #send(
    message: Message,
    qos: Exclude<QoS, 0>,
    retain: boolean,
    subscriptionIdentifiers: readonly number[] | undefined,
    handed?: Handed,
    leaves: Leaves = "at-once",
  ): void {
    if (!fits(this.#connection, message, qos, subscriptionIdentifiers)) {
      this.#broker.dropped(this.#connection, message, "packet_too_large");
      handed?.group.onAcknowledged(handed); // as if it had been sent [MQTT-3.1.2-25]
      return;
    }
    const packetId = nextPacketId(this.#lastPacketId, this.window);
    this.#lastPacketId = packetId;
    this.window.add({ packetId, qos, position: undefined, phase: "sent", handed });
    this.#broker.effects.needsSave(this.#connection);
    send(
      this.#broker,
      this.#connection,
      message,
      { qos, retain, dup: false, packetId, subscriptionIdentifiers },
      leaves,
    );
  }

  #push(queued: QueuedMessage): void {
    this.#queue.push(queued);
    this.#queuedBytes += messageSize(queued.message);
    this.#broker.queueMemory.add(queued.message);
    this.#broker.effects.needsSave(this.#connection);
    this.#pumpWhenDrained();
  }

  #shift(): QueuedMessage | undefined {
    const queued = this.#queue.shift();
    if (queued === undefined) return undefined;
    this.#queuedBytes -= messageSize(queued.message);
    this.#broker.queueMemory.remove(queued.message);
    return queued;
  }

  /** The window has room and the socket has none: no acknowledgement may come that would say when to go on. */
  #pumpWhenDrained(): void {
    if (this.#queue.length > 0 && !this.window.isFull) this.#broker.effects.pumpSoon(this.#connection);
  }

  /** The session ends, and its queue with it. */
  discard(): void {
    while (this.#shift() !== undefined);
  }

  /** False where the queue is full and its oldest do not make room. */
  #admits(message: Message): boolean {
    const { options, limits, effects } = this.#broker;
    if ((options.queueOverflow ?? "drop-oldest") === "drop-oldest") return true;
    const limit = passedQueueLimit(limits, this.#queue.length + 1, this.#queuedBytes + messageSize(message));
    if (limit === undefined) return true;
    this.#broker.dropped(this.#connection, message, "queue_full", limit);
    if (options.queueOverflow === "disconnect" && !this.#isToEnd) {
      this.#isToEnd = true;
      effects.endSoon(this.#connection, queueIsFull(limit));
    }
    return false;
  }

  #dropOldest(): void {
    const passed = (): LimitName | undefined =>
      passedQueueLimit(this.#broker.limits, this.#queue.length, this.#queuedBytes);
    for (let limit = passed(); limit !== undefined; limit = passed()) {
      const oldest = this.#shift();
      if (oldest === undefined) return;
      this.#broker.dropped(this.#connection, oldest.message, "queue_full", limit);
    }
  }
}
