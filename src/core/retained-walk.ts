// Reading retained messages in the order of their topics: storage and the changes that wait for the next flush as one
// sorted run, of which a page looks at a bounded part.

import type { TopicName } from "./brand.ts";
import { fullReadBytes, retainedBytes, type RetainedStore, type StoredRetained } from "./retained-row.ts";
import { compareTopicNames } from "./topic.ts";
import { justAfter, type Search } from "./topic-search.ts";

export interface RetainedMessagePage {
  /** In the order of UTF-8 bytes of their topic names. */
  readonly messages: StoredRetained[];
  /** The topic after which to go on; `undefined` at the end. */
  readonly next: TopicName | undefined;
}

/** Rows that one page may look at: a filter such as `+/+/x` meets many that it does not want. */
const maximumRowsPerPage = 512;
/** Bytes of messages after which a page is full: pages sit in memory beside what sockets hold. */
const maximumBytesPerPage = 1024 * 1024;
const maximumRowsPerRead = 128;

/**
 * Walks from `after` on, jumping over what the filter of `search` cannot match. `isWanted` judges what it does match.
 * `limit` is at least 1.
 */
export function collectPage(
  walk: Walk,
  search: Search,
  after: TopicName | undefined,
  limit: number,
  isWanted: (row: StoredRetained) => boolean,
): RetainedMessagePage {
  const messages: StoredRetained[] = [];
  let bytes = 0;
  let last = after;
  let from = search(after === undefined ? "" : justAfter(after));
  for (let looked = 0; from !== undefined; looked += 1) {
    const isFull = messages.length >= limit || bytes >= maximumBytesPerPage;
    if (isFull || looked >= maximumRowsPerPage) return { messages, next: last };
    const found = walk.seek(from, limit - messages.length);
    if (found === undefined) break;
    last = found.topicName;
    const candidate = search(last);
    // Where the next row is at hand, it is cheaper to look at than to find out from where on one may be wanted.
    const isNext = candidate === last;
    from = isNext && !walk.hasNext ? search(justAfter(last)) : isNext ? justAfter(last) : candidate;
    if (candidate !== last || found.row === undefined || !isWanted(found.row)) continue;
    messages.push(found.row);
    bytes += retainedBytes(found.row);
  }
  return { messages, next: undefined };
}

/** Shows `visit` a page's worth of rows, whatever their topics; gives the topic after which to go on, `undefined` at the end. */
export function visitPage(
  walk: Walk,
  after: TopicName | undefined,
  visit: (row: StoredRetained) => void,
): TopicName | undefined {
  let bytes = 0;
  let last = after;
  for (let looked = 0; looked < maximumRowsPerPage && bytes < maximumBytesPerPage; looked += 1) {
    const found = walk.seek(last === undefined ? "" : justAfter(last), maximumRowsPerPage - looked);
    if (found === undefined) return undefined;
    last = found.topicName;
    if (found.row === undefined) continue;
    bytes += retainedBytes(found.row);
    visit(found.row);
  }
  return last;
}

/** What the next flush writes, by topic; `undefined` removes. */
export class PendingChanges {
  readonly #rows = new Map<string, StoredRetained | undefined>();
  /** The topics in storage order, once a walk has asked for it. */
  #sorted: TopicName[] | undefined;

  get size(): number {
    return this.#rows.size;
  }

  has(topicName: string): boolean {
    return this.#rows.has(topicName);
  }

  get(topicName: string): StoredRetained | undefined {
    return this.#rows.get(topicName);
  }

  changes(): Iterable<[string, StoredRetained | undefined]> {
    return this.#rows;
  }

  put(row: StoredRetained): void {
    this.#note(row.topicName);
    this.#rows.set(row.topicName, row);
  }

  remove(topicName: TopicName): void {
    this.#note(topicName);
    this.#rows.set(topicName, undefined);
  }

  clear(): void {
    this.#rows.clear();
    this.#sorted = undefined;
  }

  /** The first topic at or after `from` that has a pending change. */
  nextAtOrAfter(from: string): TopicName | undefined {
    this.#sorted ??= ([...this.#rows.keys()] as TopicName[]).toSorted(compareTopicNames);
    return this.#sorted[indexAtOrAfter(this.#sorted, from)];
  }

  #note(topicName: TopicName): void {
    if (this.#sorted === undefined || this.#rows.has(topicName)) return;
    this.#sorted.splice(indexAtOrAfter(this.#sorted, topicName), 0, topicName);
  }
}

function indexAtOrAfter(sorted: readonly string[], from: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareTopicNames(sorted[middle] ?? "", from) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

const sumBytes = (rows: readonly StoredRetained[]): number => rows.reduce((sum, row) => sum + retainedBytes(row), 0);

interface Found {
  readonly topicName: TopicName;
  /** Absent where the topic's row in storage waits for its removal. */
  readonly row: StoredRetained | undefined;
}

/** Storage and pending changes as one sorted run, read forwards. */
export class Walk {
  readonly #store: RetainedStore;
  readonly #pending: PendingChanges;
  #read: StoredRetained[] = [];
  #at = 0;
  #rowsPerRead = 1;
  #isExhausted = false;

  constructor(store: RetainedStore, pending: PendingChanges) {
    this.#store = store;
    this.#pending = pending;
  }

  /** The first topic at or after `from`, which never goes back; so many rows at most are wanted from there on. */
  seek(from: string, wanted: number): Found | undefined {
    const stored = this.#stored(from, wanted);
    const pending = this.#pending.nextAtOrAfter(from);
    if (pending === undefined || (stored !== undefined && compareTopicNames(stored.topicName, pending) < 0)) {
      return stored === undefined ? undefined : { topicName: stored.topicName, row: stored };
    }
    return { topicName: pending, row: this.#pending.get(pending) };
  }

  /** The row of storage behind the last one given was read already. */
  get hasNext(): boolean {
    return this.#at + 1 < this.#read.length;
  }

  // Reads grow while rows are used in turn and start small again after a jump over unread ones.
  #stored(from: string, wanted: number): StoredRetained | undefined {
    const isInTurn = this.#skipTo(from);
    const row = this.#read[this.#at];
    if (row !== undefined || this.#isExhausted) return row;
    this.#rowsPerRead = isInTurn ? Math.min(this.#rowsPerRead * 2, maximumRowsPerRead) : 1;
    const limit = Math.min(this.#rowsPerRead, wanted);
    this.#read = this.#store.nextAtOrAfter(from, limit);
    this.#at = 0;
    this.#isExhausted = this.#read.length < limit && sumBytes(this.#read) < fullReadBytes;
    return this.#read[0];
  }

  /** Passes over what was read before `from`; false where that was more than the one row last given. */
  #skipTo(from: string): boolean {
    const start = this.#at;
    for (;;) {
      const row = this.#read[this.#at];
      if (row === undefined || compareTopicNames(row.topicName, from) >= 0) return this.#at - start <= 1;
      this.#at += 1;
    }
  }
}
