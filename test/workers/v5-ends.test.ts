// How a server ends connections of MQTT 5 over real sockets: the packet that says why comes before the close.

import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import type { IConnackPacket, IConnectPacket, IDisconnectPacket } from "mqtt-packet";
import { describe, expect, test } from "vitest";
import { configOf } from "../../src/config.ts";
import { createHttpApp } from "../../src/http/router.ts";
import { httpDeps } from "../../src/worker-deps.ts";
import { newCluster, subscribeNow, type Client, type Cluster } from "../support/shards.ts";
import { ack, connect, idOf, kindOf, messageOf, publish, type MqttSocket } from "./mqtt-socket.ts";
import { letPass } from "./shard.ts";

const version5 = { protocolVersion: 5 } as const;
const kept = {
  ...version5,
  clean: false,
  properties: { sessionExpiryInterval: 3600 },
} satisfies Partial<IConnectPacket>;
const will = (topic: string) => ({ topic, payload: Buffer.from("gone"), qos: 1 as const, retain: false });

/** The DISCONNECT of the server, and then the end. */
async function dismissal(socket: MqttSocket): Promise<number | undefined> {
  const packet = (await socket.next()) as IDisconnectPacket;
  expect(kindOf(packet)).toBe("disconnect");
  expect(await socket.closed()).toBe(true);
  return packet.reasonCode;
}

/** The Worker in front of the cluster, on loopback without credentials: everybody administers it. */
function doorOf({ namespace, shards }: Cluster) {
  const config = configOf({ ...env, SHARDS: String(shards), NAMESPACES: namespace });
  if (!config.ok) throw new Error(JSON.stringify(config.error));
  const app = createHttpApp(httpDeps(env, config.value));
  return async (clientId: string): Promise<number> => {
    const url = `http://localhost/n/${namespace}/api/v5/clients/${encodeURIComponent(clientId)}`;
    return (await app.fetch(new Request(url, { method: "DELETE" }))).status;
  };
}

describe.each([1, 3])("at %i shards", (shards) => {
  const places = Array.from({ length: shards }, (_, shard) => shard);

  test("DELETE /api/v5/clients/{id} tells the client 0x98, wherever it lives, and publishes its will; then there is none", async () => {
    const cluster = newCluster(shards);
    const remove = doorOf(cluster);
    const topic = cluster.placement.subtreeOn(shards - 1);
    const watcher = await cluster.subscriber(cluster.placement.clientOn(0), 1, [topic], version5);
    for (const shard of places) {
      const clientId = cluster.placement.clientOn(shard, "client/ä");
      const client = await cluster.client(clientId, { ...kept, will: will(topic) });
      expect(await remove(clientId)).toBe(204);
      expect(await dismissal(client)).toBe(0x98);
      const message = await watcher.next();
      expect(messageOf(message)).toBe(`${topic}=gone q1`);
      watcher.send(ack("puback", idOf(message)));
      expect(await remove(clientId)).toBe(404);
      expect((await cluster.client(clientId, kept)).resumed).toBe(true);
    }
    expect(await watcher.rest()).toEqual([]);
  });

  test("DELETE closes a v3 client without a packet, one that sleeps as one that is awake, and nobody else", async () => {
    const cluster = newCluster(shards);
    const remove = doorOf(cluster);
    const ids = places.map((shard) => cluster.placement.clientOn(shard));
    const clients: Client[] = [];
    for (const id of ids) clients.push(await cluster.client(id));
    const sleeper = cluster.placement.clientOn(0);
    const five = await cluster.client(sleeper, version5);
    await cluster.hibernate();
    expect(await remove(sleeper)).toBe(204);
    expect(await dismissal(five)).toBe(0x98);
    expect(await remove(ids[0] ?? "")).toBe(204);
    expect(await clients[0]?.next()).toBe("closed");
    for (const client of clients.slice(1)) expect(await client.rest()).toEqual([]);
    expect(await remove("nobody")).toBe(404);
  });

  test("shutDown tells v5 clients 0x8B and closes all, also those that sleep; no will is published", async () => {
    const cluster = newCluster(shards);
    const topic = cluster.placement.subtreeOn(0);
    const fives: Client[] = [];
    const threes: Client[] = [];
    for (const shard of places) {
      fives.push(await cluster.client(cluster.placement.clientOn(shard), { ...version5, will: will(topic) }));
      threes.push(await cluster.client(cluster.placement.clientOn(shard), { will: will(topic) }));
    }
    await cluster.hibernate();
    for (const shard of places) await cluster.stub(shard).shutDown();
    for (const client of fives) expect(await dismissal(client)).toBe(0x8b);
    for (const client of threes) expect(await client.next()).toBe("closed");
    for (const shard of places) expect(await cluster.counter(shard, "wills_published")).toBe(0);
  });

  test("after shutDown and a new start stored sessions go on, with what was in flight", async () => {
    const cluster = newCluster(shards);
    const { placement } = cluster;
    const topic = placement.subtreeOn(0);
    const id = placement.clientOn(shards - 1);
    const subscriber = await cluster.subscriber(id, 1, [topic], kept);
    const publisher = await cluster.client(placement.clientOn(0), version5);
    publisher.send(publish(topic, { payload: "1", qos: 1, messageId: 1 }));
    expect(await publisher.next()).toMatchObject({ cmd: "puback", reasonCode: 0 });
    expect(messageOf(await subscriber.next())).toBe(`${topic}=1 q1`);
    for (const shard of places) {
      await cluster.stub(shard).shutDown();
      await cluster.crash(shard);
    }
    const later = await cluster.client(placement.clientOn(0), version5);
    later.send(publish(topic, { payload: "2", qos: 1, messageId: 1 }));
    expect(await later.next()).toMatchObject({ cmd: "puback", reasonCode: 0 });
    const back = await cluster.client(id, kept);
    expect(back.resumed).toBe(true);
    expect((await back.take(2)).map(messageOf)).toEqual([`${topic}=1 q1 dup`, `${topic}=2 q1`]);
  });
});

describe("attachments", () => {
  /** Every socket of the shard whose client is of MQTT 5 gets an attachment with this byte at this place. */
  const spoil = (cluster: Cluster, at: number, value: number): Promise<void> =>
    runInDurableObject(cluster.stub(0), (_, state) => {
      const newest = state.getWebSockets()[0];
      const attachment = newest?.deserializeAttachment() as Uint8Array;
      attachment[at] = value;
      newest?.serializeAttachment(attachment);
    });

  const headBytes = 10;

  test.each([
    ["of the head", 0],
    ["of the snapshot", headBytes],
  ])("a version %s that is not known closes that socket, and no other", async (_, at) => {
    const cluster = newCluster(1);
    const bystander = await cluster.subscriber("bystander", 0, ["t"], version5);
    const stranger = await cluster.client("stranger", version5);
    await cluster.hibernate();
    await spoil(cluster, at, 99);
    bystander.send(publish("t"));
    expect(messageOf(await bystander.next())).toBe("t=x q0");
    expect(await stranger.closed()).toBe(true);
    expect(await bystander.rest()).toEqual([]);
  });

  test("topic aliases, the size and Request Problem Information of a client survive its sleep", async () => {
    const cluster = newCluster(1);
    const properties = { topicAliasMaximum: 5, maximumPacketSize: 40, requestProblemInformation: false };
    const client = await cluster.subscriber("a", 0, ["topic/#"], { ...version5, properties });
    client.send(publish("topic/1", { properties: { topicAlias: 3 } }));
    expect(await client.next()).toMatchObject({ cmd: "publish", topic: "topic/1", properties: { topicAlias: 1 } });
    await cluster.hibernate();
    client.send(publish("", { properties: { topicAlias: 3 } }), publish("topic/1", { payload: "x".repeat(40) }));
    client.send(publish("$SYS/no", { qos: 1, messageId: 1 }));
    expect(await client.next()).toMatchObject({ cmd: "publish", topic: "", properties: { topicAlias: 1 } });
    const refused = await client.next();
    expect(refused).toMatchObject({ cmd: "puback", reasonCode: 0x87 });
    expect(refused).not.toHaveProperty("properties.reasonString");
    expect(await cluster.counter(0, 'dropped{reason="packet_too_large"}')).toBe(1);
  });
});

test("where the answer to a CONNECT is too large for its client it comes without the reason", async () => {
  const cluster = newCluster(1);
  const socket = await cluster.open(0, false, 5);
  const topic = "a/+";
  socket.send(connect("a", { ...version5, properties: { maximumPacketSize: 8 }, will: will(topic) }));
  const connack = (await socket.next()) as IConnackPacket;
  expect([connack.cmd, connack.reasonCode, connack.properties?.reasonString]).toEqual(["connack", 0x90, undefined]);
  expect(await socket.closed()).toBe(true);
  const talkative = await cluster.open(0, false, 5);
  talkative.send(connect("a", { ...version5, will: will(topic) }));
  expect((await talkative.next()) as IConnackPacket).toHaveProperty("properties.reasonString");
});

test("[MQTT-3.1.2-24] a keep-alive that passes tells a client DISCONNECT 0x8D by the alarm", async () => {
  const cluster = newCluster(1);
  const client = await cluster.client("a", { ...version5, keepalive: 1 });
  await cluster.hibernate();
  letPass(2);
  await cluster.alarm(0);
  expect(await dismissal(client)).toBe(0x8d);
});

test("an open broker serves no method: CONNACK 0x8C", async () => {
  const cluster = newCluster(1);
  const socket = await cluster.open(0, false, 5);
  const properties = { authenticationMethod: "SCRAM-SHA-256", authenticationData: Buffer.from("n,,n=alice,r=x") };
  socket.send(connect("a", { ...version5, properties }));
  expect(await socket.next()).toMatchObject({ cmd: "connack", reasonCode: 0x8c });
  expect(await socket.closed()).toBe(true);
  await subscribeNow(await cluster.client("a", version5), 0, "t");
});
