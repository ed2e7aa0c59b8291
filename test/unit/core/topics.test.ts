// Topics as owner, and the way to it from another shard.

import { describe, expect, test } from "vitest";
import { publish, publish1, subscribe } from "../../support/scene.ts";
import { ShardNet } from "./shard-net.ts";

const [a, b, c] = [0, 1, 2] as const;

describe("the owner of a topic", () => {
  test("answers a QoS 1 publish when its own sessions, other shards and shared groups all have it", () => {
    const shards = new ShardNet();
    const topic = shards.placement.subtreeOn(b);
    const [publisher, near, far, member] = [shards.connect(b), shards.connect(b), shards.connect(c), shards.connect(a)];
    for (const [client, filter] of [
      [near, topic],
      [far, topic],
      [member, `$share/g/${topic}`],
    ] as const) {
      shards.send(client, subscribe(1, filter));
      client.take();
    }
    shards.isCut = (_, to) => to === c;
    shards.send(publisher, publish1(topic, "x", 1));
    expect([near.lines().length, member.lines().length, publisher.lines().length]).toEqual([1, 1, 0]);
    shards.isCut = (_, to) => to === a;
    shards.pass(1);
    expect([far.lines().length, publisher.lines()]).toEqual([1, ["puback 1"]]);
    shards.isCut = (_, to) => to === a;
    shards.send(publisher, publish1(topic, "y", 2));
    expect(publisher.lines()).toEqual([]);
    shards.isCut = () => false;
    shards.pass(1);
    expect([member.lines().length, publisher.lines()]).toEqual([1, ["puback 2"]]);
  });

  test("keeps what is retained, and refuses what its limits refuse, for publishers everywhere", () => {
    const shards = new ShardNet({ maximumRetainedMessages: 1 });
    const topic = shards.placement.subtreeOn(b);
    const publisher = shards.connect(a);
    shards.send(publisher, publish1(topic, "kept", 1, { retain: true }));
    expect(publisher.lines()).toEqual(["puback 1"]);
    shards.send(publisher, publish1(`${topic}/more`, "too many", 2, { retain: true }));
    // A v3 client cannot be told: it is closed without an acknowledgement.
    expect([publisher.lines(), publisher.isClosed]).toEqual([["close"], true]);
    const subscriber = shards.connect(c);
    shards.send(subscriber, subscribe(1, `${topic}/#`));
    expect(subscriber.lines()).toEqual(["suback 1", `publish ${topic}=kept q1 #1 retain`]);
  });

  test("tells the publisher's shard that nobody wants a message", () => {
    const shards = new ShardNet();
    const topic = shards.placement.subtreeOn(b);
    const verdicts: boolean[] = [];
    const { broker, nowMs } = shards.at(a);
    const message = { topicName: topic as never, payload: new Uint8Array(1), qos: 1 as const, retain: false };
    const ask = (): void => {
      broker.onPublishRequest(message, nowMs, (verdict) =>
        verdicts.push(verdict.kind === "accepted" && verdict.matched),
      );
      shards.settle();
    };
    ask();
    const subscriber = shards.connect(c);
    shards.send(subscriber, subscribe(1, topic));
    ask();
    expect(verdicts).toEqual([false, true]);
  });
});

describe("a subscriber's shard", () => {
  test("matches messages of an owner only once that owner has registered the filter", () => {
    const shards = new ShardNet();
    const topic = shards.placement.subtreeOn(b);
    const [publisher, first, second] = [shards.connect(a), shards.connect(c), shards.connect(c)];
    shards.send(first, subscribe(0, topic));
    first.take();
    second.send(subscribe(0, "#"));
    shards.isCut = (from) => from === c;
    shards.send(publisher, publish(topic));
    expect([first.lines(), second.lines()]).toEqual([[`publish ${topic}=x q0`], []]);
    shards.isCut = () => false;
    shards.pass(1);
    expect(second.lines()).toEqual(["suback 0"]);
    shards.send(publisher, publish(topic));
    expect(second.lines()).toEqual([`publish ${topic}=x q0`]);
  });
});
