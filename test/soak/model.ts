// The standard as one model: what was published, acknowledged and subscribed, and whether what arrives fits. Where this
// process cannot know whether the broker took a request (the connection was lost before its answer), both outcomes are
// allowed, and nothing else.

import { GroupRecord } from "./group-record.ts";
import { matches } from "./matching.ts";
import { never, type Published, type QoS, type Tick } from "./published.ts";
import { RetainedHistory } from "./retained-history.ts";
import { SessionRecord, type SubscriptionRecord } from "./session-record.ts";

export interface ModelSettings {
  readonly shards: number;
  shardOf(clientId: string): number;
  mayRead(clientId: string, topicName: string): boolean;
  /** An acknowledgement of this message says that the topic's owner has it, not just the publisher's shard. */
  isAtOwnerWhenAcknowledged(published: Published): boolean;
}

export interface Incoming {
  readonly topicName: string;
  readonly payload: string;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly dup: boolean;
  /** 0 at QoS 0. */
  readonly packetId: number;
}

/** What happens to a message later. */
type Unsaid =
  | "sentAt"
  | "dueFrom"
  | "ackedAt"
  | "takenBy"
  | "arrivedBy"
  | "isSentAgain"
  | "isOpen"
  | "lastSeenMs"
  | "isOver";

/** So many settlements ago a message is over: it comes to nobody who did not have it. */
const generations = 3;
/**
 * The broker records after a second what a client has acknowledged; with what a stalled machine takes. Only what a
 * connection that was lost within it had acknowledged may come again.
 */
const recordedWithinMs = 5_000;

export class Model {
  readonly #settings: ModelSettings;
  #now: Tick = 0;
  readonly #messages = new Map<string, Published>();
  /** Names by settlement, the present first. */
  #names: string[][] = [[]];
  readonly #sessions = new Set<SessionRecord>();
  readonly #groups = new Map<string, GroupRecord>();
  /** Shard and filter: owners may send what matches. They linger longer than worlds settle. */
  readonly #routes = new Set<string>();
  readonly retained = new RetainedHistory();
  readonly #settledAt: Tick[] = [0, 0];
  readonly violations: string[] = [];
  /** The last crash of anything; `never` while one may come at any time. */
  crashedAt: Tick = -1;
  /** When it may have begun, by this process's clock. */
  crashedAtMs = -1;
  /** From then on nothing was planned that crashes, by the clock. */
  crashEndedAtMs = -1;

  constructor(settings: ModelSettings) {
    this.#settings = settings;
  }

  /** The next moment. */
  tick(): Tick {
    return (this.#now += 1);
  }

  /** From now on something may crash at any time. */
  beginCrash(): void {
    this.crashedAt = never;
    this.crashedAtMs = performance.now();
  }

  endCrash(): void {
    this.crashedAt = this.tick();
    this.crashEndedAtMs = performance.now();
  }

  violate(text: string): void {
    this.violations.push(text);
  }

  publish(message: Omit<Published, Unsaid>): Published {
    const sentAt = this.tick();
    const open = { ackedAt: never, takenBy: never, arrivedBy: never, isSentAgain: false, isOpen: message.isWill };
    const published = { ...message, sentAt, dueFrom: sentAt, ...open, lastSeenMs: -1, isOver: false };
    this.#messages.set(published.name, published);
    this.#names[0]?.push(published.name);
    if (published.retain && !published.isDenied) this.retained.onPublish(published);
    return published;
  }

  acknowledged(published: Published): void {
    published.ackedAt = this.tick();
    if (this.#settings.isAtOwnerWhenAcknowledged(published)) published.takenBy = published.ackedAt;
    if (this.#settings.shards === 1) published.arrivedBy = published.ackedAt;
  }

  open(clientId: string, isDurable: boolean): SessionRecord {
    const session = new SessionRecord(clientId, isDurable);
    this.#sessions.add(session);
    return session;
  }

  /** It may end, or have ended, in a moment that nobody tells us. */
  doubt(session: SessionRecord): void {
    session.onDoubt(this.tick());
    for (const group of this.#groups.values()) group.onSessionOver(session, this.#now);
  }

  end(session: SessionRecord): void {
    session.onEnd(this.tick());
    for (const group of this.#groups.values()) group.onSessionOver(session, this.#now);
  }

  subscribe(session: SessionRecord, filter: string, qos: QoS): { record: SubscriptionRecord; sentAt: Tick } {
    const sentAt = this.tick();
    const route = `${this.#settings.shardOf(session.clientId)} ${filter}`;
    const record = session.onSubscribe(filter, qos, sentAt, this.#routes.has(route));
    this.#routes.add(route);
    if (record.isShared) {
      const group = this.#groups.get(filter) ?? new GroupRecord(record.topicFilter);
      this.#groups.set(filter, group);
      group.onMember(session, record);
    }
    return { record, sentAt };
  }

  suback(session: SessionRecord, record: SubscriptionRecord, sentAt: Tick): void {
    session.onSuback(record, sentAt, this.tick());
  }

  unsubscribe(session: SessionRecord, filter: string): SubscriptionRecord | undefined {
    return session.onUnsubscribe(filter, this.tick());
  }

  unsuback(record: SubscriptionRecord): void {
    record.leftAt = Math.min(record.leftAt, this.tick());
  }

  /** The client has answered: from here on the broker has a while to record it. */
  answered(session: SessionRecord, name: string, retain: boolean): void {
    const arrival = (retain ? session.replayed : session.live).get(name);
    if (arrival !== undefined) arrival.answeredAtMs = performance.now();
    this.#see(name);
  }

  #see(name: string): void {
    const published = this.#messages.get(name);
    if (published !== undefined) published.lastSeenMs = performance.now();
  }

  /** A PUBLISH has come. `isRepeat`: it carries the id of a QoS 2 message that the client has not finished. */
  arrive(session: SessionRecord, incoming: Incoming, isRepeat: boolean): void {
    const now = this.tick();
    const { topicName, payload } = incoming;
    const to = `${session.clientId} got ${payload || "(empty)"} on ${topicName}`;
    if (!this.#settings.mayRead(session.clientId, topicName)) this.violate(`${to}, which it may not read`);
    if (payload === "") {
      session.latest.set(topicName, "unknown");
      if (session.subscriptions(topicName).length === 0) this.violate(`${to} without a subscription`);
      return;
    }
    const published = this.#messages.get(payload);
    if (published === undefined) return this.violate(`${to}, which is over or was never published`);
    if (published.topicName !== topicName) return this.violate(`${to}, but it was published to ${published.topicName}`);
    if (published.isDenied) return this.violate(`${to}, which nobody may get`);
    this.#see(payload);
    if (this.#isRepeatOf(session, incoming, isRepeat, to)) return;
    if (published.isOver) return this.violate(`${to}, which is over`);
    const isFirst = !session.live.has(payload) && !session.replayed.has(payload);
    if (incoming.retain) this.#onReplay(session, published, incoming, to);
    else if (this.#isShared(topicName)) this.#onShared(session, published, incoming, to);
    else this.#onLive(session, published, incoming, to, now);
    this.#note(session, incoming);
    if (published.retain && isFirst) session.latest.set(topicName, published);
  }

  #note(session: SessionRecord, { retain, payload, qos, packetId }: Incoming): void {
    const arrivals = retain ? session.replayed : session.live;
    const arrival = arrivals.get(payload) ?? { qos, packetIds: new Set(), answeredAtMs: never, cameAt: [] };
    arrivals.set(payload, arrival);
    arrival.cameAt.push(this.#now);
    arrival.answeredAtMs = never;
    arrival.packetIds.add(packetId);
  }

  /** The same packet again, with the same id [MQTT-4.4.0-1] and with DUP [MQTT-3.3.1-1]. */
  #isRepeatOf(session: SessionRecord, incoming: Incoming, isRepeat: boolean, to: string): boolean {
    const { qos, retain, dup, packetId, payload } = incoming;
    const known = (retain ? session.replayed : session.live).get(payload);
    const isSame = qos > 0 && known?.packetIds.has(packetId) === true;
    if (isRepeat && !isSame) this.violate(`${to} with the id ${packetId} of another message`);
    if (!isSame || (qos === 2 && !isRepeat)) return isRepeat;
    if (!dup) this.violate(`${to} again without DUP`);
    // What the first loss after the answer took with it may come in any later connection.
    const heardForMs = session.heardAfter(known.answeredAtMs);
    if (heardForMs !== never && heardForMs > recordedWithinMs) this.violate(`${to} again, long after its answer`);
    known.answeredAtMs = never;
    return true;
  }

  #onReplay(session: SessionRecord, published: Published, { qos }: Incoming, to: string): void {
    if (!published.retain) this.violate(`${to} as retained, which it is not`);
    const subscriptions = session.subscriptions(published.topicName).filter(({ isShared }) => !isShared);
    const moments = subscriptions.flatMap(({ replaysFrom }) => replaysFrom);
    if (moments.length === 0) return this.violate(`${to} as retained, without a new subscription`);
    const stale = moments.map((moment) => this.retained.isSuperseded(published, moment));
    const [by] = stale;
    if (by !== undefined && stale.every((later) => later !== undefined)) {
      this.violate(`${to} as retained, though ${by.name || "a later value"} was acknowledged before`);
    }
    // What came before the oldest of them belonged to others, which are forgotten.
    const oldest = Math.min(...moments);
    const earlier = session.replayed.get(published.name)?.cameAt.filter((at) => at > oldest).length ?? 0;
    if (qos === 2 && earlier >= moments.length) this.violate(`${to} as retained ${earlier + 1} times at QoS 2`);
  }

  #isShared(topicName: string): boolean {
    for (const { topicFilter } of this.#groups.values()) if (matches(topicFilter, topicName)) return true;
    return false;
  }

  #onShared(session: SessionRecord, published: Published, { qos }: Incoming, to: string): void {
    const memberships = session.subscriptions(published.topicName);
    if (!memberships.some(({ isShared, leftAt }) => isShared && leftAt > published.sentAt)) {
      this.violate(`${to} without being a member of the group`);
    }
    for (const [filter, group] of this.#groups) {
      if (!matches(group.topicFilter, published.topicName)) continue;
      if (group.onTaken(published, qos) > 1) this.violate(`${to} at QoS 2, and a member of ${filter} had it before`);
    }
  }

  #onLive(session: SessionRecord, published: Published, incoming: Incoming, to: string, now: Tick): void {
    const requests = session
      .subscriptions(published.topicName)
      .filter(({ leftAt, isShared }) => !isShared && leftAt >= published.sentAt)
      .flatMap((record) => record.requests)
      .filter(({ from, isRouted, until }) => {
        // The owner knows which shards want it, and each shard who: the second is known once it has arrived there.
        const decidedBy = isRouted ? published.arrivedBy : published.takenBy;
        return from <= Math.min(decidedBy, now) && until >= published.sentAt;
      });
    if (requests.length === 0) {
      return this.violate(`${to}, taken by ${published.takenBy}, without a subscription at that time`);
    }
    const possible = new Set(requests.map(({ qos }) => Math.min(qos, published.qos)));
    if (!possible.has(incoming.qos)) this.violate(`${to} at QoS ${incoming.qos}, not ${[...possible].join(" or ")}`);
    const known = session.live.get(published.name);
    if (known === undefined) this.#judgeOrder(session, published, incoming, to);
    else if (!this.#mayComeAgain(published, incoming)) {
      this.violate(`${to} again, as another message (ids ${[...known.packetIds].join()} and ${incoming.packetId})`);
    }
  }

  #judgeOrder(session: SessionRecord, published: Published, { qos }: Incoming, to: string): void {
    if (published.isWill) return;
    // Of a message that was sent again the first copy at QoS 0 may have met nobody on line.
    if (qos === 0 && published.isSentAgain) return;
    const [subtree] = published.topicName.split("/");
    const stream = `${subtree}/${published.qos > 0 ? 1 : 0}/${qos > 0 ? 1 : 0}`;
    const earlier = session.outOfOrder(published, qos, stream, this.#mayBeTakenTwice(published));
    if (earlier !== undefined) this.violate(`${to} after ${earlier}`);
  }

  /** By its publisher's repeat; or of QoS 1 by that of a link, when a shard was lost before it had answered. */
  #mayBeTakenTwice({ isSentAgain, qos, sentAt }: Published): boolean {
    return isSentAgain || (qos === 1 && this.#settings.shards > 1 && this.crashedAt > sentAt);
  }

  /** As two messages, with two packet ids: where it was taken twice. */
  #mayComeAgain(published: Published, { qos }: Incoming): boolean {
    // A copy at QoS 0 does not wait for the commit of the message: after a crash it comes with its repeat, too.
    // A crash between its commits repeats a will of QoS 1; one of QoS 2 has only one commit.
    const isOfOneCommit = published.qos === 2 && qos > 0;
    if (published.isWill && !isOfOneCommit && this.crashedAt > published.sentAt) return true;
    const isRepeatable = published.qos === 1 || (published.qos === 2 && qos === 0);
    return isRepeatable && (published.isSentAgain || this.#settings.shards > 1);
  }

  /** What must have arrived, if nothing is under way any more. */
  missing(): string[] {
    const missing: string[] = [];
    for (const session of this.#sessions) {
      if (session.isOver) continue;
      missing.push(...this.#missingLive(session), ...this.#missingRetained(session));
    }
    for (const [filter, group] of this.#groups) missing.push(...this.#missingShared(filter, group));
    return missing;
  }

  #recent(): Published[] {
    return (this.#names[0] ?? []).flatMap((name) => this.#messages.get(name) ?? []);
  }

  #missingLive(session: SessionRecord): string[] {
    return this.#recent()
      .filter((published) => this.#isOwed(session, published) && !session.live.has(published.name))
      .map(({ name, topicName }) => `${session.clientId} never got ${name} on ${topicName}`);
  }

  #isOwed(session: SessionRecord, published: Published): boolean {
    const { topicName, qos, ackedAt, dueFrom, takenBy, clears, isDenied } = published;
    if (qos === 0 || ackedAt === never || clears || isDenied) return false;
    if (!this.#settings.mayRead(session.clientId, topicName)) return false;
    return session.subscriptions(topicName).some(({ isShared, ackedAt: from, leavingAt, requests }) => {
      if (isShared || from > dueFrom) return false;
      // At one shard the audience is decided by the acknowledgement; elsewhere it may be while an outbox waits.
      const isLeft = leavingAt !== never && (this.#settings.shards > 1 || leavingAt <= takenBy);
      return !isLeft && requests.every((request) => request.qos > 0);
    });
  }

  #missingRetained(session: SessionRecord): string[] {
    return [...this.retained.topics].flatMap((topicName) => {
      const isWatching = session
        .subscriptions(topicName)
        .some(
          (record) => !record.isShared && record.ackedAt !== never && record.leavingAt === never && isQueued(record),
        );
      const latest = session.latest.get(topicName);
      if (!isWatching || latest === "unknown") return [];
      const finals = this.retained.finals(topicName);
      if (finals.includes(undefined) || finals.includes(latest)) return [];
      const names = finals.map((value) => value?.name).join(" or ");
      return [`${session.clientId} has ${latest?.name ?? "nothing"} of ${topicName}, which retains ${names}`];
    });
  }

  #missingShared(filter: string, group: GroupRecord): string[] {
    return this.#recent()
      .filter(({ topicName, qos, ackedAt }) => qos > 0 && ackedAt !== never && matches(group.topicFilter, topicName))
      .filter((published) => group.isOwed(published, this.#settings.shards > 1))
      .map(({ name, topicName }) => `no member of ${filter} got ${name} on ${topicName}`);
  }

  /** Nothing is under way and nothing is missing. `observed`: what a new subscriber got of each retained topic. */
  settle(observed: (topicName: string) => Published | undefined): void {
    const now = this.tick();
    for (const published of this.#recent()) {
      if (published.isOpen) continue;
      published.takenBy = Math.min(published.takenBy, now);
      published.arrivedBy = Math.min(published.arrivedBy, now);
    }
    for (const topicName of this.retained.topics) this.#settleRetained(topicName, observed(topicName));
    this.#forget();
    this.#settledAt.unshift(now);
    const replaysSince = this.#settledAt[2] ?? 0;
    this.#settledAt.length = 2;
    const keep = (name: string): boolean => this.#messages.has(name);
    for (const group of this.#groups.values()) group.settle(keep);
    for (const session of this.#sessions) {
      if (session.isOver) this.#sessions.delete(session);
      else session.settle(keep, replaysSince);
    }
  }

  /** Who has an older value was owed no newer one: that was never acknowledged. */
  #settleRetained(topicName: string, value: Published | undefined): void {
    this.retained.onKnown(topicName, value);
    for (const session of this.#sessions) {
      if (!session.latest.has(topicName)) continue;
      if (value === undefined) session.latest.delete(topicName);
      else session.latest.set(topicName, value);
    }
  }

  #forget(): void {
    const isOpen = (name: string): boolean => this.#messages.get(name)?.isOpen === true;
    const [present = [], ...earlier] = this.#names;
    this.#names = [present.filter(isOpen), present.filter((name) => !isOpen(name)), ...earlier];
    const old = this.#names.splice(generations).flat();
    for (const name of old) {
      const published = this.#messages.get(name);
      if (published === undefined || published.isOpen) continue;
      if (published.retain && this.retained.has(published)) this.#names[0]?.push(name);
      else if (published.lastSeenMs + recordedWithinMs > performance.now()) this.#keep(published);
      else this.#messages.delete(name);
    }
  }

  /** Nobody is owed it, and who acknowledged it may get it again. */
  #keep(published: Published): void {
    published.isOver = true;
    this.#names.at(-1)?.push(published.name);
  }
}

const isQueued = ({ requests }: SubscriptionRecord): boolean => requests.every(({ qos }) => qos > 0);
