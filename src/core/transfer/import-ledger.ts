// What a shard remembers of imports: how far each has come, and which sessions it brought. It is committed with what
// a part does, so that a part that comes again has no effect, also after a crash in between.

import type { SessionNumber } from "../brand.ts";
import { PendingRows, type RowStore } from "../pending-rows.ts";

/** Named values of a shard, as text. */
export interface NamedTexts {
  getString(key: string): string | undefined;
  putString(key: string, value: string): void;
  delete(key: string): void;
}

export interface ImportProgress {
  /** The last part that was taken in; 0 at first. */
  readonly number: number;
  /** Numbers of the sessions that it brought, as ranges, both ends included: only these get what else it brings. */
  readonly sessions: readonly (readonly [from: number, to: number])[];
  /** It was taken in to its end before. What cannot be told from what is here already is left out then. */
  readonly isRepeat: boolean;
  readonly isFinished: boolean;
  /** Number of the layout by which its parts were made. */
  readonly layout: number;
}

const keyPrefix = "import:";
const groupsPrefix = "import-groups:";

/** Filters of shared groups. `"all"`: more than one row holds. */
type Groups = readonly string[] | "all";
/** Characters of their list: in bytes well below the 2 MB of a row. */
const longestGroups = 500_000;

export class ImportLedger {
  readonly #rows: PendingRows<string, ImportProgress>;
  /** Groups that had members when an import began: their queues stay as they are. */
  readonly #groups: PendingRows<string, Groups>;

  constructor(texts: NamedTexts) {
    this.#rows = new PendingRows(jsonRows<ImportProgress>(texts, keyPrefix));
    this.#groups = new PendingRows(jsonRows<Groups>(texts, groupsPrefix));
  }

  /** Goes on with an import that did not come to its end, or begins one. `groups`: those that have members by now. */
  begin(source: string, layout: number, groups: readonly string[] = []): ImportProgress {
    const known = this.#rows.get(source);
    if (known !== undefined && !known.isFinished && known.layout === layout) return known;
    const fresh = { number: 0, sessions: [], isRepeat: known !== undefined, isFinished: false, layout };
    this.#rows.put(source, fresh);
    if (groups.length === 0) this.#groups.delete(source);
    else this.#groups.put(source, JSON.stringify(groups).length > longestGroups ? "all" : groups);
    return fresh;
  }

  /** A part is in; `brought`: the sessions that are new by it, whose numbers follow one another. */
  onPart(source: string, number: number, brought: readonly SessionNumber[]): void {
    const known = this.#rows.get(source);
    if (known === undefined) throw new Error(`no import ${source} has begun`);
    const [first, last] = [brought[0], brought.at(-1)];
    const sessions = first === undefined || last === undefined ? known.sessions : joined(known.sessions, first, last);
    this.#rows.put(source, { ...known, number, sessions });
  }

  hasBrought({ sessions }: ImportProgress, number: SessionNumber): boolean {
    return sessions.some(([from, to]) => from <= number && number <= to);
  }

  /** Whether a shared group was there before the import. */
  keptGroups(source: string): (filter: string) => boolean {
    const groups = this.#groups.get(source) ?? [];
    if (groups === "all") return () => true;
    const filters = new Set(groups);
    return (filter) => filters.has(filter);
  }

  /** Everything is in. That it was stays known. */
  finish(source: string): void {
    const known = this.#rows.get(source);
    if (known !== undefined) this.#rows.put(source, { ...known, sessions: [], isFinished: true });
    this.#groups.delete(source);
  }

  forget(source: string): void {
    this.#rows.delete(source);
    this.#groups.delete(source);
  }

  get isDirty(): boolean {
    return this.#rows.isDirty || this.#groups.isDirty;
  }

  /** Inside the flush's transaction. */
  flush(): void {
    this.#rows.flush();
    this.#groups.flush();
  }
}

function jsonRows<Row>(texts: NamedTexts, prefix: string): RowStore<string, Row> {
  return {
    get: (source) => {
      const text = texts.getString(prefix + source);
      return text === undefined ? undefined : (JSON.parse(text) as Row);
    },
    put: (source, row) => texts.putString(prefix + source, JSON.stringify(row)),
    delete: (source) => texts.delete(prefix + source),
  };
}

function joined(ranges: ImportProgress["sessions"], from: number, to: number): ImportProgress["sessions"] {
  const last = ranges.at(-1);
  if (last === undefined || last[1] + 1 < from) return [...ranges, [from, to]];
  return [...ranges.slice(0, -1), [last[0], to]];
}
