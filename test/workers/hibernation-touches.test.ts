// What a wake costs, counted and not timed: an input that concerns one connection touches one socket; the first PUBLISH
// rebuilds the index once, with one look at each attachment and a few statements in all. Times: docs/hibernation.md.

import type { Packet } from "mqtt-packet";
import { describe, expect, test } from "vitest";
import { relaySignal } from "../../src/objects/relay.ts";
import { DurableObjectSql } from "../../src/storage/durable-object-sql.ts";
import { newCluster } from "../support/shards.ts";
import { ack, idOf, kindOf, messageOf, publish, type Answer, type MqttSocket } from "./mqtt-socket.ts";
import { newShard, type Shard } from "./shard.ts";

/** Sessions of which the progress shares a row: so much may differ, whatever the numbers of the sessions are. */
const pageSlack = 1;
const sessionsPerPage = 128;

interface Touched {
  /** Attachments read, each time counted. */
  readonly attachments: number;
  readonly statements: number;
}

/** What is touched while `work` runs: tests and shards share one isolate. */
async function touchedBy(work: () => Promise<unknown>): Promise<Touched> {
  let attachments = 0;
  let statements = 0;
  const { deserializeAttachment } = WebSocket.prototype;
  const { all } = DurableObjectSql.prototype;
  WebSocket.prototype.deserializeAttachment = function counted(this: WebSocket): unknown {
    attachments += 1;
    return deserializeAttachment.call(this);
  };
  DurableObjectSql.prototype.all = function counted(this: DurableObjectSql, ...args: Parameters<typeof all>) {
    statements += 1;
    return all.apply(this, args);
  } as typeof all;
  try {
    await work();
  } finally {
    WebSocket.prototype.deserializeAttachment = deserializeAttachment;
    DurableObjectSql.prototype.all = all;
  }
  return { attachments, statements };
}

const small = 10;
const large = 100;
const connectsAtOnce = 10;

/** `count` sleepers with a subscription of their own, every second one durable. */
async function fill(shard: Shard, count: number, each: "ephemeral" | "mixed"): Promise<void> {
  const connect = async (number: number): Promise<void> => {
    const clean = each === "ephemeral" || number % 2 === 0;
    await shard.subscriber(`sleeper-${number}`, 1, [`own/${number}`], { clean });
  };
  for (let first = 0; first < count; first += connectsAtOnce) {
    await Promise.all(Array.from({ length: connectsAtOnce }, (_, at) => connect(first + at)));
  }
}

/** A subscriber that owes an answer to one message of each QoS, and a publisher whose QoS 2 message is not released. */
async function owing(shard: Shard, clean: boolean) {
  const subscriber = await shard.subscriber("owing", 2, ["t"], { clean });
  const publisher = await shard.client("publisher");
  publisher.send(publish("t", { qos: 1, messageId: 1 }), publish("t", { qos: 2, messageId: 2 }));
  const [one, two] = await subscriber.take(2);
  await publisher.take(2);
  return { subscriber, publisher, one: idOf(one), two: idOf(two) };
}

const exchange = async (socket: MqttSocket, packet: Packet): Promise<Answer> => {
  socket.send(packet);
  return socket.next();
};

describe.each([
  { kind: "an ephemeral", clean: true },
  { kind: "a durable", clean: false },
])("a wake for $kind session among others", ({ clean }) => {
  /** What each of the five inputs touches, each after a sleep of its own. */
  async function touchedByEach(sleepers: number): Promise<Record<string, Touched>> {
    const shard = newShard();
    await fill(shard, sleepers, "mixed");
    const { subscriber, publisher, one, two } = await owing(shard, clean);
    const touched: Record<string, Touched> = {};
    const wake = async (name: string, work: () => Promise<unknown>): Promise<void> => {
      await shard.hibernate();
      touched[name] = await touchedBy(work);
    };
    await wake("PINGREQ", () => subscriber.rest());
    await wake("PUBACK", async () => {
      subscriber.send(ack("puback", one));
      await subscriber.rest();
    });
    await wake("PUBREC", async () => expect(kindOf(await exchange(subscriber, ack("pubrec", two)))).toBe("pubrel"));
    await wake("PUBCOMP", async () => {
      subscriber.send(ack("pubcomp", two));
      await subscriber.rest();
    });
    await wake("PUBREL", async () => expect(kindOf(await exchange(publisher, ack("pubrel", 2)))).toBe("pubcomp"));
    return touched;
  }

  test("by PINGREQ or an acknowledgement touches one socket, and no more rows among many than among few", async () => {
    const amongFew = await touchedByEach(small);
    const amongMany = await touchedByEach(large);
    for (const [name, { attachments }] of Object.entries(amongMany)) expect([name, attachments]).toEqual([name, 1]);
    expect(amongMany).toEqual(amongFew);
  });
});

describe.each(["ephemeral", "mixed"] as const)("the first PUBLISH after a sleep, %s sessions", (each) => {
  async function rebuild(sleepers: number): Promise<Touched> {
    const shard = newShard();
    await fill(shard, sleepers, each);
    const subscriber = await shard.subscriber("subscriber", 1, ["t"]);
    const publisher = await shard.client("publisher");
    await shard.hibernate();
    const touched = await touchedBy(async () => {
      publisher.send(publish("t"));
      expect(messageOf(await subscriber.next())).toBe("t=x q0");
    });
    // The index stands: another one, and whatever wakes others, looks at no attachment again.
    const again = await touchedBy(async () => {
      publisher.send(publish("t"));
      await subscriber.next();
      await publisher.rest();
    });
    expect(again.attachments).toBe(0);
    return touched;
  }

  test("reads each attachment once, and for ten times the sockets asks storage no more often", async () => {
    const few = await rebuild(small);
    const many = await rebuild(large);
    expect([few.attachments, many.attachments]).toEqual([small + 2, large + 2]);
    const pages = each === "mixed" ? Math.ceil((large - small) / sessionsPerPage) + pageSlack : 0;
    expect(many.statements - few.statements).toBeLessThanOrEqual(pages);
  });
});

test("behind a relay the renewal of its lease touches one socket", async () => {
  const cluster = newCluster(3);
  const { placement } = cluster;
  const relayed = await cluster.open(0, true);
  relayed.send({
    cmd: "connect",
    protocolId: "MQTT",
    protocolVersion: 4,
    clientId: placement.clientOn(0),
    clean: true,
    keepalive: 60,
  });
  expect(kindOf(await relayed.next())).toBe("connack");
  for (let number = 0; number < small; number += 1) await cluster.client(placement.clientOn(0));
  await cluster.hibernate();
  const touched = await touchedBy(async () => {
    relayed.sendText(relaySignal.alive);
    await relayed.rest();
  });
  expect(touched.attachments).toBe(1);
});
