// Of a shared group's queue: what waits for somebody who has no free slot now, while those who have one may not receive
// it. It does not hold up what comes behind it. Each candidate is tried once for each of them, however often it is free.

import type { Position } from "./brand.ts";

export class SharedWaiting {
  /** Position → a number that rises with each that is set aside. */
  readonly #numbers = new Map<Position, number>();
  #last = 0;
  /** Candidate → it may receive none of those numbered up to this. */
  #triedTo = new WeakMap<object, number>();

  get size(): number {
    return this.#numbers.size;
  }

  has(position: Position): boolean {
    return this.#numbers.has(position);
  }

  /** `tried`: those that may not receive it. They were tried for all others before. */
  add(position: Position, tried: readonly object[]): void {
    this.#last += 1;
    this.#numbers.set(position, this.#last);
    this.onTried(tried, this.#last);
  }

  delete(position: Position): boolean {
    return this.#numbers.delete(position);
  }

  get positions(): IterableIterator<Position> {
    return this.#numbers.keys();
  }

  get oldest(): Position | undefined {
    let oldest: Position | undefined;
    for (const position of this.#numbers.keys()) if (oldest === undefined || position < oldest) oldest = position;
    return oldest;
  }

  /** What one of these was not tried for yet, with its number. */
  *untriedBy(candidates: readonly object[]): Generator<[Position, number]> {
    let triedTo = this.#last;
    for (const candidate of candidates) triedTo = Math.min(triedTo, this.#triedTo.get(candidate) ?? 0);
    if (triedTo === this.#last) return;
    for (const entry of this.#numbers) if (entry[1] > triedTo) yield entry;
  }

  onTried(candidates: readonly object[], upTo = this.#last): void {
    for (const candidate of candidates) {
      this.#triedTo.set(candidate, Math.max(upTo, this.#triedTo.get(candidate) ?? 0));
    }
  }

  /** Everything is to be tried again: gives it back, oldest first. */
  takeAll(): Position[] {
    const all = [...this.#numbers.keys()].sort((a, b) => a - b);
    this.#numbers.clear();
    this.#triedTo = new WeakMap();
    return all;
  }
}
