// Which chunks of the log to rewrite, and what of them is still needed. Rows are the bill: a merge of n rows costs one
// write, and n-1 deletes that would have come anyway.

import { Audience } from "./audience.ts";
import type { Position, SessionNumber } from "./brand.ts";
import type { AudienceEntry } from "./audience-entry.ts";
import { indexBeyond, type LogChunk } from "./log-chunk.ts";
import type { LogReleases } from "./log-releases.ts";
import type { StoredChunks } from "./stored-chunks.ts";

const KiB = 1024;
/** A merged chunk is read whole for a session that wants one message of it. */
const mergedBytes = 256 * KiB;
const mergedMessages = 1024;
/** Fewer rows than this are not worth a write. */
const shortestRun = 8;
const longestRun = 64;
/** A pass over the log after so many new rows; the youngest are left alone, they often go by themselves. */
const rowsPerPass = 16;
const youngRows = 16;
/** Sessions asked in one step. */
const sessionsPerStep = 20_000;
/** A chunk that was found dense is not read again before the log has grown so much, or doubled its distance. */
const densePositions = 1024;

/** Goes over the log again and again, a bounded step at a time. */
export class LogCompaction {
  readonly #chunks: StoredChunks;
  readonly #releases: LogReleases;
  #isPassWanted = false;
  #passAt = 0;
  #addedBefore = 0;

  constructor(chunks: StoredChunks, releases: LogReleases) {
    this.#chunks = chunks;
    this.#releases = releases;
  }

  wantPass(): void {
    this.#isPassWanted = true;
  }

  /** At most one rewrite. True where there may be more to do. */
  step(): boolean {
    if (!this.#isPassDue()) return false;
    const { list } = this.#chunks;
    const end = Math.max(0, list.length - youngRows);
    let asked = 0;
    for (let index = indexBeyond(list, this.#passAt); index < list.length; index += 1) {
      if (asked > sessionsPerStep) return true;
      const chunk = list[index] as LogChunk;
      this.#passAt = chunk.last;
      if (chunk.watch < 0) asked += this.#chunks.settle(chunk); // a crash may have come between its last release and its delete
      asked += chunk.sessions.length;
      if (index < end && !chunk.isDead && this.#improve(index, end)) return true;
    }
    this.#isPassWanted = false;
    this.#passAt = 0;
    return false;
  }

  #isPassDue(): boolean {
    if (this.#chunks.added - this.#addedBefore >= rowsPerPass) this.#isPassWanted = true;
    if (this.#isPassWanted) this.#addedBefore = this.#chunks.added;
    return this.#isPassWanted;
  }

  /** True where it read or rewrote something. */
  #improve(index: number, end: number): boolean {
    const { list } = this.#chunks;
    const length = runLength(list, index, end);
    if (length > 0) {
      this.#chunks.replace(index, length, this.#pruned(list.slice(index, index + length)));
      return true;
    }
    const chunk = list[index] as LogChunk;
    if (chunk.denseUntil > this.#chunks.end || !isSparse(chunk, this.#releases)) return false;
    const entries = this.#pruned([chunk]);
    if (sizeOf(entries) * 2 <= chunk.bytes) this.#chunks.replace(index, 1, entries);
    else chunk.denseUntil = this.#chunks.end + Math.max(densePositions, this.#chunks.end - chunk.last);
    return true;
  }

  #pruned(chunks: readonly LogChunk[]): AudienceEntry[] {
    const pruner = new Pruner(this.#releases);
    return chunks.flatMap((chunk) => (chunk.isDead ? [] : pruner.prune(chunk, this.#chunks.entriesOf(chunk))));
  }
}

/** About what the entries take when packed. */
function sizeOf(entries: readonly AudienceEntry[]): number {
  let size = 0;
  for (const entry of entries) size += entry.size;
  for (const audience of new Set(entries.map((entry) => entry.audience))) size += audience.packed.length;
  return size;
}

/** How many chunks from `from` on are worth one row; 0 where none are. */
function runLength(chunks: readonly LogChunk[], from: number, end: number): number {
  let bytes = 0;
  let count = 0;
  let largest = 0;
  let index = from;
  for (; index < end && index - from < longestRun; index += 1) {
    const chunk = chunks[index] as LogChunk;
    if (chunk.isDead || bytes + chunk.bytes > mergedBytes || count + chunk.count > mergedMessages) break;
    bytes += chunk.bytes;
    count += chunk.count;
    largest = Math.max(largest, chunk.bytes);
  }
  const length = index - from;
  // At least twice the largest member: so a message is rewritten a logarithmic number of times.
  return length >= shortestRun && largest * 2 <= bytes ? length : 0;
}

/** True where at most half of its sessions need all of the chunk, or all from some message on. */
function isSparse(chunk: LogChunk, releases: LogReleases): boolean {
  let left = Math.floor(chunk.sessions.length / 2);
  for (const session of chunk.sessions) {
    const number = session as SessionNumber;
    if (releases.of(number) >= chunk.last || releases.hasRangesIn(number, chunk.first, chunk.last)) continue;
    left -= 1;
    if (left < 0) return false;
  }
  return chunk.sessions.length > 0;
}

interface PrunedAudience {
  readonly audience: Audience;
  /** Up to where all recipients without ranges are through. */
  readonly releasedTo: number;
  /** Recipients that released something out of order, in this chunk. */
  readonly ranged: readonly SessionNumber[];
}

class Pruner {
  readonly #releases: LogReleases;
  /** Equal audiences of several chunks become one. */
  readonly #audiences: Audience[] = [];

  constructor(releases: LogReleases) {
    this.#releases = releases;
  }

  /** The entries that somebody still needs, without the recipients that are through with the chunk. */
  prune(chunk: LogChunk, entries: readonly AudienceEntry[]): AudienceEntry[] {
    const pruned = new Map<Audience, PrunedAudience>();
    const kept: AudienceEntry[] = [];
    for (const entry of entries) {
      const { audience } = entry;
      const rest = pruned.get(audience) ?? this.#pruneAudience(audience, chunk);
      pruned.set(audience, rest);
      if (this.#isNeeded(rest, entry.position)) kept.push(entry.for(rest.audience));
    }
    return kept;
  }

  #isNeeded({ releasedTo, ranged }: PrunedAudience, position: Position): boolean {
    if (releasedTo < position) return true;
    return ranged.some((session) => !this.#releases.isThrough(session, position, position));
  }

  #pruneAudience(audience: Audience, { first, last }: LogChunk): PrunedAudience {
    let releasedTo = Infinity;
    const ranged: SessionNumber[] = [];
    const recipients = audience.recipients.filter(({ session }) => {
      if (this.#releases.isThrough(session, first, last)) return false;
      if (this.#releases.hasRangesIn(session, first, last)) ranged.push(session);
      else releasedTo = Math.min(releasedTo, this.#releases.of(session));
      return true;
    });
    const same = this.#audiences.find((known) => known.isSameAs(recipients));
    if (same !== undefined) return { audience: same, releasedTo, ranged };
    const rest = recipients.length === audience.recipients.length ? audience : new Audience(recipients);
    this.#audiences.push(rest);
    return { audience: rest, releasedTo, ranged };
  }
}
