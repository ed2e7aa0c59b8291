// Reading everything that a shard keeps, page by page. A page is read in one turn, so each of its records is of one
// moment; between two pages the shard may serve. The order of the parts makes sure that what changes hands meanwhile is
// met at least once: the queues of shared groups are read before those of sessions.

import type { TopicName } from "../brand.ts";
import type { Broker, Stores } from "../broker.ts";
import { propertiesSize } from "../message-size.ts";
import { retainedBytes } from "../retained-row.ts";
import type { Session } from "../session.ts";
import type { StoredSubscription } from "../session-table.ts";
import type { Subscription } from "../subscription.ts";
import type { StoredWill } from "../will.ts";
import { addMessages } from "./export-log.ts";
import { inPieces, Page, recordBytes, type ExportCursor, type ExportPage } from "./export-page.ts";
import type { SessionRecord, WillRecord } from "./record.ts";

/** Rows of one page at most. */
const rowsPerPage = 500;

/**
 * One page of what this shard keeps, all of one part; a little more than `maximumBytes` at most, but for a record that
 * is larger alone. Every stored session must be in memory.
 */
export function exportPage(
  broker: Broker,
  stores: Stores,
  cursor: ExportCursor | undefined,
  maximumBytes: number,
): ExportPage {
  const page = new Page(cursor ?? { part: "sessions" }, maximumBytes);
  switch (page.cursor.part) {
    case "sessions":
      return addSessions(page, broker);
    case "queues":
    case "messages":
      return addMessages(page, broker);
    case "wills":
      return addWills(page, broker, stores);
    case "retained":
      return addRetained(page, broker);
    case "idempotency":
      return addKeys(page, stores);
  }
}

function addSessions(page: Page, broker: Broker): ExportPage {
  const { after = 0 } = page.cursor as { after?: number };
  const sessions = [...broker.sessions.all()].filter(({ kind, number }) => kind === "stored" && number > after);
  sessions.sort((a, b) => a.number - b.number);
  const sessionsBelow = page.cursor.sessionsBelow ?? (sessions.at(-1)?.number ?? 0) + 1;
  let done: number = after;
  let { within } = page.cursor;
  for (const session of sessions) {
    if (session.number >= sessionsBelow) break;
    // With expiry 0 it ends with its connection.
    const to = session.expiryIntervalSec === 0 ? undefined : addSession(page, broker, session, within);
    if (to !== undefined) return page.stop({ after: done, within: to, sessionsBelow });
    done = session.number;
    within = undefined;
  }
  return page.end({ sessionsBelow });
}

/**
 * `within`: the subscriptions up to this number were in the page before. Gives up to which they are in now, 0 where the
 * session itself is not; `undefined` where all of it is.
 */
function addSession(page: Page, broker: Broker, session: Session, within: number | undefined): number | undefined {
  let to = within ?? 0;
  const open = [...session.subscriptions.values()].filter(({ number }) => number > to || to === 0);
  open.sort((a, b) => a.number - b.number);
  for (const { items, bytes } of inPieces(open, ({ filter }) => filter.length + recordBytes)) {
    if (page.isFull) return to;
    const subscriptions = items.map(toRow);
    if (to === 0) page.add({ ...sessionRecord(broker, session), subscriptions }, bytes);
    else page.add({ kind: "subscriptions", clientId: session.clientId, subscriptions }, bytes);
    to = items.at(-1)?.number ?? to;
  }
  return undefined;
}

function sessionRecord(broker: Broker, session: Session): Omit<SessionRecord, "subscriptions"> {
  const { clientId, protocolVersion, username, expiryIntervalSec, expiresAtMs, receiveMaximum, createdAtMs } = session;
  const inbound = session.online?.inbound ?? broker.progress.get(session.number).inbound;
  const replays = new Set([...session.replays.values()].filter(({ qos }) => qos > 0).map(({ filter }) => filter));
  return {
    kind: "session",
    clientId,
    protocolVersion,
    expiryIntervalSec,
    receiveMaximum,
    createdAtMs,
    nextSubscriptionNumber: session.nextSubscriptionNumber,
    inbound: [...inbound],
    ...(username !== undefined && { username }),
    ...(expiresAtMs !== undefined && { expiresAtMs }),
    ...(replays.size > 0 && { replays: [...replays] }),
  };
}

function toRow(subscription: Subscription): StoredSubscription {
  const { topicFilter: _, shareName: _name, ...row } = subscription;
  return row;
}

function addWills(page: Page, broker: Broker, stores: Stores): ExportPage {
  const { after = 0 } = page.cursor as { after?: number };
  const stored = stores.wills.all().map((will) => [will.connection, will] as const);
  const wills = [...broker.wills.overlay(stored)].filter(([connection]) => connection > after);
  wills.sort(([a], [b]) => a - b);
  let done = after;
  for (const [connection, will] of wills) {
    if (page.isFull) return page.stop({ after: done });
    page.add(willRecord(will), will.will.payload.length + propertiesSize(will.will.properties));
    done = connection;
  }
  return page.end();
}

const willRecord = ({ clientId, username, will, dueAtMs }: StoredWill): WillRecord => ({
  kind: "will",
  clientId,
  will,
  ...(username !== undefined && { username }),
  ...(dueAtMs !== undefined && { dueAtMs }),
});

function addRetained(page: Page, broker: Broker): ExportPage {
  let after = page.cursor.after as TopicName | undefined;
  for (;;) {
    const { messages, next } = broker.retained.everyPage(after, rowsPerPage, broker.nowMs);
    for (const { version: _, publishedAtMs, ...message } of messages) {
      if (page.isFull) return page.stop(after === undefined ? {} : { after });
      page.add({ kind: "retained", message: { ...message, retain: true }, publishedAtMs }, retainedBytes(message));
      after = message.topicName;
    }
    if (next === undefined) return page.end();
    after = next;
  }
}

/** Those that a commit has. */
function addKeys(page: Page, stores: Stores): ExportPage {
  const rows = stores.idempotency.after((page.cursor.after as string | undefined) ?? "", rowsPerPage);
  for (const row of rows) page.add({ kind: "idempotency", row }, row.key.length + recordBytes);
  const last = rows.at(-1);
  return last === undefined || rows.length < rowsPerPage ? page.end() : page.stop({ after: last.key });
}
