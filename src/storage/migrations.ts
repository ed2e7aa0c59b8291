// The schema, as numbered migrations. Rows written are the bill: every table is keyed by INTEGER PRIMARY KEY or
// WITHOUT ROWID, and none has a second index. What a `data` BLOB holds says its own version.
// A migration that was released never changes; `test/contract/fixtures` has a database of each.

import type { Sql } from "./sql.ts";

type Migration = readonly string[];

const migrations: readonly Migration[] = [
  [
    "CREATE TABLE session (client_id TEXT PRIMARY KEY, number INTEGER NOT NULL, data BLOB NOT NULL) WITHOUT ROWID",
    // `filter` with `$share/{group}/` where it has that.
    `CREATE TABLE subscription (session INTEGER NOT NULL, filter TEXT NOT NULL, data BLOB NOT NULL,
       PRIMARY KEY (session, filter)) WITHOUT ROWID`,
    // `data` comes last: the directory is read without it.
    "CREATE TABLE chunk (first INTEGER PRIMARY KEY, last INTEGER NOT NULL, sessions BLOB NOT NULL, data BLOB NOT NULL)",
    "CREATE TABLE page (number INTEGER PRIMARY KEY, data BLOB NOT NULL)",
    // `bytes`: what the message counts against `maximumRetainedBytes`.
    `CREATE TABLE retained (topic TEXT PRIMARY KEY, version INTEGER NOT NULL, bytes INTEGER NOT NULL,
       data BLOB NOT NULL) WITHOUT ROWID`,
    "CREATE TABLE will (connection INTEGER PRIMARY KEY, data BLOB NOT NULL)",
    // `job`: owner and filter.
    `CREATE TABLE replay (session INTEGER NOT NULL, job TEXT NOT NULL, data BLOB NOT NULL,
       PRIMARY KEY (session, job)) WITHOUT ROWID`,
    // What an attachment of 16 KB has no room for.
    "CREATE TABLE overflow (connection INTEGER PRIMARY KEY, data BLOB NOT NULL)",
    // Keys of publishes over HTTP, with what was answered. Expired rows are looked for rarely: a scan, no second index.
    "CREATE TABLE idempotency (key TEXT PRIMARY KEY, expires INTEGER NOT NULL, data BLOB NOT NULL) WITHOUT ROWID",
    // Shared groups with something in the log, under a number like a session's.
    "CREATE TABLE shared_group (filter TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID",
    // Links between shards: who else wants what of this owner, batches that wait for an answer, what was taken of whom.
    `CREATE TABLE route (shard INTEGER NOT NULL, filter TEXT NOT NULL, registration INTEGER NOT NULL,
       PRIMARY KEY (shard, filter)) WITHOUT ROWID`,
    `CREATE TABLE outbox (shard INTEGER NOT NULL, number INTEGER NOT NULL, data BLOB NOT NULL,
       PRIMARY KEY (shard, number)) WITHOUT ROWID`,
    "CREATE TABLE route_floor (shard INTEGER PRIMARY KEY, registration INTEGER NOT NULL)",
    "CREATE TABLE link_taken (shard INTEGER PRIMARY KEY, durable INTEGER NOT NULL)",
  ],
];

export const newestSchema = migrations.length;

/** Key of the schema's number in `meta`; PRAGMA user_version is refused by the platform. */
export const schemaKey = "schema";

/**
 * Brings the database to the newest schema, in one transaction. Throws where it was written by a newer version of
 * this broker, and leaves it as it was.
 */
export function migrate(sql: Sql): void {
  const found = schemaOf(sql);
  if (found > newestSchema) {
    throw new Error(
      `the data has schema ${found}, this version of the broker knows schemas up to ${newestSchema}: ` +
        "start the version that wrote it, or a newer one",
    );
  }
  if (found === newestSchema) return;
  sql.transaction(() => {
    if (found === 0) sql.run("CREATE TABLE meta (key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID");
    for (const statements of migrations.slice(found)) for (const statement of statements) sql.run(statement);
    sql.run("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", schemaKey, newestSchema);
  });
}

/** 0: an empty database. */
function schemaOf(sql: Sql): number {
  const tables = sql.all("SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'meta'");
  if (tables.length === 0) return 0;
  const [row] = sql.all<{ value: number }>("SELECT value FROM meta WHERE key = ?", schemaKey);
  return row?.value ?? 0;
}
