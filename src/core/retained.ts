// The retained messages of the subtrees that a shard owns (§3.3.1.3). Events never write: changes wait in memory until
// the shell flushes them, and every reader sees storage plus what is pending.

import { fail, ok, type Result, type TopicFilter, type TopicName } from "./brand.ts";
import type { Counters } from "./counters.ts";
import type { Effects } from "./effect.ts";
import type { Limits } from "./limits.ts";
import type { Message } from "./packet.ts";
import { reasonCode } from "./reason-code.ts";
import { RetainedExpiry } from "./retained-expiry.ts";
import { retainedBytes, type RetainedStore, type StoredRetained } from "./retained-row.ts";
import { collectPage, PendingChanges, visitPage, Walk, type RetainedMessagePage } from "./retained-walk.ts";
import { RetainedRuns } from "./retained-runs.ts";
import type { MetaStore } from "./session-table.ts";
import { hasWildcard } from "./topic.ts";
import { searchFor } from "./topic-search.ts";
import { limitPassed, type Violation } from "./violation.ts";

export { retainedBytes, type RetainedStore, type StoredRetained } from "./retained-row.ts";

/** Versions that one millisecond has room for: they rise across restarts without a row that remembers the last one. */
const versionsPerMs = 1024;

/** What a slice of the table had in it. */
export interface ExpirySlice {
  readonly rows: number;
  /** When the first of those that stay expires; Infinity where none does. */
  readonly earliestMs: number;
  /** The topic after which to go on; `undefined` at the end. */
  readonly next: TopicName | undefined;
}

/** The part of the broker that is used. */
export interface RetainedHost {
  readonly limits: Limits;
  readonly counters: Pick<Counters, "retainedExpired">;
  readonly effects: Pick<Effects, "wakeAt" | "needsFlush">;
}

export class RetainedMessages {
  readonly expiry: RetainedExpiry;
  readonly #store: RetainedStore;
  readonly #host: RetainedHost;
  readonly #pending = new PendingChanges();
  readonly #runs = new RetainedRuns();
  #totals: { count: number; bytes: number } | undefined;
  #version = 0;
  /** What was set in this life of the shard has this version or a later one. */
  #firstVersion: number | undefined;

  constructor({ retained, meta }: { readonly retained: RetainedStore; readonly meta: MetaStore }, host: RetainedHost) {
    this.#store = retained;
    this.#host = host;
    this.expiry = new RetainedExpiry(this, meta, host);
  }

  /** The version given last; 0 where none was given since the start. For a replay ask `versionAt`. */
  get version(): number {
    return this.#version;
  }

  get count(): number {
    return this.#counted().count;
  }

  /** Sum of `retainedBytes`. */
  get bytes(): number {
    return this.#counted().bytes;
  }

  /** Whether `flush` has anything to write. */
  get isDirty(): boolean {
    return this.#pending.size > 0 || this.expiry.isDirty;
  }

  /**
   * A version that no message has which is set later, and none lacks which was set before: the bound of a replay.
   * After a restart, `version` alone would be below everything in storage.
   */
  versionAt(nowMs: number): number {
    this.#noteLife(nowMs);
    this.#version = Math.max(this.#version, nowMs * versionsPerMs);
    return this.#version;
  }

  /**
   * Keeps the message as the retained one of its topic [MQTT-3.3.1-5]; an empty payload removes what is kept. Refused
   * with 0x97 over `maximumRetainedMessages` or `maximumRetainedBytes`, and then nothing is changed; what does not
   * grow is never refused.
   */
  set(message: Message, nowMs: number): Result<void, Violation> {
    const before = this.#find(message.topicName);
    const totals = this.#counted();
    if (message.payload.length === 0) {
      // [MQTT-3.3.1-6] [MQTT-3.3.1-7]
      this.#takeVersion(nowMs);
      if (before !== undefined) this.#remove(before);
      return ok(undefined);
    }
    const moreRows = before === undefined ? 1 : 0;
    const moreBytes = retainedBytes(message) - (before === undefined ? 0 : retainedBytes(before));
    const fault = this.#overLimit(moreRows, moreBytes);
    if (fault !== undefined) {
      this.expiry.onFull(nowMs);
      return fail(fault);
    }
    totals.count += moreRows;
    totals.bytes += moreBytes;
    this.#runs.clear();
    this.#pending.put(rowOf(message, this.#takeVersion(nowMs), nowMs));
    if (message.expiresAtMs !== undefined) this.expiry.note(message.expiresAtMs, nowMs);
    return ok(undefined);
  }

  /** The retained message of one topic; an expired one is not given [MQTT-3.3.2-5] and goes. */
  get(topicName: TopicName, nowMs: number): StoredRetained | undefined {
    const row = this.#find(topicName);
    if (row === undefined || !this.#removeExpired(row, nowMs)) return row;
    return undefined;
  }

  /**
   * The next messages that `filter` matches, after the topic `after`: at most `limit` (1 or more), fewer where a page has looked
   * at enough, so an empty page with a `next` is possible. Messages younger than `notAfterVersion` are passed over, for they
   * come live. `forOther`: for another shard, to which what an earlier life of this one had kept may not have been passed
   * on, unless it is of QoS 2, which is passed on from storage.
   */
  page(
    filter: TopicFilter,
    after: TopicName | undefined,
    limit: number,
    nowMs: number,
    notAfterVersion: number = Number.POSITIVE_INFINITY,
    forOther = false,
  ): RetainedMessagePage {
    const firstVersion = this.#noteLife(nowMs);
    const isLost = ({ version, qos }: StoredRetained): boolean => forOther && qos < 2 && version < firstVersion;
    const isWanted = (row: StoredRetained): boolean =>
      !this.#removeExpired(row, nowMs) && (row.version <= notAfterVersion || isLost(row));
    if (!hasWildcard(filter)) {
      // One topic at most, and it is that of the filter's own name.
      const row = after === undefined ? this.#find(filter) : undefined;
      return { messages: row !== undefined && isWanted(row) ? [row] : [], next: undefined };
    }
    const page = this.#knownPage(filter, after, limit, nowMs);
    if (page !== undefined) return { messages: page.messages.filter(isWanted), next: page.next };
    const walk = new Walk(this.#store, this.#pending);
    return collectPage(walk, searchFor(filter), after, limit, isWanted);
  }

  /** Where nothing is pending: a run must not keep what a client's frame holds. */
  #knownPage(
    filter: TopicFilter,
    after: TopicName | undefined,
    limit: number,
    nowMs: number,
  ): RetainedMessagePage | undefined {
    if (this.#pending.size > 0) return undefined;
    return this.#runs.page(filter, after, limit, (from, most) => {
      const walk = new Walk(this.#store, this.#pending);
      return collectPage(walk, searchFor(filter), from, most, (row) => !this.#removeExpired(row, nowMs));
    });
  }

  /** Every message, those under `$` included, after the topic `after`. For what leaves the shard. */
  everyPage(after: TopicName | undefined, limit: number, nowMs: number): RetainedMessagePage {
    const walk = new Walk(this.#store, this.#pending);
    return collectPage(
      walk,
      (from) => from,
      after,
      limit,
      (row) => !this.#removeExpired(row, nowMs),
    );
  }

  /**
   * Takes in what was kept elsewhere, with the time that it was set there; false where a message of this shard is as
   * new. Limits are the caller's business.
   */
  takeIn(message: Message, publishedAtMs: number, nowMs: number): boolean {
    if (message.expiresAtMs !== undefined && message.expiresAtMs <= nowMs) return false;
    const before = this.get(message.topicName, nowMs);
    if (before !== undefined && before.publishedAtMs >= publishedAtMs) return false;
    const totals = this.#counted();
    totals.count += before === undefined ? 1 : 0;
    totals.bytes += retainedBytes(message) - (before === undefined ? 0 : retainedBytes(before));
    this.#runs.clear();
    this.#pending.put({ ...rowOf(message, this.#takeVersion(nowMs), nowMs), publishedAtMs });
    return true;
  }

  /** Removes what has expired among the next rows after a topic; the flush deletes no more than one slice of them. */
  removeExpiredAfter(after: TopicName | undefined, nowMs: number): ExpirySlice {
    let rows = 0;
    let earliestMs = Infinity;
    const next = visitPage(new Walk(this.#store, this.#pending), after, (row) => {
      rows += 1;
      if (!this.#removeExpired(row, nowMs)) earliestMs = Math.min(earliestMs, row.expiresAtMs ?? Infinity);
    });
    return { rows, earliestMs, next };
  }

  /** Writes what is pending. Called inside the shell's transaction. */
  flush(): void {
    for (const [topicName, row] of this.#pending.changes()) {
      if (row === undefined) this.#store.delete(topicName);
      else this.#store.put(row);
    }
    this.#pending.clear();
    this.expiry.flush();
  }

  #find(topicName: string): StoredRetained | undefined {
    return this.#pending.has(topicName) ? this.#pending.get(topicName) : this.#store.get(topicName);
  }

  // Not before the first change: an object that only wakes to deliver need not count its rows.
  #counted(): { count: number; bytes: number } {
    this.#totals ??= { ...this.#store.count() };
    return this.#totals;
  }

  /** The first call of a life says when it began: a version of that time is above all that came before. */
  #noteLife(nowMs: number): number {
    this.#firstVersion ??= nowMs * versionsPerMs;
    return this.#firstVersion;
  }

  #takeVersion(nowMs: number): number {
    this.#noteLife(nowMs);
    this.#version = Math.max(this.#version + 1, nowMs * versionsPerMs);
    return this.#version;
  }

  #remove(row: StoredRetained): void {
    const totals = this.#counted();
    totals.count -= 1;
    totals.bytes -= retainedBytes(row);
    this.#runs.clear();
    this.#pending.remove(row.topicName);
  }

  #removeExpired(row: StoredRetained, nowMs: number): boolean {
    if (row.expiresAtMs === undefined || row.expiresAtMs > nowMs) return false;
    this.#remove(row);
    this.#host.counters.retainedExpired += 1;
    return true;
  }

  #overLimit(moreRows: number, moreBytes: number): Violation | undefined {
    const { count, bytes } = this.#counted();
    const { maximumRetainedMessages, maximumRetainedBytes } = this.#host.limits;
    const code = reasonCode.quotaExceeded;
    if (moreRows > 0 && count + moreRows > maximumRetainedMessages) {
      return limitPassed("maximumRetainedMessages", code, `${count} retained messages are kept already`);
    }
    if (moreBytes > 0 && bytes + moreBytes > maximumRetainedBytes) {
      return limitPassed("maximumRetainedBytes", code, `${bytes} retained bytes are kept already`);
    }
    return undefined;
  }
}

function rowOf(message: Message, version: number, nowMs: number): StoredRetained {
  const { topicName, qos, payload, properties, expiresAtMs } = message;
  return {
    topicName,
    version,
    qos,
    payload,
    publishedAtMs: nowMs,
    ...(properties === undefined ? {} : { properties }),
    ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
  };
}
