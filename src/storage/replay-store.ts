// Rows of stored sessions' replays of retained messages (design §4.8), by session and job.

import type { SessionNumber, TopicFilter, TopicName } from "../core/brand.ts";
import { expectVersion } from "../core/message-codec.ts";
import { PackedReader, PackedWriter } from "../core/packed.ts";
import type { QoS } from "../core/packet.ts";
import type { ReplayStore, StoredReplay } from "../core/replay.ts";
import type { Sql } from "./sql.ts";

type Row = { session: SessionNumber; job: string; data: Uint8Array };

export class SqlReplayStore implements ReplayStore {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  all(): (readonly [session: SessionNumber, job: StoredReplay])[] {
    return this.#sql
      .all<Row>("SELECT session, job, data FROM replay")
      .map((row) => [row.session, unpack(row)] as const);
  }

  put(session: SessionNumber, job: StoredReplay): void {
    this.#sql.run(
      `INSERT INTO replay (session, job, data) VALUES (?, ?, ?)
         ON CONFLICT (session, job) DO UPDATE SET data = excluded.data`,
      session,
      job.key,
      pack(job),
    );
  }

  delete(session: SessionNumber, key: string): void {
    this.#sql.run("DELETE FROM replay WHERE session = ? AND job = ?", session, key);
  }
}

const rowVersion = 1;

function pack(job: StoredReplay): Uint8Array {
  const writer = new PackedWriter(128).byte(rowVersion).byte(job.qos).uint(job.owner);
  writer.string(job.filter).string(job.topicFilter).uint(job.notAfterVersion);
  // A topic name is never empty: an empty one says that nothing was sent yet.
  return writer
    .string(job.lastTopic ?? "")
    .optionalUint(job.subscriptionIdentifier)
    .finish();
}

function unpack({ job: key, data }: Row): StoredReplay {
  const reader = new PackedReader(data);
  expectVersion("replay", reader.byte(), rowVersion);
  const qos = reader.byte() as QoS;
  const owner = reader.uint();
  const filter = reader.string();
  const topicFilter = reader.string() as TopicFilter;
  const notAfterVersion = reader.uint();
  const lastTopic = reader.string();
  const subscriptionIdentifier = reader.optionalUint();
  return {
    key,
    filter,
    topicFilter,
    owner,
    qos,
    notAfterVersion,
    lastTopic: lastTopic === "" ? undefined : (lastTopic as TopicName),
    ...(subscriptionIdentifier !== undefined && { subscriptionIdentifier }),
  };
}
