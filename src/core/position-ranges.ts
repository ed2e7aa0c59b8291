// Positions of the log as ranges. Positions of others inside a range do not matter: so a long run of messages that a
// session needs no more is one pair of numbers, whatever else the log has in between.

import type { Position } from "./brand.ts";

/** Both ends belong to it. */
export type PositionRange = readonly [from: Position, to: Position];

export class PositionRanges {
  /** Sorted; no two touch. */
  #ranges: PositionRange[] = [];

  /** `ranges`: in any order. */
  constructor(ranges: Iterable<PositionRange> = []) {
    for (const [from, to] of ranges) this.addRange(from, to);
  }

  /** How many ranges there are. */
  get count(): number {
    return this.#ranges.length;
  }

  /** Sorted, none touches another. Stays as it is when ranges are added. */
  get entries(): readonly PositionRange[] {
    return [...this.#ranges];
  }

  add(position: Position): void {
    this.addRange(position, position);
  }

  /** Both ends included. False where all of it was there already. */
  addRange(from: Position, to: Position): boolean {
    if (to < from) return false;
    const first = this.#indexReaching(from - 1);
    const before = this.#ranges[first];
    if (before !== undefined && before[0] <= from && to <= before[1]) return false;
    let end = first;
    let merged: PositionRange = [from, to];
    for (let next = before; next !== undefined && next[0] <= to + 1; next = this.#ranges[end]) {
      merged = [Math.min(merged[0], next[0]) as Position, Math.max(merged[1], next[1]) as Position];
      end += 1;
    }
    this.#ranges.splice(first, end - first, merged);
    return true;
  }

  has(position: number): boolean {
    return this.endOf(position) !== undefined;
  }

  /** The last position of the range that holds `position`; `undefined` where none does. */
  endOf(position: number): Position | undefined {
    const range = this.#ranges[this.#indexReaching(position)];
    return range !== undefined && range[0] <= position ? range[1] : undefined;
  }

  /** True where at least one of these positions, both ends included, is in a range. */
  touches(from: number, to: number): boolean {
    const range = this.#ranges[this.#indexReaching(from)];
    return range !== undefined && range[0] <= to;
  }

  dropUpTo(position: Position): void {
    const first = this.#ranges[0];
    if (first === undefined || first[0] > position) return;
    this.#ranges.splice(0, this.#indexReaching(position + 1));
    const cut = this.#ranges[0];
    if (cut !== undefined && cut[0] <= position) this.#ranges[0] = [(position + 1) as Position, cut[1]];
  }

  /**
   * Joins neighbours that begin up to `to` and have none of the positions `apart` (sorted) between them: for where it is
   * known that nothing else lies there that is still needed.
   */
  joinUpTo(to: Position, apart: Iterable<Position>): void {
    const kept = apart[Symbol.iterator]();
    let wall = kept.next();
    const joined: PositionRange[] = [];
    for (const range of this.#ranges) {
      const last = joined.at(-1);
      const end = last?.[1] ?? 0;
      for (; wall.done !== true && wall.value <= end; wall = kept.next());
      const isWalled = wall.done !== true && wall.value < range[0];
      if (last === undefined || isWalled || range[0] > to) joined.push(range);
      else joined[joined.length - 1] = [last[0], range[1]];
    }
    this.#ranges = joined;
  }

  /** Index of the first range that does not end before `position`. */
  #indexReaching(position: number): number {
    let low = 0;
    let high = this.#ranges.length;
    if ((this.#ranges[high - 1]?.[1] ?? Infinity) < position) return high; // positions mostly come in order
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ranges[middle] as PositionRange)[1] >= position) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** The same question of ranges as they are stored. */
export const isInRanges = (ranges: readonly PositionRange[], position: Position): boolean =>
  ranges.some(([from, to]) => from <= position && position <= to);
