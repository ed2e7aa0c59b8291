// The log of what one client can bring about any number of times a second: a slow reader of a busy topic that loses its
// messages, a publisher that is refused each of them. The first is told at once, those of the same client for the same
// reason within the next second together.

import type { LogRecord } from "../core/effect.ts";

const togetherMs = 1_000;

interface Held {
  record: LogRecord;
  count: number;
}

export class RepeatedLog {
  readonly #write: (record: LogRecord) => void;
  /** By event, client and reason, for as long as the second lasts; without another since the first one `count` is 0. */
  readonly #held = new Map<string, Held>();
  #isArmed = false;

  constructor(write: (record: LogRecord) => void) {
    this.#write = write;
  }

  add(record: LogRecord): void {
    const key = JSON.stringify([record.event, record.reason, record.clientId]);
    const held = this.#held.get(key);
    if (held !== undefined) {
      held.record = record;
      held.count += record.count ?? 1;
      return;
    }
    this.#write(record);
    this.#held.set(key, { record, count: 0 });
    if (!this.#isArmed) setTimeout(() => this.#tell(), togetherMs);
    this.#isArmed = true;
  }

  #tell(): void {
    this.#isArmed = false;
    const held = [...this.#held.values()];
    this.#held.clear();
    for (const { record, count } of held) if (count > 0) this.#write(together(record, count));
  }
}

/** Their topics differ; the last one's is an example. */
const together = (record: LogRecord, count: number): LogRecord => (count === 1 ? record : { ...record, count });
