// Outgoing QoS 1 and 2 messages of an ephemeral session: a window and a queue, both in memory.

import type { PacketId } from "./brand.ts";
import type { Broker } from "./broker.ts";
import type { Connection } from "./connection.ts";
import { messageSize } from "./message-size.ts";
import { nextPacketId } from "./packet-ids.ts";
import type { Message, QoS } from "./packet.ts";
import { pubrel } from "./pubrel.ts";
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
    for (const queued of queue) {
      this.#queue.push(queued);
      this.#queuedBytes += messageSize(queued.message);
    }
  }

  /** A live message: sent if the window has room and nothing waits before it, else queued. */
  enqueue(
    message: Message,
    qos: Exclude<QoS, 0>,
    retain: boolean,
    subscriptionIdentifiers: readonly number[] | undefined,
  ): void {
    if (this.#queue.length === 0 && !this.window.isFull) {
      this.#send(message, qos, retain, subscriptionIdentifiers);
      return;
    }
    this.#queue.push({ message, qos, retain, subscriptionIdentifiers });
    this.#queuedBytes += messageSize(message);
    this.#dropOverflow();
    this.#broker.effects.needsSave(this.#connection);
  }

  /**
   * A retained message of a replay. The window had room when the page was asked for; where another shard's page took its
   * time it waits its turn, outside the queue limit.
   */
  replay(message: Message, qos: Exclude<QoS, 0>, subscriptionIdentifiers: readonly number[] | undefined): void {
    if (!this.window.isFull) {
      this.#send(message, qos, true, subscriptionIdentifiers);
      return;
    }
    this.#queue.push({ message, qos, retain: true, subscriptionIdentifiers });
    this.#queuedBytes += messageSize(message);
    this.#broker.effects.needsSave(this.#connection);
  }

  /** A message of a shared group could be sent now. */
  get canTake(): boolean {
    return this.#queue.length === 0 && !this.window.isFull;
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
    while (!this.window.isFull) {
      const queued = this.#queue.shift();
      if (queued === undefined) return;
      this.#queuedBytes -= messageSize(queued.message);
      if (queued.message.expiresAtMs !== undefined && queued.message.expiresAtMs <= nowMs) {
        this.#broker.dropped(this.#connection, queued.message, "expired");
        continue;
      }
      this.#send(queued.message, queued.qos, queued.retain, queued.subscriptionIdentifiers);
    }
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
    const packetId = nextPacketId(this.#lastPacketId, (id) => !this.window.has(id));
    this.#lastPacketId = packetId;
    this.window.add({ packetId, qos, position: undefined, phase: "sent", ...(handed && { handed }) });
    this.#broker.effects.needsSave(this.#connection);
    send(
      this.#broker,
      this.#connection,
      message,
      { qos, retain, dup: false, packetId, ...(subscriptionIdentifiers && { subscriptionIdentifiers }) },
      leaves,
    );
  }

  #dropOverflow(): void {
    const { maximumQueuedMessages, maximumQueuedBytes } = this.#broker.limits;
    while (this.#queue.length > maximumQueuedMessages || this.#queuedBytes > maximumQueuedBytes) {
      const limit = this.#queue.length > maximumQueuedMessages ? "maximumQueuedMessages" : "maximumQueuedBytes";
      const oldest = this.#queue.shift();
      if (oldest === undefined) return;
      this.#queuedBytes -= messageSize(oldest.message);
      this.#broker.dropped(this.#connection, oldest.message, "queue_full", limit);
    }
  }
}
