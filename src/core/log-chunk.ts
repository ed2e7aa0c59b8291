// What the message log holds in memory of a stored chunk, and the decoded chunks that it keeps at hand.

import type { Position, SessionNumber } from "./brand.ts";
import type { AudienceEntry } from "./audience-entry.ts";
import type { ChunkSummary } from "./chunk.ts";
import type { SessionSet } from "./session-set.ts";

export class LogChunk implements ChunkSummary {
  /** Key of the row; not after the first message. */
  readonly first: Position;
  /** Not before the last message. */
  readonly last: Position;
  readonly sessions: SessionSet;
  readonly count: number;
  readonly bytes: number;
  /**
   * Index in `sessions` of one that still needs the chunk; those before it do not. While that one needs it, nobody
   * else has to be asked. -1: not looked at since the start.
   */
  watch = -1;
  /** The last entry that the watched one still needs; until it is released nobody has to be asked. 0: not looked for. */
  neededAt = 0;
  /** Nobody needs it: its row goes with the next flush, or is overwritten if it is the last one. */
  isDead = false;
  /** Rewritten by compaction, not flushed yet. */
  rewritten: { readonly entries: readonly AudienceEntry[]; readonly data: Uint8Array } | undefined;
  /** Compaction looked and found it dense; not again before the log has come so far. */
  denseUntil = 0;

  constructor(first: Position, last: Position, summary: ChunkSummary) {
    this.first = first;
    this.last = last;
    this.sessions = summary.sessions;
    this.count = summary.count;
    this.bytes = summary.bytes;
  }

  get watched(): SessionNumber | undefined {
    return this.sessions[this.watch] as SessionNumber | undefined;
  }
}

/** Index of the first chunk that reaches beyond `position`; `chunks.length` where none does. */
export function indexBeyond(chunks: readonly LogChunk[], position: number): number {
  let low = 0;
  let high = chunks.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((chunks[middle] as LogChunk).last > position) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Index of the session's first entry from `from` on; `entries.length` where there is none. */
export function indexOfOwn(entries: readonly AudienceEntry[], session: SessionNumber, from: number): number {
  let index = from;
  while (index < entries.length && (entries[index] as AudienceEntry).audience.get(session) === undefined) index += 1;
  return index;
}

export function indexAfter(entries: readonly AudienceEntry[], position: number): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((entries[middle] as AudienceEntry).position > position) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** What a decoded entry takes in memory beside its message, roughly. */
const entryOverheadBytes = 200;

/** Decoded chunks, the least recently used go first: sessions that drain the same chunks decode them once. */
export class ChunkCache {
  readonly #chunks = new Map<LogChunk, readonly AudienceEntry[]>();
  readonly #maximumBytes: number;
  #bytes = 0;
  #latest: LogChunk | undefined;

  constructor(maximumBytes: number) {
    this.#maximumBytes = maximumBytes;
  }

  get(chunk: LogChunk): readonly AudienceEntry[] | undefined {
    const entries = this.#chunks.get(chunk);
    if (entries === undefined || chunk === this.#latest) return entries;
    this.#chunks.delete(chunk);
    this.#chunks.set(chunk, entries);
    this.#latest = chunk;
    return entries;
  }

  set(chunk: LogChunk, entries: readonly AudienceEntry[]): void {
    this.delete(chunk);
    this.#chunks.set(chunk, entries);
    this.#bytes += memoryOf(chunk);
    this.#latest = chunk;
    for (const oldest of this.#chunks.keys()) {
      if (this.#bytes <= this.#maximumBytes || oldest === chunk) break;
      this.delete(oldest);
    }
  }

  delete(chunk: LogChunk): void {
    if (!this.#chunks.delete(chunk)) return;
    this.#bytes -= memoryOf(chunk);
    if (this.#latest === chunk) this.#latest = undefined;
  }
}

const memoryOf = (chunk: LogChunk): number => chunk.bytes + chunk.count * entryOverheadBytes;
