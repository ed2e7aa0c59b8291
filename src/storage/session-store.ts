// Rows of stored sessions and their subscriptions.

import type { ClientId, SessionNumber } from "../core/brand.ts";
import { expectVersion } from "../core/message-codec.ts";
import { PackedReader, PackedWriter } from "../core/packed.ts";
import type { ProtocolVersion, QoS } from "../core/packet.ts";
import type { SessionStore, StoredSession, StoredSubscription } from "../core/session-table.ts";
import type { Sql } from "./sql.ts";

type SessionRow = { client_id: ClientId; number: SessionNumber; data: Uint8Array };
type SubscriptionRow = { filter: string; data: Uint8Array };

export class SqlSessionStore implements SessionStore {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  sessions(): StoredSession[] {
    return this.#sql.all<SessionRow>("SELECT client_id, number, data FROM session").map(unpackSession);
  }

  session(clientId: string): StoredSession | undefined {
    const [row] = this.#sql.all<SessionRow>(
      "SELECT client_id, number, data FROM session WHERE client_id = ?",
      clientId,
    );
    return row && unpackSession(row);
  }

  put(session: StoredSession): void {
    this.#sql.run(
      `INSERT INTO session (client_id, number, data) VALUES (?, ?, ?)
         ON CONFLICT (client_id) DO UPDATE SET number = excluded.number, data = excluded.data`,
      session.clientId,
      session.number,
      packSession(session),
    );
  }

  /** With its subscriptions. A newer session of the same client id stays. */
  delete({ clientId, number }: { readonly clientId: ClientId; readonly number: SessionNumber }): void {
    this.#sql.run("DELETE FROM session WHERE client_id = ? AND number = ?", clientId, number);
    this.#sql.run("DELETE FROM subscription WHERE session = ?", number);
  }

  subscriptions(number: SessionNumber): StoredSubscription[] {
    return this.#sql
      .all<SubscriptionRow>("SELECT filter, data FROM subscription WHERE session = ?", number)
      .map(unpackSubscription);
  }

  /** Of all sessions, with the session's number. */
  allSubscriptions(): (readonly [SessionNumber, StoredSubscription])[] {
    return this.#sql
      .all<SubscriptionRow & { session: SessionNumber }>("SELECT session, filter, data FROM subscription")
      .map((row) => [row.session, unpackSubscription(row)] as const);
  }

  putSubscription(number: SessionNumber, subscription: StoredSubscription): void {
    this.#sql.run(
      `INSERT INTO subscription (session, filter, data) VALUES (?, ?, ?)
         ON CONFLICT (session, filter) DO UPDATE SET data = excluded.data`,
      number,
      subscription.filter,
      packSubscription(subscription),
    );
  }

  deleteSubscription(number: SessionNumber, filter: string): void {
    this.#sql.run("DELETE FROM subscription WHERE session = ? AND filter = ?", number, filter);
  }
}

const sessionVersion = 1;
const subscriptionVersion = 1;

function packSession(session: StoredSession): Uint8Array {
  const writer = new PackedWriter(64).byte(sessionVersion).byte(session.protocolVersion);
  writer.uint(session.expiryIntervalSec).optionalUint(session.expiresAtMs).uint(session.receiveMaximum);
  writer.uint(session.createdAtMs).uint(session.nextSubscriptionNumber);
  // No user name and an empty one are two things.
  writer.byte(session.username === undefined ? 0 : 1);
  if (session.username !== undefined) writer.string(session.username);
  return writer.finish();
}

function unpackSession(row: SessionRow): StoredSession {
  const reader = new PackedReader(row.data);
  expectVersion("session", reader.byte(), sessionVersion);
  const protocolVersion = reader.byte() as ProtocolVersion;
  const expiryIntervalSec = reader.uint();
  const expiresAtMs = reader.optionalUint();
  const receiveMaximum = reader.uint();
  const createdAtMs = reader.uint();
  const nextSubscriptionNumber = reader.uint();
  const username = reader.byte() === 0 ? undefined : reader.string();
  return {
    clientId: row.client_id,
    number: row.number,
    protocolVersion,
    expiryIntervalSec,
    receiveMaximum,
    createdAtMs,
    nextSubscriptionNumber,
    ...(expiresAtMs !== undefined && { expiresAtMs }),
    ...(username !== undefined && { username }),
  };
}

const qosMask = 0b11;
const noLocalFlag = 1 << 2;
const retainAsPublishedFlag = 1 << 3;
const retainHandlingShift = 4;

function packSubscription(subscription: StoredSubscription): Uint8Array {
  const { qos, noLocal, retainAsPublished, retainHandling } = subscription;
  return new PackedWriter(16)
    .byte(subscriptionVersion)
    .byte(
      qos |
        (noLocal ? noLocalFlag : 0) |
        (retainAsPublished ? retainAsPublishedFlag : 0) |
        (retainHandling << retainHandlingShift),
    )
    .uint(subscription.number)
    .optionalUint(subscription.subscriptionIdentifier)
    .finish();
}

function unpackSubscription({ filter, data }: SubscriptionRow): StoredSubscription {
  const reader = new PackedReader(data);
  expectVersion("subscription", reader.byte(), subscriptionVersion);
  const flags = reader.byte();
  const number = reader.uint();
  const subscriptionIdentifier = reader.optionalUint();
  return {
    filter,
    number,
    qos: (flags & qosMask) as QoS,
    noLocal: (flags & noLocalFlag) !== 0,
    retainAsPublished: (flags & retainAsPublishedFlag) !== 0,
    retainHandling: (flags >> retainHandlingShift) as 0 | 1 | 2,
    ...(subscriptionIdentifier !== undefined && { subscriptionIdentifier }),
  };
}
