// The shard's log: a message for stored sessions is kept once, its audience decided when it is appended (design §4.4).
// Events append to memory, `flush` writes; reads see both. A chunk goes when nobody needs it. The last chunk's row
// stays, for its position: the next flush overwrites it, which costs no delete.

import type { Recipient } from "./audience.ts";
import type { Position, SessionNumber } from "./brand.ts";
import type { AudienceEntry } from "./audience-entry.ts";
import { LogCompaction } from "./log-compaction.ts";
import { PendingEntries } from "./log-pending.ts";
import { LogReleases, type AcknowledgedRanges, type AcknowledgedTo } from "./log-releases.ts";
import type { Message } from "./packet.ts";
import type { PositionRanges } from "./position-ranges.ts";
import { StoredChunks } from "./stored-chunks.ts";

export type { Recipient } from "./audience.ts";

/** A message of the log as one session sees it. */
export interface LogEntry {
  readonly position: Position;
  readonly message: Message;
  readonly qos: 1 | 2;
  readonly retain: boolean;
  readonly subscriptionIdentifiers: readonly number[] | undefined;
  /** Bytes, for queue limits. */
  readonly size: number;
}

export interface ChunkRow {
  readonly first: Position;
  readonly last: Position;
  /** The packed summary: who is in it, how many messages, how many bytes. */
  readonly sessions: Uint8Array;
  readonly data?: Uint8Array;
}

export interface MessageLogStore {
  /** All rows without their data, in the order of positions. */
  directory(): ChunkRow[];
  data(first: Position): Uint8Array | undefined;
  /** Inserts, or replaces the row of the same `first`. */
  put(row: Required<ChunkRow>): void;
  delete(first: Position): void;
}

export interface MessageLogOptions {
  /** Bytes of all chunks above which `mayAppend` says no. */
  readonly maximumLogBytes: number;
  /** Bytes of decoded chunks kept in memory. */
  readonly maximumCachedBytes?: number;
  /** Called with each step of `compact`: releases what nobody asks for. True where there may be more to do. */
  readonly onCompact?: () => boolean;
}

const KiB = 1024;
const defaultCachedBytes = 8 * KiB * KiB;
/** The platform takes rows up to 2 MB; local runs do not enforce it. Room is left for keys and headers. */
const maximumRowBytes = 2_000_000 - KiB;

export class MessageLog {
  readonly #maximumLogBytes: number;
  readonly #pending = new PendingEntries();
  readonly #releases = new LogReleases();
  readonly #chunks: StoredChunks;
  readonly #compaction: LogCompaction;
  readonly #onCompact: () => boolean;

  /** Reads nothing yet. */
  constructor(store: MessageLogStore, options: MessageLogOptions) {
    this.#maximumLogBytes = options.maximumLogBytes;
    this.#chunks = new StoredChunks(store, this.#releases, options.maximumCachedBytes ?? defaultCachedBytes);
    this.#compaction = new LogCompaction(this.#chunks, this.#releases);
    this.#onCompact = options.onCompact ?? (() => false);
  }

  /** The last position ever given, 0 where none was. Never given again, also after a restart on an emptied log. */
  get end(): Position {
    return this.#pending.end ?? this.#chunks.end;
  }

  /** Bytes that count against `maximumLogBytes`. */
  get bytes(): number {
    return this.#chunks.bytes + this.#pending.bytes;
  }

  /** What came since the start: messages, and their bytes. */
  get appended(): { readonly messages: number; readonly bytes: number } {
    return this.#pending.appended;
  }

  /** Rows, for metrics. */
  get chunkCount(): number {
    return this.#chunks.list.length;
  }

  /**
   * Takes a message for the sessions in `recipients`: not empty, each session once. The array must not change
   * afterwards; the same array for the same audience saves work. Gives the message's position.
   */
  append(message: Message, recipients: readonly Recipient[]): Position {
    if (recipients.length === 0) throw new RangeError("a message of the log needs a recipient");
    const position = (this.end + 1) as Position;
    this.#pending.append(position, message, recipients);
    return position;
  }

  /**
   * False where a message of so many bytes (`messageSize`) would pass `maximumLogBytes` or, with its audience, the
   * size of a row: to be refused with 0x97 before it is taken.
   */
  mayAppend(bytes: number): boolean {
    return this.bytes + bytes <= this.#maximumLogBytes && bytes <= maximumRowBytes;
  }

  /** Whether a message of so many bytes and its whole audience fit one row. */
  fitsRow(bytes: number, recipients: readonly Recipient[]): boolean {
    // The audience, and at most as much again for the summary's set.
    return bytes + 2 * this.#pending.audienceOf(recipients).packed.length <= maximumRowBytes;
  }

  /** The session's first entry after a position: stored or pending. */
  next(session: SessionNumber, after: Position): LogEntry | undefined {
    if (after >= this.end) return undefined;
    const stored = after < this.#chunks.end ? this.#chunks.next(session, after) : undefined;
    const entry = stored ?? this.#pending.next(session, after);
    return entry && toLogEntry(entry, session);
  }

  /** Every entry after a position, whoever it is for: stored or pending. Nothing may change while it is read. */
  *entriesAfter(after: Position): Generator<AudienceEntry> {
    yield* this.#chunks.entriesAfter(after);
    yield* this.#pending.entriesAfter(after);
  }

  /** The session's first entry after a position that none of the ranges holds. */
  nextOutside(session: SessionNumber, after: Position, ranges: PositionRanges): LogEntry | undefined {
    let entry = this.next(session, after);
    while (entry !== undefined) {
      const end = ranges.endOf(entry.position);
      if (end === undefined) return entry;
      entry = this.next(session, end);
    }
    return undefined;
  }

  /**
   * Own entries after a position, for the queue limits of a session that comes back. Reads all its chunks. `isDone`:
   * those that do not count.
   */
  countAfter(
    session: SessionNumber,
    after: Position,
    isDone?: (position: Position) => boolean,
  ): { count: number; bytes: number } {
    let count = 0;
    let bytes = 0;
    for (let entry = this.next(session, after); entry; entry = this.next(session, entry.position)) {
      if (isDone?.(entry.position) === true) continue;
      count += 1;
      bytes += entry.size;
    }
    return { count, bytes };
  }

  /**
   * The session needs nothing in (from, to] any more. Ranges follow one another: one that leaves own entries out
   * before `from` is ignored, and must come again together with them.
   */
  release(session: SessionNumber, from: Position, to: Position): void {
    if (to <= from) return;
    const known = (this.#releases.known(session) ?? from) as Position;
    if (from > known && this.#hasOwn(session, known, from)) return;
    if (to > known) this.#releases.raise(session, to);
    this.#chunks.review(session, Math.min(known, from), to);
  }

  /**
   * The session needs nothing own between these positions any more, both ends included, while something before them may
   * still be in flight. Told again costs little.
   */
  releaseRange(session: SessionNumber, from: Position, to: Position): void {
    if (this.#releases.addRange(session, from, to)) this.#chunks.review(session, from - 1, to);
  }

  /** The session ended: it needs nothing any more; after `after` it had something. Its number never comes back. */
  forget(session: SessionNumber, after: Position): void {
    const known = this.#releases.known(session) ?? after;
    this.#releases.forget(session);
    this.#chunks.forget(session);
    this.#chunks.review(session, Math.min(known, after), this.end);
  }

  /**
   * Once after a start, when all stored sessions are known: how to ask what a session had acknowledged (`undefined`:
   * no such session). Asked when it matters who still needs a chunk; may answer with newer values as they come. Until
   * then no chunk goes that names a session which has not released it since the start. `acknowledged`: what it had
   * acknowledged beyond that.
   */
  recover(acknowledgedTo: AcknowledgedTo, acknowledged?: AcknowledgedRanges): void {
    this.#releases.recover(acknowledgedTo, acknowledged);
    this.#chunks.askAgain();
    this.#compaction.wantPass();
  }

  /**
   * One bounded step of tidying: merges a run of small chunks, or rewrites one of which little is still needed.
   * Positions stay. True where there may be more to do. What it changes is pending until the flush.
   */
  compact(): boolean {
    const isMoreToRelease = this.#onCompact();
    return this.#compaction.step() || isMoreToRelease;
  }

  /** Something waits for `flush`. A last chunk that nobody needs does not: it goes with the next messages. */
  get isDirty(): boolean {
    return this.#pending.count > 0 || this.#chunks.isDirty;
  }

  /** Inside the flush's transaction: writes what is pending and deletes what nobody needs. */
  flush(): void {
    if (this.#pending.count > 0) this.#chunks.store(this.#pending.take());
    this.#chunks.flush();
    this.#releases.tidy();
  }

  #hasOwn(session: SessionNumber, after: Position, to: Position): boolean {
    const entry = this.next(session, after);
    return entry !== undefined && entry.position <= to;
  }
}

function toLogEntry(entry: AudienceEntry, session: SessionNumber): LogEntry {
  const { qos, retain, subscriptionIdentifiers } = entry.audience.get(session) as Recipient;
  const { position, message, size } = entry;
  return { position, message, qos, retain, size, subscriptionIdentifiers };
}
