// A deadline for polling. A machine that stands still (a paused virtual one, for half a minute) is not the broker's fault: a
// step between two polls counts for no more than it should take.

const longestStepMs = 1_000;

export class Patience {
  #leftMs: number;
  #askedAtMs = performance.now();

  constructor(ms: number) {
    this.#leftMs = ms;
  }

  /** To be asked with each poll. */
  get isOver(): boolean {
    const nowMs = performance.now();
    this.#leftMs -= Math.min(nowMs - this.#askedAtMs, longestStepMs);
    this.#askedAtMs = nowMs;
    return this.#leftMs < 0;
  }
}
