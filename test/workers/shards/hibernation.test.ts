// Every shard may lose its memory between any two steps, with its sockets kept.

import { describe, expect, test } from "vitest";
import { apart, newCluster, subscribeNow } from "../../support/shards.ts";
import { ack, idOf, kindOf, messageOf, publish } from "../mqtt-socket.ts";

const [a, b, c] = [0, 1, 2] as const;

describe.each([
  { kind: "an ephemeral", clean: true },
  { kind: "a stored", clean: false },
])("three shards that sleep between all steps, $kind session", ({ clean }) => {
  test("a message of each QoS from A over B to C", async () => {
    const { cluster, publisher, subtree, subscriberId } = await apart();
    const subscriber = await cluster.subscriber(subscriberId, 2, [subtree, "+/wild"], { clean });
    await cluster.hibernate();
    publisher.send(publish(subtree, { payload: "0" }));
    expect(messageOf(await subscriber.next())).toBe(`${subtree}=0 q0`);
    await cluster.hibernate();
    publisher.send(publish(`${subtree}/wild`, { payload: "1", qos: 1, messageId: 1 }));
    const one = await subscriber.next();
    expect([messageOf(one), kindOf(await publisher.next())]).toEqual([`${subtree}/wild=1 q1`, "puback"]);
    await cluster.hibernate();
    subscriber.send(ack("puback", idOf(one)));
    publisher.send(publish(subtree, { payload: "2", qos: 2, messageId: 2 }));
    expect(kindOf(await publisher.next())).toBe("pubrec");
    const two = await subscriber.next();
    expect(messageOf(two)).toBe(`${subtree}=2 q2`);
    await cluster.hibernate();
    publisher.send(publish(subtree, { payload: "2", qos: 2, messageId: 2, dup: true }));
    expect(kindOf(await publisher.next())).toBe("pubrec");
    subscriber.send(ack("pubrec", idOf(two)));
    expect(kindOf(await subscriber.next())).toBe("pubrel");
    await cluster.hibernate();
    publisher.send(ack("pubrel", 2));
    expect(kindOf(await publisher.next())).toBe("pubcomp");
    subscriber.send(ack("pubcomp", idOf(two)));
    expect(await subscriber.rest()).toEqual([]);
  });

  test("unsubscribing, subscribing again, and what is retained", async () => {
    const { cluster, publisher, subtree, subscriberId } = await apart();
    publisher.send(publish(subtree, { payload: "kept", qos: 1, retain: true, messageId: 1 }));
    expect(kindOf(await publisher.next())).toBe("puback");
    await cluster.hibernate();
    const subscriber = await cluster.subscriber(subscriberId, 1, ["#"], { clean });
    const kept = await subscriber.next();
    expect(messageOf(kept)).toBe(`${subtree}=kept q1 retain`);
    await cluster.hibernate();
    subscriber.send(ack("puback", idOf(kept)), { cmd: "unsubscribe", messageId: 2, unsubscriptions: ["#"] });
    expect(kindOf(await subscriber.next())).toBe("unsuback");
    await cluster.hibernate();
    publisher.send(publish(subtree, { payload: "unseen", qos: 1, messageId: 2 }));
    expect(kindOf(await publisher.next())).toBe("puback");
    await cluster.hibernate();
    await subscribeNow(subscriber, 1, subtree);
    expect(messageOf(await subscriber.next())).toBe(`${subtree}=kept q1 retain`);
  });

  test("a will, and the loss of its client", async () => {
    const { cluster, placement, subtree, subscriberId } = await apart();
    const watcher = await cluster.subscriber(subscriberId, 1, [subtree], { clean });
    const will = { topic: subtree, payload: Buffer.from("gone"), qos: 1 as const, retain: false };
    const mortal = await cluster.client(placement.clientOn(a), { will });
    await cluster.hibernate();
    mortal.drop();
    expect(messageOf(await watcher.next())).toBe(`${subtree}=gone q1`);
  });

  test("a takeover", async () => {
    const { cluster, publisher, subtree, subscriberId } = await apart();
    const first = await cluster.subscriber(subscriberId, 1, [subtree], { clean });
    await cluster.hibernate();
    const second = await cluster.client(subscriberId, { clean });
    expect(await first.closed()).toBe(true);
    if (clean) await subscribeNow(second, 1, subtree);
    await cluster.hibernate();
    publisher.send(publish(subtree, { qos: 1, messageId: 1 }));
    expect(messageOf(await second.next())).toBe(`${subtree}=x q1`);
  });
});

describe("a replay over three shards", () => {
  test("goes on where it was when a window of it is acknowledged after a sleep", async () => {
    const cluster = newCluster(3);
    const { placement } = cluster;
    const publisher = await cluster.client(placement.clientOn(a));
    const topics = [a, b].flatMap((shard) => {
      const subtree = placement.subtreeOn(shard);
      return Array.from({ length: 30 }, (_, index) => `${subtree}/${index}`);
    });
    publisher.send(...topics.map((topic, index) => publish(topic, { qos: 1, retain: true, messageId: 1 + index })));
    await publisher.take(topics.length);
    const subscriber = await cluster.subscriber(placement.clientOn(c), 1, ["#"]);
    const got = [];
    while (got.length < topics.length) {
      const some = await subscriber.batch();
      got.push(...some.map(messageOf));
      if (got.length === 32) await cluster.hibernate();
      subscriber.send(...some.map((packet) => ack("puback", idOf(packet))));
    }
    expect(got.toSorted()).toEqual(topics.map((topic) => `${topic}=x q1 retain`).toSorted());
  });
});

describe("a shard that sleeps with nothing to say", () => {
  test("is not woken by messages that concern other shards", async () => {
    const { cluster, publisher, subtree, placement } = await apart();
    const near = await cluster.subscriber(placement.clientOn(b), 1, [subtree]);
    await cluster.subscriber(placement.clientOn(c), 1, [placement.subtreeOn(c)]);
    const before = await cluster.counter(c, "commits");
    publisher.send(publish(subtree, { qos: 1, messageId: 1 }));
    expect(messageOf(await near.next())).toBe(`${subtree}=x q1`);
    expect(kindOf(await publisher.next())).toBe("puback");
    expect(await cluster.counter(c, "commits")).toBe(before);
  });
});
