// The log and the progress pages over real rows: what a restart finds, and what it costs.

import { describe, expect, test } from "vitest";
import type { TopicName } from "../../../src/core/brand.ts";
import { MessageLog, type Recipient } from "../../../src/core/message-log.ts";
import { ProgressPages } from "../../../src/core/progress.ts";
import type { Sql } from "../../../src/storage/sql.ts";
import { openStoresOver } from "../../../src/storage/stores.ts";
import type { WithSql } from "./port.ts";
import { everyProperty, position, sessionNumber } from "./samples.ts";

const options = { maximumLogBytes: 2 ** 30 };

const message = (text: string) => ({
  topicName: "a/b" as TopicName,
  payload: new TextEncoder().encode(text),
  qos: 1 as const,
  retain: false,
  properties: everyProperty,
  expiresAtMs: 1_790_000_000_000,
});

const audience: Recipient[] = Array.from({ length: 100 }, (_, index) => ({
  session: sessionNumber(index + 1),
  qos: index % 2 === 0 ? 1 : 2,
  retain: false,
}));

const openLog = (sql: Sql): MessageLog => new MessageLog(openStoresOver(sql).log, options);

export function logOnStorageContract(withSql: WithSql): void {
  describe("the log on storage", () => {
    test("a restart finds the messages of the last commit, their audience and the end", () =>
      withSql((sql) => {
        const log = openLog(sql);
        for (let n = 0; n < 300; n += 1) log.append(message(`${n}`), audience);
        sql.transaction(() => log.flush());
        log.append(message("lost"), audience);
        const again = openLog(sql);
        expect(again.end).toBe(300);
        expect(again.next(sessionNumber(2), position(299))).toMatchObject({
          position: 300,
          qos: 2,
          message: message("299"),
        });
        expect(again.countAfter(sessionNumber(100), position(0)).count).toBe(300);
      }));

    test("bursts of 50 to 100 sessions that acknowledge cost under 60 rows per 1,000 messages", () =>
      withSql((sql) => {
        const stores = openStoresOver(sql);
        const log = new MessageLog(stores.log, options);
        const pages = new ProgressPages(stores.progress);
        log.recover((session) => pages.get(session).acknowledgedTo);
        const before = sql.rowsWritten;
        for (let burst = 0; burst < 20; burst += 1) {
          for (let n = 0; n < 50; n += 1) log.append(message(`${n}`), audience);
          sql.transaction(() => log.flush());
          for (const { session } of audience) log.release(session, position(burst * 50), log.end);
        }
        for (const { session } of audience) {
          pages.set(session, { ...pages.get(session), acknowledgedTo: log.end, sentTo: log.end });
        }
        sql.transaction(() => {
          pages.flush(log.end, (session, after) => log.next(session, after) !== undefined);
          log.flush();
        });
        expect(sql.rowsWritten - before).toBeLessThan(60);
        expect(log.bytes).toBe(0);
      }));
  });
}
