// Rules that a review found broken once: each names what went wrong for whom.

import { describe, expect, test } from "vitest";
import { unrestricted } from "../../../../src/core/access.ts";
import type { TopicFilter, TopicName } from "../../../../src/core/brand.ts";
import { DeliveryPlans, type IndexedSubscription } from "../../../../src/core/delivery-plan.ts";
import { restoreConnection, snapshotOf } from "../../../../src/core/restore.ts";
import type { Session } from "../../../../src/core/session.ts";
import type { Subscription } from "../../../../src/core/subscription.ts";
import { TopicTree } from "../../../../src/core/topic-tree.ts";
import { ack, connect, publish1, Scene, subscribe, upTo, will, type Client } from "../../../support/scene.ts";

const pingreq = { kind: "pingreq" } as const;

const back = (scene: Scene, clientId: string): Client => {
  const client = scene.open();
  client.send(connect(clientId, { cleanStart: false }));
  return client;
};

describe("answers", () => {
  test("[MQTT-3.12.4-1] PINGRESP does not wait for the verdict of a message that came before", () => {
    const scene = new Scene();
    const client = scene.connect("c");
    client.connection.acks.reserve();
    client.send(pingreq);
    expect(client.take()).toEqual(["pingresp"]);
  });
});

describe("after a crash", () => {
  test("[MQTT-3.3.1-1] once everything of before was sent again a new message that waited for the window has no DUP", () => {
    const scene = new Scene({ limits: { maximumInflight: 4 } });
    const subscriber = scene.subscriber("s", 1, ["t"], { cleanStart: false });
    const publisher = scene.connect("p");
    publisher.send(publish1("t", "old", 1));
    scene.flush();
    expect(subscriber.lines()).toEqual(["publish t=old q1 #2"]);
    scene.crash();
    const again = back(scene, "s");
    expect(again.lines()).toEqual(["connack 0 present", "publish t=old q1 #2 dup"]);
    const other = scene.connect("p");
    other.send(...upTo(4).map((id) => publish1("t", `new${id}`, id)));
    expect(again.lines()).toEqual(upTo(3).map((id) => `publish t=new${id} q1 #${id + 2}`));
    again.send(ack("puback", 2));
    expect(again.lines()).toEqual(["publish t=new4 q1 #6"]);
  });
});

describe("a snapshot of a connection that was taken over", () => {
  test.each([true, false])("does not come back beside the one that took over (clean %s)", (cleanStart) => {
    const scene = new Scene();
    const first = scene.subscriber("c", 1, ["t"], { cleanStart });
    scene.flush();
    const snapshot = snapshotOf(first.connection);
    const second = scene.connect("c", { cleanStart });
    if (cleanStart) second.send(subscribe(1, "t"));
    second.take();
    if (snapshot === undefined) throw new Error("no snapshot");
    const zombie = scene.broker.onOpen(snapshot.id, scene.nowMs);
    expect(restoreConnection(scene.broker, scene.stores, zombie, snapshot)).toBe(false);
    scene.broker.onSocketLost(zombie, scene.nowMs);
    scene.connect("p").send(publish1("t", "x", 1));
    expect(second.lines()).toHaveLength(1);
    scene.connect("c", { cleanStart });
    expect(second.isClosed).toBe(true);
  });
});

describe("$SYS", () => {
  test("a round is not put off for ever by a shard that sleeps between two of them", () => {
    const scene = new Scene();
    const subscriber = scene.subscriber("s", 0, ["$SYS/broker/version"]);
    subscriber.take();
    scene.pass(30);
    scene.nowMs += 30_000;
    scene.hibernate(); // slept until the alarm of the round
    scene.pass(0);
    expect(subscriber.lines()).toHaveLength(1);
  });
});

describe("wills", () => {
  test("[MQTT-3.1.2-8] one that its topic's shard did not take is tried again, and its row stays", () => {
    const scene = new Scene();
    const client = scene.connect("c", { will: will("gone", "gone", { qos: 1 }) });
    scene.flush();
    const { topics } = scene.broker;
    const reachable = topics.publish.bind(topics);
    topics.publish = (_message, _origin, done) =>
      done({ kind: "refused", violation: { kind: "violation", reasonCode: 0x97, detail: "no answer in time" } });
    client.drop();
    scene.flush();
    expect(scene.stores.wills.all()).toHaveLength(1);
    topics.publish = reachable;
    const witness = scene.subscriber("w", 1, ["gone"]);
    scene.pass(61);
    scene.flush();
    expect(witness.lines()).toEqual(["publish gone=gone q1 #1"]);
    expect(scene.stores.wills.all()).toEqual([]);
  });
});

describe("an ephemeral session", () => {
  test("[MQTT-3.3.4-9] pages of a replay that come late stay within the window", () => {
    const scene = new Scene({ limits: { maximumInflight: 2 } });
    const client = scene.connect("c");
    const outbound = client.connection.state.kind === "connected" && client.connection.state.session.online?.outbound;
    if (!outbound || outbound.kind !== "ephemeral") throw new Error("no ephemeral session");
    const message = { topicName: "t" as TopicName, payload: new Uint8Array(1), qos: 1, retain: true } as const;
    for (const _ of upTo(3)) outbound.replay(message, 1, undefined);
    expect(client.lines()).toHaveLength(2);
    client.send(ack("puback", 1));
    expect(client.lines()).toHaveLength(1);
  });
});

describe("the cache of receivers", () => {
  test("is bounded by receivers, not only by topics", () => {
    const tree = new TopicTree<IndexedSubscription>();
    for (const number of upTo(1_000)) {
      const session = { number, kind: "stored" } as unknown as Session;
      const subscription = { filter: "#", topicFilter: "#", number: 1, qos: 1 } as unknown as Subscription;
      tree.set("#" as TopicFilter, number, { session, subscription });
    }
    const plans = new DeliveryPlans(tree, () => true);
    for (const number of upTo(500)) plans.get(`t/${number}` as TopicName);
    expect(plans.plannedDeliveries).toBeLessThanOrEqual(101_000);
  });
});

describe("an on-line stored session that acknowledges nothing", () => {
  /** A client with a full window that lets everything pass, and what is kept for it. */
  function stuck(messages: number) {
    const scene = new Scene({ limits: { maximumInflight: 2, maximumQueuedMessages: 10 }, access: () => unrestricted });
    scene.subscriber("s", 1, ["t"], { cleanStart: false });
    const publisher = scene.connect("p");
    for (const id of upTo(messages)) {
      publisher.send(publish1("t", "x".repeat(100), id));
      if (id % 50 === 0) scene.flush();
    }
    const session = scene.broker.sessions.get("s" as never);
    if (session === undefined) throw new Error("no session");
    scene.broker.saveProgress(session);
    scene.flush();
    return { scene, progress: scene.broker.progress.get(session.number) };
  }

  test("costs the progress page no more for each message that its queue drops", () => {
    const size = (messages: number): number => JSON.stringify(stuck(messages).progress).length;
    expect(size(4_000)).toBeLessThan(size(1_000) + 200);
  });

  test("keeps in the log no more than its window and its queue", () => {
    const { scene } = stuck(4_000);
    while (scene.broker.log.compact()) scene.flush();
    scene.flush();
    expect(scene.broker.log.bytes).toBeLessThan(100_000);
  });
});

describe("an off-line stored session", () => {
  test("holds in the log no more than its queue limit, after compaction", () => {
    const scene = new Scene({ limits: { maximumQueuedMessages: 10 } });
    scene.subscriber("s", 1, ["t"], { cleanStart: false }).drop();
    const publisher = scene.connect("p");
    for (const id of upTo(4_000)) {
      publisher.send(publish1("t", "x".repeat(100), id));
      if (id % 50 === 0) scene.flush();
    }
    while (scene.broker.log.compact()) scene.flush();
    scene.flush();
    expect(scene.broker.log.bytes).toBeLessThan(100_000);
  });
});
