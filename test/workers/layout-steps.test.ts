// What clients and callers meet while the layout changes, and what each kind of state becomes by it.

import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import type { LayoutChange, LayoutPhase } from "../../src/core/layout-phase.ts";
import { ChangingWorker } from "../support/changing-worker.ts";
import { layoutOf, Placement } from "../support/placement.ts";
import { eventually } from "../support/shards.ts";
import { ack, connect, idOf, kindOf, messageOf, publish, subscribe, type MqttSocket } from "./mqtt-socket.ts";

let namespaces = 0;

async function workerWith(variables: Record<string, string>): Promise<ChangingWorker> {
  const worker = new ChangingWorker(`layout-step-${(namespaces += 1)}`, variables);
  await worker.healthy();
  return worker;
}

const fromOneToThree: LayoutChange = { from: layoutOf(1), to: layoutOf(3, 2) };

const step = (worker: ChangingWorker, shard: number, phase: LayoutPhase, change = fromOneToThree) =>
  worker.shard(shard).changeLayout({ phase, change });

/** What a call fails with. */
const faultOf = async (call: () => Promise<unknown>): Promise<string> => {
  try {
    await call();
    return "nothing";
  } catch (fault) {
    return (fault as Error).message;
  }
};
const changing = "the layout is changing: try again in a moment";
const moved = "the layout has changed: ask the registry";

/** Takes PUBLISHes, acknowledging each, until the broker has nothing more to say. */
async function takeAll(socket: MqttSocket): Promise<string[]> {
  const got: string[] = [];
  for (;;) {
    const packets = await socket.rest();
    if (packets.length === 0) return got;
    for (const packet of packets) {
      if (packet.cmd !== "publish") continue;
      got.push(messageOf(packet).replace(" dup", ""));
      socket.send(ack("puback", idOf(packet)));
    }
  }
}

describe("a shard whose layout is about to change", () => {
  test("tells MQTT 5 clients 0x8B, closes all, and keeps stored sessions", async () => {
    const worker = await workerWith({ SHARDS: "1" });
    const five = await worker.client("five", { protocolVersion: 5, properties: { sessionExpiryInterval: 60 } });
    const three = await worker.client("three", { clean: false });
    await step(worker, 0, "freeze");
    expect(await five.next()).toMatchObject({ cmd: "disconnect", reasonCode: 0x8b });
    expect(await five.closed()).toBe(true);
    expect(await three.next()).toBe("closed");
    expect((await worker.shard(0).metrics()).gauges).toMatchObject({ connections: 0, sessions_stored: 2 });
  });

  test.each(["at once", "after a restart"])(
    "answers upgrades and publishes with 503 and Retry-After, %s",
    async (when) => {
      const worker = await workerWith({ SHARDS: "1" });
      await step(worker, 0, "freeze");
      if (when === "after a restart") await evictDurableObject(worker.shard(0), { webSockets: "close" });
      const upgrade = await worker.ask("/mqtt", {
        headers: { upgrade: "websocket", "sec-websocket-protocol": "mqtt" },
      });
      const published = await worker.ask("/topics/t?qos=1", { method: "POST", body: "x" });
      const withKey = { method: "POST", body: "x", headers: { "idempotency-key": "k" } };
      const once = await worker.ask("/topics/t?qos=1", withKey);
      const read = await worker.ask("/topics/t");
      for (const response of [upgrade, published, once, read]) {
        expect([response.status, response.headers.get("retry-after")]).toEqual([503, "2"]);
        expect(await response.json()).toMatchObject({ message: "layout_changing" });
      }
    },
  );

  test("takes what other shards owe it until it is sealed, and nothing from then on", async () => {
    const worker = await workerWith({ SHARDS: "1" });
    const nothing = new Uint8Array([0]);
    await step(worker, 0, "freeze");
    expect(await worker.shard(0).deliverBatch(nothing, layoutOf(1))).toBeInstanceOf(Uint8Array);
    await step(worker, 0, "seal");
    expect(await faultOf(async () => worker.shard(0).deliverBatch(nothing, layoutOf(1)))).toBe(changing);
  });

  test("ends half-open relays with 1013, and closes relayed connections", async () => {
    const worker = await workerWith({ SHARDS: "3" });
    const change = { from: layoutOf(3), to: layoutOf(1, 2) };
    const [open, connected] = [await worker.open(undefined), await worker.open(undefined)];
    connected.send(connect("relayed"));
    expect(kindOf(await connected.next())).toBe("connack");
    for (const shard of [0, 1, 2]) await step(worker, shard, "freeze", change);
    expect(await connected.closed()).toBe(true);
    open.send(connect("late"));
    expect(await open.closed()).toBe(true);
    expect(open.closeCode).toBe(1013);
  });
});

describe("a part of what moves", () => {
  test("that comes twice has no effect the second time, also after a restart; one that leaves a part out has none", async () => {
    const worker = await workerWith({ SHARDS: "1" });
    for (const phase of ["freeze", "seal"] as const) await step(worker, 1, phase);
    const message = { topicName: "t" as never, payload: new Uint8Array([1]), qos: 1, retain: false } as const;
    const group = [{ group: "$share/g/t" }];
    const part = {
      start: null,
      next: { part: "wills" },
      records: [{ kind: "message", message, audience: group }],
    } as const;
    const send = (more: object = {}) => worker.shard(1).takeMoved({ change: 2, from: 0, part: { ...part, ...more } });
    const after = { cursor: { part: "wills" }, isEnd: false };
    expect(await send({ start: { part: "messages" } })).toEqual({ cursor: null, isEnd: false });
    expect(await send()).toEqual(after);
    expect(await send()).toEqual(after);
    await evictDurableObject(worker.shard(1), { webSockets: "close" });
    expect(await send()).toEqual(after);
    expect(await worker.shard(1).takeMoved({ change: 2, from: 0 })).toEqual(after);
    const rows = await runInDurableObject(worker.shard(1), (_, { storage }) => [
      ...storage.sql.exec<{ first: number; last: number }>("SELECT first, last FROM chunk"),
    ]);
    expect(rows).toEqual([{ first: 1, last: 1 }]);
  });

  test("is refused by a shard that is not part of this change", async () => {
    const worker = await workerWith({ SHARDS: "1" });
    expect(await faultOf(async () => worker.shard(1).takeMoved({ change: 2, from: 0 }))).toBe(changing);
  });
});

const bigBytes = 200_000;

/** Its lines, in an order of their own; one of a message for each who needs it. */
async function backupOf(worker: ChangingWorker): Promise<string[]> {
  const response = await worker.ask("/backup");
  expect(response.status).toBe(200);
  const lines = (await response.text()).trim().split("\n");
  const records = lines.map((line): { type?: string; audience?: unknown[] } => JSON.parse(line));
  const own = records.filter(({ type }) => type !== "durable-mqtt-export" && type !== "end");
  const each = own.flatMap((one) => one.audience?.map((addressee) => ({ ...one, audience: [addressee] })) ?? [one]);
  return each.map((one) => JSON.stringify(one)).toSorted();
}

describe("a step that comes very late", () => {
  test("of a change that is over, has no effect on the next one", async () => {
    const worker = await workerWith({ SHARDS: "1" });
    await worker.deploy({ SHARDS: "3" });
    const next: LayoutChange = { from: layoutOf(3, 2), to: layoutOf(1, 3) };
    for (const phase of ["freeze", "seal"] as const) await step(worker, 1, phase, next);
    for (const phase of ["freeze", "drop", "adopt", "open"] as const) {
      expect(await step(worker, 1, phase)).toEqual({ isDone: true });
    }
    expect(await worker.shard(1).takeMoved({ change: 3, from: 0 })).toEqual({ cursor: null, isEnd: false });
  });
});

describe("by a change of the layout", () => {
  const three = new Placement(3);
  const clientOn = (shard: number): string => three.clientOn(shard);

  test("[MQTT-4.4.0-1] what was sent keeps its packet id, PUBREL where PUBREC was seen; the rest comes once", async () => {
    const worker = await workerWith({ SHARDS: "1" });
    const id = clientOn(2);
    const before = await worker.client(id, { clean: false });
    before.send(subscribe(2, "t"));
    await before.next();
    for (const text of ["a", "b", "c"]) await worker.publish("t", text, "?qos=2");
    const packets = await before.take(3);
    before.send(ack("pubrec", idOf(packets[0])));
    expect(kindOf(await before.next())).toBe("pubrel");
    before.drop();
    await eventually(async () => (await worker.shard(0).metrics()).gauges["connections"] === 0, "the client has gone");
    await worker.publish("t", "d", "?qos=2");
    await worker.deploy({ SHARDS: "3" });
    const after = await worker.client(id, { clean: false });
    const again = await after.take(4);
    expect(again.map((packet) => `${kindOf(packet)} ${idOf(packet)}`).slice(0, 3)).toEqual([
      `pubrel ${idOf(packets[0])}`,
      `publish ${idOf(packets[1])}`,
      `publish ${idOf(packets[2])}`,
    ]);
    expect(again.slice(1).map(messageOf)).toEqual(["t=b q2 dup", "t=c q2 dup", "t=d q2"]);
  });

  test("[MQTT-4.3.3-10] an incoming QoS 2 id between PUBREC and PUBREL is not published again", async () => {
    const worker = await workerWith({ SHARDS: "1" });
    const [publisherId, subscriberId] = [clientOn(1), clientOn(2)];
    await worker.subscribeAndLeave(subscriberId, 2, "t");
    const before = await worker.client(publisherId, { clean: false });
    before.send(publish("t", { qos: 2, messageId: 7 }));
    expect(kindOf(await before.next())).toBe("pubrec");
    await worker.deploy({ SHARDS: "3" });
    const after = await worker.client(publisherId, { clean: false });
    after.send(publish("t", { qos: 2, messageId: 7, dup: true }));
    expect(kindOf(await after.next())).toBe("pubrec");
    const subscriber = await worker.client(subscriberId, { clean: false });
    expect((await subscriber.rest()).map(messageOf)).toEqual(["t=x q2"]);
  });

  test("the queue of a shared subscription goes with its topics: each message to one member, once", async () => {
    const worker = await workerWith({ SHARDS: "3" });
    const topics = [0, 1, 2].map((shard) => three.subtreeOn(shard));
    const members = [clientOn(0), clientOn(1)];
    for (const id of members) await worker.subscribeAndLeave(id, 1, "$share/g/#");
    const expected: string[] = [];
    const publishSome = async (round: string): Promise<void> => {
      for (const topic of topics) {
        await worker.publish(topic, round);
        expected.push(`${topic}=${round} q1`);
      }
    };
    await publishSome("a");
    for (const shards of ["8", "1", "3"]) {
      await worker.deploy({ SHARDS: shards });
      await publishSome(shards);
    }
    const got: string[] = [];
    const sockets = await Promise.all(members.map((id) => worker.client(id, { clean: false })));
    const takeRound = async (): Promise<boolean> => {
      for (const socket of sockets) got.push(...(await takeAll(socket)));
      return got.length >= expected.length;
    };
    await eventually(takeRound, "all messages came");
    await takeRound();
    expect(got.toSorted()).toEqual(expected.toSorted());
  });

  test("the rest of a replay of retained messages comes, each once", async () => {
    const worker = await workerWith({ SHARDS: "3" });
    const topics = [0, 1, 2].flatMap((shard) => [three.subtreeOn(shard, "kept"), three.subtreeOn(shard, "kept")]);
    for (const topic of topics) await worker.publish(topic, "r", "?qos=1&retain=true");
    const id = clientOn(1);
    const options = {
      clean: false,
      protocolVersion: 5,
      properties: { sessionExpiryInterval: 60, receiveMaximum: 1 },
    } as const;
    const before = await worker.client(id, options);
    before.send(subscribe(1, "#"));
    const packets = await before.take(2); // SUBACK, and as much as the window takes
    const first = packets.find((packet) => kindOf(packet) === "publish");
    before.drop();
    await worker.deploy({ SHARDS: "8" });
    const after = await worker.client(id, options);
    const got: string[] = [];
    const takeMore = async (): Promise<boolean> => got.push(...(await takeAll(after))) >= topics.length;
    await eventually(takeMore, "all of it came");
    await takeMore();
    expect(got.toSorted()).toEqual(topics.map((topic) => `${topic}=r q1 retain`).toSorted());
    expect(got[0]).toBe(messageOf(first));
  });

  test("what a backup says of sessions, queues and retained messages is the same before and after, deadlines included", async () => {
    const worker = await workerWith({ SHARDS: "1" });
    const expiring = { protocolVersion: 5, properties: { sessionExpiryInterval: 600, receiveMaximum: 2 } } as const;
    const open = await worker.client(clientOn(0), { clean: false, ...expiring });
    open.send(subscribe(2, "a/+", "$share/g/b/+"));
    await open.next();
    await worker.subscribeAndLeave(clientOn(1), 1, "+/1", "$share/g/b/+");
    await worker.subscribeAndLeave(clientOn(2), 2, "#");
    for (const topic of ["a/1", "b/1", "c/1"]) {
      for (const qos of [1, 2]) await worker.publish(topic, topic, `?qos=${qos}`);
      await worker.publish(`${topic}/kept`, topic, "?qos=1&retain=true&messageExpiry=500");
    }
    const packets = (await open.rest()).filter((packet) => packet.cmd === "publish" && packet.qos === 2);
    open.send(ack("pubrec", idOf(packets[0])), publish("d", { qos: 2, messageId: 9 }));
    await open.rest();
    open.drop();
    await eventually(async () => (await worker.shard(0).metrics()).gauges["connections"] === 0, "the client has gone");
    const before = await backupOf(worker);
    for (const kind of ["session", "message", "retained"]) {
      expect(before.filter((line) => line.includes(`"type":"${kind}"`) && line.includes("expiresAtMs"))).not.toEqual(
        [],
      );
    }
    for (const what of ['inbound":[9]', 'released":true', 'group":']) {
      expect(before.filter((line) => line.includes(what))).not.toEqual([]);
    }
    for (const shards of ["3", "8", "1"]) {
      await worker.deploy({ SHARDS: shards });
      expect(await backupOf(worker)).toEqual(before);
    }
  });

  test("a will waits for the grace time from the end of the change on, and is published once", async () => {
    const worker = await workerWith({ SHARDS: "1" });
    const [witnessId, id] = [clientOn(0), clientOn(2)];
    await worker.subscribeAndLeave(witnessId, 1, "wills");
    await worker.client(id, {
      clean: true,
      will: { topic: "wills", payload: Buffer.from("gone"), qos: 1, retain: false },
    });
    await worker.deploy({ SHARDS: "3" });
    const due = await runInDurableObject(worker.shard(2), (_, { storage }) => storage.getAlarm());
    expect(due).not.toBeNull();
    const witness = await worker.client(witnessId, { clean: false });
    expect(await witness.rest()).toEqual([]);
  });

  test("a key of an HTTP publish still stands for its answer", async () => {
    const worker = await workerWith({ SHARDS: "3" });
    const post = async (key: string): Promise<string | null> => {
      const init = { method: "POST", body: "x", headers: { "idempotency-key": key } };
      const response = await worker.ask("/topics/t?qos=1&retain=true", init);
      expect(response.status).toBe(200);
      return response.headers.get("idempotency-replayed");
    };
    const keys = ["a", "b", "c", "d", "e", "f"];
    for (const key of keys) expect(await post(key)).toBeNull();
    await worker.deploy({ SHARDS: "8" });
    for (const key of keys) expect(await post(key)).toBe("true");
  });

  test("another SUBTREE_DEPTH takes effect in the same way", async () => {
    const worker = await workerWith({ SHARDS: "3" });
    const topics = Array.from({ length: 8 }, (_, index) => `app/${index}`);
    const id = clientOn(2);
    await worker.subscribeAndLeave(id, 1, "app/+");
    const publishAll = async (text: string): Promise<void> => {
      for (const topic of topics) expect(await worker.publish(topic, text, "?qos=1&retain=true")).toBe(200);
    };
    await publishAll("shallow");
    await worker.deploy({ SHARDS: "3", SUBTREE_DEPTH: "2" });
    await publishAll("deep");
    const kept = await Promise.all([0, 1, 2].map(async (shard) => (await worker.shard(shard).metrics()).gauges));
    expect(kept.filter((gauges) => (gauges["retained_messages"] ?? 0) > 0).length).toBeGreaterThan(1);
    const socket = await worker.client(id, { clean: false });
    const got = await takeAll(socket);
    expect(got.toSorted()).toEqual(topics.flatMap((topic) => [`${topic}=deep q1`, `${topic}=shallow q1`]).toSorted());
  });

  test("shards that the layout does not use keep little more than their counters, have no alarm, and send callers to the registry", async () => {
    const worker = await workerWith({ SHARDS: "3" });
    await worker.subscribeAndLeave(clientOn(2), 1, "other/#");
    await worker.publish(three.subtreeOn(2), "x".repeat(bigBytes), "?qos=1&retain=true");
    const size = async (): Promise<number> =>
      runInDurableObject(worker.shard(2), (_, { storage }) => storage.sql.databaseSize);
    expect(await size()).toBeGreaterThan(bigBytes);
    await worker.deploy({ SHARDS: "1" });
    expect(await size()).toBeLessThan(bigBytes);
    expect(await runInDurableObject(worker.shard(2), (_, { storage }) => storage.getAlarm())).toBeNull();
    expect((await worker.shard(2).metrics()).gauges).toMatchObject({ sessions_stored: 0, subscriptions: 0 });
    expect(await faultOf(async () => worker.shard(2).ready(layoutOf(3)))).toBe(moved);
    expect(await faultOf(async () => worker.shard(2).ready(layoutOf(1, 2)))).toBe(moved);
    const [number] = await runInDurableObject(worker.shard(2), (_, { storage }) => [
      ...storage.sql.exec<{ value: number }>("SELECT value FROM meta WHERE key = 'next_session_number'"),
    ]);
    expect(number?.value).toBeGreaterThan(1);
  });
});
