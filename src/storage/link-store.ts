// What a shard keeps of its links (design §5): routes as an owner, batches that wait in an outbox, and the highest durable
// number taken from each other shard.

import type { TopicFilter } from "../core/brand.ts";
import type { LinkStore } from "../core/links.ts";
import type { OutboxPort, OutboxSummary } from "../core/outbox.ts";
import type { StoredRoute } from "../core/routes.ts";
import type { Sql } from "./sql.ts";

export class SqlLinkStore implements LinkStore {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  routes(): StoredRoute[] {
    return this.#sql.all<{ filter: TopicFilter; shard: number; registration: number }>(
      "SELECT filter, shard, registration FROM route",
    );
  }

  floors(): (readonly [shard: number, registration: number])[] {
    return this.#sql
      .all<{ shard: number; registration: number }>("SELECT shard, registration FROM route_floor")
      .map(({ shard, registration }) => [shard, registration] as const);
  }

  put(filter: TopicFilter, shard: number, registration: number): void {
    this.#sql.run(
      `INSERT INTO route (filter, shard, registration) VALUES (?, ?, ?)
         ON CONFLICT (shard, filter) DO UPDATE SET registration = excluded.registration`,
      filter,
      shard,
      registration,
    );
  }

  delete(filter: TopicFilter, shard: number): void {
    this.#sql.run("DELETE FROM route WHERE filter = ? AND shard = ?", filter, shard);
  }

  putFloor(shard: number, registration: number): void {
    this.#sql.run(
      `INSERT INTO route_floor (shard, registration) VALUES (?, ?)
         ON CONFLICT (shard) DO UPDATE SET registration = excluded.registration`,
      shard,
      registration,
    );
  }

  /** Every route of every shard: in a new layout they are stated anew. */
  clearRoutes(): void {
    this.#sql.run("DELETE FROM route");
  }

  outboxShards(): number[] {
    return this.#sql.all<{ shard: number }>("SELECT DISTINCT shard FROM outbox").map(({ shard }) => shard);
  }

  outbox(shard: number): OutboxPort {
    return new SqlOutbox(this.#sql, shard);
  }

  durableTaken(shard: number): number {
    const [row] = this.#sql.all<{ durable: number }>("SELECT durable FROM link_taken WHERE shard = ?", shard);
    return row?.durable ?? 0;
  }

  putDurableTaken(shard: number, number: number): void {
    this.#sql.run(
      "INSERT INTO link_taken (shard, durable) VALUES (?, ?) ON CONFLICT (shard) DO UPDATE SET durable = excluded.durable",
      shard,
      number,
    );
  }
}

const empty = new Uint8Array(0);

class SqlOutbox implements OutboxPort {
  readonly #sql: Sql;
  readonly #shard: number;

  constructor(sql: Sql, shard: number) {
    this.#sql = sql;
    this.#shard = shard;
  }

  append(number: number, bytes: Uint8Array): void {
    this.#sql.run("INSERT INTO outbox (shard, number, data) VALUES (?, ?, ?)", this.#shard, number, bytes);
  }

  clear(number: number): void {
    this.#sql.run("UPDATE outbox SET data = ? WHERE shard = ? AND number = ?", empty, this.#shard, number);
  }

  delete(number: number): void {
    this.#sql.run("DELETE FROM outbox WHERE shard = ? AND number = ?", this.#shard, number);
  }

  readAfter(number: number): { readonly number: number; readonly bytes: Uint8Array } | undefined {
    const [row] = this.#sql.all<{ number: number; data: Uint8Array }>(
      "SELECT number, data FROM outbox WHERE shard = ? AND number > ? ORDER BY number LIMIT 1",
      this.#shard,
      number,
    );
    return row && { number: row.number, bytes: row.data };
  }

  summary(): OutboxSummary {
    const [last] = this.#sql.all<{ number: number; size: number }>(
      "SELECT number, length(data) AS size FROM outbox WHERE shard = ? ORDER BY number DESC LIMIT 1",
      this.#shard,
    );
    const [sum] = this.#sql.all<{ count: number; bytes: number | null }>(
      "SELECT count(*) AS count, sum(length(data)) AS bytes FROM outbox WHERE shard = ? AND length(data) > 0",
      this.#shard,
    );
    return {
      last: last?.number ?? 0,
      lastIsEmpty: last?.size === 0,
      count: sum?.count ?? 0,
      bytes: sum?.bytes ?? 0,
    };
  }
}
