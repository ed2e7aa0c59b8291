import { describe, expect, test } from "vitest";
import { unrestricted } from "../../../../src/core/access.ts";
import {
  ack,
  disconnect,
  publish,
  publish1,
  publish2,
  Scene,
  subscribe,
  unsubscribe,
  upTo,
  type Client,
} from "../../../support/scene.ts";

const stored = { cleanStart: false };

describe("PUBLISH", () => {
  test("[MQTT-3.3.2-2] a topic name with a wildcard closes the publisher", () => {
    const client = new Scene().connect("p");
    client.send(publish("a/+"));
    expect(client.lines()).toEqual(["close"]);
  });

  test("[MQTT-4.3.2-2] PUBACK and PUBREC wait for the commit, also where nobody subscribes", () => {
    const client = new Scene().connect("p");
    client.send(publish1("t", "x", 1), publish2("t", "x", 2));
    expect(client.take()).toEqual(["~puback 1", "~pubrec 2"]);
  });

  test("[MQTT-4.3.3-2] a repeated QoS 2 PUBLISH is answered and not delivered; after PUBREL its id is a new message's", () => {
    const scene = new Scene();
    const subscriber = scene.subscriber("s", 0, ["t"]);
    const client = scene.connect("p");
    client.send(publish2("t", "a", 1), publish2("t", "a", 1, { dup: true }), ack("pubrel", 1), publish2("t", "b", 1));
    expect(client.lines()).toEqual(["pubrec 1", "pubrec 1", "pubcomp 1", "pubrec 1"]);
    expect(subscriber.lines()).toEqual(["publish t=a q0", "publish t=b q0"]);
  });

  test("[MQTT-4.3.3-2] PUBREL for an unknown id is answered with PUBCOMP", () => {
    const client = new Scene().connect("p");
    client.send(ack("pubrel", 9));
    expect(client.lines()).toEqual(["pubcomp 9"]);
  });

  test("[MQTT-3.3.5-2] a v3 client that may not publish gets a positive answer, and the message goes nowhere", () => {
    const scene = new Scene({
      access: (_, id) => (id === "p" ? { ...unrestricted, mayPublish: () => false } : unrestricted),
    });
    const subscriber = scene.subscriber("s", 0, ["t"]);
    const client = scene.connect("p");
    client.send(publish("t"), publish1("t", "x", 1), publish2("t", "x", 2), ack("pubrel", 2));
    expect([client.lines(), subscriber.lines()]).toEqual([["puback 1", "pubrec 2", "pubcomp 2"], []]);
    expect([scene.broker.counters.publishDenied, scene.effects.log_.length]).toEqual([3, 3]);
  });

  test("nobody publishes to $SYS", () => {
    const scene = new Scene();
    scene.connect("p").send(publish("$SYS/broker/version", "fake", { retain: true }));
    expect(scene.broker.retained.count).toBe(0);
  });

  test("an answer carries no payload into the log", () => {
    const scene = new Scene({ limits: { maximumLogBytes: 1 } });
    scene.connect("p").send(publish1("t", "secret payload", 1));
    expect(JSON.stringify(scene.effects.log_)).not.toContain("secret");
  });
});

describe("delivery", () => {
  test("[MQTT-3.3.5-1] overlapping subscriptions bring one copy at the highest QoS", () => {
    const scene = new Scene();
    const subscriber = scene.connect("s");
    subscriber.send(subscribe(0, "a/#"), subscribe(2, "a/b"), subscribe(1, "+/b"));
    subscriber.take();
    scene.connect("p").send(publish2("a/b", "x", 1));
    expect(subscriber.lines()).toEqual(["publish a/b=x q2 #1"]);
  });

  test("[MQTT-3.3.1-9] a live message has RETAIN 0, also where it is retained", () => {
    const scene = new Scene();
    const subscribers = [scene.subscriber("a", 1, ["t"]), scene.subscriber("b", 1, ["t"], stored)];
    scene.connect("p").send(publish1("t", "x", 1, { retain: true }));
    expect(subscribers.map((client) => client.lines())).toEqual([["publish t=x q1 #1"], ["publish t=x q1 #2"]]);
  });

  test("[MQTT-4.7.2-1] a filter that starts with a wildcard sees no $-topic", () => {
    const scene = new Scene();
    const subscriber = scene.subscriber("s", 0, ["#", "+/x"]);
    scene.connect("p").send(publish("$app/x"), publish("app/x"));
    expect(subscriber.lines()).toEqual(["publish app/x=x q0"]);
  });

  test("what a client may not see is dropped for it, counted and told, and does not stop the rest", () => {
    const access = { ...unrestricted, mayReceive: (topic: string) => topic !== "secret" };
    const scene = new Scene({ access: () => access });
    const subscribers = [
      scene.subscriber("a", 0, ["#"]),
      scene.subscriber("b", 1, ["#"]),
      scene.subscriber("c", 1, ["#"], stored),
    ];
    scene.connect("p").send(publish1("secret", "x", 1), publish1("open", "y", 2));
    expect(subscribers.map((client) => client.lines())).toEqual([
      ["publish open=y q0"],
      ["publish open=y q1 #1"],
      ["publish open=y q1 #3"],
    ]);
    expect(scene.broker.counters.dropped.get("not_authorized")).toBe(3);
  });

  test("a session that may see less when it comes back is not sent what gathered", () => {
    let hidden = "";
    const scene = new Scene({ access: () => ({ ...unrestricted, mayReceive: (topic) => topic !== hidden }) });
    scene.subscriber("s", 1, ["#"], stored).send(disconnect);
    scene.connect("p").send(publish1("a", "x", 1), publish1("b", "x", 2));
    hidden = "a";
    expect(scene.connect("s", stored).lines()).toEqual([]); // taken with the CONNACK
    expect(scene.broker.counters.dropped.get("not_authorized")).toBe(1);
  });

  test("QoS 0 is not kept for a client that is away, and is dropped and counted for one that is behind", () => {
    const scene = new Scene();
    scene.subscriber("away", 1, ["t"], stored).send(disconnect);
    const slow = scene.subscriber("slow", 0, ["t"]);
    scene.effects.behind.add(slow.connection.id);
    scene.connect("p").send(publish("t"));
    expect([slow.lines(), scene.broker.counters.dropped.get("slow_consumer"), scene.broker.log.bytes]).toEqual([
      [],
      1,
      0,
    ]);
  });
});

describe("an ephemeral session", () => {
  const behindWindow = (): { scene: Scene; subscriber: Client } => {
    const scene = new Scene({ limits: { maximumInflight: 2 } });
    const subscriber = scene.subscriber("s", 2, ["t"]);
    scene.connect("p").send(...upTo(4).map((n) => publish2("t", String(n), n)));
    return { scene, subscriber };
  };

  test("its ids count from 1, and nothing waits for a commit", () => {
    expect(behindWindow().subscriber.take()).toEqual(["publish t=1 q2 #1", "publish t=2 q2 #2"]);
  });

  test("QoS 2 frees the window at PUBCOMP, not at PUBREC", () => {
    const { subscriber } = behindWindow();
    subscriber.take();
    subscriber.send(ack("pubrec", 1));
    expect(subscriber.lines()).toEqual(["pubrel 1"]);
    subscriber.send(ack("pubcomp", 1));
    expect(subscriber.lines()).toEqual(["publish t=3 q2 #3"]);
  });

  test("window, queue and the last id survive a hibernation", () => {
    const { scene, subscriber } = behindWindow();
    subscriber.take();
    scene.hibernate();
    subscriber.send(ack("pubrec", 1), ack("pubcomp", 1));
    expect(subscriber.lines()).toEqual(["pubrel 1", "publish t=3 q2 #3"]);
  });

  test("[MQTT-2.2.1-3] an id in use is passed over when the count comes round", () => {
    const scene = new Scene({ limits: { maximumInflight: 2 } });
    const subscriber = scene.subscriber("s", 1, ["t"]);
    const publisher = scene.connect("p");
    publisher.send(publish1("t", "stays", 1));
    for (let n = 2; n <= 65_535; n += 1) {
      publisher.send(publish1("t", "goes", 1));
      subscriber.send(ack("puback", n));
    }
    subscriber.take();
    publisher.send(publish1("t", "round", 1));
    expect(subscriber.lines()).toEqual(["publish t=round q1 #2"]);
  });

  test("messages that expire while they wait are not sent", () => {
    const scene = new Scene({ limits: { maximumInflight: 1 } });
    const subscriber = scene.subscriber("s", 1, ["t"]);
    const publisher = scene.connect("p");
    publisher.send(
      publish1("t", "1", 1),
      publish1("t", "2", 2, { properties: { messageExpiryIntervalSec: 5 } }),
      publish1("t", "3", 3),
    );
    scene.nowMs += 5_000;
    subscriber.take();
    subscriber.send(ack("puback", 1));
    expect([subscriber.lines(), scene.broker.counters.dropped.get("expired")]).toEqual([["publish t=3 q1 #2"], 1]);
  });
});

describe("SUBSCRIBE", () => {
  test("[MQTT-3.8.4-5] one code per filter, in their order; a refused one gets 0x80", () => {
    const scene = new Scene({ access: () => ({ ...unrestricted, maySubscribe: (filter) => filter !== "denied" }) });
    const client = scene.connect("s");
    client.send(subscribe(1, "a", "a/#/b", "denied", "b"));
    expect([client.lines(), scene.broker.counters.subscribeDenied]).toEqual([["suback 1,128,128,1"], 2]);
  });

  test("[MQTT-3.8.4-3] subscribing again replaces: the new QoS counts", () => {
    const scene = new Scene();
    const client = scene.subscriber("s", 2, ["t"]);
    client.send(subscribe(0, "t"));
    client.take();
    scene.connect("p").send(publish2("t", "x", 1));
    expect([client.lines(), scene.broker.tree.size]).toEqual([["publish t=x q0"], 1]);
  });

  test("[MQTT-3.10.4-1] UNSUBSCRIBE takes away exactly its filter, and is answered for an unknown one", () => {
    const scene = new Scene();
    const client = scene.subscriber("s", 0, ["a", "A"]);
    client.send(unsubscribe("a", "none"));
    scene.connect("p").send(publish("a"), publish("A"));
    expect(client.lines()).toEqual(["unsuback 0,17", "publish A=x q0"]);
  });

  test("the SUBACK of a stored session waits for the commit, and the subscription survives a crash after it", () => {
    const scene = new Scene();
    const client = scene.connect("s", stored);
    client.send(subscribe(1, "t"));
    expect(client.take()).toEqual(["~suback 1"]);
    client.send(disconnect);
    scene.flush();
    scene.crash();
    scene.connect("p").send(publish1("t", "x", 1));
    const again = scene.open();
    again.send({ kind: "connect", protocolVersion: 4, clientId: "s", cleanStart: false, keepAliveSec: 0 });
    expect(again.lines()).toEqual(["connack 0 present", "publish t=x q1 #2"]);
  });
});

describe("replays of retained messages", () => {
  const retain = (scene: Scene, count: number): void =>
    scene.connect("r").send(...upTo(count).map((n) => publish1(`r/${100 + n}`, "v", n, { retain: true })));

  test("[MQTT-3.8.4-4] a new subscription gets what is retained, after its SUBACK", () => {
    const scene = new Scene();
    retain(scene, 2);
    const client = scene.connect("s");
    client.send(subscribe(0, "r/+"));
    expect(client.lines()).toEqual(["suback 0", "publish r/101=v q0 retain", "publish r/102=v q0 retain"]);
  });

  test.each([true, false])("they go on as the window frees, also after a hibernation (clean %s)", (cleanStart) => {
    const scene = new Scene({ limits: { maximumInflight: 2 } });
    retain(scene, 5);
    const client = scene.connect("s", { cleanStart });
    client.send(subscribe(1, "r/+"));
    const seen: string[] = [];
    for (let round = 0; round < 5; round += 1) {
      scene.pump();
      const lines = client.lines().filter((line) => line.startsWith("publish"));
      seen.push(...lines.map((line) => line.replace(/ #.*/u, "")));
      scene.hibernate([client]);
      client.send(...lines.map((line) => ack("puback", Number(/#(\d+)/u.exec(line)?.[1]))));
    }
    expect(seen).toEqual(upTo(5).map((n) => `publish r/${100 + n}=v q1`));
  });

  test("after a crash a stored session's replay goes on where it stopped", () => {
    const scene = new Scene({ limits: { maximumInflight: 2 } });
    retain(scene, 3);
    const client = scene.connect("s", stored);
    client.send(subscribe(1, "r/+"));
    scene.flush();
    scene.crash();
    const again = scene.open();
    again.send({ kind: "connect", protocolVersion: 4, clientId: "s", cleanStart: false, keepAliveSec: 0 });
    again.send(ack("puback", 2), ack("puback", 3));
    scene.pump();
    expect(
      again
        .lines()
        .filter((line) => line.startsWith("publish"))
        .map((line) => line.replace(/ #.*/u, "")),
    ).toEqual(["publish r/101=v q1", "publish r/102=v q1", "publish r/103=v q1"]);
  });

  test("a value set while a replay runs comes once, live", () => {
    const scene = new Scene({ limits: { maximumInflight: 1 } });
    retain(scene, 2);
    const client = scene.connect("s");
    client.send(subscribe(1, "r/+"));
    scene.nowMs += 1;
    scene.connect("p").send(publish("r/102", "new", { retain: true }));
    client.send(ack("puback", 1));
    scene.pump();
    expect(client.lines()).toEqual(["suback 1", "publish r/101=v q1 #1 retain", "publish r/102=new q0"]);
  });

  test("UNSUBSCRIBE ends the replay of its filter", () => {
    const scene = new Scene({ limits: { maximumInflight: 1 } });
    retain(scene, 2);
    const client = scene.connect("s", stored);
    client.send(subscribe(1, "r/+"), unsubscribe("r/+"));
    client.take();
    client.send(ack("puback", 2));
    scene.pump();
    scene.flush();
    expect([client.lines(), scene.sql.all("SELECT * FROM replay")]).toEqual([[], []]);
  });

  test("replayed messages of a stored session stand outside the queue limit", () => {
    const scene = new Scene({ limits: { maximumInflight: 2, maximumQueuedMessages: 1 } });
    retain(scene, 4);
    const client = scene.connect("s", stored);
    client.send(subscribe(1, "r/+"));
    expect(scene.broker.counters.dropped.get("queue_full")).toBe(undefined);
  });
});
