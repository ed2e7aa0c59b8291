// Rows of progress pages.

import type { ProgressStore } from "../core/progress.ts";
import type { Sql } from "./sql.ts";

export class SqlProgressStore implements ProgressStore {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  page(number: number): Uint8Array | undefined {
    return this.#sql.all<{ data: Uint8Array }>("SELECT data FROM page WHERE number = ?", number)[0]?.data;
  }

  put(number: number, data: Uint8Array): void {
    this.#sql.run(
      "INSERT INTO page (number, data) VALUES (?, ?) ON CONFLICT (number) DO UPDATE SET data = excluded.data",
      number,
      data,
    );
  }

  delete(number: number): void {
    this.#sql.run("DELETE FROM page WHERE number = ?", number);
  }
}
