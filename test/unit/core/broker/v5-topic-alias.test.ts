// Topic aliases on the way in and out (§3.3.2.3.4), and over what a connection goes through.

import { describe, expect, test } from "vitest";
import { unrestricted } from "../../../../src/core/access.ts";
import type { Publish } from "../../../../src/core/packet.ts";
import { ack, connect, publish, publish1, Scene, subscribe, type Client } from "../../../support/scene.ts";
import { kept, sceneWith, v5 } from "./v5.ts";

const aliased = (topicName: string, topicAlias: number, payload = "x"): Publish =>
  publish(topicName, payload, { properties: { topicAlias } });

const takes = (topicAliasMaximum: number) => ({ topicAliasMaximum });

describe("of a client", () => {
  function pair(maximum = 16) {
    const scene = new Scene({ limits: { topicAliasMaximum: maximum } });
    return { scene, subscriber: scene.subscriber("s", 0, ["#"], v5()), publisher: scene.connect("p", v5()) };
  }

  test("[MQTT-3.3.2-12] stands for the topic name that it was given last", () => {
    const { subscriber, publisher } = pair();
    publisher.send(aliased("a", 1, "1"), aliased("", 1, "2"), aliased("b", 1, "3"), aliased("", 1, "4"));
    expect(subscriber.lines()).toEqual(["publish a=1 q0", "publish a=2 q0", "publish b=3 q0", "publish b=4 q0"]);
  });

  test("goes no further: neither to subscribers nor into what is retained", () => {
    const { scene, subscriber, publisher } = pair();
    publisher.send({ ...aliased("a", 1), retain: true }, { ...aliased("", 1, "y"), retain: true });
    expect(subscriber.lines()).toEqual(["publish a=x q0", "publish a=y q0"]);
    const late = scene.connect("late", v5());
    late.send(subscribe(0, "a"));
    scene.pump();
    expect(late.lines()).toEqual(["suback 0", "publish a=y q0 retain"]);
  });

  test("[MQTT-3.3.2-9] beyond the maximum, 0x94; at it, no harm", () => {
    const { publisher, subscriber } = pair(2);
    publisher.send(aliased("a", 2), aliased("a", 3));
    expect([publisher.lines(), subscriber.lines()]).toEqual([["disconnect 148", "close"], ["publish a=x q0"]]);
  });

  test.each([1, 0])("[MQTT-3.3.2-8] %i where the server takes none is 0x94", (topicAlias) => {
    const { publisher } = pair(0);
    publisher.send(aliased("a", topicAlias));
    expect(publisher.lines()).toEqual(["disconnect 148", "close"]);
  });

  test.each([
    ["an alias that stands for nothing", aliased("", 2)],
    ["neither a name nor an alias", publish("")],
  ])("%s is 0x82", (_, packet) => {
    const { publisher } = pair();
    publisher.send(aliased("a", 1), packet);
    expect(publisher.lines()).toEqual(["disconnect 130", "close"]);
  });

  test("with a topic name that is not valid ends the connection with 0x90", () => {
    const { publisher } = pair();
    publisher.send(aliased("a/+", 1));
    expect(publisher.lines()).toEqual(["disconnect 144", "close"]);
  });

  test("[MQTT-3.3.2-7] ends with its network connection, and is no other client's", () => {
    const { scene, publisher } = pair();
    publisher.send(aliased("a", 1));
    const other = scene.connect("q", v5());
    other.send(aliased("", 1));
    const again = scene.connect("p", v5());
    again.send(aliased("", 1));
    for (const client of [other, again]) expect(client.lines()).toEqual(["disconnect 130", "close"]);
  });

  test("holds over a hibernation", () => {
    const { scene, subscriber, publisher } = pair();
    publisher.send(aliased("a", 1), aliased("b", 16));
    scene.hibernate();
    publisher.send(aliased("", 1), aliased("", 16));
    expect(subscriber.lines()).toEqual(["publish a=x q0", "publish b=x q0"]);
    publisher.send(aliased("c", 17));
    expect(publisher.lines()).toEqual(["disconnect 148", "close"]);
  });

  test("is kept also where the message itself is refused", () => {
    const deny = new Scene({ access: () => ({ ...unrestricted, mayPublish: (topicName) => topicName !== "no" }) });
    const publisher = deny.connect("p", v5());
    publisher.send(publish1("no", "x", 1, { properties: { topicAlias: 1 } }));
    publisher.send(publish1("", "x", 2, { properties: { topicAlias: 1 } }));
    expect(publisher.lines()).toEqual(["puback 1/135", "puback 2/135"]);
  });

  test("a change of it is saved before the object sleeps", () => {
    const { scene, publisher } = pair();
    scene.effects.saves.clear();
    publisher.send(aliased("a", 1));
    expect(scene.effects.saves).toContain(publisher.connection);
    scene.effects.saves.clear();
    publisher.send(aliased("", 1));
    expect(scene.effects.saves).not.toContain(publisher.connection);
  });
});

describe("to a client", () => {
  const topics = (count: number): string[] => Array.from({ length: count }, (_, n) => `topic/${n + 1}`);

  function subscriberOf(scene: Scene, maximum: number, more = v5(takes(maximum))): Client {
    return scene.subscriber("s", 1, ["#"], more);
  }

  test("[MQTT-3.1.2-26] at most as many as it takes, in the order of first use; none is given anew", () => {
    const scene = new Scene();
    const subscriber = subscriberOf(scene, 2);
    for (const topicName of [...topics(3), ...topics(3)]) scene.connect("p").send(publish(topicName));
    expect(subscriber.lines()).toEqual([
      "publish topic/1=x q0 alias 1",
      "publish topic/2=x q0 alias 2",
      "publish topic/3=x q0",
      "publish topic/1=x q0 alias 1 alone",
      "publish topic/2=x q0 alias 2 alone",
      "publish topic/3=x q0",
    ]);
  });

  test("at most as many as TOPIC_ALIAS_MAXIMUM says", () => {
    const scene = new Scene({ limits: { topicAliasMaximum: 1 } });
    const subscriber = subscriberOf(scene, 10);
    for (const topicName of topics(2)) scene.connect("p").send(publish(topicName));
    expect(subscriber.lines()).toEqual(["publish topic/1=x q0 alias 1", "publish topic/2=x q0"]);
  });

  test.each([
    ["takes none", v5()],
    ["takes 0", v5(takes(0))],
    ["is of MQTT 3", {}],
  ])("[MQTT-3.1.2-27] a client that %s gets none", (_, more) => {
    const scene = new Scene();
    const subscriber = subscriberOf(scene, 0, more);
    for (let round = 0; round < 2; round += 1) scene.connect("p").send(publish("topic/1"));
    expect(subscriber.lines()).toEqual(["publish topic/1=x q0", "publish topic/1=x q0"]);
  });

  test("a name of three bytes costs as much as an alias, one of four more", () => {
    const scene = new Scene();
    const subscriber = subscriberOf(scene, 9);
    for (const topicName of ["abc", "abcd", "ää", "äa"]) scene.connect("p").send(publish(topicName));
    expect(subscriber.lines()).toEqual([
      "publish abc=x q0",
      "publish abcd=x q0 alias 1",
      "publish ää=x q0 alias 2",
      "publish äa=x q0",
    ]);
  });

  test("each client has its own", () => {
    const scene = new Scene();
    const [first, second] = ["a", "b"].map((id) => scene.subscriber(id, 0, [`${id}/#`, "both"], v5(takes(9)))) as [
      Client,
      Client,
    ];
    for (const topicName of ["a/topic", "both", "b/topic"]) scene.connect("p").send(publish(topicName));
    expect(first.lines()).toEqual(["publish a/topic=x q0 alias 1", "publish both=x q0 alias 2"]);
    expect(second.lines()).toEqual(["publish both=x q0 alias 1", "publish b/topic=x q0 alias 2"]);
  });

  test("QoS 1 and what is retained use them too", () => {
    const scene = new Scene();
    scene.connect("p").send(publish("topic/1", "kept", { retain: true }));
    const subscriber = scene.connect("s", v5(takes(9)));
    subscriber.send(subscribe(1, "#"));
    scene.pump();
    scene.connect("p").send(publish1("topic/1", "live", 1));
    expect(subscriber.lines()).toEqual([
      "suback 1",
      "publish topic/1=kept q0 retain alias 1",
      "publish topic/1=live q1 #1 alias 1 alone",
    ]);
  });

  test.each([true, false])("they hold over a hibernation (clean %s), and the count goes on", (cleanStart) => {
    const scene = new Scene();
    const more = cleanStart ? v5(takes(2)) : kept(takes(2));
    const subscriber = subscriberOf(scene, 2, more);
    scene.connect("p").send(publish("topic/1"));
    subscriber.take();
    scene.hibernate();
    for (const topicName of topics(3)) scene.connect("p").send(publish(topicName));
    expect(subscriber.lines()).toEqual([
      "publish topic/1=x q0 alias 1 alone",
      "publish topic/2=x q0 alias 2",
      "publish topic/3=x q0",
    ]);
  });

  test("a new one is saved before the object sleeps", () => {
    const scene = new Scene();
    const subscriber = subscriberOf(scene, 2);
    const publisher = scene.connect("p");
    scene.effects.saves.clear();
    publisher.send(publish("topic/1"));
    expect(scene.effects.saves).toContain(subscriber.connection);
    scene.effects.saves.clear();
    publisher.send(publish("topic/1"));
    expect(scene.effects.saves).not.toContain(subscriber.connection);
  });

  test("[MQTT-3.3.2-7] what is sent again on a new connection is sent under its name", () => {
    const scene = new Scene();
    const first = subscriberOf(scene, 9, kept(takes(9)));
    const publisher = scene.connect("p");
    publisher.send(publish1("topic/1", "1", 1), publish1("topic/1", "2", 2));
    expect(first.lines()).toEqual(["publish topic/1=1 q1 #2 alias 1", "publish topic/1=2 q1 #3 alias 1 alone"]);
    const again = scene.open();
    again.send(connect("s", kept(takes(9))));
    expect(again.lines()).toEqual([
      "connack 0 present",
      "publish topic/1=1 q1 #2 dup alias 1",
      "publish topic/1=2 q1 #3 dup alias 1 alone",
    ]);
    const without = scene.open();
    without.send(connect("s", kept()));
    expect(without.lines().slice(1)).toEqual(["publish topic/1=1 q1 #2 dup", "publish topic/1=2 q1 #3 dup"]);
  });

  test("after a crash no alias is known", () => {
    const scene = new Scene();
    const subscriber = subscriberOf(scene, 9, kept(takes(9)));
    for (const topicName of topics(2)) scene.connect("p").send(publish1(topicName, "1", 1));
    expect(subscriber.lines()).toEqual(["publish topic/1=1 q1 #2 alias 1", "publish topic/2=1 q1 #3 alias 2"]);
    subscriber.send(ack("puback", 2));
    scene.broker.saveProgress(scene.broker.sessions.get("s" as never) as never);
    scene.flush();
    scene.crash();
    const again = scene.open();
    again.send(connect("s", kept(takes(9))));
    expect(again.lines()).toEqual(["connack 0 present", "publish topic/2=1 q1 #3 dup alias 1"]);
  });

  test("a message that is dropped gives no alias", () => {
    const scene = new Scene();
    const subscriber = subscriberOf(scene, 9);
    const publisher = scene.connect("p");
    scene.effects.behind.add(subscriber.connection.id);
    publisher.send(publish("topic/1"));
    scene.effects.behind.clear();
    publisher.send(publish("topic/2"));
    expect(subscriber.lines()).toEqual(["publish topic/2=x q0 alias 1"]);
  });

  test("members of a shared group have their own", () => {
    const scene = sceneWith({});
    const members = ["a", "b"].map((id) => scene.subscriber(id, 1, ["$share/g/topic"], v5(takes(9))));
    const publisher = scene.connect("p");
    for (let id = 1; id <= 4; id += 1) publisher.send(publish1("topic", "x", id));
    for (const member of members) {
      expect(member.lines()).toEqual(["publish topic=x q1 #1 alias 1", "publish topic=x q1 #2 alias 1 alone"]);
    }
  });
});
