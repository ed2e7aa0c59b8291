// Rows of wills, by connection: from CONNECT to a normal end, or until they are published.

import { expectVersion, readProperties, writeProperties } from "../core/message-codec.ts";
import { PackedReader, PackedWriter } from "../core/packed.ts";
import type { QoS, Will } from "../core/packet.ts";
import type { StoredWill, WillStore } from "../core/will.ts";
import type { Sql } from "./sql.ts";

type Row = { connection: number; data: Uint8Array };

export class SqlWillStore implements WillStore {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  all(): StoredWill[] {
    return this.#sql.all<Row>("SELECT connection, data FROM will").map(unpack);
  }

  get(connection: number): StoredWill | undefined {
    const [row] = this.#sql.all<Row>("SELECT connection, data FROM will WHERE connection = ?", connection);
    return row && unpack(row);
  }

  put(connection: number, will: StoredWill): void {
    this.#sql.run(
      `INSERT INTO will (connection, data) VALUES (?, ?)
         ON CONFLICT (connection) DO UPDATE SET data = excluded.data`,
      connection,
      pack(will),
    );
  }

  delete(connection: number): void {
    this.#sql.run("DELETE FROM will WHERE connection = ?", connection);
  }
}

const rowVersion = 1;

const qosMask = 0b11;
const retainFlag = 1 << 2;
const propertiesFlag = 1 << 3;
const usernameFlag = 1 << 4;

function pack({ clientId, sessionNumber, username, will, dueAtMs }: StoredWill): Uint8Array {
  const writer = new PackedWriter(will.payload.length + 128).byte(rowVersion);
  writer.byte(
    will.qos |
      (will.retain ? retainFlag : 0) |
      (will.properties === undefined ? 0 : propertiesFlag) |
      (username === undefined ? 0 : usernameFlag),
  );
  writer.string(clientId).uint(sessionNumber).optionalUint(dueAtMs);
  if (username !== undefined) writer.string(username);
  writer.string(will.topicName).optionalUint(will.willDelayIntervalSec);
  if (will.properties !== undefined) writeProperties(writer, will.properties);
  return writer.bytes(will.payload).finish();
}

function unpack({ connection, data }: Row): StoredWill {
  const reader = new PackedReader(data);
  expectVersion("will", reader.byte(), rowVersion);
  const flags = reader.byte();
  const clientId = reader.string();
  const sessionNumber = reader.uint();
  const dueAtMs = reader.optionalUint();
  const username = flags & usernameFlag ? reader.string() : undefined;
  return {
    connection,
    clientId,
    sessionNumber,
    will: readWill(reader, flags),
    ...(username !== undefined && { username }),
    ...(dueAtMs !== undefined && { dueAtMs }),
  };
}

function readWill(reader: PackedReader, flags: number): Will {
  const topicName = reader.string();
  const willDelayIntervalSec = reader.optionalUint();
  const properties = flags & propertiesFlag ? readProperties(reader) : undefined;
  return {
    topicName,
    payload: reader.bytes(),
    qos: (flags & qosMask) as QoS,
    retain: (flags & retainFlag) !== 0,
    ...(properties !== undefined && { properties }),
    ...(willDelayIntervalSec !== undefined && { willDelayIntervalSec }),
  };
}
