// Rows of the message log: chunks.

import type { Position } from "../core/brand.ts";
import type { ChunkRow, MessageLogStore } from "../core/message-log.ts";
import type { Sql } from "./sql.ts";

export class SqlMessageLogStore implements MessageLogStore {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  directory(): ChunkRow[] {
    return this.#sql.all<{ first: Position; last: Position; sessions: Uint8Array }>(
      "SELECT first, last, sessions FROM chunk ORDER BY first",
    );
  }

  data(first: Position): Uint8Array | undefined {
    return this.#sql.all<{ data: Uint8Array }>("SELECT data FROM chunk WHERE first = ?", first)[0]?.data;
  }

  put({ first, last, sessions, data }: Required<ChunkRow>): void {
    // An upsert writes one row; INSERT OR REPLACE would be billed for the delete too.
    this.#sql.run(
      `INSERT INTO chunk (first, last, sessions, data) VALUES (?, ?, ?, ?) ON CONFLICT (first) DO UPDATE
         SET last = excluded.last, sessions = excluded.sessions, data = excluded.data`,
      first,
      last,
      sessions,
      data,
    );
  }

  delete(first: Position): void {
    this.#sql.run("DELETE FROM chunk WHERE first = ?", first);
  }
}
