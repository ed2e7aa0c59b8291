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
  next: AckSlot | undefined;
}

/** Slots hang together: most are alone, and an array that is emptied each time is made anew each time. */
export class AckQueue {
  #first: AckSlot | undefined;
  #last: AckSlot | undefined;
  #waiting = 0;
  readonly #send: (packet: ServerPacket, leaves: Leaves) => void;

  constructor(send: (packet: ServerPacket, leaves: Leaves) => void) {
    this.#send = send;
  }

  /** How many of the client's packets have no verdict yet. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Takes the next place; `settle` or `skip` must follow for it. */
  reserve(): AckSlot {
    const slot: AckSlot = { answer: "pending", next: undefined };
    if (this.#last === undefined) this.#first = slot;
    else this.#last.next = slot;
    this.#last = slot;
    this.#waiting += 1;
    return slot;
  }

  settle(slot: AckSlot, packet: ServerPacket, leaves: Leaves): void {
    if (this.#first === slot) {
      this.#leave(slot);
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
      const first = this.#first;
      if (first === undefined || first.answer === "pending") return;
      this.#leave(first);
      if (first.answer !== "none") this.#send(first.answer.packet, first.answer.leaves);
    }
  }

  #leave(first: AckSlot): void {
    this.#first = first.next;
    if (first.next === undefined) this.#last = undefined;
    first.next = undefined; // one that outlives its turn must not keep those behind it
    this.#waiting -= 1;
  }
}
