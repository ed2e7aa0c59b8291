// Rules of MQTT 5 that a review found broken once: each names what went wrong for whom.

import { describe, expect, test } from "vitest";
import { accessByRules } from "../../../../src/auth/acl.ts";
import { unrestricted } from "../../../../src/core/access.ts";
import type { PacketId } from "../../../../src/core/brand.ts";
import type { ClientPacket, SubscriptionRequest } from "../../../../src/core/packet.ts";
import { defaultFeatures } from "../../../../src/core/features.ts";
import { restoreConnection, snapshotOf } from "../../../../src/core/restore.ts";
import {
  ack,
  connect,
  publish,
  publish1,
  publish2,
  request,
  Scene,
  subscribe,
  unsubscribe,
  upTo,
  will,
  type Client,
} from "../../../support/scene.ts";
import { SleepingScene } from "../../../support/sleeping-scene.ts";
import { ShardNet } from "../shard-net.ts";
import { kept, sceneWith, v5 } from "./v5.ts";

const large = "x".repeat(100);
const sixty = kept({ maximumPacketSize: 60 });

const dropped = (scene: Scene): unknown => Object.fromEntries(scene.broker.counters.dropped);

describe("a stored session that was refused a message before its shard slept", () => {
  const access = (_: string | undefined, clientId: string) =>
    clientId === "s" ? accessByRules([{ access: "readwrite", topic: "t/ok" }]) : unrestricted;

  test.each([
    { why: "as too large", more: sixty, refused: publish1("t/ok", large, 1) },
    { why: "by the ACL", more: kept(), refused: publish1("t/no", "x", 1) },
  ])("$why gets the next one", ({ more, refused }) => {
    const scene = new SleepingScene({ access });
    const subscriber = scene.subscriber("s", 1, ["t/#"], more);
    const publisher = scene.connect("p");
    scene.save();
    publisher.send(refused);
    scene.sleep();
    publisher.send(publish1("t/ok", "small", 2));
    expect(subscriber.lines()).toEqual(["publish t/ok=small q1 #3"]);
  });

  test("does not count it in its queue again", () => {
    const scene = new SleepingScene({ limits: { maximumQueuedMessages: 2, maximumInflight: 1 } });
    const subscriber = scene.subscriber("s", 1, ["t"], sixty);
    const publisher = scene.connect("p");
    scene.save();
    publisher.send(...upTo(3).map((id) => publish1("t", large, id)));
    scene.sleep();
    publisher.send(...upTo(3).map((id) => publish1("t", `${id}`, id)));
    expect([subscriber.lines(), dropped(scene)]).toEqual([["publish t=1 q1 #5"], {}]);
  });
});

test("a restored session that has messages left and room for them goes on by itself", () => {
  const scene = new Scene();
  const subscriber = scene.subscriber("s", 1, ["t"], kept());
  const snapshot = snapshotOf(subscriber.connection);
  if (snapshot === undefined) throw new Error("no snapshot");
  scene.connect("p").send(publish1("t", "x", 1));
  scene.flush();
  scene.crash();
  subscriber.connection = scene.broker.onOpen(snapshot.id, scene.nowMs);
  expect(restoreConnection(scene.broker, scene.stores, subscriber.connection, snapshot)).toBe(true);
  scene.pump();
  expect(subscriber.lines()).toEqual(["publish t=x q1 #2"]);
});

describe("[MQTT-3.3.1-1] after a crash DUP is set on what was sent", () => {
  const narrow = kept({ receiveMaximum: 1, maximumPacketSize: 60 });

  test.each([0, 5])("behind %i messages that were too large", (count) => {
    const scene = new Scene();
    const subscriber = scene.subscriber("s", 2, ["t"], narrow);
    const publisher = scene.connect("p");
    publisher.send(...upTo(count).map((id) => publish1("t", large, id)), publish2("t", "sent", 90));
    publisher.send(publish2("t", "waits", 91)); // it may have been sent since the last save, as far as a crash leaves to see
    scene.flush();
    const [sent] = subscriber.lines();
    scene.crash();
    const again = scene.open();
    again.send(connect("s", narrow));
    expect(again.lines()).toEqual(["connack 0 present", `${sent} dup`]);
    const id = Number(sent?.split("#")[1]);
    again.send(ack("pubrec", id), ack("pubcomp", id));
    scene.flush();
    scene.pump();
    expect(again.lines()).toEqual([`pubrel ${id}`, `publish t=waits q2 #${id + 1} dup`]);
  });
});

describe("properties of packets that come before the authentication verdict", () => {
  const properties = { userProperties: [["name", "x".repeat(1_000)]] as const };
  const id = 1 as PacketId;
  const early: readonly ClientPacket[] = [
    publish("t", "", { properties }),
    { kind: "subscribe", packetId: id, subscriptions: [request(0, "t")], properties },
    { kind: "unsubscribe", packetId: id, topicFilters: ["t"], properties },
    { kind: "puback", packetId: id, properties },
    { kind: "disconnect", properties },
  ];

  test.each(early)("count against the limit of bytes: $kind", (packet) => {
    const scene = new Scene({ isGuarded: true, limits: { maximumEarlyBytes: 1_000 } });
    const [stranger, patient] = [scene.open(), scene.open()];
    stranger.send(connect("a", v5()), packet);
    patient.send(connect("b", v5()), unsubscribe("t"));
    expect([stranger.lines(), patient.lines()]).toEqual([["connack 151", "close"], []]);
  });

  test("count also where they are pairs of nothing", () => {
    const scene = new Scene({ isGuarded: true });
    const stranger = scene.open();
    const pairs = upTo(10_000).map(() => ["", ""] as const);
    stranger.send(connect("a", v5()), publish("t", "", { properties: { userProperties: pairs } }));
    expect(stranger.lines()).toEqual(["connack 151", "close"]);
  });
});

describe("[MQTT-3.3.2-5] a message on its way between shards", () => {
  const expiring = (seconds: number) => ({ properties: { messageExpiryIntervalSec: seconds } });

  function apart(cutTo?: number) {
    const net = new ShardNet();
    const subtree = net.placement.subtreeOn(1);
    const subscriber = net.connect(2, v5());
    net.send(subscriber, subscribe(1, `${subtree}/a`));
    subscriber.take();
    net.isCut = (_, to) => to === cutTo;
    return { net, topic: `${subtree}/a`, subscriber, publisher: net.connect(0, v5()) };
  }

  test.each([
    ["publisher and owner", 1],
    ["owner and subscriber", 2],
  ])("that expired between %s is not delivered, and is counted", (_, cutTo) => {
    const { net, topic, subscriber, publisher } = apart(cutTo);
    net.send(publisher, publish1(topic, "old", 1, expiring(2)), publish1(topic, "young", 2, expiring(60)));
    net.pass(3);
    net.isCut = () => false;
    net.pass(5);
    net.pass(5);
    expect(subscriber.lines()).toEqual([expect.stringMatching(/=young q1/u)]);
    expect(dropped(net.at(cutTo))).toEqual({ expired: 1 });
  });

  test("with an interval of 0 reaches those who are there", () => {
    const { net, topic, subscriber, publisher } = apart();
    net.send(publisher, publish1(topic, "now", 1, expiring(0)), publish(topic, "too", expiring(0)));
    expect(subscriber.lines().map((line) => line.split("=")[1]?.split(" ")[0])).toEqual(["now", "too"]);
  });
});

describe("[MQTT-3.8.4-5] the same filter twice in one SUBSCRIBE", () => {
  const twice = (retainHandling: 1 | 2): ClientPacket => ({
    kind: "subscribe",
    packetId: 1 as PacketId,
    subscriptions: upTo(2).map(() => ({ ...request(0, "t"), retainHandling })),
  });

  test("with Retain Handling 1 brings what is retained once where the subscription is new, and not again", () => {
    const scene = new Scene();
    scene.connect("p").send(publish("t", "kept", { retain: true }));
    const client = scene.connect("s", v5());
    client.send(twice(1));
    expect(client.lines()).toEqual(["suback 0,0", "publish t=kept q0 retain"]);
    client.send(twice(1));
    expect(client.lines()).toEqual(["suback 0,0"]);
  });

  test("with Retain Handling 2 brings nothing", () => {
    const scene = new Scene();
    scene.connect("p").send(publish("t", "kept", { retain: true }));
    const client = scene.connect("s", v5());
    client.send(twice(2));
    expect(client.lines()).toEqual(["suback 0,0"]);
  });
});

describe("[MQTT-3.1.2-24] a CONNECT whose CONNACK its client has no room for", () => {
  const tooNarrow = { maximumPacketSize: 12 };

  test("is refused with 0x95 and leaves the connection of that client id alone, with its session and will", () => {
    const scene = new Scene();
    const watcher = scene.subscriber("w", 0, ["will"], v5());
    const living = scene.subscriber("s", 1, ["t"], kept({}, { will: will("will") }));
    const late = scene.open();
    late.send(connect("s", v5(tooNarrow, { cleanStart: true })));
    scene.connect("p").send(publish1("t", "x", 1));
    expect([late.lines(), living.lines(), watcher.lines()]).toEqual([
      ["connack 149", "close"],
      ["publish t=x q1 #2"],
      [],
    ]);
  });

  test("[MQTT-3.2.0-1] gets nothing of what waits for it, which stays", () => {
    const scene = new Scene();
    scene.subscriber("s", 1, ["t"], kept()).drop();
    scene.connect("p").send(publish1("t", "x", 1));
    const [narrow, wide] = [scene.open(), scene.open()];
    narrow.send(connect("s", kept(tooNarrow)));
    scene.flush();
    scene.pump();
    wide.send(connect("s", kept()));
    expect([narrow.lines(), wide.lines()]).toEqual([
      ["connack 149", "close"],
      ["connack 0 present", "publish t=x q1 #2"],
    ]);
  });
});

describe("[MQTT-3.14.4-1] a client that subscribes to its own will's topic gets nothing behind DISCONNECT", () => {
  const mortal = { will: will("will", "gone", { qos: 1 }) };
  const ends: readonly (readonly [string, number, (scene: Scene, client: Client) => void])[] = [
    ["a takeover", 0x8e, (scene) => void scene.connect("s", v5())],
    ["its keep-alive", 0x8d, (scene) => scene.pass(100)],
    ["a protocol error", 0x82, (_, client) => client.send(connect("s", v5()))],
    ["an administrator", 0x98, (scene) => void scene.broker.onDisconnectRequest("s", scene.nowMs)],
  ];

  test.each(ends)("ended by %s", (_, code, end) => {
    const scene = new Scene();
    const client = scene.subscriber("s", 1, ["will"], v5({}, mortal));
    end(scene, client);
    expect(client.lines()).toEqual([`disconnect ${code}`, "close"]);
  });

  test("a stored session keeps the will for its return, without DUP", () => {
    const scene = sceneWith({});
    const client = scene.subscriber("s", 1, ["will"], kept({}, mortal));
    client.send(connect("s", kept()));
    scene.flush();
    expect(client.lines()).toEqual(["disconnect 130", "close"]);
    const again = scene.open();
    again.send(connect("s", kept()));
    expect(again.lines()).toEqual(["connack 0 present", "publish will=gone q1 #2"]);
  });
});

describe("a shared subscription", () => {
  const access = (name: string | undefined) =>
    name === "few" ? accessByRules([{ access: "read", topic: "own/#" }]) : unrestricted;
  const options = { features: defaultFeatures };
  const shared = (more: Partial<SubscriptionRequest> = {}): ClientPacket => ({
    kind: "subscribe",
    packetId: 1 as PacketId,
    subscriptions: [{ ...request(1, "$share/g/#"), ...more }],
  });
  const payloads = (client: Client): (string | undefined)[] =>
    client.lines().map((line) => /=(?<payload>\d+)/u.exec(line)?.[1]);

  test.each([v5(), kept(), { protocolVersion: 4 as const }])(
    "gives a member only what it may receive, and the rest to others, %#",
    (more) => {
      const scene = new Scene({ options, access });
      const few = scene.connect("few", { ...more, username: "few" });
      const all = scene.connect("all", { ...more, username: "all" });
      for (const client of [few, all]) client.send(shared());
      for (const client of [few, all]) client.take();
      const publisher = scene.connect("p");
      publisher.send(...upTo(4).map((id) => publish1("secret", `${id}`, id)), publish("secret", "5"));
      scene.flush();
      expect([payloads(few), payloads(all)]).toEqual([[], ["1", "2", "3", "4", "5"]]);
    },
  );

  test("over three shards a member without the right takes nothing away from the others", () => {
    const net = new ShardNet();
    for (const { broker } of net.scenes) Object.assign(broker.options, { accessFor: access });
    const topic = `${net.placement.subtreeOn(1)}/a`;
    const [few, all] = [net.connect(0, v5({}, { username: "few" })), net.connect(2, v5({}, { username: "all" }))];
    net.send(few, shared());
    net.send(all, shared());
    for (const client of [few, all]) client.take();
    const publisher = net.connect(1, v5());
    for (const id of upTo(6)) net.send(publisher, publish1(topic, `${id}`, id));
    expect([payloads(few), payloads(all)]).toEqual([[], ["1", "2", "3", "4", "5", "6"]]);
  });

  test("[MQTT-3.3.1-13] obeys Retain As Published", () => {
    const scene = new Scene({ options });
    const client = scene.connect("s", v5());
    client.send(shared({ retainAsPublished: true }));
    client.take();
    scene.connect("p").send(publish1("t", "x", 1, { retain: true }), publish("t", "x", { retain: true }));
    expect(client.lines()).toEqual(["publish t=x q1 #1 retain", "publish t=x q0 retain"]);
  });
});
