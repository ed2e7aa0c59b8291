// One shard of several sleeps while the others stay awake: those go on with a link that it knows nothing of any more.

import type { Packet } from "mqtt-packet";
import { describe, expect, test } from "vitest";
import { apart } from "../support/shards.ts";
import { ack, idOf, kindOf, messageOf, publish, type Answer, type MqttSocket } from "./mqtt-socket.ts";

const sleepers = [
  { who: "the publisher's shard", shards: [0] },
  { who: "the owner of the topic", shards: [1] },
  { who: "the subscriber's shard", shards: [2] },
  { who: "all but the publisher's shard", shards: [1, 2] },
  { who: "all but the owner", shards: [0, 2] },
  { who: "all but the subscriber's shard", shards: [0, 1] },
];

type QoS = 0 | 1 | 2;

/** What a client answers to a packet of a handshake. */
function answerTo(packet: Answer, qos: QoS): Packet[] {
  const kind = kindOf(packet);
  if (kind === "publish" && qos > 0) return [ack(qos === 1 ? "puback" : "pubrec", idOf(packet))];
  if (kind === "pubrec") return [ack("pubrel", idOf(packet))];
  return kind === "pubrel" ? [ack("pubcomp", idOf(packet))] : [];
}

/** Answers what comes until `count` of the last packet of a handshake have come; gives everything that came. */
async function converse(client: MqttSocket, qos: QoS, last: string, count: number): Promise<Answer[]> {
  const heard: Answer[] = [];
  while (heard.filter((packet) => kindOf(packet) === last).length < count) {
    const packet = await client.next();
    if (typeof packet === "string") throw new Error(`${packet} after ${heard.map(messageOf).join(", ")}`);
    heard.push(packet);
    const answers = answerTo(packet, qos);
    if (answers.length > 0) client.send(...answers);
  }
  return heard;
}

/** The last packet of a delivery and of a publish. */
const ends = [
  { delivery: "publish", publish: undefined },
  { delivery: "publish", publish: "puback" },
  { delivery: "pubrel", publish: "pubcomp" },
];

describe.each(sleepers)("where $who slept", ({ shards }) => {
  test.each([0, 1, 2] as const)("the next messages of QoS %i come, each once and in order", async (qos) => {
    const { cluster, publisher, subtree, subscriberId } = await apart();
    const subscriber = await cluster.subscriber(subscriberId, qos, [subtree]);
    const end = ends[qos];
    const exchange = async (...texts: string[]): Promise<void> => {
      for (const [index, payload] of texts.entries()) {
        publisher.send(publish(subtree, { payload, qos, ...(qos > 0 && { messageId: index + 1 }) }));
      }
      const heard = await converse(subscriber, qos, end?.delivery ?? "", texts.length);
      const messages = heard.filter((packet) => kindOf(packet) === "publish").map(messageOf);
      expect(messages).toEqual(texts.map((text) => `${subtree}=${text} q${qos}`));
      if (end?.publish !== undefined) await converse(publisher, qos, end.publish, texts.length);
      expect(await subscriber.rest()).toEqual([]);
    };
    await exchange("before");
    await cluster.hibernate(...shards);
    await exchange("1", "2", "3");
    await cluster.hibernate(...shards);
    await exchange("4");
  });
});
