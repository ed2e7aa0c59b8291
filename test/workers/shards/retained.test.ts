// Retained messages at their owners, and subscribers at another shard.

import { describe, expect, test } from "vitest";
import { apart, noAnswer, subscribeNow, withTap, type Client } from "../../support/shards.ts";
import { ack, idOf, kindOf, messageOf, publish, type Answer } from "../mqtt-socket.ts";

const [a, b, c] = [0, 1, 2] as const;

/** Publishes retained messages at QoS 1 and waits for their PUBACKs. */
async function retain(publisher: Client, topics: readonly string[], payload = "kept"): Promise<void> {
  for (let at = 0; at < topics.length; at += 50) {
    const some = topics.slice(at, at + 50);
    publisher.send(
      ...some.map((topic, index) => publish(topic, { payload, qos: 1, retain: true, messageId: 1 + index })),
    );
    expect((await publisher.take(some.length)).every((packet) => kindOf(packet) === "puback")).toBe(true);
  }
}

/** Takes `count` messages, acknowledging each. */
async function takeAll(subscriber: Client, count: number): Promise<string[]> {
  const got: string[] = [];
  while (got.length < count) {
    const packet: Answer = await subscriber.next();
    if (kindOf(packet) !== "publish") throw new Error(`after ${got.length} messages: ${JSON.stringify(packet)}`);
    if (idOf(packet) > 0) subscriber.send(ack("puback", idOf(packet)));
    got.push(messageOf(packet));
  }
  return got;
}

const names = (count: number, subtree: string): string[] =>
  Array.from({ length: count }, (_, index) => `${subtree}/${String(index).padStart(4, "0")}`);

describe.each([
  { kind: "an ephemeral", clean: true },
  { kind: "a stored", clean: false },
])("retained at B, $kind session at C", ({ clean }) => {
  test("[MQTT-3.3.1-8] a literal filter, a wildcard below the subtree and # get the value", async () => {
    const { cluster, publisher, subtree, subscriberId } = await apart();
    await retain(publisher, [`${subtree}/x`]);
    const subscriber = await cluster.client(subscriberId, { clean });
    for (const filter of [`${subtree}/x`, `${subtree}/+`, "#"]) {
      await subscribeNow(subscriber, 1, filter);
      expect(await takeAll(subscriber, 1)).toEqual([`${subtree}/x=kept q1 retain`]);
    }
  });

  test("# brings what all shards have, each once", async () => {
    const { cluster, placement, publisher, subscriberId } = await apart();
    const topics = [a, b, c].flatMap((shard) => names(5, placement.subtreeOn(shard)));
    await retain(publisher, topics);
    const subscriber = await cluster.subscriber(subscriberId, 1, ["#"], { clean });
    const got = await takeAll(subscriber, topics.length);
    expect(got.toSorted()).toEqual(topics.map((topic) => `${topic}=kept q1 retain`).toSorted());
    expect(await subscriber.rest()).toEqual([]);
  });

  test.each([0, 1] as const)("more than one page comes whole and in order at QoS %i", async (qos) => {
    const { cluster, publisher, subtree, subscriberId } = await apart();
    const topics = names(150, subtree);
    await retain(publisher, topics);
    const subscriber = await cluster.subscriber(subscriberId, qos, [`${subtree}/#`], { clean });
    expect(await takeAll(subscriber, topics.length)).toEqual(topics.map((topic) => `${topic}=kept q${qos} retain`));
    expect(await subscriber.rest()).toEqual([]);
  });

  test("[MQTT-3.3.4-9] # over other shards does not overrun the in-flight window", async () => {
    const { cluster, placement, publisher, subscriberId } = await apart();
    const topics = [a, b].flatMap((shard) => names(40, placement.subtreeOn(shard)));
    await retain(publisher, topics);
    const subscriber = await cluster.subscriber(subscriberId, 1, ["#"], { clean });
    const first = await subscriber.take(32);
    // Time for too much: a dialogue over the same links.
    await subscribeNow(subscriber, 1, placement.subtreeOn(b));
    expect((await subscriber.rest()).map(messageOf)).toEqual([]);
    subscriber.send(...first.map((packet) => ack("puback", idOf(packet))));
    const rest = await takeAll(subscriber, topics.length - 32);
    const got = [...first.map(messageOf), ...rest];
    expect(got.toSorted()).toEqual(topics.map((topic) => `${topic}=kept q1 retain`).toSorted());
  });

  test("a value that changes while the replay runs: the subscriber never ends on the old one", async () => {
    const { cluster, publisher, subtree, subscriberId } = await apart();
    const topics = names(100, subtree);
    await retain(publisher, topics, "old");
    const subscriber = await cluster.subscriber(subscriberId, 1, [`${subtree}/#`], { clean });
    const last = new Map<string, string>();
    const note = async (count: number): Promise<void> => {
      for (const line of await takeAll(subscriber, count)) last.set(line.split("=")[0] ?? "", line.split("=")[1] ?? "");
    };
    await note(10);
    await retain(publisher, topics, "new");
    while ([...last.values()].filter((value) => value === "new q1").length < topics.length) {
      await note(1);
    }
    expect(await subscriber.rest()).toEqual([]);
    expect([...new Set(last.values())]).toEqual(["new q1"]);
  });
});

describe("a page that is on its way", () => {
  test("is asked for again where its answer is lost", async () => {
    const { cluster, publisher, subtree, subscriberId } = await apart();
    await retain(publisher, [subtree]);
    const subscriber = await cluster.client(subscriberId);
    let failures = 0;
    await withTap(
      cluster,
      async ({ run, to }) => {
        const answer = await run();
        if (!to.endsWith(`/${c}`) || failures > 3) return answer;
        failures += 1;
        return noAnswer;
      },
      async () => {
        await subscribeNow(subscriber, 1, subtree);
        expect(await takeAll(subscriber, 1)).toEqual([`${subtree}=kept q1 retain`]);
        expect(await subscriber.rest()).toEqual([]);
      },
    );
  });

  test("[MQTT-3.10.4-2] is thrown away when the client unsubscribes meanwhile", async () => {
    const { cluster, publisher, subtree, subscriberId } = await apart();
    await retain(publisher, names(100, subtree));
    const subscriber = await cluster.subscriber(subscriberId, 1, [`${subtree}/#`]);
    subscriber.send({ cmd: "unsubscribe", messageId: 9, unsubscriptions: [`${subtree}/#`] });
    const before: Answer[] = [];
    for (let packet = await subscriber.next(); kindOf(packet) !== "unsuback"; packet = await subscriber.next()) {
      before.push(packet);
    }
    subscriber.send(...before.map((packet) => ack("puback", idOf(packet))));
    await subscribeNow(subscriber, 1, "nothing/here");
    expect(await subscriber.rest()).toEqual([]);
  });
});
