// Numbers of shared groups that have something in the log, by filter.

import type { SessionNumber } from "../core/brand.ts";
import type { SharedGroupStore } from "../core/shared-groups.ts";
import type { Sql } from "./sql.ts";

type Row = { filter: string; number: SessionNumber };

export class SqlSharedGroupStore implements SharedGroupStore {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  all(): (readonly [filter: string, number: SessionNumber])[] {
    return this.#sql
      .all<Row>("SELECT filter, number FROM shared_group")
      .map(({ filter, number }) => [filter, number] as const);
  }

  get(filter: string): SessionNumber | undefined {
    return this.#sql.all<Row>("SELECT filter, number FROM shared_group WHERE filter = ?", filter)[0]?.number;
  }

  put(filter: string, number: SessionNumber): void {
    this.#sql.run("INSERT OR REPLACE INTO shared_group (filter, number) VALUES (?, ?)", filter, number);
  }

  delete(filter: string): void {
    this.#sql.run("DELETE FROM shared_group WHERE filter = ?", filter);
  }
}
