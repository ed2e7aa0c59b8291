// Two releases side by side: shards of both in one namespace understand each other's links, and each wakes what the other
// put to sleep. Deferred deploys leave both alive, and a deploy may be taken back.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { publisherSteps, seatsAround, subscriberSteps } from "../support/placement.ts";
import { bundleMixed, forget, startMixed, type MixedBroker } from "./mixed-broker.ts";
import { RawClient } from "./raw-client.ts";

/** The release before this one; its shard is in `former/`. */
const formerRelease = "0.2.0";
const shards = 3;
const everyShard = [0, 1, 2];
const topic = "mixed/a";
const longExpiry = { sessionExpiryInterval: 3_600 };

let folder = "";
let broker: MixedBroker | undefined;
beforeAll(async () => {
  folder = await bundleMixed(formerRelease);
});
afterEach(() => broker?.stop());
afterAll(() => forget(folder));

const seats = seatsAround(topic, shards);
const id = { publisher: seats.clientId("p", publisherSteps), subscriber: seats.clientId("s", subscriberSteps) };

const durable = { clean: false, protocolVersion: 5 as const, properties: longExpiry };

const open = (clientId: string, more: object = {}): Promise<RawClient> =>
  RawClient.connect(broker?.mqttUrl ?? "", clientId, more);

/** PUBLISH QoS 2 to the end of its handshake. */
async function publishOnce(publisher: RawClient, payload: string): Promise<void> {
  publisher.send({ cmd: "publish", qos: 2, messageId: 2, topic, payload, dup: false, retain: false });
  await publisher.next("pubrec");
  publisher.send({ cmd: "pubrel", messageId: 2 });
  await publisher.next("pubcomp");
}

/** The payload of the next message; handshakes that are under way go on. */
async function takePayload(client: RawClient): Promise<string> {
  for (;;) {
    const packet = await client.any();
    client.answer(packet);
    if (packet.cmd === "publish") return packet.payload.toString();
    expect(packet.cmd).toBe("pubrel");
  }
}

describe.each([[[0]], [[1]], [[2]], [[0, 1]], [[0, 2]], [[1, 2]]])(`with shards %j of ${formerRelease}`, (former) => {
  test("routes, messages of every QoS, retained values and shared messages pass between the shards", async () => {
    broker = await startMixed(folder, shards, former);
    const subscriber = await open(id.subscriber, durable);
    await subscriber.subscribe("mixed/#", 2);
    const member = await open(seats.clientId("m", publisherSteps), durable);
    await member.subscribe("$share/crew/mixed/job", 1);
    const publisher = await open(id.publisher, durable);
    publisher.send({ cmd: "publish", qos: 0, topic, payload: "zero", dup: false, retain: false });
    await publisher.publish(topic, "one", { retain: true });
    await publishOnce(publisher, "two");
    await publisher.publish("mixed/job", "job");
    for (const payload of ["zero", "one", "two", "job"]) expect(await takePayload(subscriber)).toBe(payload);
    expect(await takePayload(member)).toBe("job");
    const late = await open(seats.clientId("l", subscriberSteps));
    await late.subscribe("+/a", 1);
    expect(await late.take()).toMatchObject({ retain: true, payload: Buffer.from("one") });
  });
});

describe.each([
  [`from ${formerRelease} to this release`, everyShard, []],
  [`from this release back to ${formerRelease}`, [], everyShard],
])("shards that wake %s", (_, before, after) => {
  test.each([4, 5] as const)("know the connections that slept, MQTT level %i", async (protocolVersion) => {
    broker = await startMixed(folder, shards, before);
    const version = protocolVersion === 5 ? { protocolVersion, properties: longExpiry } : {};
    const subscriber = await open(id.subscriber, { clean: false, ...version });
    await subscriber.subscribe("mixed/#", 2);
    const live = await open(seats.clientId("e", subscriberSteps), { protocolVersion, clean: true });
    await live.subscribe("mixed/#", 1);
    const publisher = await open(id.publisher, { clean: true, protocolVersion });
    await publishOnce(publisher, "before");
    const held = await subscriber.next("publish");
    const heldLive = await live.next("publish");
    await broker.wakeAs(after);
    subscriber.answer(held);
    subscriber.answer(await subscriber.next("pubrel"));
    live.answer(heldLive);
    await publisher.publish(topic, "after");
    expect(await takePayload(subscriber)).toBe("after");
    expect(await takePayload(live)).toBe("after");
    await broker.wakeAs(before);
    await publisher.publish(topic, "and again");
    expect(await takePayload(subscriber)).toBe("and again");
    expect(await takePayload(live)).toBe("and again");
  });
});
