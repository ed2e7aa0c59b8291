// All tables of a shard over one database.

import type { Stores } from "../core/broker.ts";
import { DurableObjectSql, type SqlHolder } from "./durable-object-sql.ts";
import { SqlIdempotencyStore } from "./idempotency-store.ts";
import { SqlLinkStore } from "./link-store.ts";
import { SqlMessageLogStore } from "./message-log-store.ts";
import { SqlMetaStore } from "./meta-store.ts";
import { migrate } from "./migrations.ts";
import { SqlOverflowStore } from "./overflow-store.ts";
import { SqlProgressStore } from "./progress-store.ts";
import { SqlReplayStore } from "./replay-store.ts";
import { SqlRetainedStore } from "./retained-store.ts";
import { SqlSessionStore } from "./session-store.ts";
import { SqlSharedGroupStore } from "./shared-group-store.ts";
import type { Sql } from "./sql.ts";
import { SqlWillStore } from "./will-store.ts";

export interface OpenStores extends Stores {
  readonly sql: Sql;
  readonly meta: SqlMetaStore;
  readonly sessions: SqlSessionStore;
  readonly links: SqlLinkStore;
  readonly overflow: SqlOverflowStore;
}

/** Brings the object's database to the newest schema; throws where it is of a newer one. */
export const openStores = (storage: SqlHolder): OpenStores => openStoresOver(new DurableObjectSql(storage));

export function openStoresOver(sql: Sql): OpenStores {
  migrate(sql);
  return {
    sql,
    meta: new SqlMetaStore(sql),
    sessions: new SqlSessionStore(sql),
    log: new SqlMessageLogStore(sql),
    progress: new SqlProgressStore(sql),
    retained: new SqlRetainedStore(sql),
    wills: new SqlWillStore(sql),
    replays: new SqlReplayStore(sql),
    links: new SqlLinkStore(sql),
    idempotency: new SqlIdempotencyStore(sql),
    groups: new SqlSharedGroupStore(sql),
    overflow: new SqlOverflowStore(sql),
  };
}
