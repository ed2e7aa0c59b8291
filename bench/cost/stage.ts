// What a scenario runs on: a broker, a namespace of its own, clients by the shard that they sit on, and the meter.

import { setTimeout as delay } from "node:timers/promises";
import type { IConnectPacket } from "mqtt-packet";
import { Placement } from "../../test/support/placement.ts";
import type { BenchBroker } from "./broker.ts";
import { BenchClient, type QoS } from "./client.ts";
import { countNames, riseOf, type Counts } from "./counts.ts";

/** Long enough for the idle save (1 s) and what follows from it. */
const quietForMs = 1_400;
const quietPollMs = 200;
/** A shard sleeps after 10 s: what nobody reads for so long begins to count anew. */
const keepAwakeMs = 4_000;
/** Shorter than the others', so that those do not set the alarm anew; longer than any scenario. */
const warmUpKeepAliveSec = 55;

export interface Measured {
  /** How many messages, connections … the counts are for. */
  readonly units: number;
  readonly counts: Counts;
  readonly elapsedMs: number;
}

export class Stage {
  readonly broker: BenchBroker;
  readonly namespace: string;
  readonly placement: Placement;
  /** Against the full run: 1 has 1,000 messages. */
  readonly scale: number;
  #clients: BenchClient[] = [];
  #workerRequests = 0;
  measured: Measured | undefined;
  /** Medians that a scenario takes itself, in ms. */
  roundTripMs: number | undefined;

  constructor(broker: BenchBroker, namespace: string, scale: number) {
    this.broker = broker;
    this.namespace = namespace;
    this.scale = scale;
    this.placement = new Placement(broker.shards);
  }

  /** At least one. */
  scaled(count: number): number {
    return Math.max(1, Math.round(count * this.scale));
  }

  async client(clientId: string, more: Partial<IConnectPacket> = {}, route: Route = "direct"): Promise<BenchClient> {
    this.#workerRequests += 1;
    const url = this.broker.mqttUrl(this.namespace, route === "direct" ? clientId : undefined);
    const client = await BenchClient.connect(url, clientId, more);
    this.#clients.push(client);
    return client;
  }

  async subscriber(
    clientId: string,
    qos: QoS,
    filter: string,
    more: Partial<IConnectPacket> = {},
  ): Promise<BenchClient> {
    const client = await this.client(clientId, more);
    await client.subscribe(qos, filter);
    return client;
  }

  /** Their ids hash to any shard. */
  subscribers(count: number, qos: QoS, filter: string, more: Partial<IConnectPacket> = {}): Promise<BenchClient[]> {
    return Promise.all(Array.from({ length: count }, (_, n) => this.subscriber(`subscriber-${n}`, qos, filter, more)));
  }

  async post(path: string, body: unknown): Promise<void> {
    this.#workerRequests += 1;
    const response = await fetch(`${this.broker.httpUrl}/n/${this.namespace}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const answer = await response.text();
    if (response.status !== accepted) throw new Error(`${path} answered ${response.status}: ${answer}`);
  }

  /** What a shard writes once in its life is written: it has seen a connection, and its alarm is set. */
  async warmUp(): Promise<void> {
    const ids = Array.from({ length: this.broker.shards }, (_, shard) => this.placement.clientOn(shard, "warm-up"));
    for (const id of ids) await this.client(id, { keepalive: warmUpKeepAliveSec });
  }

  /** Counts what `work` costs, with the idle save that follows it. */
  async measure(units: number, work: () => Promise<unknown>): Promise<void> {
    const before = await this.#settled();
    const startedAt = performance.now();
    await this.#awake(work);
    const elapsedMs = performance.now() - startedAt;
    const counts = riseOf(before, await this.#settled());
    const fallen = countNames.find((name) => counts[name] < 0);
    if (fallen !== undefined) throw new Error(`a shard slept or started again: ${fallen} fell`);
    this.measured = { units, counts, elapsedMs };
  }

  async #read(): Promise<Counts> {
    const counts = await this.broker.read(this.namespace);
    return { ...counts, workerRequests: this.#workerRequests };
  }

  /** When nothing has been written, called or set for a while. */
  async #settled(): Promise<Counts> {
    let last = await this.#read();
    let sinceMs = performance.now();
    for (;;) {
      await delay(quietPollMs);
      const now = await this.#read();
      if (isSame(last, now) && performance.now() - sinceMs >= quietForMs) return now;
      if (!isSame(last, now)) sinceMs = performance.now();
      last = now;
    }
  }

  async #awake(work: () => Promise<unknown>): Promise<void> {
    const timer = setInterval(() => void this.#read().catch(() => undefined), keepAwakeMs);
    try {
      await work();
    } finally {
      clearInterval(timer);
    }
  }

  async end(): Promise<void> {
    const clients = this.#clients;
    this.#clients = [];
    await Promise.all(clients.map((client) => client.leave()));
  }
}

export type Route = "direct" | "relay";

const accepted = 200;

/** CPU time goes on, and reading the counters reads no rows. */
const isSame = (one: Counts, other: Counts): boolean =>
  countNames.every((name) => name === "cpuMs" || one[name] === other[name]);
