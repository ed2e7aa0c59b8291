// What a data folder holds that a version of the broker wrote, and what clients find in it when a later one serves it.

import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import { RawClient } from "./raw-client.ts";

/** Sessions must outlive the folder. */
export const variables = { SESSION_EXPIRY_INTERVAL_SEC: "4294967295", WILL_GRACE_MS: "1000" };

const forEver = 0xff_ff_ff_ff;
/** A saved acknowledgement must be on disk before the kill; the broker saves within two seconds. */
const savedAfterMs = 2_500;
const queued = ["q0", "q1", "q2", "q3", "q4"];
const jobs = ["j0", "j1", "j2"];
const publisherId = "up-publisher";
/** PUBLISH and PUBREC have passed, PUBREL has not. */
const openPacketId = 777;

/** What only the packets of the writing run can say. */
export interface Written {
  /** Of the message that was sent and never acknowledged. */
  readonly unacknowledgedId: number;
  /** Of the QoS 2 message whose PUBREC was seen and whose PUBCOMP was not. */
  readonly releasedId: number;
  readonly hasMqtt5: boolean;
}

/** Leaves behind sessions, queues, windows, retained messages, a shared subscription's queue, and a will. */
export async function writeScene(url: string, hasMqtt5: boolean): Promise<Written> {
  const subscriber = await RawClient.connect(url, "up-subscriber", { clean: false });
  await subscriber.subscribe("up/#", 2);
  await subscriber.subscribe("+/wild", 1);
  const member = await RawClient.connect(url, "up-member", { clean: false });
  await member.subscribe("$share/crew/job/#", 1);
  member.drop();
  if (hasMqtt5) await leaveMqtt5Session(url);
  const publisher = await RawClient.connect(url, publisherId, { clean: false });
  await publisher.publish("up/a", "unacknowledged");
  const unacknowledged = await subscriber.next("publish");
  publisher.send(openMessage("up/a", "released", 2));
  await publisher.next("pubrec");
  const released = await subscriber.take();
  await subscriber.next("pubrel");
  publisher.send({ cmd: "pubrel", messageId: 2 });
  await publisher.next("pubcomp");
  subscriber.drop();
  await delay(savedAfterMs);
  for (const payload of queued) {
    await publisher.publish("up/a", payload);
  }
  await publisher.publish("other/wild", "wild");
  for (const payload of jobs) await publisher.publish("job/1", payload);
  for (const topic of ["kept/1", "kept/2"]) await publisher.publish(topic, topic, { retain: true });
  publisher.send(openMessage("up/a", "once", openPacketId));
  await publisher.next("pubrec");
  const will = { topic: "kept/will", payload: Buffer.from("will"), qos: 1 as const, retain: true };
  await RawClient.connect(url, "up-willer", { will });
  return { unacknowledgedId: idOf(unacknowledged), releasedId: idOf(released), hasMqtt5 };
}

async function leaveMqtt5Session(url: string): Promise<void> {
  const client = await RawClient.connect(url, "up-five", {
    clean: false,
    protocolVersion: 5,
    properties: { sessionExpiryInterval: forEver },
  });
  await client.subscribe("up/#", 1, { subscriptionIdentifier: 9 });
  client.drop();
}

const openMessage = (topic: string, payload: string, messageId: number) =>
  ({ cmd: "publish", qos: 2, topic, payload, messageId, dup: false, retain: false }) as const;

const idOf = ({ messageId }: { messageId?: number | undefined }): number => messageId ?? 0;

/** Everything is there, in its order, under its packet ids, and nothing twice. */
export async function expectScene(url: string, written: Written): Promise<void> {
  await repeatOpenPublish(url);
  await expectWindowAndQueue(url, written);
  await expectJobs(url);
  await expectRetained(url);
  if (written.hasMqtt5) await expectMqtt5Session(url);
}

/** What was received before is not published again [MQTT-4.3.3-10]. */
async function repeatOpenPublish(url: string): Promise<void> {
  const publisher = await RawClient.connect(url, publisherId, { clean: false });
  expect(publisher.sessionPresent).toBe(true);
  publisher.send({ ...openMessage("up/a", "once", openPacketId), dup: true });
  await publisher.next("pubrec");
  publisher.send({ cmd: "pubrel", messageId: openPacketId });
  await publisher.next("pubcomp");
  await publisher.publish("up/a", "last");
  publisher.drop();
}

async function expectWindowAndQueue(url: string, { unacknowledgedId, releasedId }: Written): Promise<void> {
  const client = await RawClient.connect(url, "up-subscriber", { clean: false });
  expect(client.sessionPresent).toBe(true);
  expect(await client.take()).toMatchObject({ dup: true, messageId: unacknowledgedId });
  const pubrel = await client.next("pubrel");
  expect(pubrel).toMatchObject({ messageId: releasedId });
  client.answer(pubrel);
  const payloads: string[] = [];
  while (payloads.at(-1) !== "last") {
    const packet = await client.any();
    client.answer(packet);
    if (packet.cmd !== "publish") expect(packet.cmd).toBe("pubrel");
    else if (packet.topic === "up/a") payloads.push(packet.payload.toString());
    else expect([packet.topic, packet.payload.toString()]).toEqual(["other/wild", "wild"]);
  }
  expect(payloads).toEqual([...queued, "once", "last"]);
  client.drop();
}

async function expectJobs(url: string): Promise<void> {
  const client = await RawClient.connect(url, "up-member", { clean: false });
  const payloads: string[] = [];
  for (const _ of jobs) payloads.push((await client.take()).payload.toString());
  expect(payloads).toEqual(jobs);
  client.drop();
}

async function expectRetained(url: string): Promise<void> {
  const client = await RawClient.connect(url, "up-reader");
  await client.subscribe("kept/#", 1);
  const topics: string[] = [];
  for (let left = 3; left > 0; left -= 1) topics.push((await client.take()).topic); // the will comes when its time does
  expect(topics.toSorted()).toEqual(["kept/1", "kept/2", "kept/will"]);
  client.drop();
}

async function expectMqtt5Session(url: string): Promise<void> {
  const client = await RawClient.connect(url, "up-five", {
    clean: false,
    protocolVersion: 5,
    properties: { sessionExpiryInterval: forEver },
  });
  const first = await client.take();
  expect(first).toMatchObject({ payload: Buffer.from("unacknowledged"), properties: { subscriptionIdentifier: 9 } });
  client.drop();
}
