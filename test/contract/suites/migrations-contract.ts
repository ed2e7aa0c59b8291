import { describe, expect, test } from "vitest";
import { migrate, newestSchema, schemaKey } from "../../../src/storage/migrations.ts";
import { SqlMetaStore } from "../../../src/storage/meta-store.ts";
import type { Sql } from "../../../src/storage/sql.ts";
import { openStoresOver } from "../../../src/storage/stores.ts";
import type { WithSql } from "./port.ts";

const tables = [
  "chunk",
  "idempotency",
  "link_taken",
  "meta",
  "outbox",
  "overflow",
  "page",
  "replay",
  "retained",
  "route",
  "route_floor",
  "session",
  "shared_group",
  "subscription",
  "will",
];

const tablesOf = (sql: Sql): unknown[] =>
  sql
    .all<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    .map((row) => row.name)
    .filter((name) => !name.startsWith("_cf_") && !name.startsWith("sqlite_"));

export function migrationsContract(withSql: WithSql): void {
  describe("migrations", () => {
    test("make every table of an empty database, once", () =>
      withSql((sql) => {
        migrate(sql);
        expect(tablesOf(sql)).toEqual(tables);
        const written = sql.rowsWritten;
        migrate(sql);
        expect(sql.rowsWritten).toBe(written);
        expect(new SqlMetaStore(sql).getNumber(schemaKey)).toBe(newestSchema);
      }));

    test("refuse data of a newer version, name both numbers and leave it as it was", () =>
      withSql((sql) => {
        const { meta } = openStoresOver(sql);
        meta.putNumber(schemaKey, newestSchema + 5);
        expect(() => openStoresOver(sql)).toThrow(
          `the data has schema ${newestSchema + 5}, this version of the broker knows schemas up to ${newestSchema}`,
        );
        expect(meta.getNumber(schemaKey)).toBe(newestSchema + 5);
      }));

    test("no table has a second index: a row of the bill per row of ours", () =>
      withSql((sql) => {
        migrate(sql);
        const indexes = sql
          .all<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'index'")
          .filter(({ name }) => !name.includes("_cf_"));
        expect(indexes.filter(({ name }) => !name.startsWith("sqlite_autoindex"))).toEqual([]);
      }));
  });
}
