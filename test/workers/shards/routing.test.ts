// Publisher's shard A → owner B → subscriber's shard C, on three shards.

import { describe, expect, test } from "vitest";
import { apart, eventually, newCluster, subscribeNow, withTap } from "../../support/shards.ts";
import { ack, connect, idOf, kindOf, messageOf, publish, publishes, subscribe } from "../mqtt-socket.ts";

const [a, b, c] = [0, 1, 2] as const;

describe.each([
  { kind: "an ephemeral", clean: true },
  { kind: "a stored", clean: false },
])("from A over B to $kind session at C", ({ clean }) => {
  test("a message of each QoS arrives at the lower of both QoS", async () => {
    const { cluster, publisher, subtree, subscriberId } = await apart();
    const subscriber = await cluster.subscriber(subscriberId, 2, [`${subtree}/+`], { clean });
    publisher.send(
      publish(`${subtree}/0`),
      publish(`${subtree}/1`, { qos: 1, messageId: 1 }),
      publish(`${subtree}/2`, { qos: 2, messageId: 2 }),
    );
    const got = await subscriber.take(3);
    expect(got.map(messageOf).toSorted()).toEqual([`${subtree}/0=x q0`, `${subtree}/1=x q1`, `${subtree}/2=x q2`]);
    expect((await publisher.take(2)).map(kindOf)).toEqual(["puback", "pubrec"]);
    publisher.send(ack("pubrel", 2));
    expect(kindOf(await publisher.next())).toBe("pubcomp");
  });

  test("[MQTT-4.6.0-6] messages of one QoS keep their order", async () => {
    const { cluster, publisher, subtree, subscriberId } = await apart();
    const subscriber = await cluster.subscriber(subscriberId, 1, [subtree], { clean });
    for (let at = 0; at < 30; at += 10) publisher.send(...publishes(10, subtree, 1, 1 + at));
    const got = await subscriber.take(30);
    expect(got.map(idOf).every((id) => id > 0)).toBe(true);
    const once = Array.from({ length: 10 }, (_, index) => `${subtree}=${index} q1`);
    expect(got.map(messageOf)).toEqual([...once, ...once, ...once]);
  });
});

describe("a subscription at several shards", () => {
  test("[MQTT-3.8.4-1] the SUBACK comes when the filter is registered at its owner: what is published next is not missed", async () => {
    const { cluster, placement, publisher, subscriberId } = await apart();
    const subscriber = await cluster.client(subscriberId);
    for (let round = 0; round < 10; round += 1) {
      const subtree = placement.subtreeOn(b);
      await subscribeNow(subscriber, 0, `${subtree}/#`);
      publisher.send(publish(subtree, { payload: String(round) }));
      expect(messageOf(await subscriber.next())).toBe(`${subtree}=${round} q0`);
    }
  });

  test("with a wildcard in the first level is registered at every shard before the SUBACK", async () => {
    const { cluster, placement, publisher, subscriberId } = await apart();
    const subscriber = await cluster.subscriber(subscriberId, 0, ["+/state"]);
    const topics = [a, b, c].map((shard) => `${placement.subtreeOn(shard)}/state`);
    for (const topic of topics) publisher.send(publish(topic));
    const got = await subscriber.take(3);
    expect(got.map(messageOf).toSorted()).toEqual(topics.map((topic) => `${topic}=x q0`).toSorted());
  });

  test("waits with its SUBACK while the owner does not answer", async () => {
    const { cluster, subtree, subscriberId, publisher } = await apart();
    const subscriber = await cluster.client(subscriberId);
    const door = Promise.withResolvers<void>();
    const knock = Promise.withResolvers<void>();
    await withTap(
      cluster,
      async ({ run }) => {
        knock.resolve();
        await door.promise;
        return run();
      },
      async () => {
        subscriber.send(subscribe(0, subtree));
        await knock.promise;
        await cluster.client(cluster.placement.clientOn(c)); // time for a SUBACK that comes too early
        expect(subscriber.frames).toHaveLength(1);
        door.resolve();
        expect(kindOf(await subscriber.next())).toBe("suback");
      },
    );
    publisher.send(publish(subtree));
    expect(messageOf(await subscriber.next())).toBe(`${subtree}=x q0`);
  });

  test("[MQTT-3.10.4-2] nothing of the filter comes after the UNSUBACK, and subscribing again works at once", async () => {
    const { cluster, subtree, subscriberId, publisher } = await apart();
    const subscriber = await cluster.subscriber(subscriberId, 1, [subtree, `${subtree}/other`]);
    subscriber.send({ cmd: "unsubscribe", messageId: 9, unsubscriptions: [subtree] });
    expect(kindOf(await subscriber.next())).toBe("unsuback");
    publisher.send(publish(subtree, { qos: 1, messageId: 1 }), publish(`${subtree}/other`, { qos: 1, messageId: 2 }));
    expect((await publisher.take(2)).map(kindOf)).toEqual(["puback", "puback"]);
    expect((await subscriber.rest()).map(messageOf)).toEqual([`${subtree}/other=x q1`]);
    await subscribeNow(subscriber, 1, subtree);
    publisher.send(publish(subtree, { qos: 1, messageId: 3 }));
    expect(messageOf(await subscriber.next())).toBe(`${subtree}=x q1`);
  });

  test("that was made twice and ended once is gone: its route ends with the next sweep", async () => {
    const { cluster, subtree, subscriberId } = await apart();
    const subscriber = await cluster.subscriber(subscriberId, 1, [subtree]);
    await subscribeNow(subscriber, 0, subtree);
    expect(await cluster.rows(b, "route")).toBe(1);
    subscriber.send({ cmd: "unsubscribe", messageId: 9, unsubscriptions: [subtree] });
    expect(kindOf(await subscriber.next())).toBe("unsuback");
    const realNow = Date.now;
    Date.now = () => realNow() + 61_000;
    try {
      await subscribeNow(subscriber, 0, `${subtree}/other`); // anything that makes the shard flush
      await subscribeNow(subscriber, 0, `${subtree}/another`);
      await eventually(async () => (await cluster.rows(b, "route")) === 2, "the route is gone");
    } finally {
      Date.now = realNow;
    }
  });

  test("[MQTT-3.3.5-1] several that match at C and one at B: one copy each", async () => {
    const { cluster, placement, publisher, subtree, subscriberId } = await apart();
    const far = await cluster.subscriber(subscriberId, 1, [`${subtree}/#`, `${subtree}/+`, "#"]);
    const near = await cluster.subscriber(placement.clientOn(b), 1, [`${subtree}/#`]);
    publisher.send(publish(`${subtree}/1`, { qos: 1, messageId: 1 }));
    expect(kindOf(await publisher.next())).toBe("puback");
    expect((await far.rest()).map(messageOf)).toEqual([`${subtree}/1=x q1`]);
    expect((await near.rest()).map(messageOf)).toEqual([`${subtree}/1=x q1`]);
  });
});

describe("wills", () => {
  test.each([0, 1, 2] as const)(
    "[MQTT-3.1.2-8] the will of a client at A reaches a subscriber at C over B (QoS %i)",
    async (qos) => {
      const { cluster, placement, subtree, subscriberId } = await apart();
      const watcher = await cluster.subscriber(subscriberId, 2, [subtree]);
      const will = { topic: subtree, payload: Buffer.from("gone"), qos, retain: true };
      const mortal = await cluster.client(placement.clientOn(a), { will });
      mortal.drop();
      expect(messageOf(await watcher.next())).toBe(`${subtree}=gone q${qos}`);
      await subscribeNow(watcher, 2, subtree);
      expect(messageOf(await watcher.next())).toBe(`${subtree}=gone q${qos} retain`);
    },
  );

  test("[MQTT-3.1.2-10] DISCONNECT discards it", async () => {
    const { cluster, placement, publisher, subtree, subscriberId } = await apart();
    const watcher = await cluster.subscriber(subscriberId, 2, [subtree]);
    const will = { topic: subtree, payload: Buffer.from("gone"), qos: 1 as const, retain: false };
    const mortal = await cluster.client(placement.clientOn(a), { will });
    mortal.send({ cmd: "disconnect" });
    expect(await mortal.closed()).toBe(true);
    publisher.send(publish(subtree, { payload: "alive", qos: 1, messageId: 1 }));
    expect(messageOf(await watcher.next())).toBe(`${subtree}=alive q1`);
  });
});

describe("client ids", () => {
  test("[MQTT-3.1.4-2] a second connection with the same id finds the first at its shard and closes it", async () => {
    const { cluster, publisher, subtree, subscriberId } = await apart();
    const first = await cluster.subscriber(subscriberId, 1, [subtree], { clean: false });
    const second = await cluster.client(subscriberId, { clean: false });
    expect(await first.closed()).toBe(true);
    expect(second.resumed).toBe(true);
    publisher.send(publish(subtree, { qos: 1, messageId: 1 }));
    expect(messageOf(await second.next())).toBe(`${subtree}=x q1`);
  });

  test("[MQTT-3.1.3-9] one that belongs to another shard is refused as not valid", async () => {
    const cluster = newCluster(3);
    const socket = await cluster.open(a);
    socket.send(connect(cluster.placement.clientOn(b)));
    expect(await socket.next()).toMatchObject({ cmd: "connack", returnCode: 2 });
    expect(await socket.closed()).toBe(true);
  });
});
