// How a server of MQTT 5 ends connections of its own accord: takeover, an administrator's request, shutdown.

import { describe, expect, test } from "vitest";
import { connect, publish1, Scene, will } from "../../../support/scene.ts";
import { connackTo, kept, v5 } from "./v5.ts";

/** Whether the session of `s` is there when its client comes back. */
const isThere = (scene: Scene): boolean => connackTo(scene, "s", kept()).sessionPresent;

describe("the server ends connections", () => {
  test("[MQTT-3.1.4-3] a takeover tells the first connection 0x8E", () => {
    const scene = new Scene();
    const first = scene.connect("a", v5());
    scene.connect("a", v5());
    expect(first.lines()).toEqual(["disconnect 142", "close"]);
  });

  test("an administrator's request tells 0x98, publishes the will and leaves the session", () => {
    const scene = new Scene();
    const watcher = scene.subscriber("w", 0, ["will"], v5());
    const client = scene.connect("s", kept({}, { will: will("will") }));
    expect(scene.broker.onDisconnectRequest("s", scene.nowMs)).toBe(true);
    expect([client.lines(), watcher.lines()]).toEqual([["disconnect 152", "close"], ["publish will=gone q0"]]);
    expect(scene.broker.onDisconnectRequest("s", scene.nowMs)).toBe(false);
    expect(isThere(scene)).toBe(true);
  });

  test("an administrator's request finds nobody of an unknown name, and no session that is off line", () => {
    const scene = new Scene();
    scene.connect("s", kept()).drop();
    expect(["s", "nobody"].map((id) => scene.broker.onDisconnectRequest(id, scene.nowMs))).toEqual([false, false]);
  });

  test("a v3 client is closed by the request without a packet", () => {
    const scene = new Scene();
    const client = scene.connect("a");
    scene.broker.onDisconnectRequest("a", scene.nowMs);
    expect(client.lines()).toEqual(["close"]);
  });
});

describe("shutdown", () => {
  test("v5 clients are told 0x8B, v3 clients closed, and nobody is heard any more", () => {
    const scene = new Scene();
    const [five, three] = [scene.connect("a", v5()), scene.connect("b")];
    scene.broker.onShutdown(scene.nowMs);
    for (const client of [five, three]) client.send({ kind: "pingreq" });
    expect([five.lines(), three.lines()]).toEqual([["disconnect 139", "close"], ["close"]]);
  });

  test("no will is published, then or when the sockets close; it waits out the grace time after the next start", () => {
    const scene = new Scene({ limits: { willGraceMs: 20_000 } });
    const watcher = scene.subscriber("w", 1, ["will"], kept());
    const mortal = scene.connect("m", v5({}, { will: will("will", "gone", { qos: 1 }) }));
    scene.broker.onShutdown(scene.nowMs);
    for (const client of [mortal, watcher]) client.drop();
    scene.flush();
    expect([scene.broker.counters.willsPublished, mortal.lines()]).toEqual([0, ["disconnect 139", "close"]]);
    scene.crash();
    const back = scene.connect("w", kept());
    scene.pass(19);
    expect(back.lines()).toEqual([]);
    scene.pass(1);
    expect(back.lines()).toEqual(["publish will=gone q1 #2"]);
  });

  test("[MQTT-3.1.3-9] a client that is back within the grace time keeps its will", () => {
    const scene = new Scene({ limits: { willGraceMs: 20_000 } });
    scene.subscriber("w", 1, ["will"], kept());
    scene.connect("m", kept({}, { will: will("will", "gone", { qos: 1 }) }));
    scene.broker.onShutdown(scene.nowMs);
    scene.flush();
    scene.crash();
    scene.connect("m", kept({}, { keepAliveSec: 0 }));
    scene.pass(30);
    const watcher = scene.open();
    watcher.send(connect("w", kept()));
    expect(watcher.lines()).toEqual(["connack 0 present"]);
  });

  test("stored sessions go on at the next start: subscriptions, and what was in flight comes again", () => {
    const scene = new Scene();
    const subscriber = scene.subscriber("s", 1, ["t"], kept());
    scene.connect("p", v5()).send(publish1("t", "1", 1));
    expect(subscriber.lines()).toEqual(["publish t=1 q1 #2"]);
    scene.broker.onShutdown(scene.nowMs);
    scene.flush();
    scene.crash();
    const back = scene.open();
    back.send(connect("s", kept()));
    scene.connect("p", v5()).send(publish1("t", "2", 1));
    expect(back.lines()).toEqual([
      "connack 0 present",
      "publish t=1 q1 #2 dup",
      expect.stringMatching(/^publish t=2 q1/u),
    ]);
  });

  test("who has not got a CONNACK yet is left alone", () => {
    const scene = new Scene({ isGuarded: true });
    const client = scene.open();
    client.send(connect("a", v5()));
    scene.broker.onShutdown(scene.nowMs);
    expect(client.lines()).toEqual([]);
  });
});
