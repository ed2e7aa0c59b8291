// The durable part of a link: batches that must not be lost before they are answered, in the order of the stream. Every
// batch with QoS 2 lies here from the commit that promises it; batches of QoS 1 for a shard that does not answer join.

import type { LinkLimits } from "./link-limits.ts";
import { PackedReader, PackedWriter } from "./packed.ts";

/** The version of a row's format; its items are in the format of link batches. */
const version = 1;
const durableFlag = 1;
/** Version and flags before the items. */
const headBytes = 2;

/** Storage of one link's rows. All calls but `summary` happen inside a flush, so they are committed together. */
export interface OutboxPort {
  /** Numbers rise from row to row. */
  append(number: number, bytes: Uint8Array): void;
  /** Empties the row and keeps its number. */
  clear(number: number): void;
  delete(number: number): void;
  /** The first row with a higher number, an emptied one included. */
  readAfter(number: number): { readonly number: number; readonly bytes: Uint8Array } | undefined;
  /** Read once at start. Only the row with the highest number can be empty; it counts in neither `count` nor `bytes`. */
  summary(): OutboxSummary;
}

export interface OutboxSummary {
  /** The highest number, 0 where there is no row. */
  readonly last: number;
  readonly lastIsEmpty: boolean;
  readonly count: number;
  readonly bytes: number;
}

export interface StoredBatch {
  readonly number: number;
  /** Whether its number goes out with it as d, so that the receiver takes it once whoever repeats it. */
  readonly durable: boolean;
  /** Items without QoS 0, as `packItems` gave them. */
  readonly items: Uint8Array;
}

export class Outbox {
  readonly #port: OutboxPort;
  readonly #limits: Pick<LinkLimits, "outboxBatches" | "outboxBytes">;
  #count: number;
  #bytes: number;
  #last: number;
  /** The emptied row. A receiver refuses low numbers for ever, so the highest must survive its content. */
  #marker: number | undefined;

  constructor(port: OutboxPort, limits: Pick<LinkLimits, "outboxBatches" | "outboxBytes">) {
    const summary = port.summary();
    this.#port = port;
    this.#limits = limits;
    this.#count = summary.count;
    this.#bytes = summary.bytes;
    this.#last = summary.last;
    this.#marker = summary.lastIsEmpty ? summary.last : undefined;
  }

  /** Batches that wait for their answer. */
  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The highest number ever stored; new ones must be higher. */
  get last(): number {
    return this.#last;
  }

  /** Whether so much more could be stored. Asked before anything is promised; `append` itself does not refuse. */
  hasRoom(batches: number, bytes: number): boolean {
    return this.#count + batches <= this.#limits.outboxBatches && this.#bytes + bytes <= this.#limits.outboxBytes;
  }

  /** Stores a batch behind the others. One row, and one more where the row of the last number was empty. */
  append(batch: StoredBatch): void {
    const bytes = packRow(batch);
    this.#port.append(batch.number, bytes);
    // A number below the last was reserved before the outbox was in use; the emptied row still keeps the highest.
    if (batch.number > this.#last) this.#advance(batch.number);
    this.#count += 1;
    this.#bytes += bytes.length;
  }

  #advance(last: number): void {
    if (this.#marker !== undefined) this.#port.delete(this.#marker);
    this.#marker = undefined;
    this.#last = last;
  }

  /** The first waiting batch with a higher number. */
  readAfter(number: number): StoredBatch | undefined {
    const row = this.#port.readAfter(number);
    return row === undefined || row.bytes.length === 0 ? undefined : unpackRow(row.number, row.bytes);
  }

  /** The batch was answered. Its row goes; the highest one is only emptied. */
  release(batch: Pick<StoredBatch, "number" | "items">): void {
    if (batch.number === this.#last) {
      this.#port.clear(batch.number);
      this.#marker = batch.number;
    } else {
      this.#port.delete(batch.number);
    }
    this.#count -= 1;
    this.#bytes -= batch.items.length + headBytes;
  }
}

const packRow = (batch: StoredBatch): Uint8Array =>
  new PackedWriter(batch.items.length + headBytes)
    .byte(version)
    .byte(batch.durable ? durableFlag : 0)
    .raw(batch.items)
    .finish();

function unpackRow(number: number, bytes: Uint8Array): StoredBatch {
  const from = new PackedReader(bytes);
  const found = from.byte();
  if (found !== version) throw new RangeError(`outbox row ${number} has format ${found}`);
  const durable = (from.byte() & durableFlag) !== 0;
  return { number, durable, items: bytes.subarray(from.offset) };
}
