// MQTT 5 through a relay: what it decides itself it says as a shard would, and what the shard says passes. (The exchange
// of AUTH packets through a relay is in test/workers/v5-scram.test.ts.)

import { env } from "cloudflare:workers";
import type { IConnackPacket, IConnectPacket, IDisconnectPacket } from "mqtt-packet";
import { describe, expect, test } from "vitest";
import { configOf } from "../../../src/config.ts";
import { createHttpApp } from "../../../src/http/router.ts";
import { httpDeps } from "../../../src/worker-deps.ts";
import { Cluster } from "../../support/shards.ts";
import { ack, connect, idOf, kindOf, messageOf, MqttSocket, publish, subscribe } from "../mqtt-socket.ts";

const namespace = "relayed-v5";
const { placement } = new Cluster(namespace, 3);
const version5 = { protocolVersion: 5 } as const;

function appWith(variables: Record<string, string>) {
  const config = configOf({ ...env, SHARDS: "3", NAMESPACES: namespace, ...variables });
  if (!config.ok) throw new Error(JSON.stringify(config.error));
  return createHttpApp(httpDeps(env, config.value));
}

const usual = appWith({});

async function open(app = usual, protocolVersion: 4 | 5 = 5): Promise<MqttSocket> {
  const headers = { upgrade: "websocket", "sec-websocket-protocol": "mqtt" };
  const { webSocket } = await app.fetch(new Request(`http://localhost/n/${namespace}/mqtt`, { headers }));
  if (webSocket === null || webSocket === undefined) throw new Error("no upgrade");
  return new MqttSocket(webSocket, protocolVersion);
}

async function join(clientId: string, more: Partial<IConnectPacket> = {}, app = usual): Promise<MqttSocket> {
  const socket = await open(app);
  socket.send(connect(clientId, { ...version5, ...more }));
  expect(await socket.next()).toMatchObject({ cmd: "connack", reasonCode: 0 });
  return socket;
}

async function dismissal(socket: MqttSocket): Promise<number | undefined> {
  const packet = (await socket.next()) as IDisconnectPacket;
  expect(kindOf(packet)).toBe("disconnect");
  expect(await socket.closed()).toBe(true);
  return packet.reasonCode;
}

/** With what a silent client is dismissed, and how long after its first packet. */
async function silence(
  clientId: string,
  more: Partial<IConnectPacket>,
  app = usual,
): Promise<{ code: number | undefined; elapsedMs: number }> {
  const startMs = performance.now();
  const code = await dismissal(await join(clientId, more, app));
  return { code, elapsedMs: performance.now() - startMs };
}

describe("keep-alive", () => {
  test("[MQTT-3.1.2-22] a silent client is told DISCONNECT 0x8D after 1.5 times its own, and its will is sent", async () => {
    const topic = placement.subtreeOn(1);
    const watcher = await join(placement.clientOn(2));
    watcher.send(subscribe(1, topic));
    expect(kindOf(await watcher.next())).toBe("suback");
    const will = { topic, payload: Buffer.from("gone"), qos: 1 as const, retain: false };
    const { code, elapsedMs } = await silence(placement.clientOn(0), { keepalive: 1, will });
    expect([code, elapsedMs > 1_400]).toEqual([0x8d, true]);
    expect(messageOf(await watcher.next())).toBe(`${topic}=gone q1`);
    watcher.drop();
  });

  test("SERVER_KEEP_ALIVE holds in the relay for MQTT 5, in place of a longer one and of none; MQTT 3 keeps its own", async () => {
    const app = appWith({ SERVER_KEEP_ALIVE: "1" });
    const old = await open(app, 4);
    old.send(connect(placement.clientOn(0), { keepalive: 60 }));
    expect(kindOf(await old.next())).toBe("connack");
    const silent = [0, 60].map((keepalive) => silence(placement.clientOn(1), { keepalive }, app));
    for (const { code, elapsedMs } of await Promise.all(silent))
      expect([code, elapsedMs > 1_400]).toEqual([0x8d, true]);
    expect(await old.rest()).toEqual([]);
    old.drop();
  });
});

describe("what the shard says passes", () => {
  test("[MQTT-3.1.4-3] DISCONNECT 0x8E of a takeover, from a relayed connection to a relayed one", async () => {
    const id = placement.clientOn(1);
    const first = await join(id);
    const second = await join(id);
    expect(await dismissal(first)).toBe(0x8e);
    second.drop();
  });

  test("[MQTT-4.13.1-1] DISCONNECT 0x81 for what is no packet, 0x94 for an alias out of range", async () => {
    const malformed = await join(placement.clientOn(0));
    malformed.sendBytes(Uint8Array.of(0x30, 0x02, 0x00, 0x05));
    expect(await dismissal(malformed)).toBe(0x81);
    const outOfRange = await join(placement.clientOn(0));
    outOfRange.send(publish("t", { properties: { topicAlias: 17 } }));
    expect(await dismissal(outOfRange)).toBe(0x94);
  });

  test("a CONNECT that is malformed gets its CONNACK 0x81", async () => {
    const socket = await open();
    // Level 5, the reserved flag set.
    socket.sendBytes(Uint8Array.of(0x10, 14, 0, 4, 0x4d, 0x51, 0x54, 0x54, 5, 0x03, 0, 60, 0, 0, 1, 0x61));
    const connack = (await socket.next()) as IConnackPacket;
    expect([connack.cmd, connack.reasonCode, await socket.closed()]).toEqual(["connack", 0x81, true]);
  });

  test("[MQTT-3.1.3-7] the identifier that is assigned belongs to the shard that assigned it: it can be resumed", async () => {
    const socket = await open();
    const properties = { sessionExpiryInterval: 100 };
    socket.send(connect("", { ...version5, properties }));
    const connack = (await socket.next()) as IConnackPacket;
    const clientId = connack.properties?.assignedClientIdentifier ?? "";
    expect(clientId).not.toBe("");
    socket.drop();
    const again = await open();
    again.send(connect(clientId, { ...version5, clean: false, properties }));
    expect(await again.next()).toMatchObject({ cmd: "connack", reasonCode: 0, sessionPresent: true });
    again.drop();
  });

  test("properties, aliases in both directions and subscription identifiers, from shard to shard", async () => {
    const topic = `${placement.subtreeOn(1)}/long`;
    const subscriber = await join(placement.clientOn(2), { properties: { topicAliasMaximum: 4 } });
    subscriber.send({ ...subscribe(1, topic), properties: { subscriptionIdentifier: 77 } });
    expect(kindOf(await subscriber.next())).toBe("suback");
    const publisher = await join(placement.clientOn(0));
    const properties = {
      contentType: "text/plain",
      responseTopic: "answers",
      userProperties: { a: ["1", "2"] },
    };
    const correlationData = Buffer.from([0, 255]);
    const all = { ...properties, correlationData, topicAlias: 1 };
    publisher.send(publish(topic, { qos: 1, messageId: 1, properties: all }));
    publisher.send(publish("", { qos: 1, messageId: 2, properties: { topicAlias: 1 } }));
    const [first, second] = await subscriber.take(2);
    expect(first).toMatchObject({ topic, properties: { ...properties, subscriptionIdentifier: 77, topicAlias: 1 } });
    expect(first).toHaveProperty("properties.correlationData.1", 255);
    expect(second).toMatchObject({ topic: "", properties: { subscriptionIdentifier: 77, topicAlias: 1 } });
    subscriber.send(ack("puback", idOf(first)), ack("puback", idOf(second)));
    expect((await publisher.take(2)).map((packet) => (typeof packet === "object" ? packet : {}))).toMatchObject([
      { cmd: "puback", messageId: 1, reasonCode: 0 },
      { cmd: "puback", messageId: 2, reasonCode: 0 },
    ]);
    for (const socket of [publisher, subscriber]) socket.drop();
  });
});
