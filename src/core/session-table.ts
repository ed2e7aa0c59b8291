// The sessions of a shard, by client id and by number, and what of them waits for the next flush.

import type { ClientId, SessionNumber, TopicFilter } from "./brand.ts";
import type { ProtocolVersion, QoS } from "./packet.ts";
import type { Session } from "./session.ts";
import type { Subscription } from "./subscription.ts";
import { ImportLedger, type NamedTexts } from "./transfer/import-ledger.ts";

/** The row of a stored session. */
export interface StoredSession {
  readonly clientId: ClientId;
  readonly number: SessionNumber;
  readonly protocolVersion: ProtocolVersion;
  readonly username?: string;
  readonly expiryIntervalSec: number;
  /** Set while the client is away (epoch ms). */
  readonly expiresAtMs?: number;
  readonly receiveMaximum: number;
  readonly createdAtMs: number;
  readonly nextSubscriptionNumber: number;
}

/** The row of a stored session's subscription. */
export interface StoredSubscription {
  readonly filter: string;
  readonly number: number;
  readonly qos: QoS;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  readonly retainHandling: 0 | 1 | 2;
  readonly subscriptionIdentifier?: number;
}

export interface SessionStore {
  sessions(): StoredSession[];
  session(clientId: string): StoredSession | undefined;
  put(session: StoredSession): void;
  /** With its subscriptions. */
  delete(session: { readonly clientId: ClientId; readonly number: SessionNumber }): void;
  subscriptions(number: SessionNumber): StoredSubscription[];
  /** Of all sessions, with the session's number. */
  allSubscriptions(): (readonly [SessionNumber, StoredSubscription])[];
  putSubscription(number: SessionNumber, subscription: StoredSubscription): void;
  deleteSubscription(number: SessionNumber, filter: string): void;
}

/** Counters that outlive the object, by name. */
export interface MetaStore {
  getNumber(key: string): number | undefined;
  putNumber(key: string, value: number): void;
}

/** The whole of it. */
export interface ShardMeta extends MetaStore, NamedTexts {}

/** Numbers of stored sessions are reserved in blocks: one row per block instead of one per session. */
const numbersPerReservation = 64;
const nextNumberKey = "next_session_number";

export class SessionTable {
  readonly #store: SessionStore;
  readonly #meta: ShardMeta;
  /** What imports brought: sessions, by their numbers. */
  readonly imports: ImportLedger;
  readonly #byClientId = new Map<ClientId, Session>();
  readonly #byNumber = new Map<SessionNumber, Session>();
  readonly #pendingPuts = new Set<Session>();
  readonly #pendingDeletes: Session[] = [];
  readonly #pendingSubscriptions = new Map<Session, Map<string, Subscription | "removed">>();
  #nextNumber: number | undefined;
  #reservedTo = 0;
  #isReservationPending = false;
  #storedCount = 0;

  constructor(store: SessionStore, meta: ShardMeta) {
    this.#store = store;
    this.#meta = meta;
    this.imports = new ImportLedger(meta);
  }

  get storedCount(): number {
    return this.#storedCount;
  }

  get(clientId: ClientId): Session | undefined {
    return this.#byClientId.get(clientId);
  }

  byNumber(number: SessionNumber): Session | undefined {
    return this.#byNumber.get(number);
  }

  all(): IterableIterator<Session> {
    return this.#byClientId.values();
  }

  add(session: Session): void {
    this.#byClientId.set(session.clientId, session);
    this.#byNumber.set(session.number, session);
    if (session.kind === "stored") this.#storedCount += 1;
  }

  /** Forgets the session and, where it is stored, deletes its rows with the next flush. */
  remove(session: Session): void {
    if (this.#byClientId.get(session.clientId) === session) this.#byClientId.delete(session.clientId);
    this.#byNumber.delete(session.number);
    if (session.kind !== "stored") return;
    this.#storedCount -= 1;
    this.#pendingPuts.delete(session);
    this.#pendingSubscriptions.delete(session);
    this.#pendingDeletes.push(session);
  }

  changed(session: Session): void {
    if (session.kind === "stored") this.#pendingPuts.add(session);
  }

  subscriptionChanged(session: Session, filter: string, subscription: Subscription | "removed"): void {
    if (session.kind !== "stored") return;
    const pending = this.#pendingSubscriptions.get(session) ?? new Map<string, Subscription | "removed">();
    pending.set(filter, subscription);
    this.#pendingSubscriptions.set(session, pending);
  }

  /** For a new stored session; never given twice, also after a crash. */
  takeNumber(): SessionNumber {
    this.#nextNumber ??= this.#meta.getNumber(nextNumberKey) ?? 1;
    const number = this.#nextNumber;
    this.#nextNumber += 1;
    if (number >= this.#reservedTo) {
      this.#reservedTo = number + numbersPerReservation;
      this.#isReservationPending = true;
    }
    return number as SessionNumber;
  }

  get isDirty(): boolean {
    return (
      this.#pendingPuts.size > 0 ||
      this.#pendingDeletes.length > 0 ||
      this.#pendingSubscriptions.size > 0 ||
      this.#isReservationPending ||
      this.imports.isDirty
    );
  }

  /** Inside the flush's transaction. */
  flush(): void {
    if (this.#isReservationPending) this.#meta.putNumber(nextNumberKey, this.#reservedTo);
    this.imports.flush();
    for (const session of this.#pendingDeletes) this.#store.delete(session);
    for (const session of this.#pendingPuts) this.#store.put(toRow(session));
    for (const [session, changes] of this.#pendingSubscriptions) {
      for (const [filter, subscription] of changes) {
        if (subscription === "removed") this.#store.deleteSubscription(session.number, filter);
        else this.#store.putSubscription(session.number, toSubscriptionRow(subscription));
      }
    }
    this.#isReservationPending = false;
    this.#pendingDeletes.length = 0;
    this.#pendingPuts.clear();
    this.#pendingSubscriptions.clear();
  }
}

function toRow(session: Session): StoredSession {
  const { clientId, number, protocolVersion, expiryIntervalSec, receiveMaximum, createdAtMs } = session;
  return {
    clientId,
    number,
    protocolVersion,
    expiryIntervalSec,
    receiveMaximum,
    createdAtMs,
    nextSubscriptionNumber: session.nextSubscriptionNumber,
    ...(session.username !== undefined && { username: session.username }),
    ...(session.expiresAtMs !== undefined && { expiresAtMs: session.expiresAtMs }),
  };
}

function toSubscriptionRow(subscription: Subscription): StoredSubscription {
  const { filter, number, qos, noLocal, retainAsPublished, retainHandling } = subscription;
  const identifier = subscription.subscriptionIdentifier;
  return {
    filter,
    number,
    qos,
    noLocal,
    retainAsPublished,
    retainHandling,
    ...(identifier !== undefined && { subscriptionIdentifier: identifier }),
  };
}

/** The part of a stored filter that is matched: it was checked when it was subscribed. */
export function topicFilterOf(filter: string): { topicFilter: TopicFilter; shareName?: string } {
  if (!filter.startsWith("$share/")) return { topicFilter: filter as TopicFilter };
  const [, shareName, real] = /^\$share\/([^/]+)\/(.*)$/s.exec(filter) ?? [];
  if (shareName === undefined || real === undefined) return { topicFilter: filter as TopicFilter };
  return { topicFilter: real as TopicFilter, shareName };
}
