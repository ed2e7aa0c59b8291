// One shard of its own for a test: clients, hibernation, crashes, time and the bill.

import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import type { IConnectPacket } from "mqtt-packet";
import type { BrokerShard } from "../../src/objects/broker-shard.ts";
import { markDirty } from "../../src/objects/attachment.ts";
import { connect, MqttSocket, subscribe } from "./mqtt-socket.ts";

const msPerSecond = 1_000;
const realNow = Date.now.bind(Date);
let offsetMs = 0;

export class Shard {
  readonly stub: DurableObjectStub<BrokerShard>;

  /** `name`: a namespace that no other test uses. */
  constructor(name: string) {
    this.stub = env.BROKER_SHARD.getByName(`${name}/0`);
  }

  async upgrade(): Promise<Response> {
    return this.stub.fetch("http://broker.localhost/mqtt", {
      headers: { upgrade: "websocket", "sec-websocket-protocol": "mqtt" },
    });
  }

  /** A socket that has said nothing yet. */
  async open(protocolVersion: 4 | 5 = 4): Promise<MqttSocket> {
    const response = await this.upgrade();
    if (response.webSocket === null) throw new Error(`no upgrade: ${response.status}`);
    return new MqttSocket(response.webSocket, protocolVersion);
  }

  /** A connected client; `resumed`: whether its session was there. */
  async client(clientId: string, more: Partial<IConnectPacket> = {}): Promise<MqttSocket & { resumed: boolean }> {
    const socket = await this.open(more.protocolVersion === 5 ? 5 : 4);
    socket.send(connect(clientId, more));
    const connack = await socket.next();
    if (typeof connack === "string" || connack.cmd !== "connack" || (connack.returnCode ?? connack.reasonCode) !== 0) {
      throw new Error(`no CONNACK 0 but ${JSON.stringify(connack)}`);
    }
    return Object.assign(socket, { resumed: connack.sessionPresent });
  }

  async subscriber(clientId: string, qos: 0 | 1 | 2, filters: string[], more: Partial<IConnectPacket> = {}) {
    const socket = await this.client(clientId, more);
    socket.send(subscribe(qos, ...filters));
    const suback = await socket.next();
    if (typeof suback === "string" || suback.cmd !== "suback")
      throw new Error(`no SUBACK but ${JSON.stringify(suback)}`);
    return socket;
  }

  /** The idle save runs. */
  async save(): Promise<void> {
    await runInDurableObject(this.stub, (shard) => shard.saveNow());
  }

  /** The idle save runs, and the object sleeps with its sockets kept. */
  async hibernate(): Promise<void> {
    await this.save();
    await evictDurableObject(this.stub, { webSockets: "hibernate" });
  }

  /** As if the memory of the oldest client's connection had been lost before its idle save. Call it while it sleeps. */
  async markOldestDirty(): Promise<void> {
    await runInDurableObject(this.stub, (_, state) => {
      const oldest = state.getWebSockets().at(-1);
      const attachment = oldest?.deserializeAttachment() as Uint8Array;
      markDirty(attachment);
      oldest?.serializeAttachment(attachment);
    });
  }

  /** The newest client's network is dead: it notices no close. */
  async cutNewest(): Promise<void> {
    await runInDurableObject(this.stub, (_, state) => {
      Object.defineProperty(state.getWebSockets()[0], "close", { value: () => undefined });
    });
  }

  /** Memory and sockets are lost. */
  async crash(): Promise<void> {
    await evictDurableObject(this.stub, { webSockets: "close" });
  }

  async alarm(): Promise<boolean> {
    return runDurableObjectAlarm(this.stub);
  }

  /** When the alarm goes off, from now (ms). */
  async alarmInMs(): Promise<number | undefined> {
    const at = await runInDurableObject(this.stub, (_, state) => state.storage.getAlarm());
    return at === null ? undefined : at - Date.now();
  }

  async counter(name: string): Promise<number> {
    const { counters, gauges } = await this.stub.metrics();
    return counters[name] ?? gauges[name] ?? 0;
  }

  /** How much a counter rises while `work` runs and everything pending is saved. */
  async rise(name: string, work: () => Promise<unknown>): Promise<number> {
    await this.save();
    const before = await this.counter(name);
    await work();
    await this.save();
    return (await this.counter(name)) - before;
  }
}

let shards = 0;
export const newShard = (): Shard => new Shard(`test-${(shards += 1)}`);

/** Time goes by for everything in this test file: tests and shards share one isolate. No alarm runs by itself. */
export function letPass(seconds: number): void {
  offsetMs += seconds * msPerSecond;
  Date.now = () => realNow() + offsetMs;
}
