// MQTT.js in Node, speaking 3.1, 3.1.1 and 5: what all of them have.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { QoS } from "mqtt-packet";
import { startBroker, type BrokerProcess } from "../../support/broker-process.ts";
import { closed, connect, versions, type TestClient, type Version } from "../support/mqtt-client.ts";
import { publisherSteps, seatsAround, subscriberSteps } from "../support/placement.ts";
import { describeShards } from "../support/shard-counts.ts";

const allQos: readonly QoS[] = [0, 1, 2];

describeShards("MQTT.js in Node", (shards) => {
  let broker: BrokerProcess;
  beforeAll(async () => {
    broker = await startBroker({ shards });
  });
  afterAll(async () => {
    await broker?.stop();
  });

  describe.each(versions)("MQTT %s", (name, version) => {
    const root = `js/${name}`;
    const join = (clientId: string, options: Parameters<typeof connect>[1] = {}): Promise<TestClient> =>
      connect(broker.mqttUrl, { ...version, clientId, ...options });
    const seats = seatsAround(root, shards);
    const subscriberId = seats.clientId(`${name}-subscriber-`, subscriberSteps);
    const publisherId = seats.clientId(`${name}-publisher-`, publisherSteps);

    test("a message arrives at the lower of the two QoS", async () => {
      const [subscriber, publisher] = [await join(subscriberId), await join(publisherId)];
      for (const qos of allQos) await subscriber.client.subscribeAsync(`${root}/granted-${qos}`, { qos });
      const expected = allQos.flatMap((granted) =>
        allQos.map((sent) => ({
          topic: `${root}/granted-${granted}`,
          payload: `sent at ${sent}`,
          qos: Math.min(granted, sent),
          retain: false,
        })),
      );
      for (const granted of allQos) {
        for (const qos of allQos) {
          await publisher.client.publishAsync(`${root}/granted-${granted}`, `sent at ${qos}`, { qos });
        }
      }
      expect(await subscriber.receive(expected.length)).toEqual(expected);
      await Promise.all([subscriber.client.endAsync(), publisher.client.endAsync()]);
    });

    test("wildcards match, also where a level is empty", async () => {
      const { client, receive } = await join("wild");
      await client.subscribeAsync({ [`${root}/+/sport`]: { qos: 1 }, [`/${root}/#`]: { qos: 1 } });
      const topics = [`${root}/eu/sport`, `${root}//sport`, `/${root}`, `/${root}/a/b`];
      for (const topic of [`${root}/eu/arts`, ...topics]) await client.publishAsync(topic, "", { qos: 1 });
      expect((await receive(topics.length)).map(({ topic }) => topic)).toEqual(topics);
      await client.endAsync();
    });

    test("a retained message meets new subscribers until an empty one removes it", async () => {
      const { client, receive } = await join("retain");
      const topic = `${root}/retained`;
      await client.publishAsync(topic, "on", { qos: 1, retain: true });
      await client.subscribeAsync(topic, { qos: 1 });
      expect(await receive(1)).toEqual([{ topic, payload: "on", qos: 1, retain: true }]);
      await client.publishAsync(topic, "", { qos: 1, retain: true });
      expect(await receive(1)).toMatchObject([{ payload: "", retain: false }]);
      await client.subscribeAsync([topic, `${root}/mark`], { qos: 1 });
      await client.publishAsync(`${root}/mark`, "next", { qos: 1 });
      expect(await receive(1)).toMatchObject([{ payload: "next" }]);
      await client.endAsync();
    });

    test("the will of a connection that breaks is published, with QoS and retain", async () => {
      const watcher = await join("heir");
      const will = { topic: `${root}/will`, payload: Buffer.from("gone"), qos: 2, retain: true } as const;
      const { client } = await join("mortal", { will });
      await watcher.client.subscribeAsync(will.topic, { qos: 2 });
      client.stream.destroy();
      expect(await watcher.receive(1)).toEqual([{ topic: will.topic, payload: "gone", qos: 2, retain: false }]);
      await watcher.client.subscribeAsync(will.topic, { qos: 2 });
      expect(await watcher.receive(1)).toMatchObject([{ payload: "gone", retain: true }]);
      await watcher.client.endAsync();
    });

    test("the will of a client that disconnects is not", async () => {
      const watcher = await join("heir");
      const { client } = await join("leaver", { will: { topic: `${root}/no-will`, payload: Buffer.from("gone") } });
      await watcher.client.subscribeAsync(`${root}/no-will`);
      await client.endAsync();
      await watcher.client.publishAsync(`${root}/no-will`, "alive");
      expect(await watcher.receive(1)).toMatchObject([{ payload: "alive" }]);
      await watcher.client.endAsync();
    });

    test("a session with clean false gets in order what came while it was away", () => offlineQueue(version));

    async function offlineQueue(spoken: Version): Promise<void> {
      const topic = `${root}/queue`;
      // Versions before 5 have no properties, and their sessions do not expire.
      const kept = { clean: false, resubscribe: false, properties: { sessionExpiryInterval: 600 } };
      const first = await join(subscriberId, kept);
      expect(first.sessionPresent).toBe(false);
      await first.client.subscribeAsync(topic, { qos: 2 });
      await first.client.endAsync();
      const publisher = await join(publisherId);
      const sent = Array.from({ length: 40 }, (_, index) => ({ payload: String(index), qos: (index % 2) + 1 }));
      await Promise.all(
        sent.map(({ payload, qos }) => publisher.client.publishAsync(topic, payload, { qos: qos as QoS })),
      );
      const second = await join(subscriberId, kept);
      // 3.1 has no session-present flag.
      expect(second.sessionPresent).toBe(spoken.protocolVersion !== 3);
      const received = await second.receive(sent.length);
      // MQTT.js shows a QoS 2 message at its PUBREL: the two QoS are in order each for itself.
      for (const qos of [1, 2]) {
        expect(received.filter((message) => message.qos === qos)).toMatchObject(
          sent.filter((message) => message.qos === qos),
        );
      }
      await second.client.endAsync();
      await (await join(subscriberId, { clean: true })).client.endAsync();
      const third = await join(subscriberId, kept);
      expect(third.sessionPresent).toBe(false);
      await Promise.all([third.client.endAsync(), publisher.client.endAsync()]);
    }

    test("a second connection with a client id takes over from the first", async () => {
      const first = await join("twin");
      const second = await join("twin");
      await closed(first.client);
      await second.client.subscribeAsync(`${root}/twin`, { qos: 1 });
      await second.client.publishAsync(`${root}/twin`, "here", { qos: 1 });
      expect(await second.receive(1)).toMatchObject([{ payload: "here" }]);
      await second.client.endAsync();
    });
  });
});
