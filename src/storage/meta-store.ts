// Single values of a shard, by name.

import type { MetaStore } from "../core/session-table.ts";
import type { Sql } from "./sql.ts";

export class SqlMetaStore implements MetaStore {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  getNumber(key: string): number | undefined {
    const value = this.#get(key);
    return typeof value === "number" ? value : undefined;
  }

  putNumber(key: string, value: number): void {
    this.#put(key, value);
  }

  getString(key: string): string | undefined {
    const value = this.#get(key);
    return typeof value === "string" ? value : undefined;
  }

  putString(key: string, value: string): void {
    this.#put(key, value);
  }

  delete(key: string): void {
    this.#sql.run("DELETE FROM meta WHERE key = ?", key);
  }

  #get(key: string): number | string | undefined {
    return this.#sql.all<{ value: number | string }>("SELECT value FROM meta WHERE key = ?", key)[0]?.value;
  }

  #put(key: string, value: number | string): void {
    this.#sql.run(
      "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
      key,
      value,
    );
  }
}
