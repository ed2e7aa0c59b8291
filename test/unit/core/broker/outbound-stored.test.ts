import type { ClientId, PacketId } from "../../../../src/core/brand.ts";
import type { Session } from "../../../../src/core/session.ts";
import { describe, expect, test } from "vitest";
import { ack, disconnect, publish1, publish2, Scene, upTo, type Client } from "../../../support/scene.ts";

/** A stored session `s` on `t`, and a publisher. */
function stage(options: ConstructorParameters<typeof Scene>[0] = {}, qos: 1 | 2 = 2) {
  const scene = new Scene(options);
  const subscriber = scene.subscriber("s", qos, ["t"], { cleanStart: false });
  const publisher = scene.connect("p");
  scene.flush();
  return { scene, subscriber, publisher };
}

const back = (scene: Scene, clientId = "s"): Client => {
  const client = scene.open();
  client.send({ kind: "connect", protocolVersion: 4, clientId, cleanStart: false, keepAliveSec: 60 });
  return client;
};

describe("sending", () => {
  test("[MQTT-4.4.0-1] the packet id follows from the position, and a PUBLISH waits for the commit", () => {
    const { subscriber, publisher } = stage();
    publisher.send(publish1("t", "a", 1), publish2("t", "b", 2));
    expect(subscriber.take()).toEqual(["~publish t=a q1 #2", "~publish t=b q2 #3"]);
    expect(publisher.take()).toEqual(["~puback 1", "~pubrec 2"]);
  });

  test("[MQTT-4.9.0-2] beyond the window messages wait for an acknowledgement, in order", () => {
    const { subscriber, publisher } = stage({ limits: { maximumInflight: 2 } });
    publisher.send(...["a", "b", "c"].map((text, index) => publish1("t", text, index + 1)));
    expect(subscriber.lines()).toEqual(["publish t=a q1 #2", "publish t=b q1 #3"]);
    subscriber.send(ack("puback", 3));
    expect(subscriber.lines()).toEqual(["publish t=c q1 #4"]);
  });

  test("[MQTT-4.3.3-1] PUBREC is answered with a PUBREL that waits for the commit of its mark", () => {
    const { subscriber, publisher } = stage();
    publisher.send(publish2("t", "a", 1));
    subscriber.take();
    subscriber.send(ack("pubrec", 2));
    expect(subscriber.take()).toEqual(["~pubrel 2"]);
  });

  test("a PUBREC for an id that is not in flight is answered with PUBREL", () => {
    const { subscriber } = stage();
    subscriber.send(ack("pubrec", 77));
    expect(subscriber.lines()).toEqual(["pubrel 77"]);
  });

  test("an acknowledgement of the wrong kind leaves the message in flight", () => {
    const { scene, subscriber, publisher } = stage();
    publisher.send(publish2("t", "a", 1));
    subscriber.send(ack("puback", 2), ack("pubrec", 3));
    scene.flush();
    subscriber.drop();
    expect(back(scene).lines()).toEqual(["connack 0 present", "publish t=a q2 #2 dup"]);
  });
});

describe("coming back", () => {
  test("[MQTT-4.4.0-1] what was in flight is sent again with its id and DUP, what was not without DUP", () => {
    const { scene, subscriber, publisher } = stage({ limits: { maximumInflight: 2 } });
    publisher.send(...["a", "b", "c"].map((text, index) => publish1("t", text, index + 1)));
    subscriber.drop();
    const again = back(scene);
    expect(again.lines()).toEqual(["connack 0 present", "publish t=a q1 #2 dup", "publish t=b q1 #3 dup"]);
    again.send(ack("puback", 2), ack("puback", 3));
    expect(again.lines()).toEqual(["publish t=c q1 #4"]);
  });

  test("what was acknowledged out of order is not sent again", () => {
    const { scene, subscriber, publisher } = stage();
    publisher.send(...["a", "b", "c"].map((text, index) => publish1("t", text, index + 1)));
    subscriber.send(ack("puback", 3));
    subscriber.drop();
    expect(back(scene).lines().slice(1)).toEqual(["publish t=a q1 #2 dup", "publish t=c q1 #4 dup"]);
  });

  test("many that were acknowledged out of order are one range between those in flight, and none is sent again", () => {
    const { scene, subscriber, publisher } = stage({ limits: { maximumInflight: 3 } });
    const other = scene.subscriber("other", 1, ["u"], { cleanStart: false });
    publisher.send(publish1("t", "first", 1), publish1("t", "second", 2));
    for (const id of upTo(200)) {
      publisher.send(publish1("u", "foreign", 1), publish1("t", String(id), 1));
      for (const line of [...subscriber.lines(), ...other.lines()]) {
        const packetId = Number(/#(\d+)/u.exec(line)?.[1]);
        if (!/first|second/u.test(line)) subscriber.send(ack("puback", packetId));
      }
    }
    subscriber.drop();
    const session = scene.broker.sessions.get("s" as ClientId) as Session;
    expect(scene.broker.progress.get(session.number).acknowledged).toHaveLength(1);
    scene.flush();
    scene.crash();
    expect(back(scene).lines().slice(1)).toEqual(["publish t=first q1 #2 dup", "publish t=second q1 #3 dup"]);
  });

  test("[MQTT-4.3.3-1] after PUBREC only the PUBREL is sent again, also after a crash", () => {
    const { scene, subscriber, publisher } = stage();
    publisher.send(publish2("t", "a", 1));
    subscriber.send(ack("pubrec", 2));
    scene.flush();
    scene.crash();
    expect(back(scene).lines()).toEqual(["connack 0 present", "pubrel 2"]);
  });

  test("what gathered off line comes in order, without DUP", () => {
    const { scene, subscriber, publisher } = stage();
    subscriber.send(disconnect);
    publisher.send(...upTo(3).map((n) => publish1("t", String(n), n)));
    scene.flush();
    scene.crash();
    expect(back(scene).lines().slice(1)).toEqual(["publish t=1 q1 #2", "publish t=2 q1 #3", "publish t=3 q1 #4"]);
  });

  test("[MQTT-3.3.1-1] after a crash what was sent has DUP, and what had just begun to wait for the window: it may have been", () => {
    const { scene, publisher } = stage({ limits: { maximumInflight: 2 } });
    publisher.send(...upTo(3).map((n) => publish1("t", String(n), n)));
    scene.flush();
    scene.crash();
    const again = back(scene);
    again.send(ack("puback", 2), ack("puback", 3));
    expect(again.lines().slice(1)).toEqual(["publish t=1 q1 #2 dup", "publish t=2 q1 #3 dup", "publish t=3 q1 #4 dup"]);
  });

  test("[MQTT-3.3.1-1] what came after the crash was never sent and has no DUP", () => {
    const { scene, publisher } = stage();
    scene.subscriber("s2", 1, ["t"], { cleanStart: false });
    publisher.send(publish1("t", "before", 1));
    scene.flush();
    scene.crash();
    scene.connect("q").send(publish1("t", "after", 1));
    scene.flush();
    for (const clientId of ["s", "s2"]) {
      const lines = back(scene, clientId).lines().slice(1);
      expect(lines).toEqual(["publish t=before q1 #2 dup", "publish t=after q1 #3"]);
    }
  });

  test("a message of which nothing was committed is gone after a crash, and so was its PUBACK", () => {
    const { scene, publisher } = stage();
    publisher.send(publish1("t", "a", 1));
    expect(publisher.take()).toEqual(["~puback 1"]);
    scene.crash();
    expect(back(scene).lines()).toEqual(["connack 0 present"]);
  });

  test("[MQTT-4.3.3-2] an incoming QoS 2 id survives a crash: its repeat is answered and not delivered", () => {
    const scene = new Scene();
    scene.connect("p", { cleanStart: false }).send(publish2("t", "a", 9));
    scene.flush();
    scene.crash();
    const subscriber = scene.subscriber("s", 0, ["t"]);
    const again = scene.connect("p", { cleanStart: false });
    again.send(publish2("t", "a", 9, { dup: true }), ack("pubrel", 9));
    expect([again.lines(), subscriber.lines()]).toEqual([["pubrec 9", "pubcomp 9"], []]);
  });
});

describe("the queue limit", () => {
  const limits = { maximumInflight: 1, maximumQueuedMessages: 3 };

  test("on line the oldest unsent go, counted and told in the log; what was sent stays", () => {
    const { scene, subscriber, publisher } = stage({ limits });
    publisher.send(...upTo(6).map((n) => publish1("t", String(n), n)));
    expect(scene.broker.counters.dropped.get("queue_full")).toBe(2);
    expect(scene.effects.log_.at(-1)).toMatchObject({
      event: "message-dropped",
      limit: "maximumQueuedMessages",
      clientId: "s",
    });
    for (const id of [2, 5, 6, 7]) subscriber.send(ack("puback", id));
    expect(subscriber.lines()).toEqual([
      "publish t=1 q1 #2",
      "publish t=4 q1 #5",
      "publish t=5 q1 #6",
      "publish t=6 q1 #7",
    ]);
  });

  test("off line it is applied when the session comes back", () => {
    const { scene, subscriber, publisher } = stage({ limits });
    subscriber.send(disconnect);
    publisher.send(...upTo(5).map((n) => publish1("t", String(n), n)));
    const again = back(scene);
    for (const id of [4, 5, 6]) again.send(ack("puback", id));
    expect(again.lines().slice(1)).toEqual(["publish t=3 q1 #4", "publish t=4 q1 #5", "publish t=5 q1 #6"]);
  });

  test("what was dropped on line is not counted again when the session comes back", () => {
    const { scene, subscriber, publisher } = stage({ limits });
    publisher.send(...upTo(9).map((n) => publish1("t", String(n), n)));
    subscriber.drop();
    const again = back(scene);
    for (const id of [2, 8, 9, 10]) again.send(ack("puback", id));
    expect(again.lines().slice(1)).toEqual([
      "publish t=1 q1 #2 dup",
      "publish t=7 q1 #8",
      "publish t=8 q1 #9",
      "publish t=9 q1 #10",
    ]);
  });

  test("what was dropped on line is not counted again after a hibernation", () => {
    const { scene, subscriber, publisher } = stage({ limits });
    publisher.send(...upTo(9).map((n) => publish1("t", String(n), n)));
    subscriber.take();
    scene.hibernate();
    for (const id of [2, 8, 9, 10]) subscriber.send(ack("puback", id));
    expect(subscriber.lines()).toEqual(["publish t=7 q1 #8", "publish t=8 q1 #9", "publish t=9 q1 #10"]);
  });

  test("[MQTT-4.3.3-1] what may have been sent before a crash is not dropped", () => {
    const { scene, publisher } = stage({ limits: { maximumInflight: 2, maximumQueuedMessages: 1 } });
    publisher.send(publish2("t", "1", 1), publish2("t", "2", 2));
    scene.flush();
    scene.crash();
    const again = back(scene);
    expect(again.lines().slice(1)).toEqual(["publish t=1 q2 #2 dup", "publish t=2 q2 #3 dup"]);
  });

  test("bytes count as messages do", () => {
    const { scene, subscriber, publisher } = stage({ limits: { maximumInflight: 1, maximumQueuedBytes: 100 } });
    publisher.send(...upTo(3).map((n) => publish1("t", String(n).repeat(50), n)));
    expect(scene.broker.counters.dropped.get("queue_full")).toBe(1);
    subscriber.take();
    subscriber.send(ack("puback", 2));
    expect(subscriber.lines()).toEqual([`publish t=${"3".repeat(50)} q1 #4`]);
  });
});

describe("ids in use", () => {
  /** Positions up to 65,535 further: the same packet ids again. */
  const wrap = (scene: Scene, count: number): void => {
    const other = scene.broker.sessions.get("o" as never)?.number as never;
    const message = { topicName: "o" as never, payload: new Uint8Array(0), qos: 1 as const, retain: false };
    for (let n = 0; n < count; n += 1) scene.broker.log.append(message, [{ session: other, qos: 1, retain: false }]);
  };

  function wrapped(qos: 1 | 2) {
    const { scene, subscriber, publisher } = stage();
    scene.subscriber("o", 1, ["o"], { cleanStart: false }).send(disconnect);
    publisher.send(qos === 1 ? publish1("t", "first", 1) : publish2("t", "first", 1));
    wrap(scene, 65_534);
    publisher.send(publish1("t", "second", 2));
    return { scene, subscriber, publisher };
  }

  test("[MQTT-2.2.1-3] a message whose packet id is in use waits until it is free", () => {
    const { subscriber } = wrapped(1);
    expect(subscriber.lines()).toEqual(["publish t=first q1 #2"]);
    subscriber.send(ack("puback", 2));
    expect(subscriber.lines()).toEqual(["publish t=second q1 #2"]);
  });

  test("the id of a completed QoS 2 message is free only after the commit, and then the next one goes", () => {
    const { scene, subscriber } = wrapped(2);
    subscriber.send(ack("pubrec", 2), ack("pubcomp", 2));
    expect(subscriber.lines()).toEqual(["publish t=first q2 #2", "pubrel 2"]);
    scene.flush();
    scene.pump();
    expect(subscriber.lines()).toEqual(["publish t=second q1 #2"]);
  });

  test("a commit of progress from before the completion does not free the id", () => {
    const { scene, subscriber } = wrapped(2);
    subscriber.send(ack("pubrec", 2)); // progress is pending: released, not completed
    const session = scene.broker.sessions.get("s" as ClientId) as Session;
    scene.broker.progress.get(session.number); // takes it
    session.online?.outbound.onPubcomp(2 as PacketId);
    scene.flush();
    subscriber.take();
    scene.broker.onPump(subscriber.connection, scene.nowMs);
    expect(subscriber.lines()).toEqual([]);
  });
});

describe("hibernation", () => {
  test("window, queue and acknowledgements out of order survive", () => {
    const { scene, subscriber, publisher } = stage({ limits: { maximumInflight: 2 } });
    publisher.send(...upTo(4).map((n) => publish1("t", String(n), n)));
    subscriber.send(ack("puback", 3));
    expect(subscriber.lines()).toEqual(["publish t=1 q1 #2", "publish t=2 q1 #3", "publish t=3 q1 #4"]);
    scene.hibernate();
    subscriber.send(ack("puback", 2), ack("puback", 4));
    expect(subscriber.lines()).toEqual(["publish t=4 q1 #5"]);
  });

  test("a wake for an acknowledgement needs no other session", () => {
    const { scene, subscriber, publisher } = stage({ limits: { maximumInflight: 1 } });
    publisher.send(...upTo(2).map((n) => publish1("t", String(n), n)));
    subscriber.take();
    scene.hibernate([subscriber]);
    subscriber.send(ack("puback", 2));
    expect([subscriber.lines(), scene.broker.connections.size]).toEqual([["publish t=2 q1 #3"], 1]);
  });

  test("[MQTT-4.3.3-1] a PUBREL that is owed is still owed", () => {
    const { scene, subscriber, publisher } = stage();
    publisher.send(publish2("t", "a", 1));
    subscriber.send(ack("pubrec", 2));
    scene.hibernate();
    subscriber.take();
    subscriber.send(ack("pubcomp", 2));
    scene.flush();
    subscriber.drop();
    expect(back(scene).lines()).toEqual(["connack 0 present"]);
  });
});
