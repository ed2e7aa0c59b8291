// Durable sessions that are away while others pass many messages; with millions in test/large/idle-session.large.ts.

import { expect, test } from "vitest";
import { passMillions } from "../../large/support/idle-session.ts";

const KiB = 1024;
const plan = { messages: 40_000, readers: 1, idleMessages: 60, samples: 8 };
/** Young chunks, and one for each message of the idle session until they are merged. */
const mostRows = 80;
const mostRowsInTheEnd = 30;
const mostBytes = 256 * KiB;

test("an idle durable session pins little more than its own messages, and gets them in their order", () => {
  const { samples, idleGot, idleExpected, emptyGot, delivered } = passMillions(plan);
  expect(idleGot).toEqual(idleExpected);
  expect([idleGot.length, emptyGot, delivered]).toEqual([plan.idleMessages, [], plan.messages]);
  for (const { chunkRows, logBytes, rowsReadPerMessage } of samples) {
    expect(chunkRows).toBeLessThan(mostRows);
    expect(logBytes).toBeLessThan(mostBytes);
    expect(rowsReadPerMessage).toBeLessThan(0.05);
  }
  expect(samples.at(-1)?.chunkRows).toBeLessThan(mostRowsInTheEnd);
  expect(samples.at(-1)?.databaseBytes).toBeLessThan(4 * mostBytes);
});
