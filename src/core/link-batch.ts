// The packed format of a batch of link entries: which link and which place in its stream, then the entries.

import { readList, unpackEntry, type LinkEntry } from "./link-entry.ts";
import { PackedReader, PackedWriter } from "./packed.ts";

/** The version written, and the oldest that is read: N reads N-1. It covers the entries in outbox rows too. */
const version = 1;
const oldestReadable = 1;

/** Entries with their ordinals, as written into a batch or a row: an ordinal stays when entries before it go. */
export interface PackedItem {
  readonly ordinal: number;
  readonly bytes: Uint8Array;
}

export function packItems(items: readonly PackedItem[]): Uint8Array {
  let size = 4;
  for (const item of items) size += item.bytes.length + 3;
  const to = new PackedWriter(size).uint(items.length);
  for (const item of items) to.uint(item.ordinal).raw(item.bytes);
  return to.finish();
}

export interface BatchHead {
  /** Number of the layout in force at the sender. */
  readonly layout: number;
  /** The sender's shard number. */
  readonly from: number;
  /** Of the sender's present life; that of a later one is higher, unless its clock went back (`incarnationAt`). */
  readonly incarnation: number;
  /** Rises each time the sender starts over at n = 1. */
  readonly opening: number;
  /** Place in the stream of this opening, from 1. */
  readonly n: number;
  /** The oldest n that has no answer yet: what was answered before it will not be asked for again. */
  readonly oldest: number;
  /** The durable number d: a receiver that has stored it or a higher one takes nothing from this batch. */
  readonly durable?: number | undefined;
}

export interface BatchItem {
  readonly ordinal: number;
  readonly entry: LinkEntry;
}

export interface Batch extends BatchHead {
  readonly items: readonly BatchItem[];
  readonly byteLength: number;
}

/** `items` as `packItems` gave it. */
export function packBatch(head: BatchHead, items: Uint8Array): Uint8Array<ArrayBuffer> {
  return new PackedWriter(items.length + 48)
    .byte(version)
    .uint(head.layout)
    .uint(head.from)
    .uint(head.incarnation)
    .uint(head.opening)
    .uint(head.n)
    .uint(head.oldest)
    .optionalUint(head.durable)
    .raw(items)
    .finish();
}

/** Gives `undefined` for a version this code cannot read: answer `unreadable`. Throws a RangeError on broken bytes. */
export function unpackBatch(bytes: Uint8Array): Batch | undefined {
  const from = new PackedReader(bytes);
  if (!isReadable(from.byte())) return undefined;
  const head = {
    layout: from.uint(),
    from: from.uint(),
    incarnation: from.uint(),
    opening: from.uint(),
    n: from.uint(),
    oldest: from.uint(),
    durable: from.optionalUint(),
  };
  const items = readList(from, () => ({ ordinal: from.uint(), entry: unpackEntry(from) }));
  return { ...head, items, byteLength: bytes.length };
}

const isReadable = (found: number): boolean => found >= oldestReadable && found <= version;
