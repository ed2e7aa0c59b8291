// One shard's broker: the state that the packet families work on, and the inputs. Every input names the time; nothing
// here awaits. What it wants done goes out through `Effects`; what must be durable waits in the tables for the flush.

import type { Access } from "./access.ts";
import { AckQueue } from "./ack-queue.ts";
import type { Position, Result, SessionNumber, TopicName } from "./brand.ts";
import { onAuth, onExchangePacket, onExchangeVerdict, type ExchangeVerdict } from "./authentication.ts";
import { onAuthVerdict, onConnect, type AuthVerdict } from "./connect.ts";
import { isConnected, type Connection } from "./connection.ts";
import type { BrokerOptions, Stores } from "./broker-options.ts";
import { Counters, type DropReason } from "./counters.ts";
import { DelayedWills } from "./delayed-wills.ts";
import { DeliveryPlans, type IndexedSubscription } from "./delivery-plan.ts";
import {
  disconnectClient,
  endConnection,
  onDisconnect,
  onSocketLost,
  refuseConnection,
  shutDown,
} from "./disconnect.ts";
import type { Effects, Leaves } from "./effect.ts";
import type { LimitName, Limits } from "./limits.ts";
import type { CallId } from "./link-window.ts";
import type { LayoutStage } from "./layout-phase.ts";
import { LinkInbox } from "./link-inbox.ts";
import { LinkRoutes } from "./link-routes.ts";
import { Links, type LinkCall } from "./links.ts";
import { IdempotencyKeys, type Claim, type ClaimVerdict } from "./idempotency.ts";
import { MessageLog } from "./message-log.ts";
import { packetSize } from "./message-size.ts";
import { OfflineQueues } from "./offline-queues.ts";
import type { ClientPacket, Message, ServerPacket } from "./packet.ts";
import { PendingRows, type RowStore } from "./pending-rows.ts";
import { ProgressPages } from "./progress.ts";
import { onAcknowledgement, onPublish, onPubrel } from "./publish.ts";
import { claimKey, finishKey, publishOnce, type OnceAnswer } from "./publish-once.ts";
import type { PublishOutcome } from "./publish-outcome.ts";
import { reasonCode } from "./reason-code.ts";
import { QueueMemory } from "./queue-memory.ts";
import { RateLimits } from "./rate-limits.ts";
import { pumpReplays, ReplayRows } from "./replay.ts";
import { RetainedMessages } from "./retained.ts";
import type { Session } from "./session.ts";
import type { Subscription } from "./subscription.ts";
import { SessionTable } from "./session-table.ts";
import { SharedGroups } from "./shared-groups.ts";
import { onSubscribe, onUnsubscribe } from "./subscribe.ts";
import { sweep, sweepAwaiting } from "./sweep.ts";
import { TopicNames } from "./topic-names.ts";
import type { Layout } from "./placement.ts";
import { Topics } from "./topics.ts";
import type { Origin, PublishVerdict } from "./topic-port.ts";
import { TopicTree } from "./topic-tree.ts";
import { limitPassed, protocolError, refused, type Violation } from "./violation.ts";
import type { StoredWill } from "./will.ts";
import { unrestricted } from "./access.ts";

export type { BrokerOptions, Stores } from "./broker-options.ts";

export class Broker {
  readonly options: BrokerOptions;
  readonly limits: Limits;
  readonly effects: Effects;
  readonly topics: Topics;
  readonly groups: SharedGroups;
  readonly links: Links;
  readonly routes: LinkRoutes;
  readonly inbox: LinkInbox;
  /** How topics and clients are split among shards; the shell changes it as the registry says. */
  layout: Layout;
  /** Set while the layout changes: the shell lets no client in, and no time pass for those who are away. */
  stage: LayoutStage | undefined;
  readonly connections = new Map<number, Connection>();
  readonly sessions: SessionTable;
  readonly tree = new TopicTree<IndexedSubscription>();
  readonly plans: DeliveryPlans;
  readonly topicNames: TopicNames;
  readonly log: MessageLog;
  readonly offlineQueues: OfflineQueues;
  readonly queueMemory = new QueueMemory();
  readonly progress: ProgressPages;
  readonly retained: RetainedMessages;
  readonly wills: PendingRows<number, StoredWill>;
  /** Wills whose connection is lost and whose delay runs. */
  readonly delayedWills = new DelayedWills();
  readonly replayRows: ReplayRows;
  readonly idempotency: IdempotencyKeys;
  /** What is delivered now must not leave before the commit, even to sessions that need none. */
  deliversAfterCommit = false;
  readonly counters = new Counters();
  readonly rates: RateLimits;
  /** Shared ones included. */
  subscriptionCount = 0;
  /** Time of the present input (epoch ms). */
  nowMs = 0;
  /** Every stored session is in memory. */
  isWhole = false;
  /** When this object's memory began: the first input's time. */
  startedAtMs = 0;
  /** Subscriptions to `$SYS`, and when the next round is due. */
  sysSubscriptions = 0;
  nextSysMs = 0;

  constructor(options: BrokerOptions, layout: Layout, stores: Stores, effects: Effects) {
    this.options = options;
    this.limits = options.limits;
    this.rates = new RateLimits(options.limits);
    this.effects = effects;
    this.sessions = new SessionTable(stores.sessions, stores.meta);
    this.topicNames = new TopicNames(options.limits);
    this.offlineQueues = new OfflineQueues(this);
    this.log = new MessageLog(stores.log, {
      maximumLogBytes: options.limits.maximumLogBytes,
      onCompact: () => this.offlineQueues.step(),
    });
    this.progress = new ProgressPages(stores.progress);
    this.retained = new RetainedMessages(stores, this);
    this.wills = new PendingRows(stores.wills satisfies RowStore<number, StoredWill>);
    this.replayRows = new ReplayRows(stores.replays);
    this.idempotency = new IdempotencyKeys(stores.idempotency, options.limits);
    this.layout = layout;
    this.topics = new Topics(this);
    this.groups = new SharedGroups(this, stores.groups);
    this.routes = new LinkRoutes(this, stores.links);
    this.inbox = new LinkInbox(this);
    this.links = new Links(this, stores.links, options.incarnation);
    this.plans = new DeliveryPlans(this.tree, (topicName, subscription) => this.#isServed(topicName, subscription));
  }

  /** A socket was accepted. */
  onOpen(id: number, nowMs: number, leaseSec?: number): Connection {
    this.nowMs = nowMs;
    if (this.startedAtMs === 0) this.startedAtMs = nowMs;
    const acks = new AckQueue((packet, leaves) => {
      this.#acknowledge(connection, packet, leaves);
    });
    const connection: Connection = {
      id,
      socket: undefined,
      state: { kind: "awaiting-connect", deadlineMs: nowMs + this.limits.connectTimeoutMs },
      protocolVersion: 4,
      keepAliveSec: 0,
      lastSeenMs: nowMs,
      lastSeenSlackMs: 0,
      connectedAtMs: nowMs,
      leaseSec,
      access: unrestricted,
      acks,
      maximumPacketSize: undefined,
      wantsProblemInformation: true,
      inboundAliases: undefined,
      outboundAliases: undefined,
      authenticationMethod: undefined,
      reauthentication: undefined,
      hasWill: false,
    };
    this.connections.set(id, connection);
    return connection;
  }

  onPacket(connection: Connection, packet: ClientPacket, nowMs: number): void {
    this.nowMs = nowMs;
    this.counters.packetsReceived += 1;
    connection.lastSeenMs = nowMs;
    connection.lastSeenSlackMs = 0;
    const { state } = connection;
    switch (state.kind) {
      case "closed":
        return; // what comes after the end is not read
      case "awaiting-connect":
      case "authenticating":
        this.#onEarlyPacket(connection, packet, nowMs);
        return;
      case "connected":
        this.#onSessionPacket(connection, state.session, packet, nowMs);
        return;
    }
  }

  /** Bytes that are no packet, or a packet that must not come [MQTT-4.8.0-1 v3.1.1, MQTT-4.13.1-1]. */
  onViolation(connection: Connection, violation: Violation, nowMs: number): void {
    this.nowMs = nowMs;
    if (connection.state.kind === "closed") return;
    if (isConnected(connection)) endConnection(this, connection, violation, nowMs);
    else refuseConnection(this, connection, violation, "");
  }

  onSocketLost(connection: Connection, nowMs: number): void {
    this.nowMs = nowMs;
    onSocketLost(this, connection, nowMs);
  }

  onAuthVerdict(connection: Connection, verdict: AuthVerdict, nowMs: number): void {
    this.nowMs = nowMs;
    onAuthVerdict(this, connection, verdict, nowMs);
  }

  /** The authenticator's answer to one step of an enhanced authentication. */
  onExchangeVerdict(connection: Connection, verdict: ExchangeVerdict, nowMs: number): void {
    this.nowMs = nowMs;
    onExchangeVerdict(this, connection, verdict, nowMs);
  }

  /** Something may be due: keep-alive, session expiry, delayed wills. */
  onTick(nowMs: number): void {
    this.nowMs = nowMs;
    sweep(this, nowMs);
  }

  /** Closes those that have not said CONNECT in time; gives how many still may. */
  onConnectTimeout(nowMs: number): number {
    this.nowMs = nowMs;
    return sweepAwaiting(this, nowMs);
  }

  /** The socket has room again, or a page of a replay may follow. */
  onPump(connection: Connection, nowMs: number): void {
    this.nowMs = nowMs;
    if (!isConnected(connection)) return;
    const { session } = connection.state;
    session.online?.outbound.pump(nowMs);
    this.groups.pumpFor(session);
    pumpReplays(this, session);
  }

  /** A message from HTTP, another Worker or a timer of the broker's own. */
  onPublishRequest(message: Message, nowMs: number, done: (verdict: PublishVerdict) => void): void {
    this.nowMs = nowMs;
    this.counters.publishedOverHttp += 1;
    this.publish(message, { session: undefined }, done);
  }

  /** Messages under an idempotency key; this shard owns all of them. */
  onPublishOnce(
    drafts: readonly Result<Message, Violation>[],
    claim: Claim,
    nowMs: number,
    done: (answer: OnceAnswer) => void,
    /** Asked once the key is claimed: what becomes of all of them where none is to be taken. */
    judge?: () => PublishOutcome | undefined,
  ): void {
    this.nowMs = nowMs;
    publishOnce(this, drafts, claim, done, judge);
  }

  /** An idempotency key of messages that have other owners too. */
  onClaim(claim: Claim, nowMs: number): ClaimVerdict {
    this.nowMs = nowMs;
    return claimKey(this, claim);
  }

  onFinish(claim: Claim, outcomes: readonly PublishOutcome[] | undefined, nowMs: number): void {
    this.nowMs = nowMs;
    finishKey(this, claim, outcomes);
  }

  /** Somebody who administers the broker ends a client's connection; false where there is none. */
  onDisconnectRequest(clientId: string, nowMs: number): boolean {
    this.nowMs = nowMs;
    return disconnectClient(this, clientId, nowMs);
  }

  /** The process ends. */
  onShutdown(nowMs: number): void {
    this.nowMs = nowMs;
    shutDown(this);
  }

  publish(message: Message, origin: Origin, done: (verdict: PublishVerdict) => void): void {
    this.topics.publish(message, origin, done);
  }

  mayPublish(access: Access, topicName: TopicName): boolean {
    return !topicName.startsWith("$SYS/") && access.mayPublish(topicName);
  }

  /** A message that a client should have had and will not get: counted and told in the log. */
  dropped(connection: Connection | undefined, message: Message, reason: DropReason, limit?: LimitName): void {
    this.counters.drop(reason);
    this.effects.log({
      event: "message-dropped",
      reason,
      topic: message.topicName,
      ...(connection !== undefined && isConnected(connection) && { clientId: connection.state.session.clientId }),
      ...(limit !== undefined && { limit }),
    });
  }

  /** Progress that the next packet relies on: written by the flush that sends it. */
  saveProgress(session: Session): void {
    const { online } = session;
    if (online?.outbound.kind !== "stored") return;
    const { outbound, inbound } = online;
    if (!this.progress.isAsked(session.number)) {
      this.progress.setLater(session.number, () => outbound.progress(true, inbound));
    }
    this.effects.needsFlush();
  }

  #isServed(topicName: TopicName, subscription: Subscription): boolean {
    // `$SYS` is every shard's own, whatever shard its name hashes to.
    if (this.layout.shards === 1 || topicName.startsWith("$SYS/")) return true;
    const owner = this.topics.ownerOf(topicName);
    return owner === this.options.shardIndex || this.routes.isServed(subscription.topicFilter, owner);
  }

  get isDirty(): boolean {
    return (
      this.links.isBusy ||
      this.groups.isDirty ||
      this.sessions.isDirty ||
      this.log.isDirty ||
      this.progress.isDirty ||
      this.retained.isDirty ||
      this.wills.isDirty ||
      this.replayRows.isDirty ||
      this.idempotency.isDirty
    );
  }

  /** A batch of a link came in a call. */
  onLinkBatch(bytes: Uint8Array, call: LinkCall, nowMs: number): void {
    this.nowMs = nowMs;
    this.links.onBatch(bytes, call);
  }

  onLinkAnswer(shard: number, id: CallId, answer: Uint8Array, nowMs: number): void {
    this.nowMs = nowMs;
    this.links.onAnswer(shard, id, answer);
  }

  onLinkFailure(shard: number, id: CallId, retryable: boolean, nowMs: number): void {
    this.nowMs = nowMs;
    this.links.onFailure(shard, id, retryable);
  }

  /** Writes everything pending; inside the shell's transaction. */
  flush(nowMs: number): void {
    this.nowMs = nowMs;
    this.sessions.flush();
    const hasEntriesAfter = (session: SessionNumber, after: Position): boolean =>
      this.log.next(session, after) !== undefined;
    const exists = (session: SessionNumber): boolean =>
      this.sessions.byNumber(session)?.kind === "stored" || this.groups.has(session);
    this.progress.flush(this.log.end, hasEntriesAfter, this.isWhole ? exists : undefined);
    this.log.flush();
    this.retained.flush();
    this.wills.flush();
    this.replayRows.flush();
    this.idempotency.flush();
    this.routes.flush(nowMs);
    this.links.flush(nowMs);
    this.groups.flush();
  }

  /** The flush is written: ids whose completion it holds are free. */
  onFlushed(): void {
    this.retained.expiry.onFlushed();
    this.links.onFlushed();
    for (const session of this.progress.takeCommitted()) {
      const outbound = this.sessions.byNumber(session)?.online?.outbound;
      if (outbound?.kind === "stored") outbound.onProgressCommitted();
    }
  }

  /** An answer that the client has no room for cannot be left out: the client would wait for it. */
  #acknowledge(connection: Connection, packet: ServerPacket, leaves: Leaves): void {
    if (connection.state.kind === "closed") return;
    if (connection.maximumPacketSize === undefined || this.effects.fits(connection, packet)) {
      this.effects.send(connection, packet, leaves);
      return;
    }
    const violation = refused(reasonCode.packetTooLarge, "an answer is larger than the client's Maximum Packet Size");
    this.onViolation(connection, violation, this.nowMs);
  }

  #onEarlyPacket(connection: Connection, packet: ClientPacket, nowMs: number): void {
    const { state } = connection;
    if (packet.kind === "connect") {
      onConnect(this, connection, packet, nowMs);
    } else if (state.kind !== "authenticating") {
      this.onViolation(connection, protocolError("the first packet is not CONNECT", "MQTT-3.1.0-1"), nowMs);
    } else if (state.exchange !== undefined) {
      onExchangePacket(this, connection, state.exchange, packet, nowMs);
    } else {
      state.earlyBytes += packetSize(packet);
      if (state.earlyBytes <= this.limits.maximumEarlyBytes) state.early.push(packet);
      else this.onViolation(connection, earlyBytesPassed(), nowMs);
    }
  }

  #onSessionPacket(connection: Connection, session: Session, packet: ClientPacket, nowMs: number): void {
    const { online } = session;
    if (online === undefined) throw new Error("a connected session without its connection");
    switch (packet.kind) {
      case "publish":
        onPublish(this, connection, online, session, packet, nowMs);
        return;
      case "pubrel":
        onPubrel(this, connection, online, session, packet);
        return;
      case "puback":
      case "pubrec":
      case "pubcomp":
        onAcknowledgement(this, connection, online, packet, nowMs);
        this.groups.pumpFor(session);
        // In a turn of its own, for all acknowledgements that come until then: a page of one message costs as much to find.
        if (session.replays.size > 0) this.effects.pumpSoon(connection);
        return;
      case "subscribe":
        onSubscribe(this, connection, session, packet, nowMs);
        return;
      case "unsubscribe":
        onUnsubscribe(this, connection, session, packet, nowMs);
        return;
      case "pingreq":
        // Not in the order of acknowledgements: one that waits for another shard must not look like a dead connection.
        this.effects.send(connection, { kind: "pingresp" }, "at-once"); // [MQTT-3.12.4-1]
        return;
      case "disconnect":
        onDisconnect(this, connection, packet, nowMs);
        return;
      case "connect":
        onConnect(this, connection, packet, nowMs);
        return;
      case "auth":
        onAuth(this, connection, packet, nowMs);
        return;
    }
  }
}

const earlyBytesPassed = (): Violation =>
  limitPassed("maximumEarlyBytes", reasonCode.quotaExceeded, "too much before the authentication verdict");
