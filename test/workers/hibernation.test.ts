// Hibernation is invisible: after the idle save an object may lose its memory between any two packets.

import { describe, expect, test } from "vitest";
import { reserveSocket } from "../../src/objects/process-sockets.ts";
import { ack, bytesOf, connect, idOf, kindOf, messageOf, publish, publishes, subscribe } from "./mqtt-socket.ts";
import { newShard } from "./shard.ts";

const texts = (from: number, to: number, suffix = "q1"): string[] =>
  Array.from({ length: to - from }, (_, index) => `t=${from + index} ${suffix}`);

describe.each([
  { kind: "an ephemeral", clean: true },
  { kind: "a stored", clean: false },
])("$kind session sleeps and wakes with", ({ clean }) => {
  test("its subscriptions", async () => {
    const shard = newShard();
    const subscriber = await shard.subscriber("s", 1, ["a/+", "b/#"], { clean });
    const publisher = await shard.client("p");
    await shard.hibernate();
    publisher.send(publish("a/1"), publish("b/2", { qos: 1, messageId: 1 }));
    expect((await subscriber.take(2)).map(messageOf)).toEqual(["a/1=x q0", "b/2=x q1"]);
  });

  test("its in-flight window and what waits behind it", async () => {
    const shard = newShard();
    const subscriber = await shard.subscriber("s", 1, ["t"], { clean });
    const publisher = await shard.client("p");
    publisher.send(...publishes(40, "t", 1));
    const first = await subscriber.take(32);
    expect(first.map(messageOf)).toEqual(texts(0, 32));
    await shard.hibernate();
    subscriber.send(ack("puback", idOf(first[0])));
    expect(messageOf(await subscriber.next())).toBe("t=32 q1");
    await shard.hibernate();
    subscriber.send(...first.slice(1).map((message) => ack("puback", idOf(message))));
    expect((await subscriber.rest()).map(messageOf)).toEqual(texts(33, 40));
  });

  test("[MQTT-4.3.3-2] the ids of incoming QoS 2 messages that are not released", async () => {
    const shard = newShard();
    const subscriber = await shard.subscriber("s", 0, ["t"]);
    const publisher = await shard.client("p", { clean });
    publisher.send(publish("t", { qos: 2, messageId: 5 }));
    expect(await publisher.next()).toMatchObject({ cmd: "pubrec", messageId: 5 });
    await shard.hibernate();
    publisher.send(publish("t", { qos: 2, messageId: 5, dup: true }));
    expect(await publisher.next()).toMatchObject({ cmd: "pubrec", messageId: 5 });
    await shard.hibernate();
    publisher.send(ack("pubrel", 5));
    expect(await publisher.next()).toMatchObject({ cmd: "pubcomp", messageId: 5 });
    expect((await subscriber.rest()).map(messageOf)).toEqual(["t=x q0"]);
  });

  test("[MQTT-4.3.3-1] every state of an outgoing QoS 2 message", async () => {
    const shard = newShard();
    const subscriber = await shard.subscriber("s", 2, ["t"], { clean });
    const publisher = await shard.client("p");
    publisher.send(publish("t", { qos: 2, messageId: 1 }));
    const id = idOf(await subscriber.next());
    await shard.hibernate();
    subscriber.send(ack("pubrec", id));
    expect(await subscriber.next()).toMatchObject({ cmd: "pubrel", messageId: id });
    await shard.hibernate();
    subscriber.send(ack("pubcomp", id));
    expect(await subscriber.rest()).toEqual([]);
  });

  test("half a packet", async () => {
    const shard = newShard();
    const subscriber = await shard.subscriber("s", 0, ["t"]);
    const publisher = await shard.client("p", { clean });
    const bytes = bytesOf(publish("t", { payload: "0123456789" }));
    publisher.sendBytes(bytes.subarray(0, 7));
    await subscriber.rest();
    await shard.hibernate();
    publisher.sendBytes(bytes.subarray(7));
    expect(messageOf(await subscriber.next())).toBe("t=0123456789 q0");
  });

  test("nothing of a packet that was complete before", async () => {
    const shard = newShard();
    const subscriber = await shard.subscriber("s", 0, ["t"]);
    const publisher = await shard.client("p", { clean });
    const bytes = bytesOf(publish("t"));
    publisher.sendBytes(bytes.subarray(0, 3));
    await subscriber.rest();
    await shard.save();
    publisher.sendBytes(bytes.subarray(3));
    expect(messageOf(await subscriber.next())).toBe("t=x q0");
    await shard.hibernate();
    publisher.send(publish("t", { payload: "y" }));
    expect(messageOf(await subscriber.next())).toBe("t=y q0");
  });

  test("a replay of retained messages that is under way", async () => {
    const shard = newShard();
    const publisher = await shard.client("p");
    for (let n = 0; n < 70; n += 1) publisher.send(publish(`r/${100 + n}`, { qos: 1, messageId: n + 1, retain: true }));
    await publisher.take(70);
    const subscriber = await shard.subscriber("s", 1, ["r/#"], { clean });
    const seen: string[] = [];
    for (let round = 0; round < 3; round += 1) {
      const page = await subscriber.take(Math.min(32, 70 - seen.length));
      seen.push(...page.map(messageOf));
      await shard.hibernate();
      subscriber.send(...page.map((message) => ack("puback", idOf(message))));
    }
    expect(seen).toEqual(Array.from({ length: 70 }, (_, n) => `r/${100 + n}=x q1 retain`));
    expect(await subscriber.rest()).toEqual([]);
  });

  test("its will", async () => {
    const shard = newShard();
    const witness = await shard.subscriber("w", 0, ["will"]);
    const client = await shard.client("c", {
      clean,
      will: { topic: "will", payload: Buffer.from("gone"), qos: 0, retain: false },
    });
    await shard.hibernate();
    client.drop();
    expect(messageOf(await witness.next())).toBe("will=gone q0");
  });
});

describe("a wake", () => {
  test("[MQTT-3.1.2-8] by a malformed packet publishes the will to those who still sleep", async () => {
    const shard = newShard();
    const witness = await shard.subscriber("w", 0, ["will"]);
    const client = await shard.client("c", {
      will: { topic: "will", payload: Buffer.from("gone"), qos: 0, retain: false },
    });
    await shard.hibernate();
    client.sendBytes(Uint8Array.of(0x00, 0x00));
    expect(await client.closed()).toBe(true);
    expect(messageOf(await witness.next())).toBe("will=gone q0");
  });

  test("[MQTT-3.1.2-8] by a text frame publishes the will to those who still sleep", async () => {
    const shard = newShard();
    const witness = await shard.subscriber("w", 0, ["will"]);
    const client = await shard.client("c", {
      will: { topic: "will", payload: Buffer.from("gone"), qos: 0, retain: false },
    });
    await shard.hibernate();
    client.sendText("hello");
    expect(messageOf(await witness.next())).toBe("will=gone q0");
  });

  test("[MQTT-3.14.4-3] by DISCONNECT publishes no will", async () => {
    const shard = newShard();
    const witness = await shard.subscriber("w", 0, ["will"]);
    const client = await shard.client("c", {
      will: { topic: "will", payload: Buffer.from("gone"), qos: 0, retain: false },
    });
    await shard.hibernate();
    client.send({ cmd: "disconnect" });
    expect(await client.closed()).toBe(true);
    expect(await witness.rest()).toEqual([]);
  });

  test("by PINGREQ or an acknowledgement brings back one socket, by PUBLISH all of them", async () => {
    const shard = newShard();
    const sleepers = await Promise.all(
      ["a", "b", "c"].map((id) => shard.subscriber(id, 1, ["t"], { clean: id !== "c" })),
    );
    const publisher = await shard.client("p");
    publisher.send(publish("t", { qos: 1, messageId: 1 }));
    await Promise.all(sleepers.map((socket) => socket.next()));
    await shard.hibernate();
    const restored = countRestored();
    await sleepers[0]?.rest();
    expect(restored()).toBe(1);
    sleepers[2]?.send(ack("puback", 2));
    await sleepers[2]?.rest();
    expect(restored()).toBe(2);
    publisher.send(publish("t"));
    await sleepers[1]?.next();
    expect(restored()).toBe(4);
  });

  test("by PINGREQ does not make the process forget the sockets that still sleep", async () => {
    const shard = newShard();
    const sleepers = await Promise.all(["a", "b", "c"].map((id) => shard.client(id)));
    const before = socketsInProcess();
    await shard.hibernate();
    await sleepers[0]?.rest();
    expect(socketsInProcess()).toBe(before);
    sleepers[1]?.drop();
    await sleepers[0]?.rest();
    expect(socketsInProcess()).toBe(before - 1);
  });

  test("with a change that was not saved closes that socket only, and ends its session as a crash does", async () => {
    const shard = newShard();
    const [dirty, clean] = [await shard.client("d"), await shard.subscriber("c", 0, ["t"])];
    await shard.save();
    await shard.hibernate();
    await shard.markOldestDirty();
    dirty.send(publish("t"));
    expect(await dirty.closed()).toBe(true);
    clean.send(publish("t", { payload: "still here" }));
    expect(messageOf(await clean.next())).toBe("t=still here q0");
  });

  test("with an attachment of more than 16 KB finds its 1,000 subscriptions", async () => {
    const shard = newShard();
    const filters = Array.from({ length: 1_000 }, (_, n) => `some/rather/long/prefix/${n}/+`);
    const subscriber = await shard.client("s");
    for (let at = 0; at < filters.length; at += 100) subscriber.send(subscribe(1, ...filters.slice(at, at + 100)));
    expect((await subscriber.take(10)).map(kindOf)).toEqual(Array.from({ length: 10 }, () => "suback"));
    const publisher = await shard.client("p");
    await shard.hibernate();
    publisher.send(publish("some/rather/long/prefix/0/x"), publish("some/rather/long/prefix/999/x"));
    expect((await subscriber.take(2)).map(kindOf)).toEqual(["publish", "publish"]);
    await shard.hibernate();
    subscriber.send({ cmd: "unsubscribe", messageId: 1, unsubscriptions: filters.slice(0, 100) });
    expect(kindOf(await subscriber.next())).toBe("unsuback");
    subscriber.drop();
    publisher.send(publish("some/rather/long/prefix/0/x"));
    await publisher.rest();
    expect(await shard.counter("subscriptions")).toBe(0);
  });

  test.each([true, false])(
    "by the end of a connection that was taken over does not touch the one that took it (clean %s)",
    async (clean) => {
      const shard = newShard();
      const first = await shard.subscriber("same", 1, ["t"], { clean });
      await shard.save();
      await shard.cutNewest();
      const second = await shard.subscriber("same", 1, ["t"], { clean });
      const publisher = await shard.client("p");
      await shard.hibernate();
      first.drop(); // only now is the first one's end noticed
      await publisher.rest();
      publisher.send(publish("t", { qos: 1, messageId: 1 }));
      await publisher.next();
      expect(messageOf(await second.next())).toBe("t=x q1");
      await shard.client("same", { clean });
      expect(await second.closed()).toBe(true);
    },
  );

  test("between two packets of one frame does not happen: a frame is read whole", async () => {
    const shard = newShard();
    const socket = await shard.open();
    socket.send(connect("a"), subscribe(0, "t"), publish("t"));
    expect((await socket.take(3)).map(kindOf)).toEqual(["connack", "suback", "publish"]);
  });
});

/** What the limit on sockets of one process is judged by. */
function socketsInProcess(): number {
  for (let limit = 0; ; limit += 1) {
    const release = reserveSocket(limit);
    release?.();
    if (release !== undefined) return limit - 1;
  }
}

/** Counts the attachments that are read from now on: tests and shards share one isolate. */
function countRestored(): () => number {
  const sockets = new Set<WebSocket>();
  const original = WebSocket.prototype.deserializeAttachment;
  WebSocket.prototype.deserializeAttachment = function counted(this: WebSocket): unknown {
    sockets.add(this);
    return original.call(this);
  };
  return () => sockets.size;
}
