// Time in a shard: keep-alive, wills and session expiry by the one alarm. Time passes only where a test says so.

import { runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { readHead } from "../../src/objects/attachment.ts";
import { ack, idOf, messageOf, publish, publishes } from "./mqtt-socket.ts";
import { letPass, newShard, type Shard } from "./shard.ts";

const will = { topic: "will", payload: Buffer.from("gone"), qos: 0 as const, retain: false };
const weekSec = 7 * 24 * 3600;

const lastSeenOf = (shard: Shard): Promise<number> =>
  runInDurableObject(shard.stub, (_, state) => {
    const attachment = state.getWebSockets().at(-1)?.deserializeAttachment() as Uint8Array;
    return readHead(attachment).lastSeenMs;
  });

describe("keep-alive", () => {
  test("[MQTT-3.1.2-24] a client that is silent for 1.5 times its keep-alive is closed by the alarm, and not before", async () => {
    const shard = newShard();
    const client = await shard.client("a", { keepalive: 20 });
    const dueInMs = (await shard.alarmInMs()) ?? 0;
    expect(Math.round(dueInMs / 1000)).toBe(30);
    letPass(29);
    await shard.alarm();
    expect(await client.rest()).toEqual([]); // this was a packet
    letPass(29);
    await shard.alarm();
    expect(await shard.counter("connections")).toBe(1);
    letPass(2);
    await shard.alarm();
    expect(await client.closed()).toBe(true);
  });

  test("[MQTT-3.1.2-24] it holds for a client that sleeps, whose saved time may be a tenth of the keep-alive old", async () => {
    const shard = newShard();
    const client = await shard.client("a", { keepalive: 100 });
    await shard.hibernate();
    letPass(155);
    await shard.alarm();
    expect(await shard.counter("connections")).toBe(1);
    await shard.hibernate();
    letPass(10);
    await shard.alarm();
    expect(await client.closed()).toBe(true);
  });

  test("a keep-alive of 0 never closes", async () => {
    const shard = newShard();
    const client = await shard.client("a", { keepalive: 0 });
    letPass(100_000);
    await shard.alarm();
    expect(await client.rest()).toEqual([]);
  });

  test("the time of a packet is saved once the saved one is a tenth of the keep-alive old, and costs no row", async () => {
    const shard = newShard();
    const client = await shard.client("a", { keepalive: 100 });
    await shard.save();
    const atFirst = await lastSeenOf(shard);
    const rows = await shard.rise("rows_written", async () => {
      letPass(9);
      await client.rest();
      expect(await lastSeenOf(shard)).toBe(atFirst);
      letPass(2);
      await client.rest();
    });
    expect([Math.round(((await lastSeenOf(shard)) - atFirst) / 1000), rows]).toEqual([11, 0]);
  });

  test("there is one alarm, and a PINGREQ does not set it", async () => {
    const shard = newShard();
    const client = await shard.client("a", { keepalive: 20 });
    const before = await shard.alarmInMs();
    letPass(5);
    await client.rest();
    expect((await shard.alarmInMs()) ?? 0).toBeLessThanOrEqual((before ?? 0) - 5_000);
  });

  test("sweeps are at least five seconds apart", async () => {
    const shard = newShard();
    await shard.client("a", { keepalive: 1 });
    letPass(1);
    await shard.alarm();
    expect((await shard.alarmInMs()) ?? 0).toBeGreaterThan(4_500);
  });
});

describe("stored sessions", () => {
  test("[MQTT-3.1.2-5] one that is away longer than its expiry ends, with its messages", async () => {
    const shard = newShard();
    const subscriber = await shard.subscriber("s", 1, ["t"], { clean: false });
    subscriber.drop();
    const publisher = await shard.client("p", { keepalive: 0 });
    publisher.send(publish("t", { qos: 1, messageId: 1 }));
    await publisher.next();
    letPass(weekSec - 10);
    await shard.alarm();
    expect(await shard.counter("sessions_stored")).toBe(1);
    letPass(20);
    await shard.alarm();
    expect([await shard.counter("sessions_stored"), await shard.counter("log_bytes")]).toEqual([0, 0]);
    expect((await shard.client("s", { clean: false })).resumed).toBe(false);
  });

  test("[MQTT-4.4.0-1] after a crash what was in flight comes again with its id and DUP, then the rest: 32 with DUP", async () => {
    const shard = newShard();
    const subscriber = await shard.subscriber("s", 1, ["t"], { clean: false });
    const publisher = await shard.client("p");
    publisher.send(...publishes(70, "t", 1));
    await publisher.take(70);
    const first = await subscriber.take(32);
    await shard.crash();
    const again = await shard.client("s", { clean: false });
    expect(again.resumed).toBe(true);
    const second = await again.take(32);
    expect(second.map(messageOf)).toEqual(first.map((message) => `${messageOf(message)} dup`));
    expect(second.map(idOf)).toEqual(first.map(idOf));
    again.send(...second.map((message) => ack("puback", idOf(message))));
    // So many may have been sent as acknowledgements came, for all that storage knows [MQTT-3.3.1-1]; no more.
    const third = await again.take(32);
    expect(third.map(messageOf)).toEqual(Array.from({ length: 32 }, (_, n) => `t=${32 + n} q1 dup`));
    again.send(...third.map((message) => ack("puback", idOf(message))));
    expect((await again.rest()).map(messageOf)).toEqual(Array.from({ length: 6 }, (_, n) => `t=${64 + n} q1`));
  });

  test("[MQTT-4.3.3-2] after a crash a repeated QoS 2 message is not delivered again, and a PUBREL is", async () => {
    const shard = newShard();
    const subscriber = await shard.subscriber("s", 2, ["t"], { clean: false });
    const publisher = await shard.client("p", { clean: false });
    publisher.send(publish("t", { qos: 2, messageId: 3 }));
    await publisher.next();
    const id = idOf(await subscriber.next());
    subscriber.send(ack("pubrec", id));
    await subscriber.next();
    await shard.crash();
    const publisherAgain = await shard.client("p", { clean: false });
    publisherAgain.send(publish("t", { qos: 2, messageId: 3, dup: true }));
    expect(await publisherAgain.next()).toMatchObject({ cmd: "pubrec", messageId: 3 });
    const again = await shard.client("s", { clean: false });
    expect(await again.rest()).toMatchObject([{ cmd: "pubrel", messageId: id }]);
  });

  test("an ephemeral session ends at a crash", async () => {
    const shard = newShard();
    const subscriber = await shard.subscriber("s", 1, ["t"]);
    await shard.crash();
    expect(await subscriber.closed()).toBe(true);
    expect((await shard.client("s")).resumed).toBe(false);
    expect(await shard.counter("subscriptions")).toBe(0);
  });
});

describe("wills", () => {
  test("[MQTT-3.1.2-8] abrupt loss publishes the will, with its QoS and RETAIN", async () => {
    const shard = newShard();
    const witness = await shard.subscriber("w", 1, ["will"]);
    const client = await shard.client("c", { will: { ...will, qos: 1, retain: true } });
    client.drop();
    expect(messageOf(await witness.next())).toBe("will=gone q1");
    const late = await shard.client("late");
    late.send({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic: "will", qos: 0 }] });
    expect((await late.rest()).map(messageOf).at(-1)).toBe("will=gone q0 retain");
  });

  test("[MQTT-3.1.2-8] a keep-alive that runs out publishes the will", async () => {
    const shard = newShard();
    const witness = await shard.subscriber("w", 0, ["will"], { keepalive: 0 });
    await shard.client("c", { will, keepalive: 10 });
    letPass(16);
    await shard.alarm();
    expect(messageOf(await witness.next())).toBe("will=gone q0");
  });

  test("[MQTT-3.1.2-8] a protocol error publishes the will", async () => {
    const shard = newShard();
    const witness = await shard.subscriber("w", 0, ["will"]);
    const client = await shard.client("c", { will });
    client.sendBytes(Uint8Array.of(0x00, 0x00));
    expect(messageOf(await witness.next())).toBe("will=gone q0");
  });

  test("[MQTT-3.1.2-8] a takeover publishes the will", async () => {
    const shard = newShard();
    const witness = await shard.subscriber("w", 0, ["will"]);
    await shard.client("c", { will });
    await shard.client("c");
    expect(messageOf(await witness.next())).toBe("will=gone q0");
  });

  test("[MQTT-3.1.2-10] DISCONNECT discards the will", async () => {
    const shard = newShard();
    const witness = await shard.subscriber("w", 0, ["will"]);
    const client = await shard.client("c", { will });
    client.send({ cmd: "disconnect" });
    await client.closed();
    expect(await witness.rest()).toEqual([]);
    expect(await rowsOfWills(shard)).toBe(0);
  });

  test("after a crash of the shard the will of a client that does not come back is published when the grace is over", async () => {
    const shard = newShard();
    await shard.client("c", { will: { ...will, retain: true } });
    await shard.crash();
    await shard.alarm();
    expect(await shard.counter("wills_published")).toBe(0);
    letPass(21);
    await shard.alarm();
    expect([await shard.counter("wills_published"), await rowsOfWills(shard)]).toEqual([1, 0]);
    const late = await shard.client("late");
    late.send({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic: "will", qos: 0 }] });
    expect((await late.rest()).map(messageOf).at(-1)).toBe("will=gone q0 retain");
  });

  test.each([true, false])(
    "after a crash the will of a client that is back in time is not published (clean %s)",
    async (clean) => {
      const shard = newShard();
      await shard.client("c", { will, clean });
      await shard.crash();
      await shard.client("c", { will, clean });
      letPass(21);
      await shard.alarm();
      expect([await shard.counter("wills_published"), await rowsOfWills(shard)]).toEqual([0, 1]);
    },
  );

  test("a crash in which nobody comes back wakes the shard by itself, also with a keep-alive of 0", async () => {
    const shard = newShard();
    await shard.client("c", { will, keepalive: 0 });
    expect(await shard.alarmInMs()).toBeLessThanOrEqual(300_000);
  });

  test("its payload and topic survive a hibernation before the loss", async () => {
    const shard = newShard();
    const witness = await shard.subscriber("w", 2, ["will"], { clean: false });
    const client = await shard.client("c", { will: { ...will, qos: 2 } });
    await shard.hibernate();
    client.drop();
    expect(messageOf(await witness.next())).toBe("will=gone q2");
  });
});

const rowsOfWills = async (shard: Shard): Promise<number> => {
  await shard.save();
  return runInDurableObject(shard.stub, (_, state) => state.storage.sql.exec("SELECT * FROM will").toArray().length);
};
