// How a contract suite gets at a database: node:sqlite here, real Durable Object storage in test/workers.

import type { Sql } from "../../../src/storage/sql.ts";

/** Runs `body` on a fresh database; in workerd inside the object that owns it. */
export type WithSql = (body: (sql: Sql) => void) => Promise<void>;
