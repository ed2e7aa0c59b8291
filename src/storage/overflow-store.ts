// What a socket's attachment of 16 KB has no room for, by connection.

import type { RowStore } from "../core/pending-rows.ts";
import type { Sql } from "./sql.ts";

export class SqlOverflowStore implements RowStore<number, Uint8Array> {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** Keys of all rows: after a crash those without a socket can go. */
  keys(): number[] {
    return this.#sql.all<{ connection: number }>("SELECT connection FROM overflow").map((row) => row.connection);
  }

  get(connection: number): Uint8Array | undefined {
    return this.#sql.all<{ data: Uint8Array }>("SELECT data FROM overflow WHERE connection = ?", connection)[0]?.data;
  }

  put(connection: number, data: Uint8Array): void {
    this.#sql.run(
      `INSERT INTO overflow (connection, data) VALUES (?, ?)
         ON CONFLICT (connection) DO UPDATE SET data = excluded.data`,
      connection,
      data,
    );
  }

  delete(connection: number): void {
    this.#sql.run("DELETE FROM overflow WHERE connection = ?", connection);
  }
}
