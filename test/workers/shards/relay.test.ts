// Clients that come to the Worker of a namespace with three shards: straight to their shard where the URL names them,
// through a relay that reads CONNECT where it does not.

import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { configOf } from "../../../src/config.ts";
import { createHttpApp } from "../../../src/http/router.ts";
import { httpDeps } from "../../../src/worker-deps.ts";
import { Cluster, eventually } from "../../support/shards.ts";
import { ack, bytesOf, connect, idOf, kindOf, messageOf, MqttSocket, publish, subscribe } from "../mqtt-socket.ts";

const [a, b, c] = [0, 1, 2] as const;

/** The Worker as variables would make it. */
function worker(variables: Record<string, string>) {
  const config = configOf({ ...env, ...variables });
  if (!config.ok) throw new Error(JSON.stringify(config.error));
  return createHttpApp(httpDeps(env, config.value));
}

const namespace = "relayed";
const app = worker({ SHARDS: "3", NAMESPACES: namespace, CONNECT_TIMEOUT_MS: "2000" });
const cluster = new Cluster(namespace, 3);
const { placement } = cluster;

async function open(query = ""): Promise<MqttSocket> {
  const headers = { upgrade: "websocket", "sec-websocket-protocol": "mqtt" };
  const response = await app.fetch(new Request(`http://localhost/n/${namespace}/mqtt${query}`, { headers }));
  if (response.webSocket === null || response.webSocket === undefined)
    throw new Error(`no upgrade: ${response.status}`);
  expect(response.headers.get("sec-websocket-protocol")).toBe("mqtt");
  return new MqttSocket(response.webSocket);
}

async function join(clientId: string, query = "", more: Parameters<typeof connect>[1] = {}): Promise<MqttSocket> {
  const socket = await open(query);
  socket.send(connect(clientId, more));
  expect(await socket.next()).toMatchObject({ cmd: "connack", returnCode: 0 });
  return socket;
}

const connectionsAt = (shard: number): Promise<number> => cluster.counter(shard, "connections");

const splitAt = (bytes: Uint8Array, ...at: number[]): Uint8Array[] =>
  [0, ...at].map((from, index) => bytes.slice(from, at[index] ?? bytes.length));

describe("where a client goes", () => {
  test.each(["in the URL", "in CONNECT alone"])("with its id %s: to the shard of the id", async (where) => {
    const before = await Promise.all([a, b, c].map(connectionsAt));
    const ids = [a, b, c].map((shard) => placement.clientOn(shard));
    const sockets = await Promise.all(ids.map((id) => join(id, where === "in the URL" ? `?clientId=${id}` : "")));
    const after = await Promise.all([a, b, c].map(connectionsAt));
    expect(after.map((count, shard) => count - (before[shard] ?? 0))).toEqual([1, 1, 1]);
    for (const socket of sockets) socket.drop();
  });

  test("[MQTT-3.1.3-9] an id in CONNECT that belongs to another shard than that of the URL is refused as not valid", async () => {
    const socket = await open(`?clientId=${placement.clientOn(a)}`);
    socket.send(connect(placement.clientOn(b)));
    expect(await socket.next()).toMatchObject({ cmd: "connack", returnCode: 2 });
    expect(await socket.closed()).toBe(true);
  });

  test("[MQTT-3.1.3-6] an id that is assigned belongs to the shard that assigned it: messages come", async () => {
    for (const query of ["", `?clientId=${placement.clientOn(c)}`]) {
      const sockets = await Promise.all(Array.from({ length: 4 }, () => join("", query)));
      const topic = placement.subtreeOn(b);
      for (const socket of sockets) socket.send(subscribe(0, topic));
      for (const socket of sockets) expect(kindOf(await socket.next())).toBe("suback");
      sockets[0]?.send(publish(topic));
      for (const socket of sockets) expect(messageOf(await socket.next())).toBe(`${topic}=x q0`);
      for (const socket of sockets) socket.drop();
    }
  });

  test("[MQTT-3.1.4-2] a relayed connection and a direct one with the same id meet", async () => {
    const id = placement.clientOn(b);
    const relayed = await join(id);
    const direct = await join(id, `?clientId=${id}`);
    expect(await relayed.closed()).toBe(true);
    const again = await join(id);
    expect(await direct.closed()).toBe(true);
    again.drop();
  });
});

describe("through a relay", () => {
  test("packets of every kind pass, at QoS 2 from one relayed client to another", async () => {
    const topic = placement.subtreeOn(b);
    const [publisher, subscriber] = [await join(placement.clientOn(a)), await join(placement.clientOn(c))];
    subscriber.send(subscribe(2, topic));
    expect(kindOf(await subscriber.next())).toBe("suback");
    publisher.send(publish(topic, { qos: 2, messageId: 1 }));
    expect(kindOf(await publisher.next())).toBe("pubrec");
    publisher.send(ack("pubrel", 1));
    expect(kindOf(await publisher.next())).toBe("pubcomp");
    const message = await subscriber.next();
    subscriber.send(ack("pubrec", idOf(message)));
    expect(kindOf(await subscriber.next())).toBe("pubrel");
    publisher.drop();
    subscriber.drop();
  });

  test("[MQTT-6.0.0-2] CONNECT may be split over frames anywhere", async () => {
    const bytes = bytesOf(connect(placement.clientOn(a)));
    for (let at = 1; at < bytes.length; at += 1) {
      const socket = await open();
      for (const part of splitAt(bytes, at)) socket.sendBytes(part);
      expect(await socket.next()).toMatchObject({ cmd: "connack", returnCode: 0 });
      socket.drop();
    }
  });

  test("what comes together with CONNECT, and before it is answered, is carried out in order", async () => {
    const topic = placement.subtreeOn(b);
    const id = placement.clientOn(c);
    const socket = await open();
    socket.send(connect(id), subscribe(0, topic), { cmd: "pingreq" }, publish(topic, { payload: "1" }));
    socket.send({ cmd: "pingreq" });
    const [first, ...rest] = splitAt(bytesOf(publish(topic, { payload: "2" }), { cmd: "pingreq" }), 1);
    socket.sendBytes(first as Uint8Array);
    for (const part of rest) socket.sendBytes(part);
    const got = await socket.take(7);
    expect(kindOf(got[0])).toBe("connack");
    expect(got.filter((packet) => kindOf(packet) === "pingresp")).toHaveLength(3);
    const others = got.slice(1).filter((packet) => kindOf(packet) !== "pingresp");
    expect(others.map((packet) => (kindOf(packet) === "publish" ? messageOf(packet) : kindOf(packet)))).toEqual([
      "suback",
      `${topic}=1 q0`,
      `${topic}=2 q0`,
    ]);
    socket.drop();
  });

  test("[MQTT-3.12.4-1] PINGREQ is answered by the relay, alone, among other packets, and split", async () => {
    const topic = placement.subtreeOn(a);
    const id = placement.clientOn(a);
    const socket = await join(id);
    const before = await cluster.counter(a, "packets_received");
    socket.send({ cmd: "pingreq" });
    expect(kindOf(await socket.next())).toBe("pingresp");
    for (const part of splitAt(bytesOf({ cmd: "pingreq" }), 1)) socket.sendBytes(part);
    expect(kindOf(await socket.next())).toBe("pingresp");
    expect(await cluster.counter(a, "packets_received")).toBe(before);
    socket.send(subscribe(0, topic), { cmd: "pingreq" }, publish(topic, { payload: "\u00c0\0" }));
    const got = await socket.take(3);
    expect(got.map(kindOf).toSorted()).toEqual(["pingresp", "publish", "suback"]);
    expect(await cluster.counter(a, "packets_received")).toBe(before + 2);
    socket.drop();
  });

  test("[MQTT-3.1.2-24] a client that says nothing for 1.5 times its keep-alive is closed and its will is sent", async () => {
    const topic = placement.subtreeOn(b);
    const watcher = await join(placement.clientOn(c));
    watcher.send(subscribe(1, topic));
    expect(kindOf(await watcher.next())).toBe("suback");
    const will = { topic, payload: Buffer.from("gone"), qos: 1 as const, retain: false };
    const startMs = performance.now();
    const mortal = await join(placement.clientOn(a), "", { keepalive: 1, will });
    expect(await mortal.closed()).toBe(true);
    expect(performance.now() - startMs).toBeGreaterThan(1_400);
    expect(messageOf(await watcher.next())).toBe(`${topic}=gone q1`);
    watcher.drop();
  });

  test("[MQTT-3.1.2-8] an abrupt loss sends the will, a DISCONNECT does not", async () => {
    const topic = placement.subtreeOn(b);
    const watcher = await join(placement.clientOn(c));
    watcher.send(subscribe(1, topic));
    expect(kindOf(await watcher.next())).toBe("suback");
    const will = (text: string) => ({ topic, payload: Buffer.from(text), qos: 1 as const, retain: false });
    const leaver = await join(placement.clientOn(a), "", { will: will("never") });
    leaver.send({ cmd: "disconnect" });
    expect(await leaver.closed()).toBe(true);
    const mortal = await join(placement.clientOn(a), "", { will: will("gone") });
    mortal.drop();
    expect(messageOf(await watcher.next())).toBe(`${topic}=gone q1`);
    expect(await watcher.rest()).toEqual([]);
    watcher.drop();
  });

  test("[MQTT-6.0.0-1] a text frame closes the connection, before CONNECT and after", async () => {
    const early = await open();
    early.sendText("hello");
    expect(await early.closed()).toBe(true);
    const late = await join(placement.clientOn(b));
    late.sendText("behind"); // also one that a relay would say
    expect(await late.closed()).toBe(true);
  });

  test("[MQTT-3.1.0-1] a first packet that is no CONNECT closes the connection", async () => {
    for (const packet of [publish("t"), { cmd: "pingreq" } as const, subscribe(0, "t")]) {
      const socket = await open();
      socket.send(packet);
      expect(await socket.closed()).toBe(true);
    }
  });

  test("[MQTT-3.1.2-2] a protocol level that is not known gets CONNACK 1", async () => {
    const socket = await open();
    const bytes = bytesOf(connect(placement.clientOn(b)));
    bytes[8] = 9;
    socket.sendBytes(bytes);
    expect(await socket.next()).toMatchObject({ cmd: "connack", returnCode: 0x84 });
    expect(await socket.closed()).toBe(true);
  });

  test("more than the limit of bytes before the shard has answered closes the connection", async () => {
    const socket = await open();
    socket.sendBytes(new Uint8Array([0x10, 0xff, 0xff, 0x3f]));
    for (let i = 0; i < 20; i += 1) socket.sendBytes(new Uint8Array(100_000));
    expect(await socket.closed()).toBe(true);
  });

  test("no CONNECT within the time limit closes the connection", async () => {
    const socket = await open();
    expect(await socket.closed()).toBe(true);
  });

  test("a shard that crashes closes the connection; the client comes back to its stored session", async () => {
    const topic = placement.subtreeOn(b);
    const id = placement.clientOn(c);
    const first = await join(id, "", { clean: false });
    first.send(subscribe(1, topic));
    expect(kindOf(await first.next())).toBe("suback");
    await cluster.crash(c);
    expect(await first.closed()).toBe(true);
    const publisher = await join(placement.clientOn(a));
    publisher.send(publish(topic, { qos: 1, messageId: 1 }));
    expect(kindOf(await publisher.next())).toBe("puback");
    const socket = await open();
    socket.send(connect(id, { clean: false }));
    expect(await socket.next()).toMatchObject({ cmd: "connack", sessionPresent: true });
    expect(messageOf(await socket.next())).toBe(`${topic}=x q1`); // it came after the crash: no DUP [MQTT-3.3.1-1]
  });

  test("a client that leaves while its shard is being asked leaves nothing behind", async () => {
    const before = await cluster.counter(a, "sockets");
    const socket = await open();
    socket.send(connect(placement.clientOn(a)));
    socket.drop();
    await eventually(async () => (await cluster.counter(a, "sockets")) <= before, "its socket at the shard is gone");
  });

  test("a shard that sleeps with its sockets kept is woken by the client's next packet", async () => {
    const topic = placement.subtreeOn(b);
    const [publisher, subscriber] = [await join(placement.clientOn(a)), await join(placement.clientOn(c))];
    subscriber.send(subscribe(1, topic));
    expect(kindOf(await subscriber.next())).toBe("suback");
    await cluster.hibernate();
    publisher.send(publish(topic, { qos: 1, messageId: 1 }));
    expect(messageOf(await subscriber.next())).toBe(`${topic}=x q1`);
    expect(kindOf(await publisher.next())).toBe("puback");
  });
});

describe("variables with another SHARDS than the layout in force, of a version that is not known to be newer", () => {
  test("change nothing: every request is served by the layout in force", async () => {
    const one = worker({ SHARDS: "1", NAMESPACES: "conflict" });
    expect((await one.fetch(new Request("http://localhost/n/conflict/healthz"))).status).toBe(200);
    const three = worker({ SHARDS: "3", NAMESPACES: "conflict" });
    const upgraded = await three.fetch(
      new Request("http://localhost/n/conflict/mqtt", {
        headers: { upgrade: "websocket", "sec-websocket-protocol": "mqtt" },
      }),
    );
    const socket = new MqttSocket(upgraded.webSocket as WebSocket);
    socket.send(connect(placement.clientOn(b)));
    expect(kindOf(await socket.next())).toBe("connack");
    const published = new Request("http://localhost/n/conflict/topics/t?qos=1", { method: "POST", body: "x" });
    expect((await three.fetch(published)).status).toBe(202); // nobody subscribes
    const { gauges } = await new Cluster("conflict", 1).stub(0).metrics();
    expect(gauges["connections"]).toBe(1);
    socket.drop();
  });
});
