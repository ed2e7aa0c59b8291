// Rows of idempotency keys, with what was answered.

import type { IdempotencyRow, KeyedAnswers } from "../core/idempotency.ts";
import { expectVersion } from "../core/message-codec.ts";
import { PackedReader, PackedWriter } from "../core/packed.ts";
import type { PublishOutcome } from "../core/publish-outcome.ts";
import type { ReasonCode } from "../core/reason-code.ts";
import type { Sql } from "./sql.ts";

type Row = { key: string; expires: number; data: Uint8Array };

export class SqlIdempotencyStore implements KeyedAnswers {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  get(key: string): IdempotencyRow | undefined {
    const [row] = this.#sql.all<Row>("SELECT key, expires, data FROM idempotency WHERE key = ?", key);
    return row && unpack(row);
  }

  put(key: string, row: IdempotencyRow): void {
    this.#sql.run(
      `INSERT INTO idempotency (key, expires, data) VALUES (?, ?, ?)
         ON CONFLICT (key) DO UPDATE SET expires = excluded.expires, data = excluded.data`,
      key,
      row.expiresAtMs,
      pack(row),
    );
  }

  delete(key: string): void {
    this.#sql.run("DELETE FROM idempotency WHERE key = ?", key);
  }

  count(): number {
    return this.#sql.all<{ count: number }>("SELECT count(*) AS count FROM idempotency")[0]?.count ?? 0;
  }

  expired(atMs: number, limit: number): string[] {
    return this.#sql
      .all<{ key: string }>("SELECT key FROM idempotency WHERE expires <= ? LIMIT ?", atMs, limit)
      .map(({ key }) => key);
  }

  after(key: string, limit: number): IdempotencyRow[] {
    return this.#sql
      .all<Row>("SELECT key, expires, data FROM idempotency WHERE key > ? ORDER BY key LIMIT ?", key, limit)
      .map(unpack);
  }

  firstExpiryMs(): number | undefined {
    const [row] = this.#sql.all<{ first: number | null }>("SELECT min(expires) AS first FROM idempotency");
    return row?.first ?? undefined;
  }
}

const rowVersion = 1;

const acceptedCode = 0;
const noMatchingSubscribersCode = 1;
const refusedCode = 2;

/** The number of outcomes plus one; 0 while nothing was answered. */
function pack({ fingerprint, answerId, outcomes }: IdempotencyRow): Uint8Array {
  const writer = new PackedWriter(96).byte(rowVersion).bytes(fingerprint).string(answerId);
  writer.optionalUint(outcomes?.length);
  for (const outcome of outcomes ?? []) writeOutcome(writer, outcome);
  return writer.finish();
}

function writeOutcome(writer: PackedWriter, outcome: PublishOutcome): void {
  switch (outcome.kind) {
    case "accepted":
      writer.byte(acceptedCode);
      return;
    case "no-matching-subscribers":
      writer.byte(noMatchingSubscribersCode);
      return;
    case "refused":
      writer.byte(refusedCode).byte(outcome.reasonCode).string(outcome.detail);
      return;
  }
}

function unpack({ key, expires, data }: Row): IdempotencyRow {
  const reader = new PackedReader(data);
  expectVersion("idempotency key", reader.byte(), rowVersion);
  const fingerprint = reader.bytes();
  const answerId = reader.string();
  const count = reader.optionalUint();
  const row = { key, fingerprint, answerId, expiresAtMs: expires };
  return count === undefined ? row : { ...row, outcomes: Array.from({ length: count }, () => readOutcome(reader)) };
}

function readOutcome(reader: PackedReader): PublishOutcome {
  switch (reader.byte()) {
    case acceptedCode:
      return { kind: "accepted" };
    case noMatchingSubscribersCode:
      return { kind: "no-matching-subscribers" };
    default:
      return { kind: "refused", reasonCode: reader.byte() as ReasonCode, detail: reader.string() };
  }
}
