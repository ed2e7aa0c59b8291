// Acknowledgements leave in the order of the client's packets, whatever order the verdicts come in
// [MQTT-4.6.0-2, MQTT-4.6.0-3 v3.1.1].

import type { Leaves } from "./effect.ts";
import type { ServerPacket } from "./packet.ts";

/** What a slot sends once it is its turn: nothing where the connection is closed instead. */
export interface Acknowledged {
  readonly packet: ServerPacket;
  readonly leaves: Leaves;
}

export interface AckSlot {
  answer: Acknowledged | "pending" | "none";
}

export class AckQueue {
  readonly #slots: AckSlot[] = [];
  readonly #send: (packet: ServerPacket, leaves: Leaves) => void;

  constructor(send: (packet: ServerPacket, leaves: Leaves) => void) {
    this.#send = send;
  }

  /** How many of the client's packets have no verdict yet. */
  get waiting(): number {
    return this.#slots.length;
  }

  /** Takes the next place; `settle` or `skip` must follow for it. */
  reserve(): AckSlot {
    const slot: AckSlot = { answer: "pending" };
    this.#slots.push(slot);
    return slot;
  }

  settle(slot: AckSlot, packet: ServerPacket, leaves: Leaves): void {
    if (this.#slots[0] === slot) {
      this.#slots.shift();
      this.#send(packet, leaves);
    } else {
      slot.answer = { packet, leaves };
    }
    this.#drain();
  }

  skip(slot: AckSlot): void {
    slot.answer = "none";
    this.#drain();
  }

  #drain(): void {
    for (;;) {
      const first = this.#slots[0];
      if (first === undefined || first.answer === "pending") return;
      this.#slots.shift();
      if (first.answer !== "none") this.#send(first.answer.packet, first.answer.leaves);
    }
  }
}
