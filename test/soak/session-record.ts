// What the harness knows of one session: its subscriptions, and what has arrived.

import { matches, partsOf } from "./matching.ts";
import { never, type Published, type QoS, type Tick } from "./published.ts";

interface SubscribeRequest {
  readonly qos: QoS;
  readonly from: Tick;
  /** The session's shard was already told of what matches the filter: what is on its way there matches this request too. */
  readonly isRouted: boolean;
  /** A later request for the same filter was acknowledged. */
  until: Tick;
}

export interface SubscriptionRecord {
  readonly filter: string;
  readonly topicFilter: string;
  readonly isShared: boolean;
  readonly requests: SubscribeRequest[];
  /** The first SUBACK. */
  ackedAt: Tick;
  /** From here on it may be gone … */
  leavingAt: Tick;
  /** … and from here on it is. */
  leftAt: Tick;
  /** SUBSCRIBEs whose retained messages may still come: since the last settlement but one. */
  replaysFrom: Tick[];
}

interface Arrival {
  readonly qos: QoS;
  readonly packetIds: Set<number>;
  /** When the client answered it, by this process's clock: PUBACK or PUBREC went into an open socket. `never`: not yet. */
  answeredAtMs: number;
  /** Each time it came as another message. */
  readonly cameAt: Tick[];
}

const mostReplays = 64;

export class SessionRecord {
  readonly clientId: string;
  readonly isDurable: boolean;
  readonly #current = new Map<string, SubscriptionRecord>();
  #past: SubscriptionRecord[] = [];
  /** By name; sent as the result of a subscription (`retain`) or live. */
  readonly live = new Map<string, Arrival>();
  readonly replayed = new Map<string, Arrival>();
  /** The last value of each topic that is retained; `unknown` where a nameless message came. */
  readonly latest = new Map<string, Published | "unknown">();
  endedAt: Tick = never;
  /** Its connections that were lost: when the broker was heard last, and when that was noticed, by this process's clock. */
  readonly #losses: { readonly heardAtMs: number; readonly noticedAtMs: number }[] = [];
  readonly #orders = new Map<string, { latestSentAt: Tick; latestName: string; sequences: Map<string, Published> }>();

  constructor(clientId: string, isDurable: boolean) {
    this.clientId = clientId;
    this.isDurable = isDurable;
  }

  /** Its connection is lost. A broker that was killed is not heard any more, and it may take long until that is noticed. */
  lose(heardAtMs: number): void {
    this.#losses.push({ heardAtMs, noticedAtMs: performance.now() });
  }

  /** How long the broker was certainly there, after a moment, until a connection was lost; `never`: none was. */
  heardAfter(ms: number): number {
    const loss = this.#losses.find(({ noticedAtMs }) => noticedAtMs >= ms);
    return loss === undefined ? never : loss.heardAtMs - ms;
  }

  get isOver(): boolean {
    return this.endedAt !== never;
  }

  /** Of this session, gone ones included. */
  subscriptions(topicName: string): SubscriptionRecord[] {
    return [...this.#current.values(), ...this.#past].filter(({ topicFilter }) => matches(topicFilter, topicName));
  }

  get current(): Iterable<SubscriptionRecord> {
    return this.#current.values();
  }

  onSubscribe(filter: string, qos: QoS, now: Tick, isRouted: boolean): SubscriptionRecord {
    const known = this.#current.get(filter);
    const request = { qos, from: now, isRouted, until: never };
    if (known?.leavingAt === never) {
      known.requests.push(request);
      known.replaysFrom.push(now);
      if (known.replaysFrom.length > mostReplays) known.replaysFrom.shift();
      return known;
    }
    if (known !== undefined) this.#past.push(known);
    const record: SubscriptionRecord = {
      filter,
      ...partsOf(filter),
      requests: [request],
      ackedAt: never,
      leavingAt: never,
      leftAt: never,
      replaysFrom: [now],
    };
    this.#current.set(filter, record);
    return record;
  }

  /** SUBACK for the request that left at `sentAt`. */
  onSuback(record: SubscriptionRecord, sentAt: Tick, now: Tick): void {
    record.ackedAt = Math.min(record.ackedAt, now);
    for (const request of record.requests) if (request.from < sentAt) request.until = Math.min(request.until, now);
    for (const past of this.#past) if (past.filter === record.filter) past.leftAt = Math.min(past.leftAt, now);
  }

  onUnsubscribe(filter: string, now: Tick): SubscriptionRecord | undefined {
    const record = this.#current.get(filter);
    if (record !== undefined) record.leavingAt = Math.min(record.leavingAt, now);
    return record;
  }

  /** From now on it may have ended: nothing is owed to it any more. */
  onDoubt(now: Tick): void {
    for (const record of this.#current.values()) record.leavingAt = Math.min(record.leavingAt, now);
  }

  onEnd(now: Tick): void {
    this.onDoubt(now);
    this.endedAt = Math.min(this.endedAt, now);
  }

  /** Of the first arrivals of a stream: the message that came too early, if there is one. */
  outOfOrder(published: Published, qos: QoS, stream: string, mayBeTakenTwice: boolean): string | undefined {
    // What was taken twice may be for this session, or for it at this QoS, only the second time.
    const mayBeLate = mayBeTakenTwice && !this.#wasSubscribed(published, qos);
    const order = this.#orders.get(stream) ?? { latestSentAt: -1, latestName: "", sequences: new Map() };
    this.#orders.set(stream, order);
    const before = order.sequences.get(published.publisher);
    const isBehind = before !== undefined && before.sequence > published.sequence;
    if (isBehind && !mayBeLate) return before.name;
    if (published.takenBy < order.latestSentAt) return order.latestName;
    if (!isBehind) order.sequences.set(published.publisher, published);
    if (published.sentAt > order.latestSentAt) {
      order.latestSentAt = published.sentAt;
      order.latestName = published.name;
    }
    return undefined;
  }

  #wasSubscribed({ topicName, sentAt }: Published, qos: QoS): boolean {
    return this.subscriptions(topicName).some(
      ({ ackedAt, leavingAt, requests }) =>
        ackedAt <= sentAt &&
        leavingAt === never &&
        requests.every((request) => Math.min(request.qos, 1) >= Math.min(qos, 1)),
    );
  }

  /** After everything has arrived: what is over is forgotten. `keep` says of which messages more may come. */
  settle(keep: (name: string) => boolean, replaysSince: Tick): void {
    this.#past = this.#past.filter(({ leftAt }) => leftAt === never || leftAt > replaysSince);
    for (const record of [...this.#current.values(), ...this.#past]) {
      record.replaysFrom = record.replaysFrom.filter((from) => from > replaysSince);
      while (record.requests.length > 1 && (record.requests[0]?.until ?? never) < replaysSince) record.requests.shift();
    }
    for (const arrivals of [this.live, this.replayed]) {
      for (const name of arrivals.keys()) if (!keep(name)) arrivals.delete(name);
    }
  }
}
