// A core over an in-memory database, with clients: packets in, lines out. Time, flushes and crashes happen when the test
// says so.

import { unrestricted, type Access } from "../../src/core/access.ts";
import { Broker, type BrokerOptions } from "../../src/core/broker.ts";
import type { PacketId } from "../../src/core/brand.ts";
import type { Connection } from "../../src/core/connection.ts";
import { defaultFeatures } from "../../src/core/features.ts";
import { defaultLimits, type Limits } from "../../src/core/limits.ts";
import type { ClientPacket, Connect, Publish, QoS, ServerPacket, SubscriptionRequest } from "../../src/core/packet.ts";
import type { Layout } from "../../src/core/placement.ts";
import { loadSessions, loadSubscriptions, recover, restoreConnection, snapshotOf } from "../../src/core/restore.ts";
import { openStoresOver, type OpenStores } from "../../src/storage/stores.ts";
import { NodeSql } from "./node-sql.ts";
import { RecordingEffects } from "./recording-effects.ts";

const encoder = new TextEncoder();
const startMs = 1_000_000_000_000;
const oneShard = { number: 1, shards: 1, subtreeDepth: 1, depthByPrefix: [], hashSeed: 0 };

export interface SceneOptions {
  readonly limits?: Partial<Limits>;
  readonly options?: Partial<BrokerOptions>;
  /** Default: one shard. */
  readonly layout?: Layout;
  /** Verdicts come when the test gives them; else everybody is let in at once, under the name in CONNECT. */
  readonly isGuarded?: boolean;
  readonly access?: (username: string | undefined, clientId: string) => Access;
}

export class Scene {
  readonly sql = new NodeSql();
  readonly #setting: SceneOptions;
  readonly #clients: Client[] = [];
  stores!: OpenStores;
  broker!: Broker;
  effects!: RecordingEffects;
  nowMs = startMs;
  #lastId = 0;

  constructor(setting: SceneOptions = {}) {
    this.#setting = setting;
    this.#start();
  }

  #start(): void {
    const { limits, options, access } = this.#setting;
    this.effects = new RecordingEffects();
    this.stores = openStoresOver(this.sql);
    this.broker = new Broker(
      {
        limits: { ...defaultLimits, ...limits },
        shardIndex: 0,
        incarnation: 1,
        protocolVersions: [3, 4, 5],
        features: { ...defaultFeatures, sharedSubscriptionAvailable: false },
        newClientId: () => "assigned",
        isOwnClientId: () => true,
        accessFor: access ?? (() => unrestricted),
        rowsWritten: () => this.sql.rowsWritten,
        ...options,
      },
      this.#setting.layout ?? oneShard,
      this.stores,
      this.effects,
    );
    this.broker.nowMs = this.nowMs;
  }

  open(): Client {
    this.#lastId += 1;
    const client = new Client(this, this.broker.onOpen(startMs * 1024 + this.#lastId, this.nowMs));
    this.#clients.push(client);
    return client;
  }

  /** A connected client whose CONNACK was taken. */
  connect(clientId: string, more: Partial<Connect> = {}): Client {
    const client = this.open();
    client.send(connect(clientId, more));
    const [connack] = client.take();
    if (connack?.includes("connack 0") !== true) throw new Error(`no CONNACK but ${connack}`);
    return client;
  }

  subscriber(clientId: string, qos: QoS, filters: string[], more: Partial<Connect> = {}): Client {
    const client = this.connect(clientId, more);
    client.send(subscribe(qos, ...filters));
    client.take();
    return client;
  }

  deliver(client: Client, packet: ClientPacket): void {
    this.broker.onPacket(client.connection, packet, this.nowMs);
    if (this.#setting.isGuarded !== true) this.admitAll();
  }

  admitAll(): void {
    for (const [connection, { username }] of this.effects.asked.splice(0)) {
      this.broker.onAuthVerdict(connection, { kind: "allow", ...(username !== undefined && { username }) }, this.nowMs);
    }
  }

  /** The flush: one transaction. */
  flush(): void {
    this.sql.transaction(() => this.broker.flush(this.nowMs));
    this.broker.onFlushed();
  }

  /** What was asked to be ended or pumped is, until nothing more is. */
  pump(): void {
    for (const [connection, violation] of this.effects.ends.splice(0)) {
      this.broker.onViolation(connection, violation, this.nowMs);
    }
    while (this.effects.pumps.size > 0) {
      const connections = [...this.effects.pumps];
      this.effects.pumps.clear();
      for (const connection of connections) this.broker.onPump(connection, this.nowMs);
    }
  }

  pass(seconds: number): void {
    this.nowMs += seconds * 1000;
    this.broker.onTick(this.nowMs);
  }

  /** Memory and sockets are lost; what was flushed is there. */
  crash(): void {
    this.#clients.length = 0;
    this.#start();
    this.wake();
  }

  wake(): void {
    loadSessions(this.broker, this.stores);
    loadSubscriptions(this.broker, this.stores);
    recover(this.broker, this.stores, this.nowMs);
  }

  /** The idle save, then memory is lost and the sockets are kept. `woken`: only these come back, else all. */
  hibernate(woken?: readonly Client[]): void {
    const clients = this.#clients.filter(({ connection }) => connection.state.kind === "connected");
    for (const { connection } of clients) {
      if (connection.state.kind === "connected") this.broker.saveProgress(connection.state.session);
    }
    const saved = clients.map((client) => [client, snapshotOf(client.connection)] as const);
    this.flush();
    this.#start();
    for (const [client, snapshot] of saved) {
      if (snapshot === undefined || (woken !== undefined && !woken.includes(client))) continue;
      client.connection = this.broker.onOpen(snapshot.id, this.nowMs);
      if (!restoreConnection(this.broker, this.stores, client.connection, snapshot)) throw new Error("not restored");
    }
    if (woken === undefined) this.wake();
  }
}

export class Client {
  readonly #scene: Scene;
  connection: Connection;

  constructor(scene: Scene, connection: Connection) {
    this.#scene = scene;
    this.connection = connection;
  }

  send(...packets: ClientPacket[]): void {
    for (const packet of packets) this.#scene.deliver(this, packet);
  }

  /** What was sent to it since the last time. */
  take(): string[] {
    return this.#scene.effects.sent.get(this.connection.id)?.splice(0) ?? [];
  }

  /** The same without the mark of packets that wait for the commit. */
  lines(): string[] {
    return this.take().map((line) => line.replace(/^~/u, ""));
  }

  /** The packets that it was sent since the last time, whole; without PUBLISH. */
  packets(): ServerPacket[] {
    return this.#scene.effects.packets.get(this.connection.id)?.splice(0) ?? [];
  }

  drop(): void {
    this.#scene.broker.onSocketLost(this.connection, this.#scene.nowMs);
  }

  get isClosed(): boolean {
    return this.#scene.effects.closed.has(this.connection.id);
  }
}

export const connect = (clientId: string, more: Partial<Connect> = {}): Connect => ({
  kind: "connect",
  protocolVersion: 4,
  clientId,
  cleanStart: true,
  keepAliveSec: 60,
  ...more,
});

export const publish = (topicName: string, payload = "x", more: Partial<Publish> = {}): Publish => ({
  kind: "publish",
  dup: false,
  qos: 0,
  retain: false,
  topicName,
  payload: encoder.encode(payload),
  ...more,
});

export const publish1 = (topicName: string, payload: string, id: number, more: Partial<Publish> = {}): Publish =>
  publish(topicName, payload, { qos: 1, packetId: id as PacketId, ...more });

export const publish2 = (topicName: string, payload: string, id: number, more: Partial<Publish> = {}): Publish =>
  publish(topicName, payload, { qos: 2, packetId: id as PacketId, ...more });

export const request = (qos: QoS, topicFilter: string): SubscriptionRequest => ({
  topicFilter,
  qos,
  noLocal: false,
  retainAsPublished: false,
  retainHandling: 0,
});

export const subscribe = (qos: QoS, ...filters: string[]): ClientPacket => ({
  kind: "subscribe",
  packetId: 1 as PacketId,
  subscriptions: filters.map((filter) => request(qos, filter)),
});

export const unsubscribe = (...topicFilters: string[]): ClientPacket => ({
  kind: "unsubscribe",
  packetId: 1 as PacketId,
  topicFilters,
});

export const ack = (kind: "puback" | "pubrec" | "pubrel" | "pubcomp", id: number): ClientPacket => ({
  kind,
  packetId: id as PacketId,
});

export const will = (topicName: string, payload = "gone", more: { qos?: QoS; retain?: boolean } = {}) => ({
  topicName,
  payload: encoder.encode(payload),
  qos: 0 as QoS,
  retain: false,
  ...more,
});

export const disconnect: ClientPacket = { kind: "disconnect" };

/** 1, 2, … count. */
export const upTo = (count: number, from = 1): number[] => Array.from({ length: count }, (_, index) => from + index);
