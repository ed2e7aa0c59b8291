// What wildcard filters found in the table of retained messages, kept until one of them changes. After a deploy all clients
// come back and subscribe to the same few filters: the table is read for the first of them.

import type { TopicFilter, TopicName } from "./brand.ts";
import { retainedBytes, type StoredRetained } from "./retained-row.ts";
import type { RetainedMessagePage } from "./retained-walk.ts";
import { compareTopicNames } from "./topic.ts";

/** Of all runs, in messages' bytes and what a row takes beside them. */
const maximumBytes = 4 * 1024 * 1024;
const rowBytes = 256;
/** Bytes of a page, as where it is read from the table. */
const pageBytes = 1024 * 1024;
/** Messages that one call adds to a run: what is asked for page by page is read in larger ones. */
const rowsPerExtension = 256;

/** Everything that the filter matches, from the first topic up to where it was read. */
interface Run {
  readonly rows: StoredRetained[];
  /** The topic after which to read on. */
  readTo: TopicName | undefined;
  isEnd: boolean;
}

export class RetainedRuns {
  readonly #runs = new Map<TopicFilter, Run>();
  #bytes = 0;

  /** A retained message changes. */
  clear(): void {
    if (this.#runs.size === 0) return;
    this.#runs.clear();
    this.#bytes = 0;
  }

  /**
   * The page of a filter after a topic, whatever the messages' versions; `undefined` where the run does not reach so far,
   * and is not to. `read` reads the table; it may clear the runs.
   */
  page(
    filter: TopicFilter,
    after: TopicName | undefined,
    limit: number,
    read: (after: TopicName | undefined, limit: number) => RetainedMessagePage,
  ): RetainedMessagePage | undefined {
    const run = this.#runs.get(filter) ?? this.#begin(filter, after);
    if (run === undefined || !reaches(run, after)) return undefined;
    const from = after === undefined ? 0 : indexAfter(run.rows, after);
    const isShort = from + limit > run.rows.length && !run.isEnd;
    return isShort && !this.#extend(filter, run, read) ? undefined : cut(run, from, limit);
  }

  #begin(filter: TopicFilter, after: TopicName | undefined): Run | undefined {
    if (after !== undefined || this.#bytes > maximumBytes) return undefined;
    const run = { rows: [], readTo: undefined, isEnd: false };
    this.#runs.set(filter, run);
    return run;
  }

  /** False where the run is given up: it would be too large, or a message in it ends by time. */
  #extend(
    filter: TopicFilter,
    run: Run,
    read: (after: TopicName | undefined, limit: number) => RetainedMessagePage,
  ): boolean {
    const { messages, next } = read(run.readTo, rowsPerExtension);
    if (this.#runs.get(filter) !== run) return false; // something had expired
    const bytes = messages.reduce((sum, row) => sum + retainedBytes(row) + rowBytes, 0);
    if (this.#bytes + bytes > maximumBytes || messages.some(({ expiresAtMs }) => expiresAtMs !== undefined)) {
      this.clear();
      return false;
    }
    this.#bytes += bytes;
    run.rows.push(...messages);
    run.readTo = next;
    run.isEnd = next === undefined;
    return true;
  }
}

const reaches = ({ readTo, isEnd }: Run, after: TopicName | undefined): boolean =>
  after === undefined || isEnd || (readTo !== undefined && compareTopicNames(after, readTo) <= 0);

function cut({ rows, readTo, isEnd }: Run, from: number, limit: number): RetainedMessagePage {
  const messages: StoredRetained[] = [];
  let bytes = 0;
  for (let at = from; at < rows.length && messages.length < limit && bytes < pageBytes; at += 1) {
    const row = rows[at];
    if (row === undefined) break;
    messages.push(row);
    bytes += retainedBytes(row);
  }
  if (from + messages.length < rows.length) return { messages, next: messages.at(-1)?.topicName };
  return { messages, next: isEnd ? undefined : readTo };
}

/** The first row behind a topic. */
function indexAfter(rows: readonly StoredRetained[], after: TopicName): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareTopicNames(rows[middle]?.topicName ?? "", after) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
