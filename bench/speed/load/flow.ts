// How far the subscribers are: counts deliveries, and lets a publisher be only so many messages ahead of the slowest of
// its subscribers, so that no broker has to drop or to queue without bound.

export interface Paced {
  /** Sends as much as it may. */
  pump(): void;
}

export interface FlowOptions {
  readonly publishers: number;
  /** Subscribers of each publisher. */
  readonly receiversEach: number;
  /** Messages that a publisher may be ahead. */
  readonly ahead: number;
}

export class Flow {
  readonly ahead: number;
  readonly #receiversEach: number;
  /** For each message that is on its way, by publisher and number: how many subscribers have it. */
  readonly #slots: Uint16Array;
  readonly #completed: Uint32Array;
  readonly #pumps: Paced[] = [];
  readonly #isReady: Uint8Array;
  readonly #ready: number[] = [];
  delivered = 0;

  constructor({ publishers, receiversEach, ahead }: FlowOptions) {
    this.ahead = ahead;
    this.#receiversEach = receiversEach;
    this.#slots = new Uint16Array(publishers * ahead);
    this.#completed = new Uint32Array(publishers);
    this.#isReady = new Uint8Array(publishers);
  }

  /** In the order of their numbers. */
  add(publisher: Paced): void {
    this.#pumps.push(publisher);
  }

  /** Messages of this publisher that all its subscribers have. */
  completedBy(publisher: number): number {
    return this.#completed[publisher] ?? 0;
  }

  onDelivered(publisher: number, sequence: number): void {
    this.delivered += 1;
    const slot = publisher * this.ahead + (sequence % this.ahead);
    const receivers = (this.#slots[slot] ?? 0) + 1;
    if (receivers < this.#receiversEach) {
      this.#slots[slot] = receivers;
      return;
    }
    this.#slots[slot] = 0;
    this.#completed[publisher] = (this.#completed[publisher] ?? 0) + 1;
    if (this.#isReady[publisher] === 1) return;
    this.#isReady[publisher] = 1;
    this.#ready.push(publisher);
  }

  /** Behind each piece of input: those that may send on do so, each in one write. */
  pumpReady(): void {
    for (let publisher = this.#ready.pop(); publisher !== undefined; publisher = this.#ready.pop()) {
      this.#isReady[publisher] = 0;
      this.#pumps[publisher]?.pump();
    }
  }
}
