// The will of one connection: whether the broker must publish it, may, or must not.

import type { Model } from "./model.ts";
import { never, type Published, type Tick } from "./published.ts";

export class WillRecord {
  readonly #model: Model;
  readonly published: Published;
  #connectedAt: Tick = -1;
  #state: "unsure" | "open" | "lost" | "leaving" | "done" = "unsure";
  /** Another connection of the client is on its way. */
  #takingOverAt: Tick = never;

  constructor(model: Model, published: Published) {
    this.#model = model;
    this.published = published;
  }

  onConnected(): void {
    this.#connectedAt = this.#model.tick();
    this.#state = "open";
  }

  onDisconnect(): void {
    if (this.#state === "open") this.#state = "leaving";
  }

  onTakingOver(): void {
    this.#takingOverAt = Math.min(this.#takingOverAt, this.#model.tick());
  }

  onLost(wasCut: boolean): void {
    const now = this.#model.tick();
    if (this.#state === "leaving") {
      this.#state = "done";
      // The broker closed it, so it has seen DISCONNECT, unless it crashed [MQTT-3.1.2-10].
      if (!wasCut && this.#model.crashedAt < this.#connectedAt) this.published.isDenied = true;
    } else if (this.#state === "open") {
      this.#state = "lost";
      this.published.dueFrom = Math.min(now, this.#takingOverAt);
    }
  }

  /** The next connection of the client is there: the will of this one is out, unless a crash came between. */
  onTakenOver(): void {
    if (this.#state === "open") this.onLost(true);
    this.#judge();
    this.onOver();
  }

  /** Its connection has ended before a CONNACK, or another one has come. */
  onOver(): void {
    this.published.isOpen = false;
  }

  /** Nothing is under way. */
  onSettled(isConnected: boolean): void {
    if (!isConnected) this.#judge();
  }

  /** [MQTT-3.1.2-8] As if it had been acknowledged: whoever was subscribed must get it. */
  #judge(): void {
    if (this.#state !== "lost" || this.#model.crashedAt > this.#connectedAt) return;
    this.#state = "done";
    this.published.ackedAt = this.#model.tick();
  }
}
