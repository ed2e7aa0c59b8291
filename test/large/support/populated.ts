// Scene: very many stored sessions that are away, each with a queue, and very many retained messages; and whether all of
// it is there.

import type { BrokerProcess } from "../../support/broker-process.ts";
import { acknowledge, publish, WireClient } from "./wire-client.ts";

export interface Population {
  readonly sessions: number;
  /** To all of them; besides each has one message of its own. */
  readonly news: number;
  readonly retained: number;
}

const perFrame = 50;
const clientsAtOnce = 50;
const payload = Buffer.alloc(100, "x");
const keptSubtrees = 100;

const nameOf = (number: number): string => `away-${number}`;
const upTo = (count: number): number[] => Array.from({ length: count }, (_, number) => number);

export async function populate({ mqttUrl }: BrokerProcess, { sessions, news, retained }: Population): Promise<void> {
  await eachAtOnce(upTo(sessions), async (number) => {
    const client = await WireClient.open(mqttUrl, { clientId: nameOf(number), clean: false });
    await client.subscribe(1, `inbox${number}/#`, "news/#");
    await client.end();
  });
  const publisher = await WireClient.open(mqttUrl, { clientId: "publisher" });
  await publishAll(
    publisher,
    upTo(news).map((number) => `news/${number}`),
    false,
  );
  await publishAll(
    publisher,
    upTo(sessions).map((number) => `inbox${number}/own`),
    false,
  );
  await publishAll(
    publisher,
    upTo(retained).map((number) => `kept${number % keptSubtrees}/${number}`),
    true,
  );
  await publisher.end();
}

async function publishAll(publisher: WireClient, topics: readonly string[], retain: boolean): Promise<void> {
  for (let first = 0; first < topics.length; first += perFrame) {
    const some = topics.slice(first, first + perFrame);
    publisher.send(...some.map((topic, index) => publish(topic, { qos: 1, messageId: index + 1, retain, payload })));
    for (const answer of await publisher.take(some.length)) {
      if (answer.cmd !== "puback") throw new Error(`no PUBACK but ${answer.cmd}`);
    }
  }
}

/** Sessions `from` to `to` come back and take their queues; gives the names of those that did not get just what is theirs. */
export async function wrongQueues(
  { mqttUrl }: BrokerProcess,
  { news }: Population,
  from: number,
  to: number,
): Promise<string[]> {
  const wrong: string[] = [];
  await eachAtOnce(upTo(to).slice(from), async (number) => {
    const client = await WireClient.open(mqttUrl, { clientId: nameOf(number), clean: false });
    const got: string[] = [];
    for (let packets = await client.rest(); packets.length > 0; packets = await client.rest()) {
      for (const packet of packets) if (packet.cmd === "publish") got.push(packet.topic);
      client.send(...packets.map((packet) => acknowledge("puback", packet)));
    }
    await client.end();
    const expected = [...upTo(news).map((item) => `news/${item}`), `inbox${number}/own`];
    if (got.toSorted().join() !== expected.toSorted().join()) wrong.push(`${nameOf(number)}: ${got.join()}`);
  });
  return wrong;
}

/** How many retained messages a new subscriber is given, and how many different ones. */
export async function retainedGiven({ mqttUrl }: BrokerProcess, { retained }: Population): Promise<[number, number]> {
  const subscriber = await WireClient.open(mqttUrl, { clientId: "late" });
  subscriber.send({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic: "+/+", qos: 1 }] });
  const topics: string[] = [];
  while (topics.length < retained) {
    const packet = await subscriber.next();
    if (packet.cmd !== "publish") continue;
    topics.push(packet.topic);
    subscriber.send(acknowledge("puback", packet));
  }
  for (const packet of await subscriber.rest()) if (packet.cmd === "publish") topics.push(packet.topic);
  await subscriber.end();
  return [topics.length, new Set(topics).size];
}

async function eachAtOnce(numbers: readonly number[], run: (number: number) => Promise<void>): Promise<void> {
  const left = numbers.values();
  const runSome = async (): Promise<void> => {
    for (const number of left) await run(number);
  };
  await Promise.all(Array.from({ length: clientsAtOnce }, runSome));
}
