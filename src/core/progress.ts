// What each stored session has acknowledged. Changes gather in memory; a flush writes one row per changed page
// (design §4.6). A session that is through with everything needs no entry: the page's base speaks for it.

import type { Position, SessionNumber } from "./brand.ts";
import { packPage, pageOf, sessionsPerPage, unpackPage, type Progress } from "./progress-page.ts";

export type { Progress } from "./progress-page.ts";

export interface ProgressStore {
  /** The packed page, if it was ever written. */
  page(number: number): Uint8Array | undefined;
  put(number: number, data: Uint8Array): void;
  delete(number: number): void;
}

interface Page {
  readonly number: number;
  base: Position;
  readonly entries: Map<SessionNumber, Progress>;
  /** Changes until entries are looked through for those that say nothing. */
  untilTidy: number;
  /** None of its sessions exists. */
  isGone: boolean;
}

type HasEntriesAfter = (session: SessionNumber, after: Position) => boolean;

/** Looking through a page asks the log about up to 128 sessions: not with every flush of a busy one. */
const changesPerTidy = 256;

export class ProgressPages {
  readonly #store: ProgressStore;
  readonly #pages = new Map<number, Page>();
  readonly #dirty = new Set<Page>();
  /** Sessions whose progress is to be asked for by the flush: each packet may change it, and only the last one counts. */
  readonly #asked = new Map<SessionNumber, () => Progress>();
  #changed = new Set<SessionNumber>();
  #committed: ReadonlySet<SessionNumber> = new Set();

  constructor(store: ProgressStore) {
    this.#store = store;
  }

  /** A session without an entry has acknowledged everything up to its page's base. */
  get(session: SessionNumber): Progress {
    this.#ask(session);
    const page = this.#page(session);
    return page.entries.get(session) ?? acknowledgedUpTo(page.base);
  }

  /** As `set`, with what `ask` gives when the flush comes, or when somebody wants to know before. */
  setLater(session: SessionNumber, ask: () => Progress): void {
    this.#asked.set(session, ask);
  }

  /** Whether `setLater` waits for the flush. */
  isAsked(session: SessionNumber): boolean {
    return this.#asked.has(session);
  }

  /** Pending until the flush; `progress` must not change afterwards. */
  set(session: SessionNumber, progress: Progress): void {
    this.#asked.delete(session);
    const page = this.#page(session);
    page.entries.set(session, progress);
    this.#changed.add(session);
    this.#change(page);
  }

  /** The session ended. */
  delete(session: SessionNumber): void {
    this.#asked.delete(session);
    const page = this.#page(session);
    this.#changed.delete(session);
    if (page.entries.delete(session)) this.#change(page);
  }

  get isDirty(): boolean {
    return this.#dirty.size > 0 || this.#asked.size > 0;
  }

  /**
   * Inside the flush's transaction: one row per changed page. `end`: the log's last position, pending ones included.
   * `hasEntriesAfter`: own entries of a session lie after a position. `exists`: whether there is a stored session of
   * this number; left out while not all sessions are known, and then no entry is dropped.
   */
  flush(end: Position, hasEntriesAfter: HasEntriesAfter, exists?: (session: SessionNumber) => boolean): void {
    for (const session of this.#asked.keys()) this.#ask(session);
    for (const page of this.#dirty) {
      if (exists !== undefined && (page.untilTidy <= 0 || page.entries.size === 0)) {
        tidy(page, end, hasEntriesAfter, exists);
      }
      if (page.isGone) this.#drop(page);
      else this.#store.put(page.number, packPage(page.number, page));
    }
    this.#dirty.clear();
    this.#committed = this.#changed;
    this.#changed = new Set();
  }

  /** Sessions whose progress was in the last flush: for once that it is committed. */
  takeCommitted(): ReadonlySet<SessionNumber> {
    const committed = this.#committed;
    this.#committed = new Set();
    return committed;
  }

  /** Who is asked asks the log, which may want to know what is stored so far. */
  #ask(session: SessionNumber): void {
    const ask = this.#asked.get(session);
    if (ask === undefined) return;
    this.#asked.delete(session);
    this.set(session, ask());
  }

  #drop(page: Page): void {
    this.#store.delete(page.number);
    this.#pages.delete(page.number);
  }

  #page(session: SessionNumber): Page {
    const number = pageOf(session);
    const known = this.#pages.get(number);
    if (known !== undefined) return known;
    const packed = this.#store.page(number);
    const content = packed === undefined ? emptyPage() : unpackPage(number, packed);
    const page = { number, ...content, untilTidy: changesPerTidy, isGone: false };
    this.#pages.set(number, page);
    return page;
  }

  #change(page: Page): void {
    page.untilTidy -= 1;
    this.#dirty.add(page);
  }
}

const emptyPage = (): { base: Position; entries: Map<SessionNumber, Progress> } => ({
  base: 0 as Position,
  entries: new Map(),
});

const acknowledgedUpTo = (position: Position): Progress => ({
  acknowledgedTo: position,
  acknowledged: [],
  sentTo: position,
  released: [],
  inbound: [],
  explicitIds: [],
  open: false,
});

/**
 * Drops entries that say nothing, and raises the base, where more can go than must come: a session without an entry
 * that has unacknowledged entries gets one first, or it would count as having acknowledged them.
 */
function tidy(
  page: Page,
  end: Position,
  hasEntriesAfter: HasEntriesAfter,
  exists: (session: SessionNumber) => boolean,
): void {
  page.untilTidy = changesPerTidy;
  const sessions = sessionsOf(page.number).filter((session) => page.entries.has(session) || exists(session));
  page.isGone = sessions.length === 0;
  const droppable: SessionNumber[] = [];
  const missing: SessionNumber[] = [];
  for (const session of sessions) {
    const progress = page.entries.get(session);
    const isBehind = hasEntriesAfter(session, progress?.acknowledgedTo ?? page.base);
    if (progress === undefined && isBehind) missing.push(session);
    else if (progress !== undefined && !isBehind && isPlain(progress)) droppable.push(session);
  }
  if (droppable.length <= missing.length) return;
  for (const session of missing) page.entries.set(session, acknowledgedUpTo(page.base));
  for (const session of droppable) page.entries.delete(session);
  page.base = end;
}

const sessionsOf = (page: number): SessionNumber[] =>
  Array.from({ length: sessionsPerPage }, (_, index) => (page * sessionsPerPage + index) as SessionNumber);

/** Nothing in it but positions. */
const isPlain = ({ acknowledged, released, inbound, explicitIds, open }: Progress): boolean =>
  !open && acknowledged.length + released.length + inbound.length + explicitIds.length === 0;
