// When a client's session may be over, and when it must be: by the clock of this process, which sees everything a little
// later than the broker, or earlier.

import type { Model } from "./model.ts";
import { never, type Tick } from "./published.ts";

export interface LifeTerms {
  readonly clientId: string;
  readonly version: 4 | 5;
  readonly isDurable: boolean;
  /** Of a durable session of MQTT 5. */
  readonly expirySec: number;
}

/** Clocks and notices are not exact. */
const slackMs = 300;
/** Within it the broker has noticed a connection that was cut; one that it closed it knows of. */
const noticedWithinMs = 3_000;

export class SessionLife {
  readonly #terms: LifeTerms;
  readonly #model: Model;
  readonly #expiryMs: number;
  #connectedAtMs = 0;
  /** DISCONNECT was sent. */
  #leftAtMs: number | undefined;
  /** The connection was whole until then, and perhaps longer. */
  #lostAtMs = 0;
  /** The last time that a connection, or a try, was over. */
  #triedAtMs = 0;
  #triedAt: Tick = 0;
  #noticedWithinMs = 0;
  /** The broker may have begun a new session in a try whose CONNACK nobody read. */
  #mayBeNew = false;

  constructor(terms: LifeTerms, model: Model) {
    this.#terms = terms;
    this.#model = model;
    this.#expiryMs = terms.version === 4 ? never : terms.expirySec * 1_000;
  }

  /** So long after it has left its session is certainly over. */
  get isOverAfterMs(): number {
    return this.#expiryMs + 2 * slackMs;
  }

  /** The broker may have let it in, and crashed, long before this process read its CONNACK. */
  onConnected(dialledAtMs: number): void {
    this.#connectedAtMs = dialledAtMs;
    this.#leftAtMs = undefined;
    this.#mayBeNew = false;
  }

  onDisconnect(): void {
    this.#leftAtMs = performance.now();
  }

  /** A connection that never had its CONNACK is over. */
  onRefused(isTakeover: boolean): void {
    if (!isTakeover && performance.now() - this.#lostAtMs > this.#expiryMs - slackMs) this.#mayBeNew = true;
    this.#onTried(noticedWithinMs);
  }

  /** Whether the session that CONNACK tells of may be another than the one that is known. */
  get mayBeNew(): boolean {
    return this.#mayBeNew;
  }

  /** `heardAtMs`: when the broker was heard last. */
  onLost(wasCut: boolean, heardAtMs: number): void {
    this.#onTried(wasCut ? noticedWithinMs : 0);
    // The broker may have known of it long before this process did, and have crashed once more since.
    const { crashedAt, crashedAtMs, crashEndedAtMs } = this.#model;
    const isCrash = crashedAt === never || crashEndedAtMs > this.#connectedAtMs;
    const crashMs = isCrash ? Math.max(Math.min(crashedAtMs, heardAtMs), this.#connectedAtMs) : never;
    this.#lostAtMs = Math.min(this.#triedAtMs, this.#leftAtMs ?? never, crashMs);
  }

  #onTried(withinMs: number): void {
    this.#triedAtMs = performance.now();
    this.#triedAt = this.#model.tick();
    this.#noticedWithinMs = withinMs;
  }

  /** CONNACK has come for a session that this process knows, and did not ask to end. */
  judge(isPresent: boolean, dialledAtMs: number, isTakeover: boolean): void {
    const { clientId, isDurable } = this.#terms;
    if (!isPresent && isDurable) {
      if (isTakeover) this.#model.violate(`${clientId} lost its session in a takeover`);
      else if (performance.now() - this.#lostAtMs < this.#expiryMs - slackMs) {
        this.#model.violate(`${clientId} lost its session`);
      }
    }
    const isCertain = this.#model.crashedAt < this.#triedAt && !isTakeover;
    const awayMs = dialledAtMs - this.#triedAtMs;
    if (isPresent && isCertain && awayMs > this.#expiryMs + this.#noticedWithinMs + slackMs) {
      this.#model.violate(`${clientId} has a session that expired`);
    }
  }
}
