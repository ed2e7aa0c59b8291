// What MQTT 5 says around a connection: lifetimes, keep-alive, reasons.

import { describe, expect, test } from "vitest";
import { unrestricted } from "../../../../src/core/access.ts";
import type { ConnectProperties, Disconnect } from "../../../../src/core/packet.ts";
import {
  reasonCode,
  toConnackReasonCode,
  toDisconnectReasonCode,
  type ReasonCode,
} from "../../../../src/core/reason-code.ts";
import {
  connect,
  disconnect,
  publish,
  publish1,
  publish2,
  Scene,
  subscribe,
  will,
  type Client,
} from "../../../support/scene.ts";
import { connackTo, kept, only, sceneWith, v5 } from "./v5.ts";

const forever = 0xffff_ffff;
const v3 = { cleanStart: false };

const expiring = (sessionExpiryIntervalSec: number): Disconnect => ({
  ...(disconnect as Disconnect),
  properties: { sessionExpiryIntervalSec },
});

/** Whether the session of `s` is there when its client comes back. */
const isThere = (scene: Scene): boolean => {
  scene.broker.onTick(scene.nowMs);
  return connackTo(scene, "s", kept()).sessionPresent;
};

describe("session expiry", () => {
  test.each([
    [100, 100, undefined],
    [101, 100, 100],
    [forever, 100, 100],
    [forever, forever, undefined],
    [0, 100, undefined],
  ])("asked for %i s where %i s is the cap: CONNACK says %s", (asked, cap, told) => {
    const scene = new Scene({ limits: { maximumSessionExpiryInterval: cap } });
    const { properties } = connackTo(scene, "s", v5({ sessionExpiryIntervalSec: asked }));
    expect(properties?.sessionExpiryIntervalSec).toBe(told);
  });

  test("[MQTT-3.1.2-23] it is what CONNACK says, from the end of the connection on", () => {
    const scene = new Scene({ limits: { maximumSessionExpiryInterval: 100 } });
    const forget = (seconds: number): boolean => {
      scene.connect("s", { ...kept({ sessionExpiryIntervalSec: forever }), keepAliveSec: 0 }).drop();
      scene.pass(seconds);
      return isThere(scene);
    };
    expect([forget(99), forget(100)]).toEqual([true, false]);
  });

  test("one that never expires is there after years, also where a crash comes between", () => {
    const scene = new Scene();
    scene.connect("s", kept({ sessionExpiryIntervalSec: forever })).drop();
    scene.flush();
    scene.crash();
    scene.pass(10 * 365 * 24 * 3600);
    expect(isThere(scene)).toBe(true);
  });

  test("DISCONNECT replaces it, longer and shorter", () => {
    const scene = new Scene();
    scene.connect("s", kept({ sessionExpiryIntervalSec: 10 })).send(expiring(100));
    scene.pass(99);
    expect(isThere(scene)).toBe(true);
    scene.connect("s", kept({ sessionExpiryIntervalSec: 100 })).send(expiring(10));
    scene.pass(10);
    expect(isThere(scene)).toBe(false);
  });

  test("DISCONNECT with 0 ends the session at once, and its delayed will goes out", () => {
    const scene = new Scene();
    const watcher = scene.subscriber("w", 0, ["will"], v5());
    const testament = { ...will("will"), willDelayIntervalSec: 1000 };
    const client = scene.connect("s", kept({}, { will: testament }));
    client.send({ ...expiring(0), reasonCode: reasonCode.disconnectWithWill });
    expect(watcher.lines()).toEqual(["publish will=gone q0"]);
    expect(isThere(scene)).toBe(false);
  });

  test("the cap holds for DISCONNECT too", () => {
    const scene = new Scene({ limits: { maximumSessionExpiryInterval: 100 } });
    scene.connect("s", kept({ sessionExpiryIntervalSec: 10 })).send(expiring(forever));
    scene.pass(100);
    expect(isThere(scene)).toBe(false);
  });

  test("it survives a crash as DISCONNECT said it", () => {
    const scene = new Scene();
    scene.connect("s", kept({ sessionExpiryIntervalSec: 10 })).send(expiring(100));
    scene.flush();
    scene.crash();
    scene.pass(99);
    expect(isThere(scene)).toBe(true);
  });

  test("DISCONNECT may not give life to a session that CONNECT gave none: 0x82, and it ends with its will", () => {
    const scene = new Scene();
    const watcher = scene.subscriber("w", 0, ["will"], v5());
    for (const properties of [{}, { sessionExpiryIntervalSec: 0 }]) {
      const client = scene.connect("s", v5(properties, { will: will("will") }));
      client.send(expiring(1));
      expect([client.lines(), watcher.lines()]).toEqual([["disconnect 130", "close"], ["publish will=gone q0"]]);
    }
    const again = scene.connect("s", v5());
    again.send(expiring(0));
    expect(again.lines()).toEqual(["close"]);
  });

  test("nor where the connection slept in between", () => {
    const scene = new Scene();
    const client = scene.connect("s", v5());
    scene.hibernate();
    client.send(expiring(1));
    expect(client.lines()).toEqual(["disconnect 130", "close"]);
  });

  test("Clean Start decides about the session before, the interval about the one that begins", () => {
    const scene = new Scene();
    scene.subscriber("s", 1, ["t"], kept()).drop();
    const fresh = scene.connect("s", kept({}, { cleanStart: true }));
    scene.connect("p", v5()).send(publish1("t", "x", 1));
    expect(fresh.lines()).toEqual([]);
    fresh.drop();
    expect(isThere(scene)).toBe(true);
  });
});

describe("versions may change between connections", () => {
  test("a v3 session goes on as a v5 one, and back; each connection brings its own lifetime", () => {
    const scene = new Scene({ limits: { sessionExpiryIntervalSec: 10 } });
    scene.subscriber("s", 1, ["t"], v3).drop();
    scene.connect("p", v5()).send(publish1("t", "1", 1));
    const later = scene.open();
    later.send(connect("s", kept()));
    expect(later.lines()).toEqual(["connack 0 present", "publish t=1 q1 #2"]);
    later.drop();
    scene.pass(11);
    const back = scene.open();
    back.send(connect("s", v3));
    expect(back.lines()).toEqual(["connack 0 present", "publish t=1 q1 #2 dup"]);
    back.drop();
    scene.pass(10);
    expect(isThere(scene)).toBe(false);
  });

  test("a v3 client with Clean Session 0 that comes back as v5 without an interval: the session ends with that connection", () => {
    const scene = new Scene();
    scene.connect("s", v3).drop();
    scene.connect("s", v5({}, { cleanStart: false })).drop();
    expect(isThere(scene)).toBe(false);
  });
});

describe("SERVER_KEEP_ALIVE", () => {
  const limits = { serverKeepAlive: 10 };

  test.each([0, 11, 60])(
    "[MQTT-3.1.2-21] a v5 client that asks for %i s is told 10 s, and held to it",
    (keepAliveSec) => {
      const scene = new Scene({ limits });
      const client = scene.connect("a", v5({}, { keepAliveSec }));
      expect(only(client, "connack").properties?.serverKeepAliveSec).toBe(10);
      scene.pass(14);
      expect(client.lines()).toEqual([]);
      scene.pass(1);
      expect(client.lines()).toEqual(["disconnect 141", "close"]);
    },
  );

  test.each([10, 6])("[MQTT-3.1.2-22] one that asks for %i s is held to that, and told nothing", (keepAliveSec) => {
    const scene = new Scene({ limits });
    const client = scene.connect("a", v5({}, { keepAliveSec }));
    expect(only(client, "connack").properties).not.toHaveProperty("serverKeepAliveSec");
    scene.pass(keepAliveSec * 1.5 - 1);
    expect(client.lines()).toEqual([]);
    scene.pass(1);
    expect(client.lines()).toEqual(["disconnect 141", "close"]);
  });

  test("a v3 client keeps its own", () => {
    const scene = new Scene({ limits });
    const client = scene.connect("a", { keepAliveSec: 20 });
    scene.pass(29);
    expect(client.lines()).toEqual([]);
    scene.pass(1);
    expect(client.lines()).toEqual(["close"]);
  });

  test("0 leaves every client its own, and says nothing", () => {
    const scene = new Scene();
    const client = scene.connect("a", v5({}, { keepAliveSec: 20 }));
    expect(only(client, "connack").properties).not.toHaveProperty("serverKeepAliveSec");
    scene.pass(29);
    expect(client.lines()).toEqual([]);
    scene.pass(1);
    expect(client.lines()).toEqual(["disconnect 141", "close"]);
  });

  test("it holds over a hibernation", () => {
    const scene = new Scene({ limits });
    const client = scene.connect("a", v5({}, { keepAliveSec: 60 }));
    scene.hibernate();
    scene.pass(16);
    expect(client.lines()).toEqual(["disconnect 141", "close"]);
  });
});

describe("MAXIMUM_CONNECT_TIME", () => {
  test("counts from CONNACK, whatever the client does, over a hibernation too", () => {
    const scene = new Scene({ limits: { maximumConnectTime: 100 } });
    const client = scene.connect("a", v5());
    scene.pass(50);
    client.send({ kind: "pingreq" });
    scene.hibernate();
    client.send({ kind: "pingreq" });
    scene.pass(49);
    expect(client.lines()).toEqual(["pingresp"]);
    scene.pass(1);
    expect(client.lines()).toEqual(["disconnect 160", "close"]);
  });

  test("the shard is woken for it, also where no keep-alive would wake it", () => {
    const scene = new Scene({ limits: { maximumConnectTime: 100 } });
    scene.connect("a", v5({}, { keepAliveSec: 0 }));
    expect(scene.effects.wakes).toContain(scene.nowMs + 100_000);
  });

  test("the will is published, the session stays", () => {
    const scene = new Scene({ limits: { maximumConnectTime: 100 } });
    const old = scene.connect("s", kept({}, { keepAliveSec: 0, will: will("will") }));
    scene.pass(99);
    const watcher = scene.subscriber("w", 0, ["will"], v5());
    scene.pass(1);
    expect([old.isClosed, watcher.lines()]).toEqual([true, ["publish will=gone q0"]]);
    expect(isThere(scene)).toBe(true);
  });
});

describe("reasons", () => {
  const deny = { access: () => ({ ...unrestricted, mayPublish: () => false, maySubscribe: () => false }) };
  const silent = { requestProblemInformation: false };

  const answers = (properties: ConnectProperties): Client => {
    const client = new Scene(deny).connect("a", v5(properties));
    client.packets();
    client.send(publish1("t", "x", 1), publish2("t", "x", 2));
    return client;
  };

  test("a PUBACK and a PUBREC that refuse say why", () => {
    expect(answers({}).packets()).toEqual([
      {
        kind: "puback",
        packetId: 1,
        reasonCode: 0x87,
        properties: { reasonString: "the access rules do not allow it" },
      },
      {
        kind: "pubrec",
        packetId: 2,
        reasonCode: 0x87,
        properties: { reasonString: "the access rules do not allow it" },
      },
    ]);
  });

  test("[MQTT-3.1.2-29] not where the client wants no problem information", () => {
    expect(answers(silent).packets()).toEqual([
      { kind: "puback", packetId: 1, reasonCode: 0x87 },
      { kind: "pubrec", packetId: 2, reasonCode: 0x87 },
    ]);
  });

  test("[MQTT-3.1.2-29] that is remembered over a hibernation", () => {
    const scene = new Scene(deny);
    const client = scene.connect("a", v5(silent));
    scene.hibernate();
    client.send(publish1("t", "x", 1));
    expect(only(client, "puback")).not.toHaveProperty("properties");
  });

  test("CONNACK and DISCONNECT say why in any case", () => {
    const refused = connackTo(new Scene({ options: { isOwnClientId: () => false } }), "a", v5(silent));
    expect(refused.properties).toEqual({ reasonString: "the client id belongs to another shard" });
    const client = new Scene().connect("a", v5(silent));
    client.send(publish("a/+"));
    expect(only(client, "disconnect").properties?.reasonString).toBeTypeOf("string");
  });

  test("what an authenticator says is for the log alone", () => {
    const scene = new Scene({ isGuarded: true });
    const client = scene.open();
    client.send(connect("a", v5()));
    const verdict = { kind: "refuse", reasonCode: 0x86, detail: "no such user" } as const;
    scene.broker.onAuthVerdict(client.connection, verdict, scene.nowMs);
    expect(only(client, "connack")).toEqual({ kind: "connack", sessionPresent: false, code: 0x86, properties: {} });
    expect(scene.effects.log_).toMatchObject([{ event: "connect-refused", reason: "no such user" }]);
  });

  test("a refused CONNACK never says that a session is present [MQTT-3.2.2-6]", () => {
    const scene = new Scene({ isGuarded: true });
    scene.open().send(connect("s", kept()));
    scene.admitAll();
    const second = scene.open();
    second.send(connect("s", kept()));
    const verdict = { kind: "refuse", reasonCode: 0x87, detail: "" } as const;
    scene.broker.onAuthVerdict(second.connection, verdict, scene.nowMs);
    expect(only(second, "connack")).toMatchObject({ sessionPresent: false, code: 0x87 });
  });
});

describe("reason codes that a packet does not have are told by the nearest that it has", () => {
  const all = Object.values(reasonCode).filter((code) => code >= 0x80);

  test("[MQTT-3.14.2-1] DISCONNECT", () => {
    // Table 3-10 of the standard, what a server may send.
    const table = new Set<number>([
      0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8b, 0x8d, 0x8e, 0x8f, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a,
      0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2,
    ]);
    for (const code of all) expect([code, table.has(toDisconnectReasonCode(code))]).toEqual([code, true]);
    for (const code of table) expect(toDisconnectReasonCode(code as ReasonCode)).toBe(code);
  });

  test("[MQTT-3.2.2-8] CONNACK", () => {
    // Table 3-1 of the standard.
    const table = new Set<number>([
      0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8c, 0x90, 0x95, 0x97, 0x99, 0x9a, 0x9b, 0x9c,
      0x9d, 0x9f,
    ]);
    for (const code of all) expect([code, table.has(toConnackReasonCode(code))]).toEqual([code, true]);
    for (const code of table) expect(toConnackReasonCode(code as ReasonCode)).toBe(code);
  });
});

test("a SUBSCRIBE that the rules deny gets 0x87, one of a v3 client 0x80", () => {
  const scene = new Scene({ access: () => ({ ...unrestricted, maySubscribe: (filter) => filter !== "no" }) });
  const [five, three] = [scene.connect("a", v5()), scene.connect("b")];
  for (const client of [five, three]) client.send(subscribe(1, "yes", "no"));
  expect([five.lines(), three.lines()]).toEqual([["suback 1,135"], ["suback 1,128"]]);
});

test("a will on a topic that the rules deny is refused with 0x87", () => {
  const scene = sceneWith({}, {}, { access: () => ({ ...unrestricted, mayPublish: () => false }) });
  expect(connackTo(scene, "a", v5({}, { will: will("w") })).code).toBe(0x87);
});
