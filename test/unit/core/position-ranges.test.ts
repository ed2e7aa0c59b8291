import { describe, expect, test } from "vitest";
import type { Position } from "../../../src/core/brand.ts";
import { isInRanges, PositionRanges } from "../../../src/core/position-ranges.ts";
import { randomOf } from "../../support/random.ts";

const at = (position: number): Position => position as Position;
const ranges = (...pairs: [number, number][]): PositionRanges =>
  new PositionRanges(pairs.map(([from, to]) => [at(from), at(to)] as const));

describe("ranges of positions", () => {
  test("that touch or overlap become one", () => {
    const some = ranges([5, 6], [1, 2], [10, 12]);
    some.add(at(3));
    expect(some.entries).toEqual([
      [1, 3],
      [5, 6],
      [10, 12],
    ]);
    some.addRange(at(4), at(11));
    expect(some.entries).toEqual([[1, 12]]);
  });

  test("say whether anything was new", () => {
    const some = ranges([1, 5]);
    expect(some.addRange(at(2), at(5))).toBe(false);
    expect(some.addRange(at(2), at(6))).toBe(true);
    expect(some.addRange(at(9), at(8))).toBe(false);
  });

  test("are cut where they are dropped", () => {
    const some = ranges([1, 3], [5, 9], [12, 12]);
    some.dropUpTo(at(6));
    expect(some.entries).toEqual([
      [7, 9],
      [12, 12],
    ]);
    some.dropUpTo(at(12));
    expect(some.count).toBe(0);
  });

  test("are joined where nothing is between them that must stay apart", () => {
    const some = ranges([1, 1], [3, 3], [6, 6], [8, 8], [20, 20]);
    some.joinUpTo(at(10), [at(4), at(15)]);
    expect(some.entries).toEqual([
      [1, 3],
      [6, 8],
      [20, 20],
    ]);
  });

  test("as they are stored answer the same question", () => {
    const { entries } = ranges([2, 4]);
    expect([1, 2, 4, 5].map((position) => isInRanges(entries, at(position)))).toEqual([false, true, true, false]);
  });

  test.each([1, 2, 3, 4, 5])("seed %i: hold the same as a plain set", (seed) => {
    const random = randomOf(seed);
    const some = new PositionRanges();
    const plain = new Set<number>();
    const all = Array.from({ length: 210 }, (_, position) => position);
    for (let step = 0; step < 300; step += 1) {
      const from = 1 + random(200);
      if (random(20) === 0) {
        some.dropUpTo(at(from));
        for (const position of plain) if (position <= from) plain.delete(position);
      } else {
        const to = from + random(6);
        some.addRange(at(from), at(to));
        for (let position = from; position <= to; position += 1) plain.add(position);
      }
      expect(all.filter((position) => some.has(position))).toEqual(all.filter((position) => plain.has(position)));
      expect(some.touches(50, 60)).toBe([...plain].some((position) => position >= 50 && position <= 60));
      const isApart = some.entries.every(([start], index) => start > (some.entries[index - 1]?.[1] ?? -1) + 1);
      expect(isApart).toBe(true);
    }
  });
});
