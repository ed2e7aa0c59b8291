// The shard's one alarm: set only when something is due earlier, because each setting is a billed row.

import type { WakePrecision } from "../core/effect.ts";

/** Sweeps are at least so far apart, by how exact they have to be. */
const minimumSweepIntervalMs: { readonly [Precision in WakePrecision]: number } = { rough: 5_000, seconds: 1_000 };

export class Alarm {
  readonly #storage: DurableObjectStorage;
  readonly #now: () => number;
  /** When it goes off; `undefined` while not yet asked, `null` where it is not set. */
  #setForMs: number | null | undefined;
  #wantedAtMs: number | undefined;
  #isBusy = false;
  #lastSweepMs = 0;
  /** Since the start, for metrics: setting is a billed row, running a billed request. */
  set = 0;
  run = 0;

  constructor(storage: DurableObjectStorage, now: () => number) {
    this.#storage = storage;
    this.#now = now;
  }

  wakeAt(atMs: number, precision: WakePrecision = "rough"): void {
    const dueAtMs = Math.ceil(Math.max(atMs, this.#lastSweepMs + minimumSweepIntervalMs[precision]));
    if (typeof this.#setForMs === "number" && this.#setForMs <= dueAtMs) return;
    if (this.#wantedAtMs !== undefined && this.#wantedAtMs <= dueAtMs) return;
    this.#wantedAtMs = dueAtMs;
    if (!this.#isBusy) void this.#settle();
  }

  /** The alarm went off: it is set no more. */
  onAlarm(): void {
    this.run += 1;
    this.#setForMs = null;
    this.#lastSweepMs = this.#now();
  }

  async #settle(): Promise<void> {
    this.#isBusy = true;
    try {
      if (this.#setForMs === undefined) this.#setForMs = await this.#storage.getAlarm();
      else await Promise.resolve(); // until the event is over: a sweep names the deadline of every connection, and one row is enough
      const dueAtMs = this.#wantedAtMs;
      this.#wantedAtMs = undefined;
      if (dueAtMs === undefined) return;
      if (this.#setForMs !== null && this.#setForMs <= dueAtMs) return;
      this.#setForMs = dueAtMs;
      this.set += 1;
      await this.#storage.setAlarm(dueAtMs);
    } finally {
      this.#isBusy = false;
      if (this.#wantedAtMs !== undefined) void this.#settle();
    }
  }
}
