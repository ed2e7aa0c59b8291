// Idle durable sessions while others pass millions: docs/pressure.md has the figures. Through a real broker fewer pass, for
// the client takes most of the time; the millions go through the core itself, over SQLite.

import { describe, expect, test } from "vitest";
import { passMillions } from "./support/idle-session.ts";
import { passThroughBroker } from "./support/idle-session-process.ts";

const KiB = 1024;
/** A message that waits for an idle session is 140 bytes packed; until the log was tidied it has a row to itself. */
const perIdleMessage = { rows: 1, bytes: KiB };
/** Chunks that are young, or too few to be worth a write, stay as they are. */
const untidied = { rows: 40, bytes: 512 * KiB };
/** About one row per flush. */
const rowsReadPerMessage = 0.05;

interface Held {
  readonly chunkRows: number;
  readonly logBytes: number;
  readonly rowsReadPerMessage: number;
}

function expectBounded(samples: readonly Held[], idleMessages: number): void {
  for (const held of samples) {
    expect(held.chunkRows).toBeLessThan(untidied.rows + idleMessages * perIdleMessage.rows);
    expect(held.logBytes).toBeLessThan(untidied.bytes + idleMessages * perIdleMessage.bytes);
    expect(held.rowsReadPerMessage).toBeLessThan(rowsReadPerMessage);
  }
  expect(samples.at(-1)?.chunkRows).toBeLessThan(untidied.rows);
}

describe("an idle durable session pins nothing while others pass", () => {
  test.each([20, 500])("3,000,000 messages through the core, %i of its own among them", (idleMessages) => {
    const { samples, ...outcome } = passMillions({ messages: 3_000_000, readers: 2, idleMessages, samples: 10 });
    console.table(samples);
    expect(outcome.idleGot).toEqual(outcome.idleExpected);
    expect([outcome.idleGot.length, outcome.emptyGot]).toEqual([idleMessages, []]);
    expect(outcome.delivered).toBe(2 * 3_000_000);
    expectBounded(samples, idleMessages);
  });

  test("500,000 messages through a broker, 100 of its own among them", async () => {
    const { samples, ...outcome } = await passThroughBroker({ messages: 500_000, idleMessages: 100, samples: 10 });
    console.table(samples);
    console.log(`${Math.round(outcome.messagesPerSec)} messages a second`);
    expect(outcome.idleGot).toEqual(outcome.idleExpected);
    expect(outcome.emptyGot).toEqual([]);
    expect(outcome.delivered).toBe(2 * 64 * Math.ceil(500_000 / 64));
    expectBounded(samples, 100);
    const [first, last] = [samples[1], samples.at(-1)];
    expect(last?.storedMiB).toBeLessThan(2 * (first?.storedMiB ?? 0));
    expect(last?.residentMiB).toBeLessThan(2 * (first?.residentMiB ?? 0));
  });
});
