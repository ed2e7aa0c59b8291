import { describe, expect, test } from "vitest";
import type { PacketId, Position, SessionNumber } from "../../../src/core/brand.ts";
import { unpackPage } from "../../../src/core/progress-page.ts";
import { ProgressPages, type Progress, type ProgressStore } from "../../../src/core/progress.ts";

class MemoryProgressStore implements ProgressStore {
  readonly rows = new Map<number, Uint8Array>();
  rowsWritten = 0;
  page(number: number): Uint8Array | undefined {
    return this.rows.get(number);
  }
  put(number: number, data: Uint8Array): void {
    this.rowsWritten += 1;
    this.rows.set(number, data);
  }
  delete(number: number): void {
    this.rowsWritten += 1;
    this.rows.delete(number);
  }
}

const at = (position: number): Position => position as Position;
const session = (number: number): SessionNumber => number as SessionNumber;

const progress = (acknowledgedTo: number, more: Partial<Progress> = {}): Progress => ({
  acknowledgedTo: at(acknowledgedTo),
  acknowledged: [],
  sentTo: at(acknowledgedTo),
  released: [],
  inbound: [],
  explicitIds: [],
  open: false,
  ...more,
});

const nothingAfter = (): boolean => false;
const always = (): boolean => true;

/** Enough changes of one page that the next flush looks through its entries. */
function touch(pages: ProgressPages, number: number, value: Progress): void {
  for (let n = 0; n < 300; n += 1) pages.set(session(number), value);
}

describe("progress", () => {
  test("of a session that was never heard of is nothing acknowledged", () => {
    expect(new ProgressPages(new MemoryProgressStore()).get(session(5))).toEqual(progress(0));
  });

  test("survives a crash from its flush on, with every field", () => {
    const store = new MemoryProgressStore();
    const pages = new ProgressPages(store);
    const full = progress(1_000_000, {
      acknowledged: [
        [at(1_000_002), at(1_000_002)],
        [at(1_000_007), at(1_000_009)],
      ],
      sentTo: at(1_000_010),
      released: [at(1_000_003)],
      inbound: [65_535, 1].map((id) => id as PacketId),
      explicitIds: [[7 as PacketId, at(1_000_004)]],
      open: true,
    });
    pages.set(session(130), full);
    expect(pages.get(session(130))).toEqual(full);
    expect(new ProgressPages(store).get(session(130))).toEqual(progress(0));
    expect(pages.isDirty).toBe(true);
    pages.flush(at(1_000_010), always);
    expect(pages.isDirty).toBe(false);
    expect(new ProgressPages(store).get(session(130))).toEqual(full);
  });

  test("of neighbouring sessions shares one row", () => {
    const store = new MemoryProgressStore();
    const pages = new ProgressPages(store);
    for (let number = 1; number < 256; number += 1) pages.set(session(number), progress(number));
    pages.flush(at(300), always);
    expect(store.rowsWritten).toBe(2);
    pages.flush(at(300), always);
    expect(store.rowsWritten).toBe(2);
    const again = new ProgressPages(store);
    for (let number = 1; number < 256; number += 1) expect(again.get(session(number))).toEqual(progress(number));
  });

  test("of an ended session goes", () => {
    const store = new MemoryProgressStore();
    const pages = new ProgressPages(store);
    pages.set(session(1), progress(5));
    pages.set(session(2), progress(6));
    pages.flush(at(9), always, always);
    pages.delete(session(1));
    pages.flush(at(9), always, (number) => number === 2);
    expect(unpackPage(0, store.rows.get(0) as Uint8Array).entries.size).toBe(1);
    pages.delete(session(2));
    pages.flush(at(9), always, () => false);
    expect(store.rows.size).toBe(0);
  });

  test("tells once which sessions a flush saved", () => {
    const pages = new ProgressPages(new MemoryProgressStore());
    pages.set(session(3), progress(1));
    pages.set(session(4), progress(1));
    pages.delete(session(4));
    expect([...pages.takeCommitted()]).toEqual([]);
    pages.flush(at(1), always);
    expect([...pages.takeCommitted()]).toEqual([3]);
    expect([...pages.takeCommitted()]).toEqual([]);
  });
});

describe("the base of a page", () => {
  test("rises so that sessions which are through need no entry", () => {
    const store = new MemoryProgressStore();
    const pages = new ProgressPages(store);
    for (let number = 1; number <= 100; number += 1) pages.set(session(number), progress(number));
    touch(pages, 100, progress(100));
    pages.flush(at(500), nothingAfter, (number) => number >= 1 && number <= 100);
    const page = unpackPage(0, store.rows.get(0) as Uint8Array);
    expect(page.entries.size).toBe(0);
    expect(page.base).toBe(500);
    expect(pages.get(session(7))).toEqual(progress(500));
    expect(new ProgressPages(store).get(session(7))).toEqual(progress(500));
  });

  test("never makes a session without an entry count as having acknowledged what it has not", () => {
    const store = new MemoryProgressStore();
    const pages = new ProgressPages(store);
    for (let number = 1; number <= 100; number += 1) pages.set(session(number), progress(50));
    touch(pages, 1, progress(50));
    // 101 and 102 have no entry; 101 has messages that it has not acknowledged.
    const waits = (number: SessionNumber, after: Position): boolean => number === 101 && after < 40;
    pages.flush(at(60), waits, (number) => number <= 102);
    const again = new ProgressPages(store);
    expect(again.get(session(101))).toEqual(progress(0));
    expect(again.get(session(102))).toEqual(progress(60));
    expect(again.get(session(1))).toEqual(progress(60));
  });

  test("leaves entries alone that say more than a position, or wait for something", () => {
    const store = new MemoryProgressStore();
    const pages = new ProgressPages(store);
    const special = new Map([
      [1, progress(9, { open: true })],
      [2, progress(9, { released: [at(11)], sentTo: at(11) })],
      [3, progress(9, { inbound: [4 as PacketId] })],
      [4, progress(9, { acknowledged: [[at(12), at(12)]], sentTo: at(12) })],
      [5, progress(9, { explicitIds: [[3 as PacketId, at(12)]], sentTo: at(12) })],
      [6, progress(9)],
    ]);
    for (const [number, value] of special) pages.set(session(number), value);
    touch(pages, 7, progress(9));
    pages.set(session(8), progress(8));
    pages.flush(
      at(20),
      (number) => number === 6,
      (number) => number <= 8,
    );
    const again = new ProgressPages(store);
    for (const [number, value] of special) expect(again.get(session(number))).toEqual(value);
    expect(again.get(session(7)).acknowledgedTo).toBe(20);
  });

  test("stays while not all sessions are known", () => {
    const store = new MemoryProgressStore();
    const pages = new ProgressPages(store);
    touch(pages, 1, progress(9));
    pages.flush(at(20), nothingAfter);
    expect(unpackPage(0, store.rows.get(0) as Uint8Array)).toEqual({ base: 0, entries: new Map([[1, progress(9)]]) });
  });
});
