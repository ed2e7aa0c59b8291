// What the last line of an export says: without its end an export is torn.

const lineFeed = 0x0a;
/** An end is far shorter. */
const keptBytes = 1024;

export class LastLine {
  #tail: Uint8Array = new Uint8Array(0);

  see(chunk: Uint8Array): void {
    const joined = new Uint8Array(this.#tail.length + chunk.length);
    joined.set(this.#tail);
    joined.set(chunk, this.#tail.length);
    this.#tail = joined.slice(-keptBytes);
  }

  /** How many records the end counts; `undefined` where there is no end. */
  get records(): number | undefined {
    const text = new TextDecoder().decode(this.#tail);
    if (this.#tail.at(-1) !== lineFeed) return undefined;
    try {
      const end = JSON.parse(text.trimEnd().split("\n").at(-1) ?? "") as { type?: unknown; records?: unknown };
      return end.type === "end" && typeof end.records === "number" ? end.records : undefined;
    } catch {
      return undefined;
    }
  }
}
