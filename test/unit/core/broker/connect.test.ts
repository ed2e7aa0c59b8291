import { describe, expect, test } from "vitest";
import { unrestricted } from "../../../../src/core/access.ts";
import type { Connect } from "../../../../src/core/packet.ts";
import { ack, connect, disconnect, publish, publish1, Scene, subscribe, will } from "../../../support/scene.ts";

const answerTo = (packet: Connect, scene = new Scene()): string[] => {
  const client = scene.open();
  client.send(packet);
  return client.lines();
};

const stored = { cleanStart: false };

describe("refusals", () => {
  test("[MQTT-3.1.2-2] a version that is not served gets CONNACK 1", () => {
    const scene = new Scene({ options: { protocolVersions: [3, 4] } });
    expect(answerTo(connect("a", { protocolVersion: 5 }), scene)).toEqual(["connack 1", "close"]);
  });

  test("[MQTT-3.1.2-2] the answer to a version that is not served has the form of MQTT 3", () => {
    const client = new Scene({ options: { protocolVersions: [3, 4] } }).open();
    client.send(connect("a", { protocolVersion: 5 }));
    expect(client.connection.protocolVersion).toBe(4);
  });

  test("[MQTT-3.1.3-8] an empty client id with Clean Session 0 gets CONNACK 2", () => {
    expect(answerTo(connect("", stored))).toEqual(["connack 2", "close"]);
  });

  test("[MQTT-3.1.3-6] an empty client id with Clean Session 1 is given one", () => {
    const scene = new Scene();
    expect(answerTo(connect(""), scene)).toEqual(["connack 0"]);
    expect([...scene.broker.sessions.all()].map(({ clientId }) => clientId)).toEqual(["assigned"]);
  });

  test("MQTT 3.1 refuses an empty client id in any case", () => {
    expect(answerTo(connect("", { protocolVersion: 3 }))).toEqual(["connack 2", "close"]);
  });

  test("a client id of another shard gets CONNACK 2", () => {
    const scene = new Scene({ options: { isOwnClientId: () => false } });
    expect(answerTo(connect("a"), scene)).toEqual(["connack 2", "close"]);
  });

  test("a will with an invalid topic closes without CONNACK", () => {
    expect(answerTo(connect("a", { will: will("a/+") }))).toEqual(["close"]);
  });

  test("a will on a topic that the rules deny gets CONNACK 5", () => {
    const scene = new Scene({ access: () => ({ ...unrestricted, mayPublish: () => false }) });
    expect(answerTo(connect("a", { will: will("w") }), scene)).toEqual(["connack 5", "close"]);
  });

  test.each([
    [0x86, "connack 4"],
    [0x87, "connack 5"],
    [0x88, "connack 3"],
  ] as const)("a verdict %i of the authenticators becomes %s, and one line of the log", (reasonCode, answer) => {
    const scene = new Scene({ isGuarded: true });
    const client = scene.open();
    client.send(connect("a"));
    scene.broker.onAuthVerdict(client.connection, { kind: "refuse", reasonCode, detail: "no" }, scene.nowMs);
    expect([client.lines(), scene.effects.log_]).toEqual([
      [answer, "close"],
      [{ event: "connect-refused", reason: "no", reasonCode, clientId: "a" }],
    ]);
  });

  test("[MQTT-3.1.0-1] a first packet that is not CONNECT closes", () => {
    const client = new Scene().open();
    client.send(publish("t"));
    expect(client.lines()).toEqual(["close"]);
  });

  test("[MQTT-3.1.0-2] a second CONNECT closes, before the verdict and after it", () => {
    const scene = new Scene({ isGuarded: true });
    const [early, late] = [scene.open(), scene.open()];
    early.send(connect("a"), connect("a"));
    late.send(connect("b"));
    scene.admitAll();
    late.send(connect("b"));
    expect([early.lines(), late.lines()]).toEqual([["close"], ["connack 0", "close"]]);
  });

  test("a client that says nothing is closed when its time is over, others are not", () => {
    const scene = new Scene({ limits: { connectTimeoutMs: 10_000 } });
    const [silent, good] = [scene.open(), scene.connect("a")];
    expect(scene.broker.onConnectTimeout(scene.nowMs + 9_999)).toBe(1);
    expect(scene.broker.onConnectTimeout(scene.nowMs + 10_000)).toBe(0);
    expect([silent.lines(), good.lines()]).toEqual([["close"], []]);
  });
});

describe("waiting for the verdict", () => {
  test("[MQTT-3.1.4-5] packets before the verdict wait, and are answered after CONNACK in their order", () => {
    const scene = new Scene({ isGuarded: true });
    const client = scene.open();
    client.send(connect("a"), subscribe(0, "t"), publish1("t", "x", 1), { kind: "pingreq" });
    expect(client.lines()).toEqual([]);
    scene.admitAll();
    expect(client.lines()).toEqual(["connack 0", "suback 0", "publish t=x q0", "puback 1", "pingresp"]);
  });

  test("a verdict for a client that has gone changes nothing", () => {
    const scene = new Scene({ isGuarded: true });
    const client = scene.open();
    client.send(connect("a", { cleanStart: false, will: will("w") }));
    client.drop();
    scene.admitAll();
    expect([[...scene.broker.sessions.all()], scene.broker.wills.isDirty]).toEqual([[], false]);
  });

  test("a takeover waits for the verdict: one that is refused disturbs nobody", () => {
    const scene = new Scene({ isGuarded: true });
    const first = scene.open();
    first.send(connect("a"));
    scene.admitAll();
    const second = scene.open();
    second.send(connect("a"));
    expect(first.isClosed).toBe(false);
    scene.broker.onAuthVerdict(second.connection, { kind: "refuse", reasonCode: 0x86, detail: "no" }, scene.nowMs);
    expect([first.isClosed, second.lines()]).toEqual([false, ["connack 4", "close"]]);
  });

  test("what comes after the end is not read", () => {
    const client = new Scene().connect("a");
    client.send(disconnect, { kind: "pingreq" });
    expect(client.lines()).toEqual(["close"]);
  });
});

describe("sessions", () => {
  test("[MQTT-3.2.2-2] session present is 1 exactly where a stored session goes on", () => {
    const scene = new Scene();
    expect(answerTo(connect("a", stored), scene)).toEqual(["connack 0"]);
    expect(answerTo(connect("a", stored), scene)).toEqual(["connack 0 present"]);
    expect(answerTo(connect("a"), scene)).toEqual(["connack 0"]);
    expect(answerTo(connect("a", stored), scene)).toEqual(["connack 0"]);
  });

  test("MQTT 3.1 has no session present flag", () => {
    const scene = new Scene();
    scene.connect("a", { ...stored, protocolVersion: 3 });
    expect(answerTo(connect("a", { ...stored, protocolVersion: 3 }), scene)).toEqual(["connack 0"]);
  });

  test("[MQTT-3.1.2-6] Clean Session 1 discards the subscriptions and messages of the session before", () => {
    const scene = new Scene();
    scene.subscriber("s", 1, ["t"], stored).send(disconnect);
    scene.connect("p").send(publish1("t", "x", 1));
    scene.connect("s").send(disconnect);
    expect([scene.connect("s", stored).lines(), scene.broker.tree.size]).toEqual([[], 0]);
    scene.flush();
    scene.connect("p").send(publish1("t", "y", 1));
    scene.flush();
    expect(scene.broker.log.bytes).toBe(0);
  });

  test("a session of another user with the same client id is not resumed", () => {
    const scene = new Scene();
    scene.subscriber("s", 1, ["secret"], { ...stored, username: "alice" }).send(disconnect);
    scene.connect("p").send(publish1("secret", "x", 1));
    expect(answerTo(connect("s", { ...stored, username: "mallory" }), scene)).toEqual(["connack 0"]);
  });

  test("a session whose expiry has passed is not resumed, even before the sweep", () => {
    const scene = new Scene({ limits: { sessionExpiryIntervalSec: 10 } });
    scene.connect("s", stored).send(disconnect);
    scene.nowMs += 10_000;
    expect(answerTo(connect("s", stored), scene)).toEqual(["connack 0"]);
  });

  test("[MQTT-3.1.4-2] a takeover closes the first connection and keeps what was in flight", () => {
    const scene = new Scene();
    const first = scene.subscriber("s", 1, ["t"], stored);
    scene.connect("p").send(publish1("t", "x", 1));
    const second = scene.open();
    second.send(connect("s", stored));
    expect([first.lines(), second.lines()]).toEqual([
      ["publish t=x q1 #2", "close"],
      ["connack 0 present", "publish t=x q1 #2 dup"],
    ]);
  });

  test("the CONNACK of a stored session waits for the commit, that of an ephemeral one does not", () => {
    const scene = new Scene();
    const [first, second] = [scene.open(), scene.open()];
    first.send(connect("a"));
    second.send(connect("b", stored));
    expect([first.take(), second.take()]).toEqual([["connack 0"], ["~connack 0"]]);
  });

  test("numbers of stored sessions are never given twice, also after a crash", () => {
    const scene = new Scene();
    const numbers = new Set<number>();
    for (let round = 0; round < 3; round += 1) {
      scene.connect(`s${round}`, stored);
      numbers.add(scene.broker.sessions.get(`s${round}` as never)?.number ?? 0);
      scene.flush();
      scene.crash();
    }
    expect(numbers.size).toBe(3);
  });

  test("a stored session that expires takes its rows with it", () => {
    const scene = new Scene({ limits: { sessionExpiryIntervalSec: 10 } });
    const client = scene.subscriber("s", 1, ["t"], stored);
    scene.connect("p", { keepAliveSec: 0 }).send(publish1("t", "x", 1));
    client.drop();
    scene.flush();
    scene.pass(10);
    scene.flush();
    const rows = ["session", "subscription"].map((table) => scene.sql.all(`SELECT * FROM ${table}`).length);
    expect([rows, scene.broker.log.bytes]).toEqual([[0, 0], 0]);
  });

  test("[MQTT-4.1.0-1] a stored session that was on line at a crash starts to expire", () => {
    const scene = new Scene({ limits: { sessionExpiryIntervalSec: 10 } });
    scene.connect("s", stored);
    scene.flush();
    scene.crash();
    scene.pass(9);
    expect(scene.broker.sessions.storedCount).toBe(1);
    scene.pass(1);
    expect(scene.broker.sessions.storedCount).toBe(0);
  });

  test("an acknowledgement in flight at the end of a connection reaches nobody", () => {
    const scene = new Scene();
    const client = scene.connect("a");
    client.drop();
    client.send(ack("puback", 1), { kind: "pingreq" });
    expect(client.lines()).toEqual([]);
  });
});
