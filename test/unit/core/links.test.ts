// The links of a shard: what their entries do at the other end, and what waits for the commit.

import { describe, expect, test } from "vitest";
import { unpackAnswer } from "../../../src/core/link-answer.ts";
import { publish, publish1, publish2, subscribe, unsubscribe } from "../../support/scene.ts";
import { ShardNet } from "./shard-net.ts";

const [a, b, c] = [0, 1, 2] as const;

/** Publisher at A, a topic of B, subscriber at C. */
function net() {
  const shards = new ShardNet();
  const topic = shards.placement.subtreeOn(b);
  const [publisher, subscriber] = [shards.connect(a), shards.connect(c, { cleanStart: false })];
  return { shards, topic, publisher, subscriber };
}

/** What B says to a call in which the given bytes arrive. */
function answerTo(shards: ShardNet, bytes: Uint8Array) {
  let answer: Uint8Array | undefined;
  const { broker, nowMs } = shards.at(b);
  broker.onLinkBatch(bytes, (given) => (answer = given), nowMs);
  shards.flush(b);
  return answer === undefined ? undefined : unpackAnswer(answer);
}

describe("a batch", () => {
  test("of a version that is not known is unreadable", () => {
    const { shards } = net();
    expect(answerTo(shards, new Uint8Array([0x7f]))).toEqual({ kind: "unreadable" });
  });

  test("of a lower layout is answered with the one in force, and nothing of it happens", () => {
    const { shards, topic, publisher, subscriber } = net();
    shards.send(subscriber, subscribe(1, topic));
    subscriber.take();
    publisher.send(publish1(topic, "x", 1));
    const [made] = shards.flush(a);
    const { broker } = shards.at(b);
    broker.layout = { ...broker.layout, number: 2 };
    expect(answerTo(shards, made?.call.bytes as Uint8Array)).toEqual({ kind: "layout", layout: 2 });
  });

  test("is answered with the commit of what it did, not before", () => {
    const { shards, topic, publisher } = net();
    publisher.send(publish1(topic, "x", 1));
    const [made] = shards.flush(a);
    let isAnswered = false;
    shards.at(b).broker.onLinkBatch(made?.call.bytes as Uint8Array, () => (isAnswered = true), shards.at(b).nowMs);
    expect(isAnswered).toBe(false);
    shards.flush(b);
    expect(isAnswered).toBe(true);
  });

  test("that is repeated changes nothing", () => {
    const { shards, topic, publisher, subscriber } = net();
    shards.send(subscriber, subscribe(2, topic));
    subscriber.take();
    shards.send(publisher, publish2(topic, "x", 1));
    expect(subscriber.lines()).toEqual([expect.stringMatching(/^publish .*=x q2/u)]);
    const calls = shards.history.slice();
    for (const made of calls) shards.deliver(made);
    shards.settle();
    expect(subscriber.take()).toEqual([]);
  });
});

describe("QoS 0", () => {
  test("is not repeated when its call fails", () => {
    const { shards, topic, publisher, subscriber } = net();
    shards.send(subscriber, subscribe(0, topic));
    subscriber.take();
    shards.isCut = (from) => from === a;
    shards.send(publisher, publish(topic, "lost"));
    shards.isCut = () => false;
    shards.pass(1);
    shards.send(publisher, publish(topic, "next"));
    expect(subscriber.lines()).toEqual([`publish ${topic}=next q0`]);
  });
});

describe("what the outbox holds", () => {
  test("[MQTT-4.3.3-8] makes PUBREC leave while the owner does not answer, and wakes the shard after a crash", () => {
    const { shards, topic, publisher, subscriber } = net();
    shards.send(subscriber, subscribe(2, topic));
    subscriber.take();
    shards.isCut = (from) => from === a;
    const wakesBefore = shards.at(a).effects.wakes.length;
    shards.send(publisher, publish2(topic, "x", 1));
    expect(publisher.lines()).toEqual(["pubrec 1"]);
    expect(shards.at(a).effects.wakes.length).toBeGreaterThan(wakesBefore);
    shards.made.length = 0;
    shards.at(a).crash();
    shards.at(a).broker.links.resume();
    shards.isCut = () => false;
    shards.settle();
    expect(subscriber.lines()).toEqual([expect.stringMatching(/^publish .*=x q2/u)]);
  });

  test("[MQTT-4.3.2-4] takes a QoS 1 message for a shard that does not answer, and then the publisher is answered", () => {
    const { shards, topic, publisher, subscriber } = net();
    shards.send(subscriber, subscribe(1, topic));
    subscriber.take();
    shards.isCut = (_, to) => to === c;
    shards.send(publisher, publish1(topic, "x", 1));
    expect(publisher.take()).toEqual([]);
    shards.pass(5);
    expect(publisher.lines()).toEqual(["puback 1"]);
    shards.isCut = () => false;
    shards.pass(60);
    expect(subscriber.lines()).toEqual([expect.stringMatching(/^publish .*=x q1/u)]);
  });
});

describe("routes", () => {
  const routesAt = (shards: ShardNet, shard: number): number => shards.at(shard).stores.links.routes().length;

  test("[MQTT-3.8.4-1] a wildcard over all shards: SUBACK when the last of them has answered", () => {
    const { shards, subscriber } = net();
    shards.isCut = (_, to) => to === a;
    shards.send(subscriber, subscribe(1, "#"));
    expect(subscriber.take()).toEqual([]);
    shards.isCut = () => false;
    shards.pass(1);
    expect(subscriber.lines()).toEqual(["suback 1"]);
    expect([routesAt(shards, a), routesAt(shards, b), routesAt(shards, c)]).toEqual([1, 1, 0]);
  });

  test("linger for a while when nobody wants them, so that coming back costs no row", () => {
    const { shards, topic, subscriber } = net();
    shards.send(subscriber, subscribe(1, topic));
    shards.send(subscriber, unsubscribe(topic));
    shards.send(subscriber, subscribe(0, topic));
    expect(routesAt(shards, b)).toBe(1);
    shards.send(subscriber, unsubscribe(topic));
    shards.pass(61);
    shards.send(subscriber, subscribe(0, `${topic}/other`));
    expect(routesAt(shards, b)).toBe(1);
  });

  test("of a shared subscription end at once, so that the group does not gather messages for nobody", () => {
    const { shards, topic, subscriber } = net();
    const ephemeral = shards.connect(a);
    for (const client of [subscriber, ephemeral]) shards.send(client, subscribe(1, `$share/g/${topic}`));
    expect(routesAt(shards, b)).toBe(3); // that of a durable member has a mark beside it
    for (const client of [subscriber, ephemeral]) shards.send(client, unsubscribe(`$share/g/${topic}`));
    expect(routesAt(shards, b)).toBe(0);
  });

  test("are stated again after a crash that took a stored session's connection", () => {
    const { shards, topic, subscriber } = net();
    shards.isCut = () => true;
    shards.send(subscriber, subscribe(1, topic));
    shards.made.length = 0;
    shards.at(c).crash();
    shards.isCut = () => false;
    shards.settle();
    expect(routesAt(shards, b)).toBe(1);
  });

  test("are not stated again by a shard whose clients went away in order", () => {
    const { shards, topic, subscriber } = net();
    shards.send(subscriber, subscribe(1, topic));
    subscriber.drop();
    shards.settle();
    const before = shards.history.length;
    shards.at(c).crash();
    shards.settle();
    expect(shards.history.length).toBe(before);
  });
});
