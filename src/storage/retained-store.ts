// Rows of retained messages, by topic name.

import type { TopicName } from "../core/brand.ts";
import { expectVersion, readMessageBody, writeMessageBody } from "../core/message-codec.ts";
import { PackedReader, PackedWriter } from "../core/packed.ts";
import { fullReadBytes, retainedBytes, type RetainedStore, type StoredRetained } from "../core/retained-row.ts";
import type { Sql } from "./sql.ts";

type Row = { topic: TopicName; version: number; data: Uint8Array };

const rowVersion = 1;

export class SqlRetainedStore implements RetainedStore {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  get(topicName: string): StoredRetained | undefined {
    const [row] = this.#sql.all<Row>("SELECT topic, version, data FROM retained WHERE topic = ?", topicName);
    return row && unpack(row);
  }

  nextAtOrAfter(topicName: string, limit: number): StoredRetained[] {
    const statement = "SELECT topic, version, data FROM retained WHERE topic >= ? ORDER BY topic LIMIT ?";
    const rows: StoredRetained[] = [];
    let bytes = 0;
    for (const [topic, version, data] of this.#sql.each<[TopicName, number, Uint8Array]>(statement, topicName, limit)) {
      const row = unpack({ topic, version, data });
      rows.push(row);
      bytes += retainedBytes(row);
      if (bytes >= fullReadBytes) break;
    }
    return rows;
  }

  put(row: StoredRetained): void {
    this.#sql.run(
      `INSERT INTO retained (topic, version, bytes, data) VALUES (?, ?, ?, ?) ON CONFLICT (topic) DO UPDATE
         SET version = excluded.version, bytes = excluded.bytes, data = excluded.data`,
      row.topicName,
      row.version,
      retainedBytes(row),
      pack(row),
    );
  }

  delete(topicName: string): void {
    this.#sql.run("DELETE FROM retained WHERE topic = ?", topicName);
  }

  count(): { count: number; bytes: number } {
    const [row] = this.#sql.all<{ count: number; bytes: number }>(
      "SELECT count(*) AS count, coalesce(sum(bytes), 0) AS bytes FROM retained",
    );
    return { count: row?.count ?? 0, bytes: row?.bytes ?? 0 };
  }
}

function pack(row: StoredRetained): Uint8Array {
  const writer = new PackedWriter(row.payload.length + 64).byte(rowVersion).uint(row.publishedAtMs);
  writeMessageBody(writer, { ...row, retain: true });
  return writer.finish();
}

function unpack({ topic, version, data }: Row): StoredRetained {
  const reader = new PackedReader(data);
  expectVersion("retained message", reader.byte(), rowVersion);
  const publishedAtMs = reader.uint();
  const { retain: _, ...message } = readMessageBody(reader, topic);
  return { ...message, version, publishedAtMs };
}
