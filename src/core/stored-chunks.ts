// The chunks of the log that have rows: which there are, who still needs them, and what the next flush changes.

import { AudienceEntry } from "./audience-entry.ts";
import type { Position, SessionNumber } from "./brand.ts";
import { packChunk, packSummary, sessionsOf, unpackChunk, unpackSummary } from "./chunk.ts";
import { ChunkCache, indexAfter, indexBeyond, indexOfOwn, LogChunk } from "./log-chunk.ts";
import type { LogReleases } from "./log-releases.ts";
import type { MessageLogStore } from "./message-log.ts";
import { contains, isSame } from "./session-set.ts";

const KiB = 1024;
/** A chunk takes no more messages or bytes: it is read whole for one of them. */
const maximumChunkMessages = 256;
const maximumChunkBytes = 512 * KiB;
/** The next flush adds to a last chunk that is this small, instead of making a row that would need a delete later. */
const maximumExtendedMessages = 64;
const maximumExtendedBytes = 8 * KiB;
/** A search that passed more chunks than this is remembered. */
const rememberedSearch = 8;

export class StoredChunks {
  readonly #store: MessageLogStore;
  readonly #releases: LogReleases;
  readonly #cache: ChunkCache;
  /** In the order of positions; read when first needed: most wakes do not touch the log. */
  #list: LogChunk[] | undefined;
  #bytes = 0;
  #added = 0;
  /** Nobody needs them. The last chunk may stay among them: its row keeps its position. */
  readonly #dead = new Set<LogChunk>();
  readonly #rewritten = new Set<LogChunk>();
  /** Keys of rows whose messages moved to another row. */
  #obsolete: Position[] = [];
  /** Nothing own lies in (after, to]. */
  readonly #gaps = new Map<SessionNumber, { readonly after: number; readonly to: number }>();
  /** What `next` gave last: a session that reads on finds its next entry beside it. */
  #lastRead: { readonly session: SessionNumber; readonly chunk: LogChunk; index: number } | undefined;

  constructor(store: MessageLogStore, releases: LogReleases, maximumCachedBytes: number) {
    this.#store = store;
    this.#releases = releases;
    this.#cache = new ChunkCache(maximumCachedBytes);
  }

  get list(): readonly LogChunk[] {
    return this.#chunks;
  }

  get end(): Position {
    return this.#chunks.at(-1)?.last ?? (0 as Position);
  }

  /** Bytes of the chunks that somebody needs. */
  get bytes(): number {
    return this.#chunks.length === 0 ? 0 : this.#bytes;
  }

  /** Rows made since the start. */
  get added(): number {
    return this.#added;
  }

  get isDirty(): boolean {
    if (this.#rewritten.size > 0 || this.#obsolete.length > 0) return true;
    return this.#dead.size > (this.#list?.at(-1)?.isDead === true ? 1 : 0);
  }

  entriesOf(chunk: LogChunk): readonly AudienceEntry[] {
    const known = this.#atHand(chunk);
    if (known !== undefined) return known;
    const data = this.#store.data(chunk.first);
    if (data === undefined) throw new Error(`the log has no row ${chunk.first}, which its directory names`);
    const entries = unpackChunk(chunk.first, data);
    this.#cache.set(chunk, entries);
    return entries;
  }

  /** The session's first stored entry after a position. */
  next(session: SessionNumber, after: Position): AudienceEntry | undefined {
    return this.#readOn(session, after) ?? this.#search(session, after);
  }

  #readOn(session: SessionNumber, after: Position): AudienceEntry | undefined {
    const last = this.#lastRead;
    if (last === undefined || last.session !== session || last.chunk.last <= after) return undefined;
    const entries = this.#atHand(last.chunk); // of a chunk that is gone nothing is
    const entry = entries?.[last.index];
    if (entries === undefined || entry === undefined || entry.position > after) return undefined;
    let index = last.index;
    while ((entries[index]?.position ?? Infinity) <= after) index += 1;
    last.index = indexOfOwn(entries, session, index);
    return entries[last.index];
  }

  /** Goes over the sets, reads only own chunks. */
  #search(session: SessionNumber, after: Position): AudienceEntry | undefined {
    const chunks = this.#chunks;
    const gap = this.#gaps.get(session);
    const isInGap = gap !== undefined && gap.after <= after && after <= gap.to;
    const start = isInGap ? gap.to : after;
    const from = indexBeyond(chunks, start);
    for (let index = from; index < chunks.length; index += 1) {
      const chunk = chunks[index] as LogChunk;
      if (chunk.isDead || !contains(chunk.sessions, session)) continue;
      const entries = this.entriesOf(chunk);
      const at = indexOfOwn(entries, session, indexAfter(entries, start));
      const found = entries[at];
      if (found === undefined) continue;
      this.#lastRead = { session, chunk, index: at };
      if (index - from > rememberedSearch) {
        this.#gaps.set(session, { after: isInGap ? gap.after : after, to: found.position - 1 });
      }
      return found;
    }
    if (chunks.length - from > rememberedSearch) {
      this.#gaps.set(session, { after: isInGap ? gap.after : after, to: this.end });
    }
    return undefined;
  }

  #atHand(chunk: LogChunk): readonly AudienceEntry[] | undefined {
    return chunk.rewritten?.entries ?? this.#cache.get(chunk);
  }

  /** All entries after a position that somebody may still need. */
  *entriesAfter(after: Position): Generator<AudienceEntry> {
    const chunks = this.#chunks;
    for (let at = indexBeyond(chunks, after); at < chunks.length; at += 1) {
      const chunk = chunks[at] as LogChunk;
      if (chunk.isDead) continue;
      const entries = this.entriesOf(chunk);
      for (let index = indexAfter(entries, after); index < entries.length; index += 1) {
        yield entries[index] as AudienceEntry;
      }
    }
  }

  /** The session needs less than before: looks at those chunks between two positions that wait for it. */
  review(session: SessionNumber, from: number, to: number): void {
    const chunks = this.#chunks;
    for (let index = indexBeyond(chunks, from); index < chunks.length; index += 1) {
      const chunk = chunks[index] as LogChunk;
      if (chunk.first > to) return;
      if (chunk.watch < 0 || (chunk.watched === session && chunk.neededAt <= to)) this.settle(chunk);
    }
  }

  forget(session: SessionNumber): void {
    this.#gaps.delete(session);
  }

  /** Who needs what can now be asked: what was found before, without knowing, counts no more. */
  askAgain(): void {
    for (const chunk of this.#list ?? []) if (!chunk.isDead) chunk.watch = -1;
  }

  /** Finds a session that still needs the chunk; where there is none, the chunk is dead. Gives how many it asked. */
  settle(chunk: LogChunk): number {
    if (chunk.isDead) return 0;
    const from = Math.max(chunk.watch, 0); // who needs it no more never will again
    if (chunk.watch < 0) chunk.neededAt = 0;
    let watch = from;
    while (watch < chunk.sessions.length && !this.#needs(chunk, chunk.sessions[watch] as SessionNumber)) {
      watch += 1;
      chunk.neededAt = 0;
    }
    chunk.watch = watch;
    if (watch === chunk.sessions.length) this.#kill(chunk);
    return watch - from + 1;
  }

  /** Pending entries get rows; at once part of what is read. Within the flush's transaction. */
  store(pending: readonly AudienceEntry[]): void {
    const { key, seed } = this.#takeTail();
    let first = key;
    for (const entries of split([...seed, ...pending])) {
      const chunk = this.#make(first ?? (entries[0] as AudienceEntry).position, entries);
      first = undefined;
      this.#put(chunk);
      this.#cache.set(chunk, entries); // those on line are about to answer
      this.#chunks.push(chunk);
      this.settle(chunk);
      this.#added += 1;
    }
  }

  /** Chunks become one, of these entries; pending until the flush. No entries: nobody needs them. */
  replace(index: number, length: number, entries: readonly AudienceEntry[]): void {
    const old = this.#chunks.slice(index, index + length);
    if (entries.length === 0) {
      for (const chunk of old) this.#kill(chunk);
      return;
    }
    const chunk = this.#make((old[0] as LogChunk).first, entries, (old.at(-1) as LogChunk).last);
    for (const gone of old) {
      this.#drop(gone);
      if (gone.first !== chunk.first) this.#obsolete.push(gone.first);
    }
    this.#chunks.splice(index, length, chunk);
    this.#rewritten.add(chunk);
    this.settle(chunk);
  }

  /** Within the flush's transaction. */
  flush(): void {
    for (const chunk of this.#rewritten) this.#put(chunk);
    for (const first of this.#obsolete) this.#store.delete(first);
    this.#rewritten.clear();
    this.#obsolete = [];
    const tail = this.#list?.at(-1);
    for (const chunk of this.#dead) {
      if (chunk === tail) continue;
      this.#store.delete(chunk.first);
      this.#dead.delete(chunk);
      this.#chunks.splice(indexBeyond(this.#chunks, chunk.last - 1), 1);
    }
  }

  get #chunks(): LogChunk[] {
    this.#list ??= this.#readDirectory();
    return this.#list;
  }

  #readDirectory(): LogChunk[] {
    let before: LogChunk | undefined;
    return this.#store.directory().map(({ first, last, sessions: packed }) => {
      const summary = unpackSummary(packed);
      // Neighbours mostly have one audience: they share the set in memory.
      const sessions = before && isSame(before.sessions, summary.sessions) ? before.sessions : summary.sessions;
      before = new LogChunk(first, last, { ...summary, sessions });
      this.#bytes += before.bytes;
      return before;
    });
  }

  #needs(chunk: LogChunk, session: SessionNumber): boolean {
    const { first, last } = chunk;
    if (this.#releases.isThrough(session, first, last)) return false;
    const released = this.#releases.of(session);
    if (released < first && !this.#releases.hasRangesIn(session, first, last)) return true;
    chunk.neededAt = this.#lastNeeded(chunk, session, released);
    return chunk.neededAt > 0;
  }

  /** 0: it needs none. Those behind one that was found before were released then. */
  #lastNeeded(chunk: LogChunk, session: SessionNumber, released: number): number {
    const entries = this.entriesOf(chunk);
    const until = chunk.neededAt === 0 ? chunk.last : chunk.neededAt;
    for (let index = indexAfter(entries, until) - 1; index >= 0; index -= 1) {
      const { position, audience } = entries[index] as AudienceEntry;
      if (position <= released) return 0;
      if (audience.get(session) === undefined) continue;
      if (this.#releases.endOfRange(session, position) === undefined) return position;
    }
    return 0;
  }

  #make(
    first: Position,
    entries: readonly AudienceEntry[],
    last = (entries.at(-1) as AudienceEntry).position,
  ): LogChunk {
    const data = packChunk(first, entries);
    AudienceEntry.moveTo(data, entries);
    const chunk = new LogChunk(first, last, {
      sessions: sessionsOf(entries),
      count: entries.length,
      bytes: data.length,
    });
    chunk.rewritten = { entries, data };
    this.#bytes += chunk.bytes;
    return chunk;
  }

  #put(chunk: LogChunk): void {
    if (chunk.rewritten === undefined) return;
    const { first, last } = chunk;
    this.#store.put({ first, last, sessions: packSummary(chunk), data: chunk.rewritten.data });
    chunk.rewritten = undefined;
  }

  /** What the next row takes over from the last one: its key if it is dead, its messages if it is small. */
  #takeTail(): { key?: Position; seed: readonly AudienceEntry[] } {
    const tail = this.#chunks.at(-1);
    if (tail === undefined) return { seed: [] };
    if (tail.watch < 0) this.settle(tail);
    const seed = tail.isDead ? [] : this.#smallTail(tail);
    if (seed === undefined) return { seed: [] };
    this.#chunks.pop();
    this.#drop(tail);
    return { key: tail.first, seed };
  }

  #smallTail(tail: LogChunk): readonly AudienceEntry[] | undefined {
    if (tail.rewritten !== undefined) return undefined;
    if (tail.count >= maximumExtendedMessages || tail.bytes >= maximumExtendedBytes) return undefined;
    return this.#cache.get(tail);
  }

  #kill(chunk: LogChunk): void {
    if (chunk.isDead) return;
    this.#drop(chunk);
    chunk.isDead = true;
    this.#dead.add(chunk);
  }

  /** Out of all accounts; its row is the caller's business. */
  #drop(chunk: LogChunk): void {
    if (!chunk.isDead) this.#bytes -= chunk.bytes;
    this.#cache.delete(chunk);
    this.#rewritten.delete(chunk);
    this.#dead.delete(chunk);
    chunk.rewritten = undefined;
  }
}

/** Into chunks within the caps; a message larger than those has a chunk of its own. */
function* split(entries: readonly AudienceEntry[]): Generator<AudienceEntry[]> {
  let group: AudienceEntry[] = [];
  let audiences = new Set<unknown>();
  let bytes = 0;
  for (const entry of entries) {
    const added = entry.size + (audiences.has(entry.audience) ? 0 : entry.audience.packed.length);
    if (group.length > 0 && (group.length >= maximumChunkMessages || bytes + added > maximumChunkBytes)) {
      yield group;
      group = [];
      audiences = new Set();
      bytes = 0;
    }
    group.push(entry);
    audiences.add(entry.audience);
    bytes += added;
  }
  if (group.length > 0) yield group;
}
