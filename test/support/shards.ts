// A namespace of several shards of its own for a test, inside workerd: clients at the shards of their ids, hibernation,
// crashes, and what is said on the links between the shards.

import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import type { IConnectPacket } from "mqtt-packet";
import { BrokerShard } from "../../src/objects/broker-shard.ts";
import { layoutHeader } from "../../src/objects/layout.ts";
import { relayHeader } from "../../src/objects/relay.ts";
import { connect, MqttSocket, subscribe } from "../workers/mqtt-socket.ts";
import { Placement } from "./placement.ts";

export type Client = MqttSocket & { readonly resumed: boolean };

/** How often a condition is looked at, and for how long. */
const lookEveryMs = 5;
const patienceMs = 8_000;
/** How long a crash takes at most. */
const crashMs = 100;

export class Cluster {
  readonly namespace: string;
  readonly shards: number;
  readonly placement: Placement;

  /** `namespace`: one that no other test uses. */
  constructor(namespace: string, shards: number) {
    this.namespace = namespace;
    this.shards = shards;
    this.placement = new Placement(shards);
  }

  stub(shard: number): DurableObjectStub<BrokerShard> {
    return env.BROKER_SHARD.getByName(`${this.namespace}/${shard}`);
  }

  get all(): number[] {
    return Array.from({ length: this.shards }, (_, shard) => shard);
  }

  /** A socket at a shard that has said nothing yet. */
  async open(shard: number, isRelayed = false, protocolVersion: 4 | 5 = 4): Promise<MqttSocket> {
    const headers = { upgrade: "websocket", [layoutHeader]: JSON.stringify(this.placement.layout) };
    const response = await this.stub(shard).fetch("http://broker.localhost/mqtt", {
      headers: isRelayed ? { ...headers, [relayHeader]: "1" } : headers,
    });
    if (response.webSocket === null) throw new Error(`no upgrade: ${response.status}`);
    return new MqttSocket(response.webSocket, protocolVersion);
  }

  /** A connected client at the shard of its id. */
  async client(clientId: string, more: Partial<IConnectPacket> = {}): Promise<Client> {
    const protocolVersion = more.protocolVersion === 5 ? 5 : 4;
    const socket = await this.open(this.placement.shardOf(clientId), false, protocolVersion);
    socket.send(connect(clientId, more));
    const connack = await socket.next();
    if (typeof connack === "string" || connack.cmd !== "connack" || (connack.reasonCode ?? connack.returnCode) !== 0) {
      throw new Error(`no CONNACK 0 but ${JSON.stringify(connack)}`);
    }
    return Object.assign(socket, { resumed: connack.sessionPresent });
  }

  /** A client whose SUBACK has come; nothing of what came with it is taken. */
  async subscriber(clientId: string, qos: 0 | 1 | 2, filters: string[], more: Partial<IConnectPacket> = {}) {
    const socket = await this.client(clientId, more);
    await subscribeNow(socket, qos, ...filters);
    return socket;
  }

  /** The idle save of a shard runs. */
  async save(shard: number): Promise<void> {
    await runInDurableObject(this.stub(shard), (instance) => instance.saveNow());
  }

  /** Every shard, or one, saves and sleeps with its sockets kept. */
  async hibernate(...shards: number[]): Promise<void> {
    for (const shard of shards.length === 0 ? this.all : shards) {
      await this.save(shard);
      await evictDurableObject(this.stub(shard), { webSockets: "hibernate" });
    }
  }

  /** Memory and sockets of a shard are lost, and every call that it makes or answers; nothing was saved before. */
  async crash(shard: number): Promise<void> {
    const isOver = runInDurableObject(this.stub(shard), (_, state) => state.abort("a test lets it crash"));
    // Where the shard was answering a call when it crashed, nobody ever hears of the end.
    await Promise.race([isOver.catch(() => undefined), new Promise((resolve) => setTimeout(resolve, crashMs))]);
  }

  async alarm(shard: number): Promise<boolean> {
    return runDurableObjectAlarm(this.stub(shard));
  }

  async counter(shard: number, name: string): Promise<number> {
    const { counters, gauges } = await this.stub(shard).metrics();
    return counters[name] ?? gauges[name] ?? 0;
  }

  /** Rows of a table of a shard's storage. */
  async rows(shard: number, table: string): Promise<number> {
    const query = `SELECT count(*) AS n FROM ${table}`;
    return runInDurableObject(this.stub(shard), (_, state) => Number(state.storage.sql.exec(query).one()["n"]));
  }
}

export async function subscribeNow(socket: MqttSocket, qos: 0 | 1 | 2, ...filters: string[]): Promise<void> {
  socket.send(subscribe(qos, ...filters));
  const suback = await socket.next();
  if (typeof suback === "string" || suback.cmd !== "suback") throw new Error(`no SUBACK but ${JSON.stringify(suback)}`);
  if (suback.granted.some((code) => code === 0x80)) throw new Error(`refused: ${JSON.stringify(suback)}`);
}

/** Resolves once it holds; what another shard does next cannot be waited for at a socket. */
export async function eventually(holds: () => Promise<boolean> | boolean, what: string): Promise<void> {
  const deadlineMs = performance.now() + patienceMs;
  while (!(await holds())) {
    if (performance.now() > deadlineMs) throw new Error(`it never came that ${what}`);
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }
}

/** A call of `deliverBatch` as it reaches a shard. */
export interface BatchCall {
  /** `namespace/index` of the shard that is called. */
  readonly to: string;
  readonly bytes: Uint8Array;
  /** Lets the shard do it. */
  run(): Promise<Uint8Array>;
}

/**
 * While `work` runs, `onCall` stands in the place of every `deliverBatch` within the cluster: tests and shards share one
 * isolate. Shards of earlier tests live on and still repeat calls of theirs: those are not this test's.
 */
export async function withTap(
  { namespace }: Cluster,
  onCall: (call: BatchCall) => Promise<Uint8Array>,
  work: () => Promise<void>,
): Promise<void> {
  const original = BrokerShard.prototype.deliverBatch;
  BrokerShard.prototype.deliverBatch = async function tapped(this: BrokerShard, bytes, layout) {
    const { ctx } = this as unknown as { readonly ctx: DurableObjectState };
    const to = ctx.id.name ?? "";
    const run = (): Promise<Uint8Array> => original.call(this, bytes, layout);
    return to.startsWith(`${namespace}/`) ? onCall({ to, bytes, run }) : run();
  };
  try {
    await work();
  } finally {
    BrokerShard.prototype.deliverBatch = original;
  }
}

/** An answer that no version can read: to the caller the same as a call that failed. */
export const noAnswer = new Uint8Array([0xff]);

let clusters = 0;
export const newCluster = (shards: number): Cluster => new Cluster(`shards-${(clusters += 1)}`, shards);

/** Three shards: a connected publisher on 0, a topic of 1, and the id of a subscriber on 2. */
export async function apart() {
  const cluster = newCluster(3);
  const { placement } = cluster;
  const [publisherId, subtree, subscriberId] = [placement.clientOn(0), placement.subtreeOn(1), placement.clientOn(2)];
  placement.assertApart(publisherId, subtree, subscriberId);
  return { cluster, placement, publisherId, subtree, subscriberId, publisher: await cluster.client(publisherId) };
}
