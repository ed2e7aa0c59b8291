// Somebody else's client while a shard is under pressure: pings without a pause and keeps the longest time it had to wait.

import { setTimeout as delay } from "node:timers/promises";
import type { WireClient } from "./wire-client.ts";

const pauseMs = 10;

export class Bystander {
  readonly #client: WireClient;
  #isWatching = true;
  readonly #watch: Promise<void>;
  /** Longest time until a PINGRESP. */
  longestMs = 0;
  pings = 0;

  constructor(client: WireClient) {
    this.#client = client;
    this.#watch = this.#ping();
    this.#watch.catch(() => undefined); // told by `stop`
  }

  /** Ends the watch; rejects where the connection was lost meanwhile. */
  async stop(): Promise<void> {
    this.#isWatching = false;
    await this.#watch;
    await this.#client.end();
  }

  async #ping(): Promise<void> {
    while (this.#isWatching) {
      const startedAt = performance.now();
      await this.#client.rest();
      this.longestMs = Math.max(this.longestMs, performance.now() - startedAt);
      this.pings += 1;
      await delay(pauseMs);
    }
  }
}
