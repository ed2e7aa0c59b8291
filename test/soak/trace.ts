// The last things that happened in a world, for whoever wants to know why it failed.

const mostLines = 60_000;

export class Trace {
  #lines: string[] = [];
  readonly #startedMs = performance.now();

  /** So many lines in all. */
  noted = 0;

  note(line: string): void {
    this.noted += 1;
    this.#lines.push(`${(performance.now() - this.#startedMs).toFixed(1)} ${line}`);
    if (this.#lines.length > 2 * mostLines) this.#lines = this.#lines.slice(mostLines);
  }

  get lines(): readonly string[] {
    return this.#lines;
  }
}
