// The batches of a link that are on their way: their places in the stream, the calls that are due, and what an answer
// or a failure does to them.

import { packBatch } from "./link-batch.ts";
import type { Flight } from "./link-flight.ts";
import type { LinkLimits } from "./link-limits.ts";

/** Names a call, so that its answer or failure finds its batch. */
export interface CallId {
  readonly opening: number;
  readonly n: number;
  /** The oldest n without an answer when the call left. */
  readonly oldest: number;
  /** Rises with every call of the link. */
  readonly step: number;
}

export interface Call {
  readonly id: CallId;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export interface LinkIdentity {
  /** This shard's number. */
  readonly from: number;
  /** Random, drawn by the shell when the object started. */
  readonly incarnation: number;
}

export class LinkWindow<Token> {
  readonly #identity: LinkIdentity;
  readonly #limits: LinkLimits;
  #flights: Flight<Token>[] = [];
  #opening = 1;
  #nextN = 1;
  #highest = 0;
  #step = 0;
  /** Batches that were answered before older ones were: after which call, by n. */
  readonly #answeredAfter = new Map<number, number>();
  /** Batches that came early at the other end, which waits for an older one. */
  readonly #early = new Set<Flight<Token>>();
  /** How often in a row the stream started over without an answer in between. */
  #reopened = 0;
  /** The stream is to start over: once nothing in it waits for the fate of its QoS 0, at this time at the latest. */
  #reopenByMs: number | undefined;

  constructor(identity: LinkIdentity, limits: LinkLimits) {
    this.#identity = identity;
    this.#limits = limits;
  }

  /** In the order of the stream. */
  get flights(): readonly Flight<Token>[] {
    return this.#flights;
  }

  get hasRoom(): boolean {
    // While one batch waits others may pass it, but only so many that the other end remembers all their answers.
    const isNear = this.#nextN < this.#oldest + this.#limits.rememberedAnswers;
    return isNear && this.#flights.length < this.#limits.windowBatches;
  }

  get #oldest(): number {
    return this.#flights[0]?.n ?? this.#nextN;
  }

  /** Up to this number everything was launched. */
  get highest(): number {
    return this.#highest;
  }

  /** Gives the flight the next place; it leaves when it is due. */
  launch(flight: Flight<Token>, dueAtMs: number): void {
    flight.n = this.#nextN++;
    flight.dueAtMs = dueAtMs;
    this.#highest = Math.max(this.#highest, flight.number);
    this.#flights.push(flight);
  }

  /** The batch of a call; `undefined` where it was answered already or the stream has started over. */
  find(id: CallId): Flight<Token> | undefined {
    if (id.opening !== this.#opening) return undefined;
    return this.#flights.find((flight) => flight.n === id.n);
  }

  /** The batch was answered. */
  remove(flight: Flight<Token>): void {
    this.#reopened = 0;
    this.#flights = this.#flights.filter((other) => other !== flight);
    for (const early of this.#early) early.dueAtMs = 0; // its turn, perhaps
    this.#early.clear();
    this.#answeredAfter.set(flight.n, this.#step);
    for (const n of this.#answeredAfter.keys()) if (n < this.#oldest) this.#answeredAfter.delete(n);
  }

  /** Everything is tried again now. */
  hurry(nowMs: number): void {
    for (const flight of this.#flights) flight.dueAtMs = nowMs;
  }

  /** The batch of `id` came early at the other end, which misses `missing`. */
  onMissing(id: CallId, missing: number, nowMs: number): void {
    // It had answered that one before this call left: it has lost its memory and took an old repeat for a start.
    const wasAnswered = (this.#answeredAfter.get(missing) ?? Infinity) < id.step;
    if (missing < id.oldest || wasAnswered) return this.#wantReopen(nowMs);
    const [early, late] = [id.n, missing].map((n) => this.#flights.find((flight) => flight.n === n));
    if (late !== undefined) late.dueAtMs = nowMs;
    if (early === undefined) return;
    // It is taken behind the other one. Tried again at once the two would chase each other while that one fails.
    early.dueAtMs = late === undefined ? nowMs : nowMs + this.#pauseMs(early.attempts);
    if (late !== undefined) this.#early.add(early);
  }

  /** The other end knows nothing of this stream, and took nothing of the batch. */
  onUnknown(id: CallId, nowMs: number): void {
    this.find(id)?.onNotTaken();
    // Perhaps the first batch has only been overtaken: while it is here to be repeated nothing else is.
    if (id.oldest === 1 && id.n !== 1) return this.onMissing(id, 1, nowMs);
    this.#wantReopen(nowMs);
  }

  /**
   * The other end has slept, or has crashed. Where it slept, the other calls that are on their way meet the same answer,
   * and the QoS 0 in them must not be lost for that; where it crashed, they may have arrived before.
   */
  #wantReopen(nowMs: number): void {
    this.#reopenByMs ??= nowMs + this.#limits.reopenWaitMs;
  }

  /** Whether calls may be made now. */
  #reopenWhereWanted(nowMs: number): boolean {
    if (this.#reopenByMs === undefined) return true;
    if (nowMs < this.#reopenByMs && this.#flights.some(({ isQos0Out }) => isQos0Out)) return false;
    this.#reopenByMs = undefined;
    this.#reopen(nowMs);
    return true;
  }

  /** Starts over at 1 with everything unanswered, in order; at once the first time. */
  #reopen(nowMs: number): void {
    for (const flight of this.#flights) flight.onFateUnknown();
    const dueAtMs = this.#reopened === 0 ? nowMs : nowMs + this.#pauseMs(this.#reopened);
    this.#reopened += 1;
    this.#opening += 1;
    this.#nextN = 1;
    this.#answeredAfter.clear();
    this.#early.clear();
    const unanswered = this.#flights.filter((flight) => !flight.isEmpty);
    this.#flights = [];
    for (const flight of unanswered) this.launch(flight, dueAtMs);
  }

  onFailure(flight: Flight<Token>, retryable: boolean, nowMs: number): void {
    flight.onFateUnknown();
    flight.dueAtMs = nowMs + (retryable ? this.#pauseMs(flight.attempts) : this.#limits.longestBackoffMs);
  }

  #pauseMs(attempts: number): number {
    const { firstBackoffMs, longestBackoffMs } = this.#limits;
    return Math.min(firstBackoffMs * 2 ** Math.max(attempts - 1, 0), longestBackoffMs);
  }

  /** When the next call is due, in epoch ms. */
  nextDueMs(onlyOldest: boolean): number {
    if (this.#reopenByMs !== undefined) return this.#reopenByMs;
    return Math.min(Infinity, ...this.#candidates(onlyOldest).map((flight) => flight.dueAtMs));
  }

  /** The calls to be made now. While the other shard does not answer (`onlyOldest`) only the oldest batch knocks. */
  dueCalls(layout: number, onlyOldest: boolean, nowMs: number): Call[] {
    if (!this.#reopenWhereWanted(nowMs)) return [];
    const due = this.#candidates(onlyOldest).filter((flight) => flight.dueAtMs <= nowMs);
    return due.map((flight) => this.#call(flight, layout, nowMs));
  }

  #candidates(onlyOldest: boolean): readonly Flight<Token>[] {
    return onlyOldest ? this.#flights.slice(0, 1) : this.#flights;
  }

  #call(flight: Flight<Token>, layout: number, nowMs: number): Call {
    this.#step += 1;
    const id = { opening: this.#opening, n: flight.n, oldest: this.#oldest, step: this.#step };
    const durable = flight.durable ? flight.number : undefined;
    const bytes = packBatch({ layout, ...this.#identity, ...id, durable }, flight.send());
    flight.dueAtMs = nowMs + this.#limits.callTimeoutMs;
    return { id, bytes };
  }
}
