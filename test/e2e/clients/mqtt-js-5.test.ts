// MQTT.js in Node, speaking MQTT 5: what the versions before it do not have.

import { setTimeout as delay } from "node:timers/promises";
import type { IPublishPacket, MqttClient } from "mqtt";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startBroker, type BrokerProcess } from "../../support/broker-process.ts";
import { closed, connect, toldToLeave, version5, type TestClient } from "../support/mqtt-client.ts";
import { publisherSteps, seatsAround, subscriberSteps } from "../support/placement.ts";
import { describeShards } from "../support/shard-counts.ts";

const oneSecondMs = 1_000;
/** Past a second, by what clocks and timers may be off. */
const pastOneSecondMs = 1_200;

/** Topic and alias of every PUBLISH as it was on the wire, before MQTT.js puts the name in. */
function aliasesOf(
  client: MqttClient,
  event: "packetsend" | "packetreceive",
): [topic: string, alias: number | undefined][] {
  const seen: [string, number | undefined][] = [];
  client.on(event, (packet) => {
    if (packet.cmd === "publish") seen.push([packet.topic, packet.properties?.topicAlias]);
  });
  return seen;
}

const identifiersOf = ({ properties }: IPublishPacket): number[] =>
  [properties?.subscriptionIdentifier ?? []].flat().toSorted((a, b) => a - b);

describeShards("MQTT.js in Node, MQTT 5", (shards) => {
  let broker: BrokerProcess;
  beforeAll(async () => {
    broker = await startBroker({
      shards,
      variables: { SERVER_KEEP_ALIVE: "20", RESPONSE_INFORMATION: "re/${clientid}" },
    });
  });
  afterAll(async () => {
    await broker?.stop();
  });

  const root = "five";
  const seats = seatsAround(root, shards);
  const subscriberId = seats.clientId("subscriber-", subscriberSteps);
  const publisherId = seats.clientId("publisher-", publisherSteps);
  const join = (clientId: string, options: Parameters<typeof connect>[1] = {}): Promise<TestClient> =>
    connect(broker.mqttUrl, { ...version5, clientId, ...options });
  const leave = async (...clients: readonly TestClient[]): Promise<void> => {
    await Promise.all(clients.map(({ client }) => client.endAsync()));
  };

  test("[MQTT-3.2.2-16] CONNACK brings the identifier that the server gave, its limits, keep alive and response information", async () => {
    const anonymous = await join("", { keepalive: 30, properties: { requestResponseInformation: true } });
    const assigned = anonymous.connack.properties?.assignedClientIdentifier ?? "";
    expect(assigned).not.toBe("");
    expect(anonymous.connack.properties).toMatchObject({
      receiveMaximum: 4_096,
      maximumPacketSize: 1_048_576,
      topicAliasMaximum: 16,
      serverKeepAlive: 20,
      responseInformation: `re/${assigned}`,
    });
    await leave(anonymous);
  });

  test("[MQTT-3.3.2-18] every property of a PUBLISH arrives, user properties in order", async () => {
    const [subscriber, publisher] = [await join(subscriberId), await join(publisherId)];
    await subscriber.client.subscribeAsync(`${root}/properties`, { qos: 2 });
    const properties = {
      payloadFormatIndicator: true,
      messageExpiryInterval: 3_600,
      contentType: "text/plain; charset=utf-8",
      responseTopic: `${root}/answers`,
      correlationData: Buffer.from([0, 1, 0xfe, 0xff]),
      userProperties: { zulu: "1", alpha: ["2", "3", "2"], "": "ü" },
    };
    for (const qos of [0, 1, 2] as const) {
      await publisher.client.publishAsync(`${root}/properties`, "grüße", { qos, properties });
      const [arrived] = await subscriber.receivePackets(1);
      expect(arrived).toMatchObject({ qos, properties });
      expect(Object.keys(arrived?.properties?.userProperties ?? {})).toEqual(Object.keys(properties.userProperties));
    }
    await leave(subscriber, publisher);
  });

  test("[MQTT-3.3.4-3] a message for overlapping subscriptions comes once, with the identifiers of all", async () => {
    const [subscriber, publisher] = [await join(subscriberId), await join(publisherId)];
    const filters = [`${root}/identified`, `${root}/+`, `${root}/#`];
    for (const [index, filter] of filters.entries()) {
      const properties = { subscriptionIdentifier: 268_435_455 - index };
      await subscriber.client.subscribeAsync(filter, { qos: 1, properties });
    }
    await publisher.client.publishAsync(`${root}/identified`, "all three", { qos: 1 });
    await publisher.client.publishAsync(`${root}/other`, "two", { qos: 1 });
    const [all, two] = await subscriber.receivePackets(2);
    expect([all, two].map((packet) => packet?.payload.toString())).toEqual(["all three", "two"]);
    expect(all === undefined ? [] : identifiersOf(all)).toEqual([268_435_453, 268_435_454, 268_435_455]);
    expect(two === undefined ? [] : identifiersOf(two)).toEqual([268_435_453, 268_435_454]);
    await leave(subscriber, publisher);
  });

  test("retain handling 0, 1 and 2, retain as published, and no local", async () => {
    const [subscriber, publisher] = [await join(subscriberId), await join(publisherId)];
    const [kept, own] = [`${root}/kept`, `${root}/own`];
    await publisher.client.publishAsync(kept, "retained", { qos: 1, retain: true });
    const subscribe = async (rh: 0 | 1 | 2): Promise<void> => {
      await subscriber.client.subscribeAsync(kept, { qos: 1, rh, rap: true });
      await publisher.client.publishAsync(kept, `mark ${rh}`, { qos: 1 });
    };
    await subscribe(2);
    await subscribe(1); // the subscription exists already: nothing
    await subscribe(0);
    await subscriber.client.unsubscribeAsync(kept);
    await subscribe(1); // now it is new
    const seen = (await subscriber.receive(6)).map(({ payload, retain }) => `${payload} ${retain}`);
    expect(seen).toEqual([
      "mark 2 false",
      "mark 1 false",
      "retained true",
      "mark 0 false",
      "retained true",
      "mark 1 false",
    ]);
    await publisher.client.publishAsync(kept, "as published", { qos: 1, retain: true });
    expect(await subscriber.receive(1)).toMatchObject([{ payload: "as published", retain: true }]);

    await subscriber.client.subscribeAsync(own, { qos: 1, nl: true });
    await subscriber.client.publishAsync(own, "mine", { qos: 1 });
    await publisher.client.publishAsync(own, "another's", { qos: 1 });
    expect(await subscriber.receive(1)).toMatchObject([{ payload: "another's" }]);
    await leave(subscriber, publisher);
  });

  test("topic aliases in both directions", async () => {
    const subscriber = await join(subscriberId, { properties: { topicAliasMaximum: 1 } });
    const publisher = await join(publisherId, { autoAssignTopicAlias: true });
    const [sent, received] = [aliasesOf(publisher.client, "packetsend"), aliasesOf(subscriber.client, "packetreceive")];
    const [first, second] = [`${root}/alias/first`, `${root}/alias/second`];
    await subscriber.client.subscribeAsync(`${root}/alias/+`, { qos: 1 });
    const order = [first, first, second, second, first];
    for (const topic of order) await publisher.client.publishAsync(topic, "", { qos: 1 });
    expect((await subscriber.receive(order.length)).map(({ topic }) => topic)).toEqual(order);
    expect(sent).toEqual([
      [first, 1],
      ["", 1],
      [second, 2],
      ["", 2],
      ["", 1],
    ]);
    // The subscriber has room for one.
    expect(received).toEqual([
      [first, 1],
      ["", 1],
      [second, undefined],
      [second, undefined],
      ["", 1],
    ]);
    await leave(subscriber, publisher);
  });

  test("[MQTT-3.3.4-9] a client with a Receive Maximum of 1 gets every message, in order", async () => {
    const properties = { receiveMaximum: 1, sessionExpiryInterval: 60 };
    const subscriber = await join(subscriberId, { properties });
    const publisher = await join(publisherId);
    await subscriber.client.subscribeAsync(`${root}/narrow`, { qos: 2 });
    const payloads = Array.from({ length: 60 }, (_, index) => String(index));
    await Promise.all(
      payloads.map((payload, index) =>
        publisher.client.publishAsync(`${root}/narrow`, payload, { qos: index % 2 === 0 ? 1 : 2 }),
      ),
    );
    expect((await subscriber.receive(payloads.length)).map(({ payload }) => payload)).toEqual(payloads);
    await leave(subscriber, publisher);
  });

  test("a burst within Receive Maximum is acknowledged whole on one connection", async () => {
    const { client } = await join(publisherId);
    let closes = 0;
    client.on("close", () => (closes += 1));
    const burst = (qos: 1 | 2, count: number): Promise<unknown>[] =>
      Array.from({ length: count }, (_, index) => client.publishAsync(`${root}/burst`, String(index), { qos }));
    await Promise.all([...burst(1, 5_000), ...burst(2, 1_500)]);
    expect(closes).toBe(0);
    await client.endAsync();
  });

  test("[MQTT-3.1.3-9] a will waits for its delay, and a client that is back in time cancels it", async () => {
    const watcher = await join(subscriberId);
    await watcher.client.subscribeAsync(`${root}/will/+`, { qos: 1 });
    const mortal = (name: string): Promise<TestClient> =>
      join(name, {
        clean: false,
        properties: { sessionExpiryInterval: 60 },
        will: {
          topic: `${root}/will/${name}`,
          payload: Buffer.from("gone"),
          qos: 1,
          retain: false,
          properties: { willDelayInterval: 1, contentType: "text/plain", userProperties: { b: "1", a: "2" } },
        },
      });
    const [back, gone] = [await mortal("back"), await mortal("gone")];
    back.client.stream.destroy();
    await closed(back.client);
    const again = await mortal("back");
    expect(again.sessionPresent).toBe(true);
    const brokeAtMs = Date.now();
    gone.client.stream.destroy();
    const [will] = await watcher.receivePackets(1);
    expect(Date.now() - brokeAtMs).toBeGreaterThan(oneSecondMs - 50);
    expect(will).toMatchObject({
      topic: `${root}/will/gone`,
      properties: { contentType: "text/plain", userProperties: { b: "1", a: "2" } },
    });
    await watcher.client.publishAsync(`${root}/will/mark`, "", { qos: 1 });
    expect(await watcher.receive(1)).toMatchObject([{ topic: `${root}/will/mark` }]);
    await leave(watcher, again);
  });

  test("[MQTT-3.3.2-5] [MQTT-3.3.2-6] messages and sessions expire", async () => {
    const session = { clean: false, properties: { sessionExpiryInterval: 600 } };
    const keeper = await join(subscriberId, session);
    const brief = await join("brief", { clean: false, properties: { sessionExpiryInterval: 1 } });
    const publisher = await join(publisherId);
    await keeper.client.subscribeAsync(`${root}/expiry`, { qos: 1 });
    await leave(keeper, brief);
    for (const messageExpiryInterval of [1, 500]) {
      const properties = { messageExpiryInterval };
      await publisher.client.publishAsync(`${root}/expiry`, `for ${messageExpiryInterval} s`, { qos: 1, properties });
    }
    await delay(pastOneSecondMs);
    const again = await join(subscriberId, session);
    expect(again.sessionPresent).toBe(true);
    const [message] = await again.receivePackets(1);
    expect(message?.payload.toString()).toBe("for 500 s");
    expect(message?.properties?.messageExpiryInterval).toBeLessThan(500);
    expect(message?.properties?.messageExpiryInterval).toBeGreaterThan(480);
    const late = await join("brief", { clean: false, properties: { sessionExpiryInterval: 1 } });
    expect(late.sessionPresent).toBe(false);
    // DISCONNECT may end a session at once.
    await again.client.endAsync(false, { properties: { sessionExpiryInterval: 0 } });
    const ended = await join(subscriberId, session);
    expect(ended.sessionPresent).toBe(false);
    await ended.client.endAsync(false, { properties: { sessionExpiryInterval: 0 } });
    await leave(publisher, late);
  });

  test("two members of a shared subscription get every message once between them", async () => {
    const [one, other, publisher] = [await join(subscriberId), await join("other"), await join(publisherId)];
    for (const { client } of [one, other]) await client.subscribeAsync(`$share/group/${root}/shared`, { qos: 1 });
    const payloads = Array.from({ length: 40 }, (_, index) => String(index));
    const seen: string[] = [];
    const all = new Promise<void>((resolve) => {
      for (const { client } of [one, other]) {
        client.on("message", (_, payload) => seen.push(payload.toString()) === payloads.length && resolve());
      }
    });
    for (const payload of payloads) await publisher.client.publishAsync(`${root}/shared`, payload, { qos: 1 });
    await all;
    expect(seen.toSorted((a, b) => Number(a) - Number(b))).toEqual(payloads);
    await leave(one, other, publisher);
  });

  test("[MQTT-3.1.4-3] a client whose place is taken is told 0x8E", async () => {
    const first = await join("twin");
    const told = toldToLeave(first.client);
    const second = await join("twin");
    expect(await told).toBe(0x8e);
    await closed(first.client);
    await leave(second);
  });

  test("[MQTT-3.1.2-24] what is larger than a client takes is left out; what is larger than the server takes ends in 0x95", async () => {
    const subscriber = await join(subscriberId, { properties: { maximumPacketSize: 200 } });
    const publisher = await join(publisherId);
    await subscriber.client.subscribeAsync(`${root}/size`, { qos: 1 });
    for (const length of [20, 500, 30])
      await publisher.client.publishAsync(`${root}/size`, "x".repeat(length), { qos: 1 });
    expect((await subscriber.receive(2)).map(({ payload }) => payload.length)).toEqual([20, 30]);
    const told = toldToLeave(publisher.client);
    publisher.client.publish(`${root}/size`, Buffer.alloc(1_048_576));
    expect(await told).toBe(0x95);
    await leave(subscriber);
    publisher.client.end(true);
  });

  test("acknowledgements say that nobody listens, or that there was no subscription", async () => {
    const { client } = await join(publisherId);
    const codes: (number | undefined)[] = [];
    client.on("packetreceive", (packet) => {
      if (packet.cmd === "puback" || packet.cmd === "pubrec") codes.push(packet.reasonCode);
    });
    await client.publishAsync(`${root}/nobody`, "", { qos: 1 });
    await client.subscribeAsync(`${root}/somebody`, { qos: 0 });
    for (const qos of [1, 2] as const) await client.publishAsync(`${root}/somebody`, "", { qos });
    expect(codes).toEqual([0x10, 0, 0]);
    expect(await client.unsubscribeAsync(`${root}/nothing`)).toMatchObject({ granted: [0x11] });
    await client.endAsync();
  });
});
