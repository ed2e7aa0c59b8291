// Retained messages whose Message Expiry Interval has passed leave storage. No row says when the next one is due and no
// index knows it: the whole table is looked through, a bounded slice per flush, when something in it may have expired.

import type { TopicName } from "./brand.ts";
import type { RetainedHost, RetainedMessages } from "./retained.ts";
import type { MetaStore } from "./session-table.ts";

/** When the next look is due (epoch ms); 0: nothing that expires is kept. Absent until something was. */
const dueKey = "retained_expiry";
const nothing = 0;
/** A look that a crash ends goes on so long after its start. */
const lookGuardMs = 60_000;
/** Looks are at least so far apart where the table is full. */
const fullPauseMs = 60_000;

interface Look {
  /** What had expired by then goes. */
  readonly atMs: number;
  after: TopicName | undefined;
  /** Of what stays, and of what comes meanwhile. */
  earliestMs: number;
  rows: number;
}

export class RetainedExpiry {
  readonly #retained: RetainedMessages;
  readonly #meta: MetaStore;
  readonly #host: RetainedHost;
  #isRead = false;
  #dueAtMs: number | undefined;
  #isDirty = false;
  #look: Look | undefined;
  /** When the last look was, or may have been: this memory's start. */
  #lookedAtMs: number | undefined;

  constructor(retained: RetainedMessages, meta: MetaStore, host: RetainedHost) {
    this.#retained = retained;
    this.#meta = meta;
    this.#host = host;
  }

  get isDirty(): boolean {
    return this.#isDirty;
  }

  /** A message that expires is kept. */
  note(expiresAtMs: number, nowMs: number): void {
    if (this.#look !== undefined) {
      this.#look.earliestMs = Math.min(this.#look.earliestMs, expiresAtMs);
      return;
    }
    this.#plan(this.#noEarlier(expiresAtMs, nowMs));
  }

  /** Starts a look where one is due; else makes sure that the shard is awake then. */
  onTick(nowMs: number): void {
    const dueAtMs = this.#look === undefined ? this.#due : nowMs + lookGuardMs;
    if (dueAtMs === nothing) return;
    if (dueAtMs === undefined || dueAtMs <= nowMs) this.#begin(nowMs);
    else this.#host.effects.wakeAt(dueAtMs);
  }

  /** The memory is new: the alarm of before may be lost. */
  onWhole(): void {
    const dueAtMs = this.#due ?? nothing;
    if (dueAtMs !== nothing) this.#host.effects.wakeAt(dueAtMs);
  }

  /** Something was refused for lack of room: what has expired must not be the reason for long. */
  onFull(nowMs: number): void {
    this.#lookedAtMs ??= nowMs;
    if (this.#look !== undefined || this.#due === nothing || nowMs < this.#lookedAtMs + fullPauseMs) return;
    this.#begin(nowMs);
  }

  /** A flush is written: the next slice of a look that is under way. */
  onFlushed(): void {
    if (this.#look !== undefined) this.#goOn(this.#look);
  }

  /** Inside the flush's transaction. */
  flush(): void {
    if (this.#isDirty) this.#meta.putNumber(dueKey, this.#dueAtMs ?? nothing);
    this.#isDirty = false;
  }

  #begin(nowMs: number): void {
    this.#look = { atMs: nowMs, after: undefined, earliestMs: Infinity, rows: 0 };
    this.#goOn(this.#look);
    if (this.#look !== undefined) this.#host.effects.wakeAt(nowMs + lookGuardMs);
  }

  #goOn(look: Look): void {
    const slice = this.#retained.removeExpiredAfter(look.after, look.atMs);
    look.rows += slice.rows;
    look.earliestMs = Math.min(look.earliestMs, slice.earliestMs);
    look.after = slice.next;
    if (slice.next === undefined) this.#end(look);
    if (slice.next !== undefined || this.#isDirty || this.#retained.isDirty) this.#host.effects.needsFlush();
  }

  #end({ atMs, earliestMs, rows }: Look): void {
    this.#look = undefined;
    this.#lookedAtMs = atMs;
    // An empty table that nobody ever planned a look at needs no row.
    if (rows === 0 && this.#due === undefined) this.#dueAtMs = nothing;
    else if (earliestMs === Infinity) this.#put(nothing);
    else this.#plan(this.#noEarlier(earliestMs, atMs), true);
  }

  get #due(): number | undefined {
    if (!this.#isRead) this.#dueAtMs = this.#meta.getNumber(dueKey);
    this.#isRead = true;
    return this.#dueAtMs;
  }

  /** Each look reads every row: they are `retainedExpiryIntervalMs` apart, also over restarts. */
  #noEarlier(expiresAtMs: number, nowMs: number): number {
    this.#lookedAtMs ??= nowMs;
    return Math.max(expiresAtMs, this.#lookedAtMs + this.#host.limits.retainedExpiryIntervalMs);
  }

  #plan(dueAtMs: number, isAfterLook = false): void {
    const due = this.#due;
    if (!isAfterLook && due !== undefined && due !== nothing && due <= dueAtMs) return;
    this.#put(dueAtMs);
    this.#host.effects.wakeAt(dueAtMs);
  }

  #put(dueAtMs: number): void {
    if (this.#due === dueAtMs) return;
    this.#dueAtMs = dueAtMs;
    this.#isDirty = true;
  }
}
