// Rules that a review found broken once, and that only a shard can break: what wakes with which packet.

import type { IConnectPacket } from "mqtt-packet";
import { describe, expect, test } from "vitest";
import { ack, idOf, kindOf, messageOf, publish, type MqttSocket } from "./mqtt-socket.ts";
import { newShard, type Shard } from "./shard.ts";

const kept = {
  protocolVersion: 5,
  clean: false,
  properties: { sessionExpiryInterval: 3600 },
} satisfies Partial<IConnectPacket>;
const will = { topic: "will", payload: Buffer.from("gone"), qos: 1, retain: false } as const;

/** A client with a will that was sent QoS 1 and 2, and one that waits for the will; all sleep. */
async function asleep(shard: Shard, more: Partial<IConnectPacket>) {
  const watcher = await shard.subscriber("watcher", 1, ["will"], kept);
  const mortal = await shard.subscriber("mortal", 2, ["t"], { ...more, will });
  const publisher = await shard.client("p");
  publisher.send(publish("t", { qos: 1, messageId: 1 }), publish("t", { qos: 2, messageId: 2 }));
  const [first, second] = await mortal.take(2);
  await shard.hibernate();
  return { watcher, mortal, qos1: idOf(first), qos2: idOf(second) };
}

const ending = async (socket: MqttSocket): Promise<unknown> => {
  const packet = await socket.next();
  return [kindOf(packet), typeof packet === "object" && "reasonCode" in packet ? packet.reasonCode : undefined];
};

describe("an acknowledgement that does not fit the message it names, as the first packet after a sleep", () => {
  const wrong = ["puback", "pubrec", "pubcomp"] as const;

  test.each(wrong)("[MQTT-3.1.2-8] %s: the will reaches a stored session that slept too", async (kind) => {
    const shard = newShard();
    const { watcher, mortal, qos1, qos2 } = await asleep(shard, kept);
    mortal.send(ack(kind, kind === "puback" ? qos2 : qos1));
    expect(await ending(mortal)).toEqual(["disconnect", 0x82]);
    expect(messageOf(await watcher.next())).toBe("will=gone q1");
  });

  test("[MQTT-4.8.0-1 v3.1.1] a v3 client is closed, and its will is published", async () => {
    const shard = newShard();
    const { watcher, mortal, qos2 } = await asleep(shard, { clean: false });
    mortal.send(ack("puback", qos2));
    expect(await mortal.closed()).toBe(true);
    expect(messageOf(await watcher.next())).toBe("will=gone q1");
  });
});

test("the right acknowledgements as the first packets after a sleep end the messages, and nothing else", async () => {
  const shard = newShard();
  const { watcher, mortal, qos1, qos2 } = await asleep(shard, kept);
  mortal.send(ack("puback", qos1), ack("pubrec", qos2));
  expect(await mortal.next()).toMatchObject({ cmd: "pubrel", messageId: qos2 });
  await shard.hibernate();
  mortal.send(ack("pubcomp", qos2));
  expect([await mortal.rest(), await watcher.rest()]).toEqual([[], []]);
});
