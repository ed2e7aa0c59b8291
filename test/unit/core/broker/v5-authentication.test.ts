// Enhanced authentication (§4.12) as the core keeps it: whose turn it is. The authenticator's part is played by the test.

import { describe, expect, test } from "vitest";
import type { ExchangeVerdict } from "../../../../src/core/authentication.ts";
import type { ExchangeStep } from "../../../../src/core/effect.ts";
import type { Auth, ClientPacket, Connect, ServerPacket } from "../../../../src/core/packet.ts";
import { connect, disconnect, publish, publish1, Scene, subscribe, will, type Client } from "../../../support/scene.ts";
import { connackTo, kept, only, v5 } from "./v5.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const method = "PUZZLE";

const goOn = (data: string, state = `${data}-state`): ExchangeVerdict => ({
  kind: "continue",
  data: bytes(data),
  state: bytes(state),
});
const allow: ExchangeVerdict = { kind: "allow", username: "alice", data: bytes("bye") };
const refuse = (reasonCode: 0x86 | 0x87 | 0x8c = 0x87): ExchangeVerdict => ({
  kind: "refuse",
  reasonCode,
  detail: "secret",
});

const auth = (reasonCode: Auth["reasonCode"], data = "", authenticationMethod = method): Auth => ({
  kind: "auth",
  reasonCode,
  properties: { authenticationMethod, authenticationData: bytes(data) },
});
const answer = (data: string): Auth => auth(0x18, data);
const renew = (data: string): Auth => auth(0x19, data);

const named = (more: Partial<Connect> = {}): Partial<Connect> =>
  v5({ authenticationMethod: method, authenticationData: bytes("hello") }, more);

interface Stage {
  readonly scene: Scene;
  readonly client: Client;
  /** The steps that the authenticator was asked since the last time. */
  steps(): ExchangeStep[];
  says(verdict: ExchangeVerdict): void;
}

function stage(clientId = "a", more = named(), scene = new Scene()): Stage {
  const client = scene.open();
  client.send(connect(clientId, more));
  return {
    scene,
    client,
    steps: () => scene.effects.steps.splice(0).map(([, step]) => step),
    says: (verdict) => scene.broker.onExchangeVerdict(client.connection, verdict, scene.nowMs),
  };
}

/** A client that has got in; nothing of how is left to be taken. */
function admitted(more?: Partial<Connect>, scene?: Scene): Stage {
  const one = stage("a", more, scene);
  one.says(allow);
  one.steps();
  one.client.packets();
  if (!one.client.lines().includes("connack 0")) throw new Error("not let in");
  return one;
}

const authPacket = (reasonCode: number, data: string): ServerPacket =>
  ({
    kind: "auth",
    reasonCode,
    properties: { authenticationMethod: method, authenticationData: bytes(data) },
  }) as ServerPacket;

describe("CONNECT with a method", () => {
  test("[MQTT-4.12.0-2] every step goes to the authenticator with what it gave before, and its answer to the client", () => {
    const { client, steps, says } = stage();
    expect(steps()).toEqual([{ clientId: "a", method, data: bytes("hello") }]);
    says(goOn("one"));
    client.send(answer("1"));
    expect(steps()).toEqual([{ clientId: "a", method, data: bytes("1"), state: bytes("one-state") }]);
    says(goOn("two"));
    client.send(answer("2"));
    expect(steps()).toEqual([{ clientId: "a", method, data: bytes("2"), state: bytes("two-state") }]);
    expect(client.packets()).toEqual([authPacket(0x18, "one"), authPacket(0x18, "two")]);
    expect(client.lines()).toEqual(["auth 24", "auth 24"]);
  });

  test("[MQTT-4.12.0-5] CONNACK has the method and the last data, and the user is who the authenticator says", () => {
    const { scene, client, says } = stage("a", named({ username: "mallory" }));
    says(allow);
    const { code, properties } = only(client, "connack");
    expect([code, properties]).toEqual([
      0,
      expect.objectContaining({ authenticationMethod: method, authenticationData: bytes("bye") }),
    ]);
    expect(scene.broker.sessions.get("a" as never)?.username).toBe("alice");
  });

  test("an authenticator may have nothing to say at the end", () => {
    const { client, says } = stage();
    says({ kind: "allow" });
    expect(only(client, "connack").properties).not.toHaveProperty("authenticationData");
  });

  test("a method without data is asked for all the same", () => {
    const { steps } = stage("a", v5({ authenticationMethod: method }));
    expect(steps()).toEqual([{ clientId: "a", method }]);
  });

  test("user name and password are not asked for where there is a method", () => {
    const { scene } = stage("a", named({ username: "u", password: bytes("p") }), new Scene({ isGuarded: true }));
    expect([scene.effects.asked, scene.effects.steps.length]).toEqual([[], 1]);
  });

  test("[MQTT-4.12.0-6] without a method no AUTH is sent, and CONNACK names none", () => {
    const client = new Scene().open();
    client.send(connect("a", v5()));
    expect(client.lines()).toEqual(["connack 0"]);
    expect(only(client, "connack").properties).not.toHaveProperty("authenticationMethod");
  });

  test.each([0x86, 0x87, 0x8c] as const)(
    "[MQTT-4.12.0-4] a refusal %i is told in CONNACK without the detail, at once or later",
    (reasonCode) => {
      for (const rounds of [0, 1]) {
        const { scene, client, says } = stage();
        for (let round = 0; round < rounds; round += 1) {
          says(goOn("x"));
          client.send(answer("y"));
        }
        says(refuse(reasonCode));
        expect(client.packets().at(-1)).toEqual({
          kind: "connack",
          sessionPresent: false,
          code: reasonCode,
          properties: {},
        });
        expect([client.isClosed, scene.effects.log_.at(-1)?.reason]).toEqual([true, "secret"]);
      }
    },
  );

  test("a CONNECT that is wrong in itself is refused before the authenticator is asked", () => {
    const { client, steps } = stage("a", named({ will: will("a/+") }));
    expect([client.lines(), steps()]).toEqual([["connack 144", "close"], []]);
  });

  test("it disturbs nobody until it is over: no takeover, no session, no will", () => {
    const scene = new Scene();
    const first = scene.connect("a", kept());
    const { client, says } = stage("a", named({ will: will("w") }), scene);
    says(goOn("x"));
    expect([first.isClosed, scene.broker.wills.isDirty]).toEqual([false, false]);
    client.send(answer("y"));
    says(refuse());
    expect(first.isClosed).toBe(false);
  });

  test("a session of the user is resumed, one of somebody else is not", () => {
    const scene = new Scene();
    const more = { ...named(), cleanStart: false };
    const properties = { ...more.properties, sessionExpiryIntervalSec: 100 };
    const arrive = (username: string): boolean => {
      const { client, says } = stage("a", { ...more, properties }, scene);
      says({ kind: "allow", username });
      const { sessionPresent } = only(client, "connack");
      client.send(disconnect);
      return sessionPresent;
    };
    expect([arrive("alice"), arrive("alice"), arrive("bob")]).toEqual([false, true, false]);
  });
});

describe("before CONNACK", () => {
  const others: [string, ClientPacket][] = [
    ["CONNECT", connect("a", v5())],
    ["PUBLISH", publish("t")],
    ["SUBSCRIBE", subscribe(0, "t")],
    ["PINGREQ", { kind: "pingreq" }],
  ];

  test.each(others)("[MQTT-3.1.2-30] %s ends it with 0x82, whoever's turn it is", (_, packet) => {
    for (const isClientsTurn of [false, true]) {
      const { client, says } = stage();
      if (isClientsTurn) says(goOn("x"));
      client.send(packet);
      says(allow);
      expect(client.lines().slice(isClientsTurn ? 1 : 0)).toEqual(["connack 130", "close"]);
    }
  });

  test("AUTH out of turn ends it with 0x82: before the first answer, and two to one answer", () => {
    const early = stage();
    early.client.send(answer("early"));
    early.says(allow);
    expect(early.client.lines()).toEqual(["connack 130", "close"]);
    const twice = stage();
    twice.says(goOn("one"));
    twice.client.send(answer("1"), answer("1"));
    twice.says(allow);
    expect(twice.client.lines()).toEqual(["auth 24", "connack 130", "close"]);
  });

  test.each([
    ["another method", auth(0x18, "x", "OTHER")],
    ["no method", { kind: "auth", reasonCode: 0x18 } as const],
    ["a start of re-authentication", renew("x")],
    ["success", auth(0x00, "x")],
  ])("[MQTT-4.12.0-3] AUTH with %s ends it with 0x82, and the authenticator is not asked", (_, packet) => {
    const { client, steps, says } = stage();
    says(goOn("x"));
    steps();
    client.send(packet);
    expect([client.lines(), steps()]).toEqual([["auth 24", "connack 130", "close"], []]);
  });

  test("DISCONNECT ends it without an answer; no will, no session", () => {
    const { scene, client, says } = stage("a", named({ will: will("w") }));
    says(goOn("x"));
    client.send(disconnect);
    says(allow);
    expect([client.lines(), [...scene.broker.sessions.all()]]).toEqual([["auth 24", "close"], []]);
    expect(scene.broker.wills.isDirty).toBe(false);
  });

  test.each([goOn("x"), allow, refuse()])("a verdict $kind for a client that has gone changes nothing", (verdict) => {
    const { scene, client, says } = stage();
    client.drop();
    says(verdict);
    expect([client.lines(), [...scene.broker.sessions.all()], scene.effects.owing.size]).toEqual([[], [], 0]);
  });

  test("an AUTH without a CONNECT closes", () => {
    const client = new Scene().open();
    client.send(answer("x"));
    expect(client.lines()).toEqual(["close"]);
  });
});

describe("the time to answer", () => {
  const limits = { connectTimeoutMs: 10_000 };
  const scene = (): Scene => new Scene({ limits });

  test("runs for each AUTH that the client owes, and ends the connection with 0x87", () => {
    const { scene: own, client, says } = stage("a", named(), scene());
    says(goOn("one"));
    expect(own.effects.owing).toEqual(new Set([client.connection]));
    own.nowMs += 9_999;
    client.send(answer("1"));
    says(goOn("two"));
    expect(own.broker.onConnectTimeout(own.nowMs + 9_999)).toBe(1);
    expect(client.isClosed).toBe(false);
    expect(own.broker.onConnectTimeout(own.nowMs + 10_000)).toBe(0);
    expect(client.lines()).toEqual(["auth 24", "auth 24", "connack 135", "close"]);
  });

  test("does not run while the authenticator thinks, at first and later", () => {
    const { scene: own, client, says } = stage("a", named(), scene());
    expect([own.broker.onConnectTimeout(own.nowMs + 60_000), client.isClosed]).toEqual([0, false]);
    says(goOn("one"));
    client.send(answer("1"));
    expect([own.broker.onConnectTimeout(own.nowMs + 60_000), client.isClosed]).toEqual([0, false]);
    says(allow);
    expect(client.lines()).toEqual(["auth 24", "connack 0"]);
  });

  test("is over with the exchange", () => {
    const { scene: own, client, says } = stage("a", named(), scene());
    says(goOn("x"));
    client.send(answer("y"));
    says(allow);
    expect([own.broker.onConnectTimeout(own.nowMs + 60_000), client.isClosed]).toEqual([0, false]);
  });

  test("runs in a re-authentication too: DISCONNECT 0x87", () => {
    const { scene: own, client, says } = admitted(named(), scene());
    client.send(renew("x"));
    says(goOn("one"));
    expect(own.broker.onConnectTimeout(own.nowMs + 9_999)).toBe(1);
    expect(own.broker.onConnectTimeout(own.nowMs + 10_000)).toBe(0);
    expect(client.lines()).toEqual(["auth 24", "disconnect 135", "close"]);
  });
});

describe("re-authentication", () => {
  test("[MQTT-4.12.1-1] goes step by step as the first one, as the user who is known, and ends with AUTH 0x00", () => {
    const { client, steps, says } = admitted();
    client.send(renew("again"));
    says(goOn("one"));
    client.send(answer("1"));
    says(allow);
    expect(steps()).toEqual([
      { clientId: "a", username: "alice", method, data: bytes("again") },
      { clientId: "a", username: "alice", method, data: bytes("1"), state: bytes("one-state") },
    ]);
    expect(client.packets()).toEqual([authPacket(0x18, "one"), authPacket(0x00, "bye")]);
    expect(client.isClosed).toBe(false);
  });

  test("may be done again, and starts from the beginning", () => {
    const { client, steps, says } = admitted();
    for (let round = 0; round < 2; round += 1) {
      client.send(renew("again"));
      says(goOn("one"));
      client.send(answer("1"));
      says(allow);
    }
    expect(steps()[2]).toEqual({ clientId: "a", username: "alice", method, data: bytes("again") });
  });

  test("[MQTT-4.12.1-2] where it fails the connection ends with the code and without the detail; the will goes out", () => {
    const scene = new Scene();
    const watcher = scene.subscriber("w", 0, ["will"], v5());
    const { client, says } = admitted(named({ will: will("will") }), scene);
    client.send(renew("x"));
    says(refuse());
    expect(client.packets()).toEqual([{ kind: "disconnect", reasonCode: 0x87, properties: {} }]);
    expect([client.isClosed, watcher.lines()]).toEqual([true, ["publish will=gone q0"]]);
  });

  test("messages flow while it runs, in both directions, and keep flowing", () => {
    const { scene, client, says } = admitted();
    const other = scene.connect("b", v5());
    client.send(subscribe(1, "t"));
    client.send(renew("x"));
    client.send(publish1("t", "1", 1));
    says(goOn("one"));
    other.send(publish1("t", "2", 1));
    client.send(answer("1"), { kind: "pingreq" });
    says(allow);
    client.send(publish("t", "3"));
    expect(client.lines()).toEqual([
      "suback 1",
      "publish t=1 q1 #1",
      "puback 1",
      "auth 24",
      "publish t=2 q1 #2",
      "pingresp",
      "auth 0",
      "publish t=3 q0",
    ]);
  });

  test.each([
    ["another method", auth(0x19, "x", "OTHER")],
    ["no method", { kind: "auth", reasonCode: 0x19 } as const],
    ["an answer to nothing", answer("x")],
    ["success", auth(0x00, "x")],
  ])("[MQTT-4.12.1-1] AUTH with %s ends the connection with 0x82", (_, packet) => {
    const { client, steps } = admitted();
    client.send(packet);
    expect([client.lines(), steps()]).toEqual([["disconnect 130", "close"], []]);
  });

  test.each([
    ["a second start", renew("x")],
    ["another method", auth(0x18, "x", "OTHER")],
  ])("in the middle of it %s ends the connection with 0x82, whoever's turn it is", (_, packet) => {
    for (const isClientsTurn of [false, true]) {
      const { client, says } = admitted();
      client.send(renew("x"));
      if (isClientsTurn) says(goOn("one"));
      client.send(packet);
      expect(client.lines().slice(isClientsTurn ? 1 : 0)).toEqual(["disconnect 130", "close"]);
    }
  });

  test("[MQTT-4.12.0-7] AUTH of a client that named no method ends the connection with 0x82", () => {
    for (const packet of [renew("x"), answer("x")]) {
      const client = new Scene().connect("a", v5());
      client.send(packet);
      expect(client.lines()).toEqual(["disconnect 130", "close"]);
    }
  });

  test("starts after a hibernation as before it", () => {
    const { scene, client, steps } = admitted();
    scene.hibernate();
    client.send(renew("x"));
    expect(scene.effects.steps.splice(0).map(([, step]) => step)).toEqual([
      { clientId: "a", username: "alice", method, data: bytes("x") },
    ]);
    client.send(auth(0x18, "x"));
    expect([client.lines(), steps()]).toEqual([["disconnect 130", "close"], []]);
  });

  describe.each([goOn("x"), allow, refuse()])("a verdict $kind", (verdict) => {
    test.each<[string, (one: Stage) => void]>([
      ["whose socket is lost", ({ client }) => client.drop()],
      ["that has said DISCONNECT", ({ client }) => client.send(disconnect)],
      ["whose client id another connection has", ({ scene }) => void connackTo(scene, "a", v5())],
    ])("for a client %s changes nothing", (_, leave) => {
      const one = admitted();
      one.client.send(renew("x"));
      leave(one);
      one.client.take();
      const logged = one.scene.effects.log_.length;
      one.says(verdict);
      expect([one.client.lines(), one.scene.effects.owing.size]).toEqual([[], 0]);
      expect(one.scene.effects.log_).toHaveLength(logged);
    });
  });
});
