// A namespace out of a broker in use and into an empty one with another number of shards, by `npm run backup`. The same
// MQTT.js clients go on there, with what they remember.

import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import mqtt, { type IClientOptions } from "mqtt";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { startBroker, startScript, type BrokerProcess } from "../../support/broker-process.ts";
import { closed, connect, version5, type TestClient } from "../support/mqtt-client.ts";

const folder = mkdtempSync(join(tmpdir(), "durable-mqtt-backup-"));
const pauseMs = 5;
/** A message that is read is acknowledged so much later. */
const slowMs = 15;
const brokers: BrokerProcess[] = [];
const clients: TestClient[] = [];

afterEach(async () => {
  for (const { client } of clients.splice(0)) client.end(true);
  await Promise.all(brokers.splice(0).map((broker) => broker.stop()));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function start(shards: number): Promise<BrokerProcess> {
  const broker = await startBroker({ shards });
  brokers.push(broker);
  return broker;
}

/** What a client remembers of its session. */
interface Memory extends IClientOptions {
  readonly clientId: string;
}

const durable = (clientId: string): Memory => ({
  ...version5,
  clientId,
  clean: false,
  properties: { sessionExpiryInterval: 3600 },
  incomingStore: new mqtt.Store({ clean: false }),
  outgoingStore: new mqtt.Store({ clean: false }),
});

async function enter(broker: BrokerProcess, memory: Memory): Promise<TestClient> {
  const client = await connect(`${broker.mqttUrl}?clientId=${memory.clientId}`, memory);
  clients.push(client);
  return client;
}

async function cut({ client }: TestClient): Promise<void> {
  client.stream.destroy();
  await closed(client);
}

/** Publishes until it is told to stop; gives what was acknowledged up to then. */
function publishOn(client: TestClient, topic: string): { readonly acknowledged: string[]; stop(): Promise<void> } {
  const acknowledged: string[] = [];
  const over = new AbortController();
  const run = async (): Promise<void> => {
    for (let n = 0; !over.signal.aborted; n += 1) {
      await client.client.publishAsync(topic, `live ${n}`, { qos: 1 });
      acknowledged.push(`live ${n}`);
    }
  };
  const running = run();
  return {
    acknowledged,
    stop: async () => {
      over.abort();
      await running;
    },
  };
}

async function backup(broker: BrokerProcess, command: string, file: string) {
  const script = startScript("backup", [command, "--file", file, "--url", broker.httpUrl]);
  const { code } = await script.exited;
  return { code, said: script.output().trim() };
}

describe("npm run backup", () => {
  it.each([
    [3, 1],
    [1, 3],
  ])("takes a namespace in use from %i shards to %i", async (from, to) => {
    const source = await start(from);
    const pub = await enter(source, durable("publisher"));
    const keeper = durable("keeper");
    const member = durable("member");
    const half = durable("half");
    const sender = durable("sender");
    const first = await enter(source, keeper);
    await first.client.subscribeAsync({ "q/#": { qos: 2 }, [`$share/g/job/#`]: { qos: 1 } });
    await cut(first);
    const second = await enter(source, member);
    await second.client.subscribeAsync({ "$share/g/job/#": { qos: 1 }, "news/+": { qos: 1, rh: 2 } });
    await cut(second);
    // It has said PUBREC and goes before it has heard PUBREL.
    const third = await enter(source, half);
    await third.client.subscribeAsync("half", { qos: 2 });
    third.client.on("packetsend", ({ cmd }) => void (cmd === "pubrec" && third.client.stream.destroy()));
    await pub.client.publishAsync("half", "exactly once", { qos: 2 });
    await closed(third.client);
    // It has heard PUBREC and goes before PUBREL.
    const fourth = await enter(source, sender);
    fourth.client.on("packetreceive", ({ cmd }) => void (cmd === "pubrec" && fourth.client.stream.destroy()));
    fourth.client.publish("q/sender", "from the sender", { qos: 2 });
    await closed(fourth.client);
    for (const n of [1, 2, 3]) await pub.client.publishAsync("q/a", `a ${n}`, { qos: n === 2 ? 2 : 1 });
    for (const n of [1, 2, 3]) await pub.client.publishAsync("job/a", `job ${n}`, { qos: 1 });
    await pub.client.publishAsync("news/today", "kept", { qos: 1, retain: true });

    // It reads and acknowledges all the while, and falls behind.
    const reading = durable("reading");
    const fifth = await enter(source, reading);
    const read: string[] = [];
    fifth.client.on("message", (_, payload) => void read.push(payload.toString()));
    fifth.client.handleMessage = (_, acknowledge) => void setTimeout(acknowledge, slowMs);
    await fifth.client.subscribeAsync("q/live", { qos: 1 });

    const live = publishOn(pub, "q/live");
    while (live.acknowledged.length < 60) await pause(pauseMs);
    const before = live.acknowledged.length;
    const readBefore = read.length;
    const file = join(folder, `${from}-${to}.ndjson`);
    expect(await backup(source, "export", file)).toEqual({
      code: 0,
      said: expect.stringMatching(/^Exported \d+ records\.$/),
    });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    await live.stop();
    await cut(fifth);
    const must = live.acknowledged.slice(0, before);

    const target = await start(to);
    const taken = await backup(target, "import", file);
    expect(taken.code, taken.said).toBe(0);
    expect(JSON.parse(taken.said)).toMatchObject({ sessions: 6, sessionsKept: 0, messagesLeftOut: 0, retained: 1 });
    expect(await importOverHttp(target, file)).toMatchObject({
      sessions: 0,
      sessionsKept: 6,
      messages: 0,
      retained: 0,
      wills: 0,
    });

    const kept = await enter(target, keeper);
    expect(kept.sessionPresent).toBe(true);
    const jobs = ["job 1", "job 2", "job 3"];
    const queue = await receiveAll(kept, ["a 1", "a 2", "a 3", "from the sender", ...jobs, ...must]);
    const texts = (topic: string): string[] =>
      queue.filter((message) => message.topic === topic).map(({ payload }) => payload);
    // One of QoS 2 is shown when it is released.
    expect(texts("q/a").toSorted()).toEqual(["a 1", "a 2", "a 3"]);
    expect(texts("q/live").slice(0, must.length)).toEqual(must);
    expect(texts("job/a")).toEqual(jobs);
    expect(texts("q/sender")).toEqual(["from the sender"]);

    // Each message that was acknowledged before the export began was read there, or is read here, once and in order.
    const readsOn = await enter(target, reading);
    await kept.client.publishAsync("q/live", "live end", { qos: 1 });
    const here = (await receiveAll(readsOn, ["live end"])).map(({ payload }) => payload).slice(0, -1);
    expect([...read, ...here]).toEqual(expect.arrayContaining(must));
    expect(here).toEqual(live.acknowledged.filter((payload) => here.includes(payload)));
    expect(here.filter((payload) => read.slice(0, readBefore - 1).includes(payload))).toEqual([]);
    expect(here).not.toEqual([]);

    const back = await enter(target, half);
    expect(await back.receive(1)).toMatchObject([{ topic: "half", payload: "exactly once", qos: 2 }]);
    const sending = await enter(target, sender);
    expect(sending.sessionPresent).toBe(true);
    if (from === 1) await readsInTwin(file, ["a 1", "a 2", "a 3", "from the sender", ...must]);
    const news = await enter(target, member);
    expect(news.sessionPresent).toBe(true);
    await sending.client.publishAsync("news/later", "goes on", { qos: 1 });
    expect(await news.receive(2)).toMatchObject([{ payload: "kept", retain: false }, { payload: "goes on" }]);
    const reader = await enter(target, durable("reader"));
    await reader.client.subscribeAsync("news/today", { qos: 1 });
    expect(await reader.receive(1)).toMatchObject([{ payload: "kept", retain: true }]);
    // Neither the PUBREL that was owed nor the one that comes again has doubled anything.
    await sending.client.publishAsync("q/last", "last", { qos: 1 });
    const rest = (await receiveAll(kept, ["last"])).map(({ payload }) => payload);
    expect(rest.filter((payload) => !payload.startsWith("live"))).toEqual(["last"]);
    await sending.client.publishAsync("half", "last", { qos: 1 });
    expect(await back.receive(1)).toMatchObject([{ payload: "last" }]);
  });
});

async function importOverHttp(broker: BrokerProcess, file: string): Promise<unknown> {
  const response = await fetch(`${broker.httpUrl}/backup`, { method: "POST", body: readFileSync(file) });
  return response.json();
}

/** The same export in one more empty broker, of one shard. */
async function readsInTwin(file: string, expected: readonly string[]): Promise<void> {
  const twin = await start(1);
  expect(await importOverHttp(twin, file)).toMatchObject({ sessions: 6, messagesLeftOut: 0 });
  const kept = await enter(twin, durable("keeper"));
  expect(kept.sessionPresent).toBe(true);
  const found = (await receiveAll(kept, expected)).map(({ payload }) => payload);
  expect(found.filter((payload) => expected.includes(payload)).toSorted()).toEqual(expected.toSorted());
}

/** Until all of these have come; gives everything that has. */
async function receiveAll(client: TestClient, payloads: readonly string[]) {
  const missing = new Set(payloads);
  const all = [];
  while (missing.size > 0) {
    const [message] = await client.receive(1);
    if (message === undefined) throw new Error("no message");
    missing.delete(message.payload);
    all.push(message);
  }
  return all;
}
