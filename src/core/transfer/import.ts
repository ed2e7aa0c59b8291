// Taking in what another shard, or a backup, has given out: through the ordinary structures, into the pending flush. A
// session or a shared group that exists stays as it is, and what else comes for it is left out.

import type { Broker } from "../broker.ts";
import type { ClientId, SessionNumber } from "../brand.ts";
import { setExpiry } from "../disconnect.ts";
import { messageSize } from "../message-size.ts";
import type { Message } from "../packet.ts";
import { reasonCode } from "../reason-code.ts";
import { retainedBytes } from "../retained-row.ts";
import type { Session } from "../session.ts";
import { topicFilterOf, type StoredSubscription } from "../session-table.ts";
import { addToIndex } from "../subscription-index.ts";
import type { Subscription } from "../subscription.ts";
import { limitPassed, type Violation } from "../violation.ts";
import { delayWill, willDelaySec, type StoredWill } from "../will.ts";
import { QueueImport } from "./import-queue.ts";
import type { ImportProgress } from "./import-ledger.ts";
import type { MessageRecord, RetainedRecord, SessionRecord, TransferRecord, WillRecord } from "./record.ts";

/** Records that are taken in by one commit. */
export interface ImportPart {
  /** Which import it is of. */
  readonly source: string;
  /** Rises from part to part, from 1 on. One that is not above the last taken in has no effect. */
  readonly number: number;
  readonly records: readonly TransferRecord[];
}

export interface ImportCounts {
  readonly sessions: number;
  /** Existed already. */
  readonly sessionsKept: number;
  readonly sessionsExpired: number;
  readonly messages: number;
  /** Nobody for whom they were came with this import: sessions and shared groups that existed have their own. */
  readonly messagesLeftOut: number;
  readonly retained: number;
  /** This shard had one as new, or they have expired. */
  readonly retainedLeftOut: number;
  readonly wills: number;
  /** Their clients are here, or they are. */
  readonly willsLeftOut: number;
}

/** A subscription that the import brought: its routes are not registered yet. */
export interface BroughtSubscription {
  readonly session: Session;
  readonly subscription: Subscription;
  /** Its replay of retained messages was not over. */
  readonly wantsReplay: boolean;
}

export type ImportOutcome =
  | { readonly kind: "taken"; readonly counts: ImportCounts; readonly subscriptions: readonly BroughtSubscription[] }
  | { readonly kind: "repeated" }
  /** Over a limit; nothing was changed. */
  | { readonly kind: "refused"; readonly violation: Violation };

/**
 * Takes in one part. `isLimited`: limits of this shard hold, as against what was promised elsewhere and must find room.
 * Nothing is sent, nothing is published, no route is registered: that is for `settleImport` and the caller. Every
 * stored session must be in memory.
 */
export function importPart(broker: Broker, part: ImportPart, nowMs: number, isLimited: boolean): ImportOutcome {
  broker.nowMs = nowMs;
  const { imports } = broker.sessions;
  const progress = imports.begin(part.source, broker.layout.number);
  if (part.number <= progress.number) return { kind: "repeated" };
  const violation = isLimited ? limitOf(broker, part.records) : undefined;
  if (violation !== undefined) return { kind: "refused", violation };
  const run = new ImportRun(broker, progress, imports.keptGroups(part.source));
  for (const record of part.records) run.take(record);
  run.finish();
  imports.onPart(part.source, part.number, run.numbers);
  broker.effects.needsFlush();
  return { kind: "taken", counts: run.counts, subscriptions: run.subscriptions };
}

/** The whole of it is in, and routes are registered: what was taken in begins to live. */
export function settleImport(broker: Broker, nowMs: number): void {
  broker.nowMs = nowMs;
  broker.groups.settle();
  if (broker.isDirty) broker.effects.needsFlush();
}

/** The limit that a part would pass, if there is one; rather too early than too late. */
function limitOf(
  { sessions, limits, log, retained }: Broker,
  records: readonly TransferRecord[],
): Violation | undefined {
  const code = reasonCode.quotaExceeded;
  const count = records.filter(({ kind }) => kind === "session").length;
  if (count > 0 && sessions.storedCount + count > limits.maximumStoredSessions) {
    return limitPassed("maximumStoredSessions", code, `${sessions.storedCount} sessions are stored already`);
  }
  let bytes = 0;
  for (const record of records) if (record.kind === "message") bytes += messageSize(record.message);
  if (bytes > 0 && log.bytes + bytes > limits.maximumLogBytes) {
    return limitPassed("maximumLogBytes", code, "the log for off-line sessions is full");
  }
  const values = records.filter((record) => record.kind === "retained");
  if (values.length === 0) return undefined;
  if (retained.count + values.length > limits.maximumRetainedMessages) {
    return limitPassed("maximumRetainedMessages", code, `${retained.count} retained messages are kept already`);
  }
  const retainedSum = values.reduce((sum, { message }) => sum + retainedBytes(message), retained.bytes);
  return retainedSum > limits.maximumRetainedBytes
    ? limitPassed("maximumRetainedBytes", code, `${retained.bytes} retained bytes are kept already`)
    : undefined;
}

export const noImportCounts: ImportCounts = {
  sessions: 0,
  sessionsKept: 0,
  sessionsExpired: 0,
  messages: 0,
  messagesLeftOut: 0,
  retained: 0,
  retainedLeftOut: 0,
  wills: 0,
  willsLeftOut: 0,
};

/** One part on its way in. */
class ImportRun {
  readonly counts = { ...noImportCounts };
  readonly subscriptions: BroughtSubscription[] = [];
  /** Of the sessions that it brought, rising. */
  readonly numbers: SessionNumber[] = [];
  readonly #broker: Broker;
  readonly #progress: ImportProgress;
  readonly #isKeptGroup: (filter: string) => boolean;
  readonly #queues: QueueImport;

  constructor(broker: Broker, progress: ImportProgress, isKeptGroup: (filter: string) => boolean) {
    this.#broker = broker;
    this.#progress = progress;
    this.#isKeptGroup = isKeptGroup;
    this.#queues = new QueueImport(broker, (clientId) => this.#findBrought(clientId));
  }

  take(record: TransferRecord): void {
    switch (record.kind) {
      case "session":
        this.#takeSession(record);
        return;
      case "subscriptions":
        this.#takeSubscriptions(record.clientId, record.subscriptions, noReplays);
        return;
      case "message":
        this.#takeMessage(record);
        return;
      case "retained":
        this.#takeRetained(record);
        return;
      case "will":
        this.#takeWill(record);
        return;
      case "idempotency":
        this.#broker.idempotency.takeIn(record.row, this.#broker.nowMs);
        return;
    }
  }

  finish(): void {
    this.#queues.finish();
  }

  /** The session, where this import brought it, and it did not end and come anew since. */
  #findBrought(clientId: ClientId): Session | undefined {
    const session = this.#broker.sessions.get(clientId);
    if (session === undefined) return undefined;
    const isOfThisPart = this.numbers.length > 0 && session.number >= (this.numbers[0] as SessionNumber);
    const isBrought = isOfThisPart || this.#broker.sessions.imports.hasBrought(this.#progress, session.number);
    return isBrought && session.kind === "stored" ? session : undefined;
  }

  #takeSession(record: SessionRecord): void {
    const broker = this.#broker;
    if (broker.sessions.get(record.clientId) !== undefined) {
      this.counts.sessionsKept += 1;
      return;
    }
    if (record.expiresAtMs !== undefined && record.expiresAtMs <= broker.nowMs) {
      this.counts.sessionsExpired += 1;
      return;
    }
    const session = sessionOf(record, broker.sessions.takeNumber());
    broker.sessions.add(session);
    broker.sessions.changed(session);
    this.numbers.push(session.number);
    this.counts.sessions += 1;
    const { end } = broker.log;
    broker.progress.set(session.number, {
      acknowledgedTo: end,
      acknowledged: [],
      sentTo: end,
      released: [],
      inbound: record.inbound,
      explicitIds: [],
      open: false,
    });
    if (session.expiresAtMs === undefined) setExpiry(broker, session, broker.nowMs);
    else broker.effects.wakeAt(session.expiresAtMs);
    this.#takeSubscriptions(record.clientId, record.subscriptions, new Set(record.replays));
  }

  #takeSubscriptions(clientId: ClientId, rows: readonly StoredSubscription[], replays: ReadonlySet<string>): void {
    const session = this.#findBrought(clientId);
    if (session === undefined) return;
    for (const row of rows) {
      const subscription: Subscription = { ...row, ...topicFilterOf(row.filter) };
      addToIndex(this.#broker, session, subscription);
      this.#broker.sessions.subscriptionChanged(session, row.filter, subscription);
      this.subscriptions.push({ session, subscription, wantsReplay: replays.has(row.filter) });
    }
  }

  #takeMessage({ message, audience }: MessageRecord): void {
    let isTaken = this.#queues.takeForSessions(message, audience);
    for (const addressee of audience) {
      if ("group" in addressee && this.#takeForGroup(addressee.group, message)) isTaken = true;
    }
    if (isTaken) this.counts.messages += 1;
    else this.counts.messagesLeftOut += 1;
  }

  /** Nothing tells whether the queue of a group that was there, or of a repeat, has it. */
  #takeForGroup(filter: string, message: Message): boolean {
    if (this.#progress.isRepeat || this.#isKeptGroup(filter)) return false;
    this.#broker.groups.takeIn(filter, message);
    return true;
  }

  #takeRetained({ message, publishedAtMs }: RetainedRecord): void {
    const isTaken = this.#broker.retained.takeIn(message, publishedAtMs, this.#broker.nowMs);
    if (isTaken) this.counts.retained += 1;
    else this.counts.retainedLeftOut += 1;
  }

  #takeWill(record: WillRecord): void {
    const { clientId, username, will, dueAtMs } = record;
    const broker = this.#broker;
    const session = this.#findBrought(clientId as ClientId);
    const isLeftOut = session === undefined ? this.#hasWill(record) : session.online !== undefined;
    if (isLeftOut) {
      this.counts.willsLeftOut += 1;
      return;
    }
    // In the place of a connection's id, which is a time: no session number is ever so large.
    const connection = broker.sessions.takeNumber();
    const stored = {
      connection,
      clientId,
      sessionNumber: session?.number ?? noSession,
      will,
      ...(username !== undefined && { username }),
    };
    const delayMs = Math.max(broker.limits.willGraceMs, willDelaySec(will, session) * 1000);
    delayWill(broker, stored, dueAtMs ?? broker.nowMs + delayMs);
    this.counts.wills += 1;
  }

  /** Its session stayed as it is, its client is connected, it waits here already, or it was taken in before. */
  #hasWill({ clientId, will, dueAtMs }: WillRecord): boolean {
    if (this.#progress.isRepeat || this.#broker.sessions.get(clientId as ClientId) !== undefined) return true;
    const isSame = (other: StoredWill): boolean => other.dueAtMs === dueAtMs && other.will.topicName === will.topicName;
    return this.#broker.delayedWills.of(clientId).some((other) => clientId !== "" || isSame(other));
  }
}

const noReplays: ReadonlySet<string> = new Set();
/** Of a will whose session was not stored. */
const noSession = 0;

const sessionOf = (record: SessionRecord, number: SessionNumber): Session => ({
  clientId: record.clientId,
  number,
  kind: "stored",
  protocolVersion: record.protocolVersion,
  username: record.username,
  expiryIntervalSec: record.expiryIntervalSec,
  receiveMaximum: record.receiveMaximum,
  createdAtMs: record.createdAtMs,
  online: undefined,
  expiresAtMs: record.expiresAtMs,
  subscriptions: new Map(),
  nextSubscriptionNumber: record.nextSubscriptionNumber,
  replays: new Map(),
});
