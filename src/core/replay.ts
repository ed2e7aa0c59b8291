// Replays of retained messages to a new subscription (§3.3.1.3). They stand outside the queue limit and the order of
// live messages: as the window frees, the next page comes from the owner's table.

import type { SessionNumber, TopicFilter, TopicName } from "./brand.ts";
import type { Broker } from "./broker.ts";
import { isConnected } from "./connection.ts";
import type { Message, QoS } from "./packet.ts";
import type { RetainedPage } from "./topic-port.ts";
import { sendQos0 } from "./sending.ts";
import type { Session } from "./session.ts";

export interface ReplayJob {
  /** Filter of the subscription and number of the owner: the job's key within its session. */
  readonly key: string;
  readonly filter: string;
  readonly topicFilter: TopicFilter;
  readonly owner: number;
  readonly qos: QoS;
  readonly subscriptionIdentifier?: number;
  /** The owner's version when the job started: younger values came live. */
  readonly notAfterVersion: number;
  lastTopic: TopicName | undefined;
  /** A page was asked for and has not come. */
  waiting: boolean;
}

/** The row of a stored session's replay. */
export type StoredReplay = Omit<ReplayJob, "waiting">;

export interface ReplayStore {
  all(): (readonly [session: SessionNumber, job: StoredReplay])[];
  put(session: SessionNumber, job: StoredReplay): void;
  delete(session: SessionNumber, key: string): void;
}

/** Rows of stored sessions' replays that wait for the next flush. */
export class ReplayRows {
  readonly #store: ReplayStore;
  readonly #pending = new Map<string, () => void>();

  constructor(store: ReplayStore) {
    this.#store = store;
  }

  put(session: SessionNumber, job: ReplayJob): void {
    const { waiting: _, ...row } = job;
    this.#pending.set(`${session}:${job.key}`, () => this.#store.put(session, row));
  }

  delete(session: SessionNumber, key: string): void {
    this.#pending.set(`${session}:${key}`, () => this.#store.delete(session, key));
  }

  get isDirty(): boolean {
    return this.#pending.size > 0;
  }

  /** Inside the flush's transaction. */
  flush(): void {
    for (const write of this.#pending.values()) write();
    this.#pending.clear();
  }
}

/** The most messages of one page: with the bytes that a page may have, what one flush may add to one socket. */
const pageSize = 256;

export const replayKey = (owner: number, filter: string): string => `${owner}:${filter}`;

/** Starts a replay, in place of one that is under way for the same filter [MQTT-3.8.4-4]. */
export function startReplay(broker: Broker, session: Session, job: ReplayJob): void {
  session.replays.set(job.key, job);
  // The owner answers in a turn of its own: the save that SUBSCRIBE asked for may be over.
  if (session.online !== undefined) broker.effects.needsSave(session.online.connection);
  if (session.kind === "stored" && job.qos > 0) broker.replayRows.put(session.number, job);
}

export function endReplay(broker: Broker, session: Session, key: string): void {
  if (session.replays.delete(key) && session.kind === "stored") {
    broker.replayRows.delete(session.number, key);
  }
}

/** Asks for the next page of every replay of this session, as far as the window has room. */
export function pumpReplays(broker: Broker, session: Session): void {
  for (const job of session.replays.values()) {
    const online = session.online;
    if (online === undefined) return;
    if (job.waiting) continue;
    if (broker.effects.isBehind(online.connection)) {
      broker.effects.pumpSoon(online.connection);
      return;
    }
    const room = Math.min(pageSize, job.qos === 0 ? pageSize : online.outbound.window.room);
    if (room === 0) return;
    job.waiting = true;
    broker.topics.retainedPage(job.owner, job.topicFilter, job.lastTopic, room, job.notAfterVersion, (page) =>
      onPage(broker, session, job, page),
    );
  }
}

function onPage(broker: Broker, session: Session, job: ReplayJob, page: RetainedPage | undefined): void {
  job.waiting = false;
  if (session.replays.get(job.key) !== job || session.online === undefined) return;
  if (page === undefined) {
    broker.effects.pumpSoon(session.online.connection);
    return;
  }
  for (const message of page.messages) replayOne(broker, session, job, message);
  const { connection } = session.online;
  if (page.next === undefined) {
    endReplay(broker, session, job.key);
  } else {
    job.lastTopic = page.next;
    if (session.kind === "stored" && job.qos > 0) broker.replayRows.put(session.number, job);
    broker.effects.pumpSoon(connection);
  }
  broker.effects.needsSave(connection);
}

function replayOne(broker: Broker, session: Session, job: ReplayJob, message: Message): void {
  const online = session.online;
  if (online === undefined || !isConnected(online.connection)) return;
  if (!online.connection.access.mayReceive(message.topicName)) {
    broker.dropped(online.connection, message, "not_authorized");
    return;
  }
  const qos = Math.min(job.qos, message.qos) as QoS;
  const subscriptionIdentifiers = job.subscriptionIdentifier === undefined ? undefined : [job.subscriptionIdentifier];
  // [MQTT-3.3.1-8]: RETAIN is 1 because the message is sent as the result of a new subscription.
  if (qos === 0) {
    sendQos0(broker, online.connection, message, true, subscriptionIdentifiers);
    return;
  }
  online.outbound.replay(message, qos, subscriptionIdentifiers);
}
