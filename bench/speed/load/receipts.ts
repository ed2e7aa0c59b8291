// What one subscriber got, publisher by publisher: nothing may be lost, doubled or out of order.

/** The publishers whose messages a subscriber is to get: from the first, before the second. */
export type Wanted = readonly [from: number, to: number];

export interface Tally {
  readonly lost: number;
  readonly doubled: number;
  readonly reordered: number;
  /** Of another publisher or run than was subscribed to. */
  readonly strays: number;
  /** Sent again at QoS 1 with DUP: allowed. */
  readonly repeated: number;
}

export const noFaults: Tally = { lost: 0, doubled: 0, reordered: 0, strays: 0, repeated: 0 };

export class Receipts {
  readonly #wanted: Wanted;
  readonly #next: Uint32Array;
  /** Passed over so far; only where something went wrong. */
  readonly #missing = new Set<string>();
  #doubled = 0;
  #reordered = 0;
  #strays = 0;
  #repeated = 0;

  constructor(wanted: Wanted) {
    this.#wanted = wanted;
    this.#next = new Uint32Array(wanted[1] - wanted[0]);
  }

  /** Whether it is a message that this subscriber had not got yet. */
  take(publisher: number, sequence: number, mayRepeat: boolean): boolean {
    const index = publisher - this.#wanted[0];
    const next = this.#next[index];
    if (next === undefined) {
      this.#strays += 1;
      return false;
    }
    if (sequence === next) {
      this.#next[index] = next + 1;
      return true;
    }
    return this.#takeOutOfTurn(index, sequence, next, mayRepeat);
  }

  onStray(): void {
    this.#strays += 1;
  }

  /** With so many messages sent by each publisher. */
  tally(sent: (publisher: number) => number): Tally {
    let lost = this.#missing.size;
    for (const [index, next] of this.#next.entries()) lost += Math.max(0, sent(this.#wanted[0] + index) - next);
    return {
      lost,
      doubled: this.#doubled,
      reordered: this.#reordered,
      strays: this.#strays,
      repeated: this.#repeated,
    };
  }

  #takeOutOfTurn(index: number, sequence: number, next: number, mayRepeat: boolean): boolean {
    if (sequence > next) {
      for (let missed = next; missed < sequence; missed += 1) this.#missing.add(`${index} ${missed}`);
      this.#next[index] = sequence + 1;
      return true;
    }
    if (this.#missing.delete(`${index} ${sequence}`)) {
      this.#reordered += 1;
      return true;
    }
    if (mayRepeat) this.#repeated += 1;
    else this.#doubled += 1;
    return false;
  }
}

export function sumOf(tallies: readonly Tally[]): Tally {
  return tallies.reduce(
    (sum, { lost, doubled, reordered, strays, repeated }) => ({
      lost: sum.lost + lost,
      doubled: sum.doubled + doubled,
      reordered: sum.reordered + reordered,
      strays: sum.strays + strays,
      repeated: sum.repeated + repeated,
    }),
    noFaults,
  );
}

/** In words, or nothing where all is well. */
export function faultsOf(tally: Tally): string[] {
  const counts: [number, string][] = [
    [tally.lost, "lost"],
    [tally.doubled, "doubled"],
    [tally.reordered, "out of order"],
    [tally.strays, "that nobody asked for"],
  ];
  return counts.filter(([count]) => count > 0).map(([count, says]) => `${count} messages ${says}`);
}
