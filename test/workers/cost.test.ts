// What is written, and when (design §4): commits and rows, as the storage itself counts them. Bursts of 50 packets come in
// one frame.

import type { Packet } from "mqtt-packet";
import { describe, expect, test } from "vitest";
import { ack, idOf, kindOf, publish, publishes, subscribe, type MqttSocket } from "./mqtt-socket.ts";
import { newShard, type Shard } from "./shard.ts";

const burst = 50;
const bursts = 4;
const messages = burst * bursts;
/** The targets are for 1,000 messages. */
const perThousand = (rows: number): number => (rows * 1_000) / messages;

const subscribers = (shard: Shard, count: number, qos: 0 | 1 | 2, clean: boolean): Promise<MqttSocket[]> =>
  Promise.all(Array.from({ length: count }, (_, n) => shard.subscriber(`s${n}`, qos, ["t"], { clean })));

const answerTo = (packet: Packet): Packet[] => {
  const id = packet.messageId ?? 0;
  if (packet.cmd === "pubrel") return [ack("pubcomp", id)];
  if (packet.cmd !== "publish" || packet.qos === 0) return [];
  return [ack(packet.qos === 1 ? "puback" : "pubrec", id)];
};

/** Answers messages to their end, those of one frame in one frame; resolves when all have come. */
async function acknowledge(socket: MqttSocket, count: number): Promise<void> {
  for (let ended = 0; ended < count;) {
    const packets = await socket.batch();
    const answers = packets.flatMap(answerTo);
    if (answers.length > 0) socket.send(...answers);
    ended += packets.filter((packet) => packet.cmd === "pubrel" || (packet.cmd === "publish" && packet.qos < 2)).length;
  }
}

async function publishBursts(publisher: MqttSocket, receivers: readonly MqttSocket[], qos: 0 | 1 | 2): Promise<void> {
  for (let n = 0; n < bursts; n += 1) {
    publisher.send(...publishes(burst, "t", qos));
    await Promise.all(receivers.map((socket) => acknowledge(socket, burst)));
    if (qos === 0) continue;
    const answers = await publisher.take(burst);
    if (qos === 1) continue;
    publisher.send(...answers.map((answer) => ack("pubrel", idOf(answer))));
    await publisher.take(burst);
  }
}

describe("commits", () => {
  test("64 QoS 1 PUBLISH in one frame cost one commit and one outgoing frame", async () => {
    const shard = newShard();
    (await shard.subscriber("s", 1, ["t"], { clean: false })).send({ cmd: "disconnect" });
    const publisher = await shard.client("p");
    const framesBefore = publisher.frames.length;
    const commits = await shard.rise("commits", async () => {
      publisher.send(...publishes(64, "t", 1));
      expect((await publisher.take(64)).map(kindOf)).toEqual(Array.from({ length: 64 }, () => "puback"));
    });
    expect([commits, publisher.frames.length - framesBefore]).toEqual([1, 1]);
  });

  test("a message that forces a flush is one commit, with the id of its publisher in it", async () => {
    const shard = newShard();
    await shard.subscriber("s", 1, ["t"], { clean: false });
    const publisher = await shard.client("p", { clean: false });
    await shard.save();
    const before = await shard.counter("commits");
    publisher.send(publish("t", { qos: 2, messageId: 2, payload: "x".repeat(100_000) }));
    await publisher.next();
    expect((await shard.counter("commits")) - before).toBe(1);
  });
});

describe("rows per 1,000 messages", () => {
  test.each([1, 20])("QoS 0 to %s subscribers: 0", async (count) => {
    const shard = newShard();
    const receivers = await subscribers(shard, count, 0, false);
    const publisher = await shard.client("p");
    expect(await shard.rise("rows_written", () => publishBursts(publisher, receivers, 0))).toBe(0);
  });

  test.each([1, 2] as const)("QoS %s to ephemeral subscribers from an ephemeral publisher: 0", async (qos) => {
    const shard = newShard();
    const receivers = await subscribers(shard, 5, qos, true);
    const publisher = await shard.client("p");
    expect(await shard.rise("rows_written", () => publishBursts(publisher, receivers, qos))).toBe(0);
  });

  test("QoS 1 to 100 durable subscribers on line: under 60", async () => {
    const shard = newShard();
    const receivers = await subscribers(shard, 100, 1, false);
    const publisher = await shard.client("p");
    const rows = await shard.rise("rows_written", () => publishBursts(publisher, receivers, 1));
    expect(perThousand(rows)).toBeLessThan(60);
  });

  test("QoS 1 to 100 durable subscribers off line: under 60", async () => {
    const shard = newShard();
    for (const socket of await subscribers(shard, 100, 1, false)) socket.drop();
    const publisher = await shard.client("p");
    const rows = await shard.rise("rows_written", () => publishBursts(publisher, [], 1));
    expect(perThousand(rows)).toBeLessThan(60);
  });

  test("QoS 2 from one durable session to another: under 200", async () => {
    const shard = newShard();
    const receivers = await subscribers(shard, 1, 2, false);
    const publisher = await shard.client("p", { clean: false });
    const rows = await shard.rise("rows_written", () => publishBursts(publisher, receivers, 2));
    expect(perThousand(rows)).toBeLessThan(200);
  });

  test("a retained set: 1,000", async () => {
    const shard = newShard();
    const publisher = await shard.client("p");
    const rows = await shard.rise("rows_written", async () => {
      for (let n = 0; n < messages; n += 1) publisher.send(publish(`r/${n}`, { retain: true }));
      await publisher.rest();
    });
    expect(perThousand(rows)).toBe(1_000);
  });
});

describe("rows of a connection", () => {
  test("an ephemeral one: 0, also to subscribe, acknowledge and leave", async () => {
    const shard = newShard();
    const rows = await shard.rise("rows_written", async () => {
      const client = await shard.client("c");
      client.send(subscribe(1, "a/+", "b"));
      await client.next();
      client.send(publish("b", { qos: 1, messageId: 1 }));
      const both = await client.take(2);
      client.send(
        ...both.filter((packet) => kindOf(packet) === "publish").map((packet) => ack("puback", idOf(packet))),
      );
      client.send({ cmd: "disconnect" });
      await client.closed();
    });
    expect(rows).toBe(0);
  });

  test("with a will: 2", async () => {
    const shard = newShard();
    const rows = await shard.rise("rows_written", async () => {
      const will = { topic: "w", payload: Buffer.from("x"), qos: 0 as const, retain: false };
      const client = await shard.client("c", { will });
      client.send({ cmd: "disconnect" });
      await client.closed();
    });
    expect(rows).toBe(2);
  });
});

describe("what else is billed is counted", () => {
  test("each incoming WebSocket message, however many packets it holds", async () => {
    const shard = newShard();
    const client = await shard.client("c");
    const rise = await shard.rise("websocket_messages_received", async () => {
      client.send(...publishes(50, "t", 1));
      client.send({ cmd: "pingreq" }, { cmd: "pingreq" });
      await client.take(51);
    });
    expect(rise).toBe(2);
  });

  test("upgrades and calls, but no reading of counters", async () => {
    const shard = newShard();
    await shard.counter("commits");
    const requests = await shard.rise("requests_received", async () => {
      await shard.client("c");
      await shard.stub.readRetained("t");
      await shard.stub.ready();
    });
    expect(requests).toBe(2);
  });

  test("an alarm that is set, once for many clients, and its run", async () => {
    const shard = newShard();
    const first = await shard.client("first");
    for (const id of ["a", "b", "c"]) await shard.client(id);
    await shard.save();
    expect([await shard.counter("alarms_set"), await shard.counter("alarms_run")]).toEqual([1, 0]);
    first.send({ cmd: "pingreq" });
    await first.rest();
    expect(await shard.counter("alarms_set")).toBe(1);
    await shard.alarm();
    await shard.save();
    expect([await shard.counter("alarms_set"), await shard.counter("alarms_run")]).toEqual([2, 1]);
  });
});
