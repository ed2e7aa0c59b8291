// The client's Maximum Packet Size [MQTT-3.1.2-24]: what is larger is not sent, is counted, and holds nothing up. A
// PUBLISH of `t` with a payload of n bytes has n + 6 bytes at QoS 0 and n + 8 with a packet identifier.

import { describe, expect, test } from "vitest";
import { ack, connect, publish, publish1, publish2, Scene, type Client } from "../../../support/scene.ts";
import { kept, sceneWith, v5 } from "./v5.ts";

const small = (maximumPacketSize: number) => ({ maximumPacketSize });
const fits0 = "x".repeat(14);
const fits1 = "x".repeat(12);
const twenty = small(20);

const tooLarge = (scene: Scene): number => scene.broker.counters.dropped.get("packet_too_large") ?? 0;
const rowsOfLog = (scene: Scene): number => scene.broker.log.bytes;

function comeBack(scene: Scene, more: ReturnType<typeof kept>): Client {
  const client = scene.open();
  client.send(connect("s", more));
  return client;
}

describe.each([
  { kind: "an ephemeral", more: v5(twenty) },
  { kind: "a stored", more: kept(twenty) },
])("live, to $kind session", ({ more }) => {
  test("QoS 0: at the size it comes, one byte above it does not, and is told in the log", () => {
    const scene = new Scene();
    const subscriber = scene.subscriber("s", 0, ["t"], more);
    scene.connect("p").send(publish("t", fits0), publish("t", `${fits0}y`), publish("t", "z"));
    expect([subscriber.lines(), tooLarge(scene)]).toEqual([[`publish t=${fits0} q0`, "publish t=z q0"], 1]);
    expect(scene.effects.log_.at(-1)).toEqual({
      event: "message-dropped",
      reason: "packet_too_large",
      topic: "t",
      clientId: "s",
    });
  });

  test.each([1, 2] as const)("QoS %i: the same, and the ones after it come", (qos) => {
    const scene = new Scene();
    const subscriber = scene.subscriber("s", qos, ["t"], more);
    const packet = qos === 1 ? publish1 : publish2;
    const publisher = scene.connect("p");
    publisher.send(packet("t", fits1, 1), packet("t", `${fits1}y`, 2), packet("t", "z", 3));
    expect(subscriber.lines().map((line) => line.replace(/ #\d+/u, ""))).toEqual([
      `publish t=${fits1} q${qos}`,
      `publish t=z q${qos}`,
    ]);
    expect([tooLarge(scene), publisher.lines().length]).toEqual([1, 3]);
  });

  test("others get it, and what is published knows no reason for a refusal", () => {
    const scene = new Scene();
    const subscriber = scene.subscriber("s", 1, ["t"], more);
    const other = scene.subscriber("o", 1, ["t"], v5());
    const publisher = scene.connect("p", v5());
    publisher.send(publish1("t", `${fits1}y`, 1));
    expect([subscriber.lines(), other.lines(), publisher.lines()]).toEqual([
      [],
      [`publish t=${fits1}y q1 #1`],
      ["puback 1"],
    ]);
  });

  test("it fills no window", () => {
    const scene = new Scene({ limits: { maximumInflight: 1 } });
    const subscriber = scene.subscriber("s", 1, ["t"], more);
    const publisher = scene.connect("p");
    publisher.send(publish1("t", `${fits1}y`, 1), publish1("t", "z", 2));
    expect(subscriber.lines()).toEqual([expect.stringMatching(/^publish t=z q1/u)]);
  });

  test("while it waits behind a full window it is passed over when its turn comes, over a hibernation too", () => {
    const scene = new Scene({ limits: { maximumInflight: 1 } });
    const subscriber = scene.subscriber("s", 1, ["t"], more);
    const publisher = scene.connect("p");
    publisher.send(publish1("t", "a", 1), publish1("t", `${fits1}y`, 2), publish1("t", "z", 3));
    const id = Number(subscriber.lines()[0]?.split("#")[1]);
    scene.hibernate();
    subscriber.send(ack("puback", id));
    scene.pump();
    expect(subscriber.lines()).toEqual([expect.stringMatching(/^publish t=z q1/u)]);
  });

  test("subscription identifiers and properties count", () => {
    const scene = new Scene();
    const subscriber = scene.connect("s", more);
    const subscription = {
      topicFilter: "t",
      qos: 0,
      noLocal: false,
      retainAsPublished: false,
      retainHandling: 0,
    } as const;
    subscriber.send({
      kind: "subscribe",
      packetId: 1 as never,
      properties: { subscriptionIdentifier: 200 },
      subscriptions: [subscription],
    });
    const publisher = scene.connect("p", v5());
    const properties = { contentType: "a" };
    publisher.send(publish("t", "x".repeat(11)), publish("t", "x".repeat(12)));
    publisher.send(publish("t", "x".repeat(7), { properties }), publish("t", "x".repeat(8), { properties }));
    expect([subscriber.lines().length, tooLarge(scene)]).toEqual([3, 2]);
  });

  test("what is retained and too large does not come, and does not stop the rest", () => {
    const scene = new Scene();
    const publisher = scene.connect("p");
    for (const [topic, payload] of [
      ["r/1", "a"],
      ["r/2", "b".repeat(50)],
      ["r/3", "c"],
    ] as const) {
      publisher.send(publish1(topic, payload, 1, { retain: true }));
    }
    const subscriber = scene.connect("s", more);
    subscriber.send({
      kind: "subscribe",
      packetId: 1 as never,
      subscriptions: [{ topicFilter: "r/+", qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 }],
    });
    scene.flush();
    scene.pump();
    expect(subscriber.lines().map((line) => line.replace(/ #\d+/u, ""))).toEqual([
      "suback 1",
      "publish r/1=a q1 retain",
      "publish r/3=c q1 retain",
    ]);
    expect(tooLarge(scene)).toBe(1);
  });
});

describe("a stored session", () => {
  test("what gathered off line is judged by the size of the connection that comes for it", () => {
    const scene = new Scene();
    scene.subscriber("s", 2, ["t"], kept()).drop();
    const publisher = scene.connect("p");
    publisher.send(publish1("t", "a", 1), publish1("t", `${fits1}y`, 2), publish2("t", `${fits1}y`, 3));
    publisher.send(publish1("t", "z", 4));
    expect(comeBack(scene, kept(twenty)).lines().slice(1)).toEqual(["publish t=a q1 #2", "publish t=z q1 #5"]);
    expect(tooLarge(scene)).toBe(2);
  });

  test("what was passed over counts as acknowledged: storage is free, also for a larger size later", () => {
    const scene = new Scene();
    scene.subscriber("s", 1, ["t"], kept()).drop();
    scene.connect("p").send(publish1("t", `${fits1}y`, 1));
    scene.flush();
    expect(rowsOfLog(scene)).toBeGreaterThan(0);
    const client = comeBack(scene, kept(twenty));
    scene.flush();
    expect(rowsOfLog(scene)).toBe(0);
    client.drop();
    expect(comeBack(scene, kept()).lines()).toEqual(["connack 0 present"]);
  });

  test("a QoS 1 message that was sent before ends where the client comes back with a smaller size", () => {
    const scene = new Scene();
    const first = scene.subscriber("s", 1, ["t"], kept());
    scene.connect("p").send(publish1("t", `${fits1}y`, 1), publish1("t", "z", 2));
    expect(first.lines()).toHaveLength(2);
    first.drop();
    const again = comeBack(scene, kept(twenty));
    expect([again.lines(), tooLarge(scene)]).toEqual([["connack 0 present", "publish t=z q1 #3 dup"], 1]);
    again.drop();
    scene.flush();
    scene.crash();
    expect(comeBack(scene, kept()).lines()).toEqual(["connack 0 present", "publish t=z q1 #3 dup"]);
  });

  test("[MQTT-4.4.0-1] a QoS 2 message that was sent before goes on with its PUBREL, also over a crash", () => {
    const scene = new Scene();
    const first = scene.subscriber("s", 2, ["t"], kept());
    scene.connect("p").send(publish2("t", `${fits1}y`, 1));
    expect(first.lines()).toHaveLength(1);
    first.drop();
    const again = comeBack(scene, kept(twenty));
    expect(again.take()).toEqual(["~connack 0 present", "~pubrel 2"]);
    again.drop();
    scene.flush();
    scene.crash();
    const last = comeBack(scene, kept());
    expect(last.lines()).toEqual(["connack 0 present", "pubrel 2"]);
    last.send(ack("pubcomp", 2));
    scene.flush();
    last.drop();
    expect(comeBack(scene, kept()).lines()).toEqual(["connack 0 present"]);
  });

  test("a QoS 2 message whose PUBREC came goes on with its PUBREL, whatever its size, and is not counted", () => {
    const scene = new Scene();
    const first = scene.subscriber("s", 2, ["t"], kept());
    scene.connect("p").send(publish2("t", `${fits1}y`, 1));
    first.send(ack("pubrec", 2));
    first.drop();
    const again = comeBack(scene, kept(twenty));
    expect([again.lines(), tooLarge(scene)]).toEqual([["connack 0 present", "pubrel 2"], 0]);
  });

  test("the size holds over a hibernation", () => {
    const scene = new Scene();
    const subscriber = scene.subscriber("s", 1, ["t"], kept(twenty));
    scene.hibernate();
    scene.connect("p").send(publish1("t", `${fits1}y`, 1), publish("t", `${fits0}y`), publish1("t", "z", 2));
    expect(subscriber.lines()).toEqual([expect.stringMatching(/^publish t=z q1/u)]);
  });
});

describe("topic aliases and the size", () => {
  const more = v5({ maximumPacketSize: 20, topicAliasMaximum: 5 });

  test("where the alias is known the name does not count", () => {
    const scene = new Scene();
    const subscriber = scene.subscriber("s", 0, ["topic"], more);
    const publisher = scene.connect("p");
    // With name and alias 14 bytes of 20, without the name 9.
    publisher.send(publish("topic", "x"), publish("topic", "x".repeat(12)), publish("topic", "x".repeat(13)));
    expect(subscriber.lines()).toEqual([
      "publish topic=x q0 alias 1",
      `publish topic=${"x".repeat(12)} q0 alias 1 alone`,
    ]);
    expect(tooLarge(scene)).toBe(1);
  });

  test("a message that fits without the alias and not with it comes without", () => {
    const scene = new Scene();
    const subscriber = scene.subscriber("s", 0, ["topic"], more);
    const publisher = scene.connect("p");
    publisher.send(publish("topic", "x".repeat(10)), publish("topic", "y"));
    expect(subscriber.lines()).toEqual([`publish topic=${"x".repeat(10)} q0`, "publish topic=y q0 alias 1"]);
  });
});

describe.each([
  { kind: "an ephemeral", more: v5(small(30)) },
  { kind: "a stored", more: kept(small(30)) },
])("a shared group with $kind member that takes less", ({ more }) => {
  test.each([0, 1, 2] as const)(
    "QoS %i: what it is handed and cannot be sent is over, and the next ones come",
    (qos) => {
      const scene = sceneWith({}, { maximumInflight: 1 });
      const member = scene.subscriber("m", qos, ["$share/g/t"], more);
      const publisher = scene.connect("p");
      const send = (payload: string, id: number): void => {
        if (qos === 0) publisher.send(publish("t", payload));
        else publisher.send((qos === 1 ? publish1 : publish2)("t", payload, id));
      };
      send("y".repeat(50), 1);
      send("y".repeat(50), 2);
      send("z", 3);
      scene.flush();
      scene.pump();
      expect(member.lines()).toEqual([expect.stringMatching(new RegExp(`^publish t=z q${qos}`, "u"))]);
      expect(tooLarge(scene)).toBe(2);
    },
  );

  test("nothing of it is left when the member goes", () => {
    const scene = sceneWith({});
    const member = scene.subscriber("m", 1, ["$share/g/t"], { ...more, properties: { maximumPacketSize: 30 } });
    const other = scene.subscriber("o", 1, ["$share/g/t"], v5());
    const publisher = scene.connect("p");
    for (const id of [1, 2]) publisher.send(publish1("t", "y".repeat(50), id));
    member.drop();
    scene.flush();
    scene.pump();
    expect([other.lines().length, tooLarge(scene)]).toEqual([1, 1]);
  });
});

test("a shared group with a stored member keeps nothing of what another member could not be sent", () => {
  const scene = sceneWith({});
  const member = scene.subscriber("m", 1, ["$share/g/t"], v5(small(30)));
  scene.subscriber("away", 1, ["$share/g/t"], kept()).drop();
  scene.connect("p").send(publish1("t", "y".repeat(50), 1));
  scene.flush();
  expect([tooLarge(scene), rowsOfLog(scene)]).toEqual([1, 0]);
  member.drop();
  const back = scene.open();
  back.send(connect("away", kept()));
  expect(back.lines()).toEqual(["connack 0 present"]);
});
