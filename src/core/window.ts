// The in-flight window: outgoing QoS 1 and 2 messages that the client has not finished with (§4.3, §4.9).

import type { PacketId, Position } from "./brand.ts";
import type { QoS } from "./packet.ts";
import type { Handed } from "./shared-group.ts";

export interface InFlight {
  readonly packetId: PacketId;
  readonly qos: Exclude<QoS, 0>;
  /** Of the stored message; `undefined` for a message of an ephemeral session. */
  readonly position: Position | undefined;
  /** `sent`: PUBLISH is out. `released`: PUBREC came, PUBREL is out [MQTT-4.3.3-4 v5, MQTT-4.3.3-1 v3.1.1]. */
  phase: "sent" | "released";
  /** Of an ephemeral session: the shared group that handed it over. */
  readonly handed?: Handed | undefined;
  /** The window's own: which one with a position was sent after it. */
  next?: InFlight | undefined;
}

/** Kept in the order of sending, which is the order of positions. */
export class Window {
  readonly #inFlight = new Map<PacketId, InFlight>();
  /** Those with a position, in that order. One that is done keeps its place until the first is asked for. */
  #oldest: InFlight | undefined;
  #youngest: InFlight | undefined;
  #size: number;

  /** `size`: how many messages may be unacknowledged at a time (Receive Maximum). */
  constructor(size: number) {
    this.#size = size;
  }

  get isFull(): boolean {
    return this.#inFlight.size >= this.#size;
  }

  get room(): number {
    return Math.max(0, this.#size - this.#inFlight.size);
  }

  get count(): number {
    return this.#inFlight.size;
  }

  get size(): number {
    return this.#size;
  }

  has(packetId: PacketId): boolean {
    return this.#inFlight.has(packetId);
  }

  add(entry: InFlight): void {
    this.#inFlight.set(entry.packetId, entry);
    if (entry.position === undefined) return;
    if (this.#youngest === undefined) this.#oldest = entry;
    else this.#youngest.next = entry;
    this.#youngest = entry;
  }

  /**
   * The oldest one's position, if it has one. Asked with each acknowledgement: the map would pass over all that it has
   * deleted since it was last made anew.
   */
  firstPosition(): Position | undefined {
    let oldest = this.#oldest;
    while (oldest !== undefined && this.#inFlight.get(oldest.packetId) !== oldest) {
      const { next } = oldest;
      oldest.next = undefined; // else one that the garbage collector has not come to keeps all behind it
      oldest = next;
    }
    this.#oldest = oldest;
    if (oldest === undefined) this.#youngest = undefined;
    return oldest?.position;
  }

  entries(): IterableIterator<InFlight> {
    return this.#inFlight.values();
  }

  get(packetId: PacketId): InFlight | undefined {
    return this.#inFlight.get(packetId);
  }

  /** PUBACK: ends a QoS 1 message. `undefined`: no such message in flight (ignored: a late answer). */
  onPuback(packetId: PacketId): InFlight | undefined {
    const entry = this.#inFlight.get(packetId);
    if (entry?.qos !== 1) return undefined;
    this.#inFlight.delete(packetId);
    return entry;
  }

  /** PUBREC: the message must not be sent again, only its PUBREL [MQTT-4.3.3-1 v3.1.1]. */
  onPubrec(packetId: PacketId): InFlight | undefined {
    const entry = this.#inFlight.get(packetId);
    if (entry?.qos !== 2) return undefined;
    entry.phase = "released";
    return entry;
  }

  /** PUBCOMP, or a PUBREC that refuses: ends a QoS 2 message. */
  onPubcomp(packetId: PacketId): InFlight | undefined {
    const entry = this.#inFlight.get(packetId);
    if (entry?.qos !== 2) return undefined;
    this.#inFlight.delete(packetId);
    return entry;
  }
}
