// What every adapter of the Sql port promises.

import { describe, expect, test } from "vitest";
import type { WithSql } from "./port.ts";

export function sqlContract(withSql: WithSql): void {
  describe("the Sql port", () => {
    test("gives back text, numbers, null and bytes as they went in; bytes are Uint8Array", () =>
      withSql((sql) => {
        sql.run("CREATE TABLE t (id INTEGER PRIMARY KEY, a, b, c, d BLOB)");
        const large = 1_800_000_000_000 * 1024;
        sql.run("INSERT INTO t VALUES (?, ?, ?, ?, ?)", large, "ü\u{1f600}", 0.5, null, Uint8Array.of(0, 255));
        const [row] = sql.all("SELECT * FROM t");
        expect(row).toEqual({ id: large, a: "ü\u{1f600}", b: 0.5, c: null, d: Uint8Array.of(0, 255) });
        expect(row?.["d"]).toBeInstanceOf(Uint8Array);
      }));

    test("takes a view of a larger buffer as its own bytes alone, and empty bytes", () =>
      withSql((sql) => {
        sql.run("CREATE TABLE t (id INTEGER PRIMARY KEY, d BLOB)");
        sql.run("INSERT INTO t VALUES (1, ?)", Uint8Array.of(1, 2, 3, 4).subarray(1, 3));
        sql.run("INSERT INTO t VALUES (2, ?)", new Uint8Array(0));
        expect(sql.all("SELECT d FROM t ORDER BY id")).toEqual([{ d: Uint8Array.of(2, 3) }, { d: new Uint8Array(0) }]);
      }));

    test("a transaction that throws leaves nothing, and passes the fault on", () =>
      withSql((sql) => {
        sql.run("CREATE TABLE t (id INTEGER PRIMARY KEY)");
        const fault = new Error("stop");
        expect(() =>
          sql.transaction(() => {
            sql.run("INSERT INTO t VALUES (1)");
            throw fault;
          }),
        ).toThrow(fault);
        expect(sql.transaction(() => sql.all("SELECT * FROM t"))).toEqual([]);
      }));

    test("counts the rows that it writes: one per upsert and per delete", () =>
      withSql((sql) => {
        sql.run("CREATE TABLE t (id INTEGER PRIMARY KEY, d)");
        const upsert = "INSERT INTO t (id, d) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET d = excluded.d";
        const before = sql.rowsWritten;
        sql.run(upsert, 1, "a");
        sql.run(upsert, 1, "b");
        sql.run("DELETE FROM t WHERE id = ?", 1);
        expect(sql.rowsWritten - before).toBe(3);
      }));
  });
}
