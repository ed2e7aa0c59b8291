// A database that an older version wrote is read by this one: deferred deploys leave both alive, and data outlives
// code. Each schema has a dump in `fixtures/`.

import { describe, expect, test } from "vitest";
import { MessageLog } from "../../../src/core/message-log.ts";
import { ProgressPages } from "../../../src/core/progress.ts";
import { newestSchema, schemaKey } from "../../../src/storage/migrations.ts";
import { openStoresOver, type OpenStores } from "../../../src/storage/stores.ts";
import type { WithSql } from "./port.ts";
import {
  fullKey,
  fullReplay,
  fullRetained,
  fullSession,
  fullSubscription,
  fullWill,
  leastKey,
  leastReplay,
  leastRetained,
  leastSession,
  leastSubscription,
  leastWill,
  position,
  sessionNumber,
} from "./samples.ts";
import {
  fullMessage,
  fullProgress,
  groupFilter,
  groupNumber,
  leastMessage,
  overflowBytes,
  overflowKey,
} from "./write-samples.ts";

const options = { maximumLogBytes: 2 ** 30 };
function expectSamples(stores: OpenStores): void {
  expect(stores.sessions.session(fullSession.clientId)).toStrictEqual(fullSession);
  expect(stores.sessions.session(leastSession.clientId)).toStrictEqual(leastSession);
  expect(stores.sessions.subscriptions(fullSession.number)).toStrictEqual([fullSubscription, leastSubscription]);
  expect(stores.retained.nextAtOrAfter("", 9)).toStrictEqual([leastRetained, fullRetained]);
  expect(stores.wills.all()).toStrictEqual([leastWill, fullWill]);
  expect(stores.replays.all()).toStrictEqual([leastReplay, fullReplay].map((job) => [fullSession.number, job]));
  expect(stores.overflow.get(overflowKey)).toEqual(overflowBytes);
  for (const row of [fullKey, leastKey]) expect(stores.idempotency.get(row.key)).toStrictEqual(row);
  expect(stores.links.routes()).toStrictEqual([{ filter: "#", shard: 2, registration: 9 }]);
  expect(stores.links.floors()).toEqual([[2, 8]]);
  expect(stores.links.durableTaken(2)).toBe(7);
  expect(stores.links.outbox(1).readAfter(0)).toEqual({ number: 6, bytes: overflowBytes });
  expect(stores.groups.all()).toEqual([[groupFilter, groupNumber]]);
  expect(stores.meta.getNumber("next_session_number")).toBe(256);
  expectLog(new MessageLog(stores.log, options));
  const pages = new ProgressPages(stores.progress);
  expect(pages.get(fullSession.number)).toStrictEqual(fullProgress);
  expect(pages.get(leastSession.number).acknowledgedTo).toBe(0);
}

function expectLog(log: MessageLog): void {
  expect(log.end).toBe(2);
  expect(log.next(fullSession.number, position(0))).toMatchObject({
    position: 1,
    message: fullMessage,
    qos: 2,
    retain: true,
    subscriptionIdentifiers: [1, 268_435_455],
  });
  expect(log.next(leastSession.number, position(0))).toMatchObject({ position: 1, qos: 1, retain: false });
  expect(log.next(sessionNumber(2 ** 33), position(0))).toMatchObject({ position: 2, message: leastMessage });
}

/** `dump`: the file of one schema, a statement a line. */
export function fixtureContract(withSql: WithSql, schema: number, dump: string): void {
  describe(`a database of schema ${schema}`, () => {
    test("opens, is brought to the newest schema, and every row is read", () =>
      withSql((sql) => {
        for (const statement of dump.split("\n")) if (statement !== "") sql.run(statement);
        const stores = openStoresOver(sql);
        expect(stores.meta.getNumber(schemaKey)).toBe(newestSchema);
        expectSamples(stores);
      }));
  });
}
