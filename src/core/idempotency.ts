// Idempotency keys: a publish that is repeated under its key gets the first answer and publishes nothing. A key is a row
// from the claim on, for a day; who runs under it is known in memory only, so a claim whose runner died can be taken up
// again.

import type { Limits } from "./limits.ts";
import { PendingRows, type RowStore } from "./pending-rows.ts";
import type { PublishOutcome } from "./publish-outcome.ts";
import { reasonCode } from "./reason-code.ts";
import { limitPassed, type Violation } from "./violation.ts";

/** What a publish brings. */
export interface Claim {
  /** Whose key it is, and the key. */
  readonly key: string;
  /** A hash of all that the caller asks for: the same key may not stand for something else. */
  readonly fingerprint: Uint8Array;
  /** A name for the answer; the first claim's is kept. */
  readonly answerId: string;
}

export interface IdempotencyRow extends Claim {
  /** Epoch ms. */
  readonly expiresAtMs: number;
  /** Absent while nothing was answered. */
  readonly outcomes?: readonly PublishOutcome[];
}

export interface IdempotencyStore extends RowStore<string, IdempotencyRow> {
  count(): number;
  /** Keys of rows that expire up to then, in any order, at most `limit`. */
  expired(atMs: number, limit: number): string[];
  /** When the first row expires (epoch ms), `undefined` where there is none. */
  firstExpiryMs(): number | undefined;
}

/** The table of a shard. */
export interface KeyedAnswers extends IdempotencyStore {
  /** Rows whose key comes after `key`, in the order of keys, at most `limit`. */
  after(key: string, limit: number): IdempotencyRow[];
}

/**
 * - `claimed`: the caller runs it, and ends with `end`, `answer` or `release`.
 * - `answered`: it was done before.
 * - `running`: somebody else runs it at this moment.
 * - `mismatch`: the key stands for something else.
 * - `refused`: there is no room for another key.
 */
export type ClaimVerdict =
  | { readonly kind: "claimed"; readonly answerId: string }
  | { readonly kind: "answered"; readonly answerId: string; readonly outcomes: readonly PublishOutcome[] }
  | { readonly kind: "running" }
  | { readonly kind: "mismatch" }
  | { readonly kind: "refused"; readonly violation: Violation };

const secondMs = 1000;
/** How long an answer is kept. */
export const keyLifeMs = 24 * 3600 * secondMs;
/** A runner that has said nothing for so long is taken for dead: longer than any budget of a link. */
export const longestRunMs = 60 * secondMs;
/** Rows removed in one round: what one sweep may add to a commit. */
export const removedPerRound = 1000;
/** Looking for expired rows reads the whole table, so it is done at most so often. */
const removalPauseMs = 600 * secondMs;

export class IdempotencyKeys {
  readonly #store: IdempotencyStore;
  readonly #rows: PendingRows<string, IdempotencyRow>;
  readonly #limits: Limits;
  /** Who runs, and since when (epoch ms). */
  readonly #running = new Map<string, number>();
  #count: number | undefined;
  /** When expired rows are looked for next; `undefined` while not known. */
  #nextRemovalMs: number | undefined;

  constructor(store: IdempotencyStore, limits: Limits) {
    this.#store = store;
    this.#rows = new PendingRows(store);
    this.#limits = limits;
  }

  /** Asks for a key. Once claimed its row is pending, without outcomes. */
  claim(claim: Claim, nowMs: number): ClaimVerdict {
    const row = this.#get(claim.key, nowMs);
    if (row === undefined) return this.#begin(claim, nowMs);
    if (!isEqual(row.fingerprint, claim.fingerprint)) return { kind: "mismatch" };
    if (this.#isRunning(claim.key, nowMs)) return { kind: "running" };
    const { answerId, outcomes } = row;
    if (outcomes !== undefined) return { kind: "answered", answerId, outcomes };
    this.#running.set(claim.key, nowMs);
    return { kind: "claimed", answerId };
  }

  /** What is known of the answer by now, for the commit that holds what was published; the run goes on. */
  record(key: string, outcomes: readonly PublishOutcome[]): void {
    const row = this.#rows.get(key);
    if (row !== undefined && !isSame(row.outcomes, outcomes)) this.#rows.put(key, { ...row, outcomes });
  }

  /** The run is over. Without an answer the next one who asks takes it up. */
  end(key: string): void {
    this.#running.delete(key);
  }

  /** The run is over elsewhere, with this answer. Where a second runner was faster its answer stands. */
  answer(claim: Claim, outcomes: readonly PublishOutcome[], nowMs: number): void {
    this.end(claim.key);
    const row = this.#get(claim.key, nowMs);
    if (row === undefined) this.#put(claim, nowMs);
    if (row?.outcomes === undefined) this.record(claim.key, outcomes);
  }

  /** Nothing was published: the key is free. */
  release(key: string): void {
    this.end(key);
    if (this.#rows.get(key) !== undefined) this.#remove(key);
  }

  /** Removes some of the rows that have expired, where it is time to look. Gives when to look again (epoch ms). */
  removeExpired(nowMs: number): number | undefined {
    for (const [key, sinceMs] of this.#running) if (nowMs - sinceMs >= longestRunMs) this.#running.delete(key);
    this.#nextRemovalMs ??= this.#firstExpiryMs(nowMs);
    if (this.#nextRemovalMs <= nowMs) this.#nextRemovalMs = this.#removeRound(nowMs);
    return this.#nextRemovalMs === Infinity ? undefined : this.#nextRemovalMs;
  }

  /** Gives when the next round is due. */
  #removeRound(nowMs: number): number {
    const keys = this.#store.expired(nowMs, removedPerRound);
    for (const key of keys) {
      const row = this.#rows.get(key);
      // It may be gone, or claimed anew, in this flush.
      if (row !== undefined && row.expiresAtMs <= nowMs) this.#remove(key);
    }
    if (keys.length === removedPerRound) return nowMs;
    return Math.max(this.#firstExpiryMs(nowMs), nowMs + removalPauseMs);
  }

  /** Of all rows; those that wait for the flush are young. */
  #firstExpiryMs(nowMs: number): number {
    const latest = this.#rows.isDirty ? nowMs + keyLifeMs : Infinity;
    return Math.min(this.#store.firstExpiryMs() ?? Infinity, latest);
  }

  /** Takes in a row of another shard. False where the key is known here, or has expired. */
  takeIn(row: IdempotencyRow, nowMs: number): boolean {
    if (row.expiresAtMs <= nowMs || this.#rows.get(row.key) !== undefined) return false;
    this.#rows.put(row.key, row);
    this.#count = (this.#count ?? this.#store.count()) + 1;
    this.#nextRemovalMs = undefined;
    return true;
  }

  #remove(key: string): void {
    this.#count = (this.#count ?? this.#store.count()) - 1;
    this.#rows.delete(key);
  }

  get isDirty(): boolean {
    return this.#rows.isDirty;
  }

  /** Inside the flush's transaction. */
  flush(): void {
    this.#rows.flush();
  }

  #begin(claim: Claim, nowMs: number): ClaimVerdict {
    const maximum = this.#limits.maximumIdempotencyKeys;
    this.#count ??= this.#store.count();
    if (this.#count >= maximum) this.removeExpired(nowMs);
    if (this.#count >= maximum) {
      const detail = "too many idempotency keys: the oldest expires a day after its publish";
      return { kind: "refused", violation: limitPassed("maximumIdempotencyKeys", reasonCode.quotaExceeded, detail) };
    }
    this.#put(claim, nowMs);
    this.#running.set(claim.key, nowMs);
    return { kind: "claimed", answerId: claim.answerId };
  }

  #put({ key, fingerprint, answerId }: Claim, nowMs: number): void {
    const isNew = this.#rows.get(key) === undefined;
    const expiresAtMs = nowMs + keyLifeMs;
    this.#rows.put(key, { key, fingerprint, answerId, expiresAtMs });
    this.#count = (this.#count ?? this.#store.count()) + (isNew ? 1 : 0);
    if (this.#nextRemovalMs === Infinity) this.#nextRemovalMs = expiresAtMs;
  }

  /** A row that has expired counts as none. */
  #get(key: string, nowMs: number): IdempotencyRow | undefined {
    const row = this.#rows.get(key);
    return row === undefined || row.expiresAtMs <= nowMs ? undefined : row;
  }

  #isRunning(key: string, nowMs: number): boolean {
    const sinceMs = this.#running.get(key);
    return sinceMs !== undefined && nowMs - sinceMs < longestRunMs;
  }
}

const isEqual = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, index) => byte === b[index]);

const isSame = (a: readonly PublishOutcome[] | undefined, b: readonly PublishOutcome[]): boolean =>
  a?.length === b.length && a.every(({ kind }, index) => kind === b[index]?.kind);
