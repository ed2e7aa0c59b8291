// A page of records under construction, and where the next one begins.

import type { TransferRecord } from "./record.ts";

/** In this order. */
const exportParts = ["sessions", "queues", "wills", "messages", "retained", "idempotency"] as const;
export type ExportPart = (typeof exportParts)[number];

/** Where the next page begins. Plain, for it goes through calls. */
export interface ExportCursor {
  readonly part: ExportPart;
  /** Session number, position, connection id, topic name or key: what comes behind it is next. */
  readonly after?: number | string;
  /** Of what comes next, the subscriptions (or the addressees) up to this number were in the pages before. */
  readonly within?: number;
  /** Sessions from this number on are younger than the export. */
  readonly sessionsBelow?: number;
  /** The log's end when this part began. Behind it only what was handed from one queue to another belongs to the export. */
  readonly logTo?: number;
  /** Where that ends too: the log's end when all before it was read. */
  readonly tailTo?: number;
  /** Entries of shared groups up to here were in the part `queues`. */
  readonly queuesTo?: number;
}

export interface ExportPage {
  readonly records: readonly TransferRecord[];
  /** Absent at the end. It is of another part where this one is through. */
  readonly next?: ExportCursor;
}

/** Beside what is counted, roughly. */
export const recordBytes = 128;

export class Page {
  readonly cursor: ExportCursor;
  readonly #records: TransferRecord[] = [];
  readonly #maximumBytes: number;
  #bytes = 0;

  constructor(cursor: ExportCursor, maximumBytes: number) {
    this.cursor = cursor;
    this.#maximumBytes = maximumBytes;
  }

  /** Not before the first record, however large that is. */
  get isFull(): boolean {
    return this.#bytes >= this.#maximumBytes;
  }

  add(record: TransferRecord, bytes: number): void {
    this.#records.push(record);
    this.#bytes += bytes + recordBytes;
  }

  /** The next page goes on in this part. */
  stop(to: Partial<ExportCursor>): ExportPage {
    const { within: _, ...rest } = this.cursor;
    return { records: this.#records, next: { ...rest, ...to } };
  }

  /** The part is through. */
  end(to: Partial<ExportCursor> = {}): ExportPage {
    const { after: _, within: _within, logTo: _to, tailTo: _tail, part, ...rest } = { ...this.cursor, ...to };
    const following = exportParts[exportParts.indexOf(part) + 1];
    return { records: this.#records, ...(following && { next: { ...rest, part: following } }) };
  }
}

/** Bytes of a list in one record: a record becomes a line of a backup. */
const listBytes = 256 * 1024;

/** A list in parts of bounded size; at least one. `sizeOf`: roughly. */
export function* inPieces<Item>(
  items: readonly Item[],
  sizeOf: (item: Item) => number,
): Generator<{ readonly items: readonly Item[]; readonly bytes: number }> {
  let piece: Item[] = [];
  let bytes = 0;
  for (const item of items) {
    if (bytes >= listBytes) {
      yield { items: piece, bytes };
      piece = [];
      bytes = 0;
    }
    piece.push(item);
    bytes += sizeOf(item);
  }
  yield { items: piece, bytes };
}
