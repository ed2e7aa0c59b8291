// `SOCKETS=accept`: sockets that keep their shard awake. Nothing that a client sees is different, at one shard and at
// three, behind a relay too; the control is the same broker with sockets that hibernate.

import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as idle } from "node:timers/promises";
import type { Packet } from "mqtt-packet";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { buildWorker } from "../../../scripts/start/build-worker.ts";
import { acknowledge, publish, said, WireClient } from "../../large/support/wire-client.ts";
import { processTree, startBroker, type BrokerProcess } from "../../support/broker-process.ts";
import { killAgainAndAgain } from "../crash/harness.ts";
import { stopReading } from "../slow/stopped-reader.ts";

const accept = { SOCKETS: "accept" };
const variables = { ...accept, SLOW_CONSUMER_TIMEOUT_MS: "500", NAMESPACES: "still" };
/** An object that may sleep does so after ten seconds. */
const sleepsWithinMs = 13_000;
const keepAliveSec = 1;
const lostClients = 150;
const floodBytes = 60_000;
const floodMessages = 300;
/** After the flood, a client that reads nothing. */
const closesWithinMs = 2_000;
const sessionTakenOver = 0x8e;
const quotaExceeded = 0x97;
const serverShuttingDown = 0x8b;
/** Of MQTT 5: longer than any test. */
const durable = { clean: false, properties: { sessionExpiryInterval: 600 } };

/** With a client id in the URL a socket goes straight to its shard, without one through a relay where there are several. */
const ways = [
  { title: "one shard", shards: 1, direct: true },
  { title: "three shards", shards: 3, direct: true },
  { title: "three shards behind relays", shards: 3, direct: false },
];

const brokers = new Map<number, BrokerProcess>();
let control: BrokerProcess;

function brokerOf(shards: number): BrokerProcess {
  const broker = brokers.get(shards);
  if (broker === undefined) throw new Error("the broker did not start");
  return broker;
}

async function metric({ httpUrl }: BrokerProcess, name: string, path = "/metrics"): Promise<number> {
  const lines = (await (await fetch(`${httpUrl}${path}`)).text()).split("\n");
  return Number(lines.find((line) => line.startsWith(`mqtt_${name} `))?.split(" ")[1] ?? 0);
}

beforeAll(async () => {
  const built = await buildWorker();
  if (!built.ok) throw new Error(built.error);
  const start = async (shards: number) => brokers.set(shards, await startBroker({ shards, variables }));
  const startControl = async () => (control = await startBroker({ variables: { NAMESPACES: "still" } }));
  await Promise.all([start(1), start(3), startControl()]);
});
afterAll(async () => {
  await Promise.all([...brokers.values(), control].map((broker) => broker.stop()));
});

describe.concurrent.each(ways)("with sockets that keep $title awake", ({ title, shards, direct }) => {
  const own = (name: string): string => `${title} ${name}`;
  const open = (name: string, more: object = {}): Promise<WireClient> => {
    const clientId = own(name);
    const query = direct ? `?clientId=${encodeURIComponent(clientId)}` : "";
    return WireClient.open(`${brokerOf(shards).mqttUrl}${query}`, { clientId, protocolVersion: 5, ...more });
  };

  test("QoS 0, 1 and 2 go all their steps, and a session that was away has what it missed", async () => {
    const topic = own("flow");
    const publisher = await open("publisher");
    const subscriber = await open("subscriber", durable);
    await subscriber.subscribe(2, topic);
    await exchange(publisher, subscriber, topic, "live");
    subscriber.drop();
    const takesOver = await open("subscriber", durable);
    await takesOver.end();
    const away = publish(topic, { qos: 1, messageId: 9, payload: "away" });
    expect(await publisher.ask(away)).toMatchObject({ cmd: "puback", messageId: 9 });
    const back = await open("subscriber", durable);
    const [missed] = await back.take(1);
    expect(said(missed as Packet)).toBe(`${topic}=away q1`);
    back.send(acknowledge("puback", missed as Packet));
    await exchange(publisher, back, topic, "again");
    await Promise.all([publisher.end(), back.end()]);
  });

  test("[MQTT-3.1.4-3] a second CONNECT takes the session over, and the first is told", async () => {
    const first = await open("taken", durable);
    const second = await open("taken", durable);
    expect(await first.next()).toMatchObject({ cmd: "disconnect", reasonCode: sessionTakenOver });
    await first.closed();
    expect(await second.rest()).toEqual([]);
    await second.end();
  });

  test("[MQTT-3.1.2-8] an abrupt loss and a keep-alive that runs out publish the will, a DISCONNECT does not", async () => {
    const topic = own("wills");
    const watcher = await open("watcher");
    await watcher.subscribe(0, topic);
    const withWill = (name: string, keepalive?: number) =>
      open(name, {
        ...(keepalive !== undefined && { keepalive }),
        will: { topic, payload: Buffer.from(name), qos: 0, retain: false },
      });
    const [lost, , leaves] = await Promise.all([
      withWill("lost"),
      withWill("silent", keepAliveSec),
      withWill("leaves"),
    ]);
    await leaves.end();
    lost.drop();
    expect((await watcher.take(2)).map(said)).toEqual([`${topic}=lost q0`, `${topic}=silent q0`]);
    expect(await watcher.rest()).toEqual([]);
    await watcher.end();
  });

  test("a client that stops reading is disconnected, and harms nobody", async () => {
    const topic = own("flood").replaceAll(" ", "-");
    const clientId = own("stopped").replaceAll(" ", "-");
    const query = direct ? `?clientId=${clientId}` : "";
    const stopped = await stopReading(brokerOf(shards).port, query, clientId, topic);
    const [reader, publisher] = await Promise.all([open("reader"), open("floods")]);
    await reader.subscribe(0, topic);
    for (let number = 1; number <= floodMessages; number += 1) {
      publisher.send(publish(topic, { payload: `${number}`.padEnd(floodBytes, ".") }));
      expect(said(await reader.next()).split(".")[0]).toBe(`${topic}=${number}`);
    }
    await idle(closesWithinMs);
    const disconnect = new URL(`/api/v5/clients/${clientId}`, brokerOf(shards).httpUrl);
    expect((await fetch(disconnect, { method: "DELETE" })).status).toBe(404); // gone already
    // A relay that is closed for it takes its socket along.
    const ends = direct ? (await stopped.readOn()).packets.slice(-1) : [];
    expect(ends).toMatchObject(ends.map(() => ({ cmd: "disconnect", reasonCode: quotaExceeded })));
    stopped.destroy();
    await Promise.all([reader.end(), publisher.end()]);
  });
});

/** One message of each QoS, with every step of its acknowledgement on both sides. */
async function exchange(publisher: WireClient, subscriber: WireClient, topic: string, payload: string): Promise<void> {
  publisher.send(publish(topic, { payload: `${payload}0` }));
  expect(await publisher.ask(publish(topic, { qos: 1, messageId: 1, payload: `${payload}1` }))).toMatchObject({
    cmd: "puback",
  });
  const pubrec = await publisher.ask(publish(topic, { qos: 2, messageId: 2, payload: `${payload}2` }));
  expect(pubrec).toMatchObject({ cmd: "pubrec", messageId: 2 });
  expect(await publisher.ask(acknowledge("pubrel", pubrec))).toMatchObject({ cmd: "pubcomp", messageId: 2 });
  const got = await subscriber.take(3);
  expect(got.map(said)).toEqual([0, 1, 2].map((qos) => `${topic}=${payload}${qos} q${qos}`));
  subscriber.send(acknowledge("puback", got[1] as Packet));
  const pubrel = await subscriber.ask(acknowledge("pubrec", got[2] as Packet));
  expect(pubrel.cmd).toBe("pubrel");
  subscriber.send(acknowledge("pubcomp", pubrel));
  expect(await subscriber.rest()).toEqual([]);
}

describe.concurrent.each([
  { mode: "hibernate", broker: () => control },
  { mode: "accept", broker: () => brokerOf(1) },
])("SOCKETS=$mode", ({ mode, broker }) => {
  test("a close is answered, with its own code where that may be sent", async () => {
    const answerTo = async (code?: number): Promise<number> => {
      const ws = new WebSocket(broker().mqttUrl, "mqtt");
      await once(ws, "open");
      ws.close(code);
      const [answer] = await once(ws, "close");
      return answer as number;
    };
    expect(await Promise.all([answerTo(4000), answerTo(1001), answerTo()])).toEqual([4000, 1001, 1000]);
  });

  test("sockets that are lost give their descriptors back while the shard is awake", async ({ expect: expectHere }) => {
    const open = (number: number) => WireClient.open(broker().mqttUrl, { clientId: `${mode}-${number}` });
    const pacemaker = await open(lostClients);
    const before = descriptorsOf(broker());
    const clients = await Promise.all(Array.from({ length: lostClients }, (_, number) => open(number)));
    expectHere(descriptorsOf(broker()) - before).toBeGreaterThan(lostClients);
    for (const client of clients) client.drop();
    await expectHere // of this test, since others run at the same time
      .poll(async () => (await pacemaker.rest(), descriptorsOf(broker()) - before), { timeout: closesWithinMs })
      .toBeLessThan(lostClients / 2); // other tests open and close some at the same time
    await pacemaker.end();
  });
});

/** Of the runtime. */
function descriptorsOf(broker: BrokerProcess): number {
  const isRuntime = (pid: number): boolean => /^Name:\s+workerd$/mu.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Math.max(
    ...processTree(broker.pid)
      .filter(isRuntime)
      .map((pid) => readdirSync(`/proc/${pid}/fd`).length),
  );
}

describe.concurrent("a shard whose sockets keep it awake", () => {
  test("counts its client still when one that may sleep has slept", async () => {
    const still = async (broker: BrokerProcess) => {
      const url = broker.mqttUrl.replace("/mqtt", "/n/still/mqtt");
      const client = await WireClient.open(url, { clientId: "still" });
      return async () => {
        const connects = await metric(broker, "connects_accepted_total", "/n/still/metrics");
        expect(await client.rest()).toEqual([]);
        await client.end();
        return connects;
      };
    };
    const looks = await Promise.all([still(brokerOf(1)), still(control)]);
    await idle(sleepsWithinMs);
    expect(await Promise.all(looks.map((look) => look()))).toEqual([1, 0]);
  });

  test.each([1, 3])("loses nothing acknowledged when it is killed, SHARDS=%i", async (shards) => {
    const dataDir = mkdtempSync(join(tmpdir(), "durable-mqtt-accept-"));
    const start = (port?: number) =>
      startBroker({
        dataDir,
        shards,
        variables: { ...accept, MAXIMUM_QUEUED_MESSAGES: "1000000" },
        ...(port !== undefined && { port }),
      });
    const { lost, doubled, disordered, acknowledged, arrived } = await killAgainAndAgain({
      start,
      shards,
      rounds: 1,
      killsWhileDraining: 0,
      seed: 1,
    });
    rmSync(dataDir, { recursive: true, force: true });
    expect({ lost, doubled, disordered, arrived }).toEqual({
      lost: [],
      doubled: [],
      disordered: [],
      arrived: acknowledged,
    });
  });
});

describe("at the end", () => {
  test.each([1, 3])("a client of MQTT 5 hears that the server shuts down, SHARDS=%i", async (shards) => {
    const broker = brokerOf(shards);
    const client = await WireClient.open(broker.mqttUrl, { clientId: "last", protocolVersion: 5 });
    await expect.poll(() => metric(broker, "sockets")).toBe(1); // of all that came before nothing is left
    const exit = broker.stop();
    expect(await client.next()).toMatchObject({ cmd: "disconnect", reasonCode: serverShuttingDown });
    expect(await exit).toMatchObject({ code: 0 });
    brokers.delete(shards);
  });
});
