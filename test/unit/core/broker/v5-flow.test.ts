// Flow control of MQTT 5 (§4.9): how much a client may leave unanswered, and how much it is sent; and what the two sides
// say with reason codes on the way.

import { describe, expect, test } from "vitest";
import type { PacketId } from "../../../../src/core/brand.ts";
import type { Acknowledgement, ClientPacket } from "../../../../src/core/packet.ts";
import type { ReasonCode } from "../../../../src/core/reason-code.ts";
import {
  ack,
  connect,
  publish,
  publish1,
  publish2,
  Scene,
  subscribe,
  unsubscribe,
  upTo,
  type Client,
} from "../../../support/scene.ts";
import { SleepingScene } from "../../../support/sleeping-scene.ts";
import { ShardNet } from "../shard-net.ts";
import { kept, v5 } from "./v5.ts";

const refusing = (
  kind: "pubrec" | "puback" | "pubrel" | "pubcomp",
  id: number,
  reasonCode: ReasonCode,
): Acknowledgement => ({
  kind,
  packetId: id as PacketId,
  reasonCode,
});

describe("RECEIVE_MAXIMUM", () => {
  const limits = { receiveMaximum: 2 };

  test("[MQTT-3.3.4-9] more QoS 2 messages without PUBCOMP end the connection with 0x93", () => {
    const client = new Scene({ limits }).connect("a", v5());
    client.send(publish2("t", "x", 1), publish2("t", "x", 2));
    expect(client.lines()).toEqual(["pubrec 1/16", "pubrec 2/16"]);
    client.send(publish2("t", "x", 3));
    expect(client.lines()).toEqual(["disconnect 147", "close"]);
  });

  test("PUBCOMP makes room, and so does a PUBREC that refuses; QoS 0 needs none", () => {
    const client = new Scene({ limits }).connect("a", v5());
    client.send(publish2("t", "x", 1), publish2("t", "x", 2), ack("pubrel", 1), publish2("t", "x", 3));
    client.send(publish("t"), publish2("$SYS/t", "x", 4));
    expect(client.lines().slice(2)).toEqual(["pubcomp 1", "pubrec 3/16", "disconnect 147", "close"]);
    const denied = new Scene({ limits }).connect("a", v5());
    for (const id of upTo(5)) denied.send(publish2("$SYS/t", "x", id));
    expect(denied.lines()).toEqual(upTo(5).map((id) => `pubrec ${id}/135`));
  });

  describe("is about one connection: the session's open QoS 2 messages of an earlier one do not count (§4.9)", () => {
    /** A client with as many open QoS 2 messages as Receive Maximum allows comes back. */
    function back() {
      const scene = new Scene({ limits });
      const before = scene.connect("a", kept());
      before.send(publish2("t", "x", 1), publish2("t", "x", 2));
      scene.flush();
      before.drop();
      return { scene, client: scene.connect("a", kept()) };
    }

    test("as many new ones may be open, and one more is 0x93", () => {
      const { client } = back();
      client.send(publish2("t", "x", 3), publish2("t", "x", 4));
      expect(client.lines()).toEqual(["pubrec 3/16", "pubrec 4/16"]);
      client.send(publish2("t", "x", 5));
      expect(client.lines()).toEqual(["disconnect 147", "close"]);
    });

    test("a PUBCOMP for an old one makes room for a new one, as it does in the client's count", () => {
      const { client } = back();
      client.send(publish2("t", "x", 3), publish2("t", "x", 4), ack("pubrel", 1), publish2("t", "x", 5));
      expect(client.lines()).toEqual(["pubrec 3/16", "pubrec 4/16", "pubcomp 1", "pubrec 5/16"]);
      client.send(publish2("t", "x", 6));
      expect(client.lines()).toEqual(["disconnect 147", "close"]);
    });

    test("but gives no more room than Receive Maximum", () => {
      const { client } = back();
      client.send(ack("pubrel", 1), ack("pubrel", 2), ack("pubrel", 9));
      client.send(...upTo(3, 3).map((id) => publish2("t", "x", id)));
      expect(client.lines().slice(3)).toEqual(["pubrec 3/16", "pubrec 4/16", "disconnect 147", "close"]);
    });

    test("also when the shard has slept meanwhile", () => {
      const scene = new SleepingScene({ limits });
      const before = scene.connect("a", kept());
      before.send(publish2("t", "x", 1), publish2("t", "x", 2));
      scene.flush();
      before.drop();
      const client = scene.connect("a", kept());
      scene.sleep();
      client.send(publish2("t", "x", 3), publish2("t", "x", 4));
      scene.sleep();
      client.send(publish2("t", "x", 5));
      expect(client.lines()).toEqual(["disconnect 147", "close"]);
    });

    test("no session gathers more of them than a row can hold: PUBREC 0x97 then", () => {
      const scene = new Scene({ limits: { receiveMaximum: 4_096 } });
      const sendFrom = (client: Client, first: number, count: number): string[] => {
        client.send(...upTo(count, first).map((id) => publish2("t", "x", id)));
        scene.flush();
        return client.lines();
      };
      const before = scene.connect("a", kept());
      sendFrom(before, 1, 4_096);
      before.drop();
      const client = scene.connect("a", kept());
      const lines = sendFrom(client, 5_001, 1_000);
      expect(lines.filter((line) => line.endsWith("/16"))).toHaveLength(404);
      expect(lines.filter((line) => line.endsWith("/151"))).toHaveLength(596);
      client.send(ack("pubrel", 1));
      client.take();
      expect(sendFrom(client, 5_999, 1)).toEqual(["pubrec 5999/16"]);
    });
  });

  test("a repeated PUBLISH is no other message", () => {
    const client = new Scene({ limits }).connect("a", v5());
    client.send(publish2("t", "x", 1), publish2("t", "x", 2), publish2("t", "x", 2, { dup: true }));
    expect(client.lines()).toEqual(["pubrec 1/16", "pubrec 2/16", "pubrec 2"]);
  });

  test("QoS 1 counts until its PUBACK: here that is at once", () => {
    const client = new Scene({ limits }).connect("a", v5());
    for (const id of upTo(9)) client.send(publish1("t", "x", id));
    expect(client.lines()).toEqual(upTo(9).map((id) => `puback ${id}/16`));
  });

  test("[MQTT-3.3.4-7] QoS 1 counts while another shard decides about it", () => {
    const net = new ShardNet(limits);
    const client = net.connect(0, v5());
    const topic = net.placement.subtreeOn(1);
    client.send(publish1(topic, "x", 1), publish1(topic, "x", 2));
    expect(client.lines()).toEqual([]);
    net.settle();
    expect(client.lines()).toEqual(["puback 1/16", "puback 2/16"]);
    client.send(publish1(topic, "x", 3), publish1(topic, "x", 4), publish1(topic, "x", 5));
    expect(client.lines()).toEqual(["disconnect 147", "close"]);
    net.settle();
    expect(client.lines()).toEqual([]);
  });

  test("QoS 1 and 2 count together", () => {
    const net = new ShardNet(limits);
    const client = net.connect(0, v5());
    const topic = net.placement.subtreeOn(1);
    net.send(client, publish2(topic, "x", 1));
    client.send(publish1(topic, "x", 2), publish1(topic, "x", 3));
    expect(client.lines().at(-1)).toBe("close");
  });

  test("messages that the owner of the topic refuses make room again", () => {
    const net = new ShardNet({ ...limits, maximumRetainedMessages: 1 });
    const client = net.connect(0, v5());
    const retained = (qos: 1 | 2, shard: number, id: number): void => {
      const packet = qos === 1 ? publish1 : publish2;
      net.send(client, packet(net.placement.subtreeOn(shard), "x", id, { retain: true }));
    };
    for (const shard of [0, 1]) retained(1, shard, 1);
    for (const id of upTo(3, 2)) retained(1, 1, id);
    for (const id of upTo(3, 5)) retained(2, 0, id);
    expect(client.lines()).toEqual([
      "puback 1",
      "puback 1",
      ...upTo(3, 2).map((id) => `puback ${id}/151`),
      ...upTo(3, 5).map((id) => `pubrec ${id}/151`),
    ]);
  });

  test("what is open counts over a hibernation", () => {
    const scene = new Scene({ limits });
    const client = scene.connect("a", kept());
    client.send(publish2("t", "x", 1), publish2("t", "x", 2));
    scene.hibernate();
    client.send(publish2("t", "x", 3));
    expect(client.lines()).toEqual(["disconnect 147", "close"]);
    const again = scene.connect("a", kept());
    again.send(publish2("t", "x", 2, { dup: true }));
    expect(again.lines()).toEqual(["pubrec 2"]);
  });

  test("a v3 client, which was never told, is held to it at QoS 2 only", () => {
    const client = new Scene({ limits }).connect("a");
    for (const id of upTo(9)) client.send(publish1("t", "x", id));
    client.send(publish2("t", "x", 10), publish2("t", "x", 11), publish1("t", "x", 12));
    expect(client.isClosed).toBe(false);
    client.send(publish2("t", "x", 13));
    expect(client.lines().at(-1)).toBe("close");
  });
});

describe("Receive Maximum of a client", () => {
  const window = (receiveMaximum: number) => v5({ receiveMaximum });

  test.each([
    [1, 32, 1],
    [3, 2, 2],
    [65_535, 2, 2],
  ])("%i where the server's own bound is %i: %i are sent", (receiveMaximum, maximumInflight, sent) => {
    const scene = new Scene({ limits: { maximumInflight } });
    const subscriber = scene.subscriber("s", 1, ["t"], window(receiveMaximum));
    const publisher = scene.connect("p");
    for (const id of upTo(5)) publisher.send(publish1("t", String(id), id));
    expect(subscriber.lines()).toEqual(upTo(sent).map((id) => `publish t=${id} q1 #${id}`));
  });

  test.each([v5({ receiveMaximum: 1 }), kept({ receiveMaximum: 1 })])(
    "[MQTT-3.3.4-9] QoS 0 passes, the rest waits in order for PUBACK and PUBCOMP, over a hibernation too",
    (more) => {
      const scene = new Scene();
      const subscriber = scene.subscriber("s", 2, ["t"], more);
      const publisher = scene.connect("p");
      publisher.send(publish2("t", "1", 1), publish1("t", "2", 2), publish("t", "live"), publish1("t", "3", 3));
      const [first, live, ...none] = subscriber.lines();
      expect([first, live, none]).toEqual([expect.stringMatching(/^publish t=1 q2/u), "publish t=live q0", []]);
      const id = Number(first?.split("#")[1]);
      scene.hibernate();
      subscriber.send(ack("pubrec", id));
      expect(subscriber.lines()).toEqual([`pubrel ${id}`]);
      scene.hibernate();
      subscriber.send(ack("pubcomp", id));
      scene.flush();
      scene.pump();
      expect(subscriber.lines()).toEqual([expect.stringMatching(/^publish t=2 q1/u)]);
    },
  );

  test("[MQTT-4.3.3-4] a PUBREC that refuses ends the message: no PUBREL, and the next one goes", () => {
    for (const more of [v5({ receiveMaximum: 1 }), kept({ receiveMaximum: 1 })]) {
      const scene = new Scene();
      const subscriber = scene.subscriber("s", 2, ["t"], more);
      const publisher = scene.connect("p");
      publisher.send(publish2("t", "1", 1), publish2("t", "2", 2));
      const id = Number(subscriber.lines()[0]?.split("#")[1]);
      subscriber.send(refusing("pubrec", id, 0x83));
      scene.flush();
      scene.pump();
      expect(subscriber.lines()).toEqual([expect.stringMatching(/^publish t=2 q2/u)]);
    }
  });

  test("[MQTT-4.3.3-4] it is not sent again after such a PUBREC, nor is its PUBREL", () => {
    const scene = new Scene();
    const subscriber = scene.subscriber("s", 2, ["t"], kept());
    scene.connect("p").send(publish2("t", "1", 1));
    subscriber.send(refusing("pubrec", 2, 0x83));
    subscriber.drop();
    const again = scene.open();
    again.send(connect("s", kept()));
    expect(again.lines()).toEqual(["connack 0 present"]);
  });

  test("a PUBACK that refuses ends the message as one that does not", () => {
    const scene = new Scene();
    const subscriber = scene.subscriber("s", 1, ["t"], kept({ receiveMaximum: 1 }));
    const publisher = scene.connect("p");
    publisher.send(publish1("t", "1", 1), publish1("t", "2", 2));
    subscriber.send(refusing("puback", 2, 0x97));
    expect(subscriber.lines()).toEqual(["publish t=1 q1 #2", "publish t=2 q1 #3"]);
  });

  test("a smaller one at the next connection holds for what is sent again too", () => {
    const scene = new Scene();
    scene.subscriber("s", 1, ["t"], kept());
    const publisher = scene.connect("p");
    for (const id of upTo(4)) publisher.send(publish1("t", String(id), id));
    const again = scene.open();
    again.send(connect("s", kept({ receiveMaximum: 2 })));
    expect(again.lines().slice(1)).toEqual(["publish t=1 q1 #2 dup", "publish t=2 q1 #3 dup"]);
    again.send(ack("puback", 2));
    expect(again.lines()).toEqual(["publish t=3 q1 #4 dup"]);
  });
});

describe("packet identifiers", () => {
  test("[MQTT-2.2.1-3] of an open QoS 2 message: QoS 1, SUBSCRIBE and UNSUBSCRIBE with it get 0x91 and do nothing", () => {
    const scene = new Scene();
    const watcher = scene.subscriber("w", 0, ["t"], v5());
    const client = scene.subscriber("a", 0, ["u"], v5());
    client.send(publish2("n", "x", 1), publish1("t", "x", 1));
    client.send(subscribe(0, "a", "b"), unsubscribe("u", "b"));
    expect(client.lines()).toEqual(["pubrec 1/16", "puback 1/145", "suback 145,145", "unsuback 145,145"]);
    scene.connect("p").send(publish("a"), publish("u"));
    expect([client.lines(), watcher.lines()]).toEqual([["publish u=x q0"], []]);
    client.send(ack("pubrel", 1), publish1("t", "x", 1));
    expect(client.lines()).toEqual(["pubcomp 1", "puback 1"]);
  });

  test("a v3 client cannot be told: what it asks for is done", () => {
    const client = new Scene().subscriber("a", 0, ["u"]);
    client.send(publish2("n", "x", 1), publish1("n", "x", 1), subscribe(0, "a"), unsubscribe("u"));
    expect(client.lines().map((line) => line.split("/")[0])).toEqual([
      "pubrec 1",
      "puback 1",
      "suback 0",
      expect.stringMatching(/^unsuback/u),
    ]);
  });

  test("PUBREL for an unknown one is answered with 0x92, PUBREC likewise", () => {
    for (const more of [v5(), kept()]) {
      const client = new Scene().connect("a", more);
      client.send(ack("pubrel", 7), ack("pubrec", 8));
      expect(client.lines()).toEqual(["pubcomp 7/146", "pubrel 8/146"]);
    }
  });

  test("PUBREL with 0x92 ends the message as any PUBREL", () => {
    const client = new Scene().connect("a", v5());
    client.send(publish2("t", "x", 1), refusing("pubrel", 1, 0x92), publish2("t", "x", 1));
    expect(client.lines()).toEqual(["pubrec 1/16", "pubcomp 1", "pubrec 1/16"]);
  });

  test("PUBACK, PUBREC that refuses and PUBCOMP of an unknown one are late, and harmless", () => {
    const client = new Scene().connect("a", v5());
    client.send(ack("puback", 1), refusing("pubrec", 2, 0x83), ack("pubcomp", 3), { kind: "pingreq" });
    expect(client.lines()).toEqual(["pingresp"]);
  });

  test.each<[string, ClientPacket[]]>([
    ["PUBACK", [ack("puback", 2)]],
    ["PUBCOMP before PUBREC", [ack("pubcomp", 2)]],
  ])("%s for a QoS 2 message ends the connection with 0x82", (_, packets) => {
    const scene = new Scene();
    const subscriber = scene.subscriber("s", 2, ["t"], kept());
    scene.connect("p").send(publish2("t", "x", 1));
    subscriber.send(...packets);
    expect(subscriber.lines().slice(1)).toEqual(["disconnect 130", "close"]);
  });
});

describe("what an acknowledgement says", () => {
  test("0x10 where nobody gets the message, 0x00 where somebody does or it is kept", () => {
    const scene = new Scene();
    scene.subscriber("s", 0, ["live"], v5());
    scene.subscriber("away", 1, ["away"], kept()).drop();
    const client = scene.connect("p", v5());
    client.send(publish1("live", "x", 1), publish1("away", "x", 2), publish1("none", "x", 3));
    client.send(publish1("none", "x", 4, { retain: true }), publish2("none", "x", 5));
    expect(client.lines()).toEqual(["puback 1", "puback 2", "puback 3/16", "puback 4", "pubrec 5/16"]);
  });

  test("[MQTT-3.8.3-3] the publisher's own subscription with No Local is nobody", () => {
    const scene = new Scene();
    const client = scene.connect("p", v5());
    const subscription = {
      topicFilter: "t",
      qos: 0,
      noLocal: true,
      retainAsPublished: false,
      retainHandling: 0,
    } as const;
    client.send({ kind: "subscribe", packetId: 1 as PacketId, subscriptions: [subscription] });
    client.send(publish1("t", "x", 1));
    expect(client.lines()).toEqual(["suback 0", "puback 1/16"]);
  });

  test("a topic over a limit of the server's own is refused alone with 0x90 at QoS 1 and 2; one that is invalid ends it", () => {
    const scene = new Scene({ limits: { maximumTopicLevels: 2 } });
    const client = scene.connect("p", v5());
    client.send(publish1("a/b/c", "x", 1), publish2("a/b/c", "x", 2), publish2("a/b", "x", 2));
    expect(client.lines()).toEqual(["puback 1/144", "pubrec 2/144", "pubrec 2/16"]);
    client.send(publish("a/b/c"));
    expect(client.lines()).toEqual(["disconnect 144", "close"]);
  });
});
