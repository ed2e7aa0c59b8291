// The Worker of one namespace as versions with other variables would make it, each newer than the one before: so the
// namespace is brought from layout to layout.

import { env } from "cloudflare:workers";
import type { IConnectPacket } from "mqtt-packet";
import { configOf } from "../../src/config.ts";
import { createHttpApp } from "../../src/http/router.ts";
import { httpDeps } from "../../src/worker-deps.ts";
import { connect, MqttSocket, subscribe } from "../workers/mqtt-socket.ts";

const lookEveryMs = 5;
const patienceMs = 20_000;
const host = "http://broker.localhost";

export class ChangingWorker {
  readonly namespace: string;
  #version = 0;
  #app: ReturnType<typeof createHttpApp>;

  /** `namespace`: one that no other test uses. */
  constructor(namespace: string, variables: Record<string, string>) {
    this.namespace = namespace;
    this.#app = this.version(variables, (this.#version += 1));
  }

  /** A version of its own, beside the present one. `madeAtMs` absent: it does not say when it was made. */
  version(variables: Record<string, string>, madeAtMs?: number): ReturnType<typeof createHttpApp> {
    const config = configOf({ ...env, NAMESPACES: this.namespace, ...variables });
    if (!config.ok) throw new Error(JSON.stringify(config.error));
    const timestamp = madeAtMs === undefined ? "" : new Date(madeAtMs).toISOString();
    return createHttpApp(httpDeps({ ...env, VERSION: { id: "", tag: "", timestamp } }, config.value));
  }

  /** A newer version takes over; resolves when it serves. */
  async deploy(variables: Record<string, string>): Promise<void> {
    this.begin(variables);
    await this.healthy();
  }

  begin(variables: Record<string, string>): void {
    this.#app = this.version(variables, (this.#version += 1));
  }

  ask(path: string, init?: RequestInit): Promise<Response> {
    return Promise.resolve(this.#app.fetch(new Request(`${host}/n/${this.namespace}${path}`, init)));
  }

  async healthy(): Promise<void> {
    const deadlineMs = performance.now() + patienceMs;
    for (;;) {
      const response = await this.ask("/healthz");
      const said = await response.text();
      if (response.ok) return;
      if (performance.now() > deadlineMs) throw new Error(`not healthy: ${said}`);
      await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
    }
  }

  get registry() {
    return env.NAMESPACE_REGISTRY.getByName(this.namespace);
  }

  shard(index: number) {
    return env.BROKER_SHARD.getByName(`${this.namespace}/${index}`);
  }

  async open(clientId: string | undefined, protocolVersion: 4 | 5 = 4): Promise<MqttSocket> {
    const query = clientId === undefined ? "" : `?clientId=${clientId}`;
    const headers = { upgrade: "websocket", "sec-websocket-protocol": "mqtt" };
    const response = await this.ask(`/mqtt${query}`, { headers });
    if (response.webSocket === null) throw new Error(`no upgrade: ${response.status}`);
    return new MqttSocket(response.webSocket, protocolVersion);
  }

  /** A connected client. */
  async client(clientId: string, more: Partial<IConnectPacket> = {}): Promise<MqttSocket & { resumed: boolean }> {
    const socket = await this.open(clientId, more.protocolVersion === 5 ? 5 : 4);
    socket.send(connect(clientId, more));
    const connack = await socket.next();
    if (typeof connack === "string" || connack.cmd !== "connack" || (connack.returnCode ?? connack.reasonCode) !== 0) {
      throw new Error(`no CONNACK 0 but ${JSON.stringify(connack)}`);
    }
    return Object.assign(socket, { resumed: connack.sessionPresent });
  }

  /** A stored session that subscribes and goes. */
  async subscribeAndLeave(clientId: string, qos: 1 | 2, ...filters: string[]): Promise<void> {
    const socket = await this.client(clientId, { clean: false });
    socket.send(subscribe(qos, ...filters));
    const answer = await socket.next();
    if (typeof answer === "string" || answer.cmd !== "suback")
      throw new Error(`no SUBACK but ${JSON.stringify(answer)}`);
    socket.send({ cmd: "disconnect" });
    await socket.closed();
  }

  async publish(topic: string, payload: string, query = "?qos=1"): Promise<number> {
    const response = await this.ask(`/topics/${topic}${query}`, { method: "POST", body: payload });
    await response.body?.cancel();
    return response.status;
  }
}
