// One namespace of a running broker, where a scene plays: its clients and where they sit, its HTTP, what it counts.

import type { IConnectPacket } from "mqtt-packet";
import type { BrokerProcess } from "../../support/broker-process.ts";
import { Placement } from "../../support/placement.ts";
import { processorMs } from "./readings.ts";
import { WireClient } from "./wire-client.ts";

/** With several shards a client comes straight to its own (`?clientId=`), or through a relay. */
export type Way = "direct" | "relayed";

export interface StageOptions {
  readonly broker: BrokerProcess;
  /** One that no other scene uses. */
  readonly namespace: string;
  readonly shards: number;
  readonly way: Way;
}

export type ConnectOptions = Partial<Omit<IConnectPacket, "clientId">>;

export class Stage {
  readonly namespace: string;
  readonly shards: number;
  readonly way: Way;
  readonly placement: Placement;
  readonly #broker: BrokerProcess;
  readonly #httpUrl: string;
  /** CONNECTs that were accepted. */
  connects = 0;

  constructor({ broker, namespace, shards, way }: StageOptions) {
    this.namespace = namespace;
    this.shards = shards;
    this.way = way;
    this.placement = new Placement(shards);
    this.#broker = broker;
    this.#httpUrl = `${broker.httpUrl}/n/${namespace}`;
  }

  #mqttUrl(clientId: string): string {
    const url = `${this.#httpUrl.replace("http", "ws")}/mqtt`;
    return this.way === "direct" ? `${url}?clientId=${encodeURIComponent(clientId)}` : url;
  }

  async connect(clientId: string, more: ConnectOptions = {}): Promise<WireClient> {
    const client = await WireClient.open(this.#mqttUrl(clientId), { ...more, clientId });
    this.connects += 1;
    return client;
  }

  /** A client somewhere on a shard. */
  connectOn(shard: number, name: string, more: ConnectOptions = {}): Promise<WireClient> {
    return this.connect(this.placement.clientOn(shard, name), more);
  }

  /** A socket at a shard that has not sent its CONNECT. */
  openSilent(shard: number): Promise<WireClient> {
    return WireClient.openSocket(this.#mqttUrl(this.placement.clientOn(shard, "silent")));
  }

  /** Processor time that the broker has used (ms), for all its namespaces. */
  processorMs(): number {
    return processorMs(this.#broker);
  }

  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(`${this.#httpUrl}${path}`, init);
  }

  /** A counter or gauge summed over the namespace's shards. Asking wakes them. */
  async count(name: string): Promise<number> {
    return (await this.counts([name]))[0] ?? Number.NaN;
  }

  async counts(names: readonly string[]): Promise<number[]> {
    const text = await (await this.fetch("/metrics")).text();
    const lines = new Map(text.split("\n").map((line) => line.split(" ") as [string, string]));
    return names.map((name) => Number(lines.get(`mqtt_${name}`) ?? 0));
  }
}
