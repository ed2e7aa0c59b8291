// Lines of a body, as it streams in.

import { fail, ok, type Result } from "../core/brand.ts";

const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/**
 * - `too-long`: a line has more bytes than it may.
 * - `broken-off`: the sender went away.
 */
export type LineFault = "too-long" | "broken-off";

/**
 * Without their line ends; an empty one is given too, but not one behind the last line end. A fault is the last that is
 * given. What is not read in time holds up the sender.
 */
export async function* linesOf(
  body: ReadableStream<Uint8Array>,
  maximumBytes: number,
): AsyncGenerator<Result<Uint8Array, LineFault>> {
  const reader: ReadableStreamDefaultReader<Uint8Array> = body.getReader();
  const begun = new Parts();
  try {
    for (;;) {
      const read = await reader.read().catch(() => undefined);
      if (read === undefined) return void (yield fail("broken-off"));
      const { done, value } = read;
      if (done) break;
      let from = 0;
      for (let end = value.indexOf(lineFeed); end !== -1; end = value.indexOf(lineFeed, from)) {
        begun.push(value.subarray(from, end));
        from = end + 1;
        if (begun.length > maximumBytes) return void (yield fail("too-long"));
        yield ok(begun.take());
      }
      begun.push(value.subarray(from));
      if (begun.length > maximumBytes) return void (yield fail("too-long"));
    }
    if (begun.length > 0) yield ok(begun.take());
  } finally {
    // What is still under way is not waited for.
    void reader.cancel().catch(() => undefined);
  }
}

/** The beginning of a line whose end has not come. */
class Parts {
  #parts: Uint8Array[] = [];
  length = 0;

  push(part: Uint8Array): void {
    if (part.length === 0) return;
    this.#parts.push(part);
    this.length += part.length;
  }

  take(): Uint8Array {
    const whole = new Uint8Array(this.length);
    let at = 0;
    for (const part of this.#parts) {
      whole.set(part, at);
      at += part.length;
    }
    this.#parts = [];
    this.length = 0;
    return whole.at(-1) === carriageReturn ? whole.subarray(0, -1) : whole;
  }
}
