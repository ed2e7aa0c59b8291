import { describe, expect, test } from "vitest";
import { connect, disconnect, publish, Scene, will, type Client } from "../../../support/scene.ts";

const rows = (scene: Scene): number => {
  scene.flush();
  return scene.sql.all("SELECT * FROM will").length;
};

function stage(): { scene: Scene; witness: Client; client: Client } {
  const scene = new Scene();
  const witness = scene.subscriber("w", 1, ["will"], { keepAliveSec: 0 });
  const client = scene.connect("c", { will: will("will", "gone", { qos: 1 }), keepAliveSec: 10 });
  return { scene, witness, client };
}

describe("wills", () => {
  test("[MQTT-3.1.2-7] the will is one row until the end, and the CONNACK waits for it", () => {
    const scene = new Scene();
    const client = scene.open();
    client.send(connect("c", { will: will("will") }));
    expect([client.take(), rows(scene)]).toEqual([["~connack 0"], 1]);
    client.send(disconnect);
    expect(rows(scene)).toBe(0);
  });

  test.each<[string, (stage: { scene: Scene; client: Client }) => void]>([
    ["abrupt loss", ({ client }) => client.drop()],
    ["a protocol error", ({ client }) => client.send(connect("c"))],
    ["an invalid topic", ({ client }) => client.send(publish("a/#"))],
    ["the keep-alive", ({ scene }) => scene.pass(15)],
    ["a takeover", ({ scene }) => void scene.connect("c")],
  ])("[MQTT-3.1.2-8] %s publishes the will, once", (_, end) => {
    const { scene, witness, client } = stage();
    end({ scene, client });
    client.drop();
    expect([witness.lines(), rows(scene)]).toEqual([["publish will=gone q1 #1"], 0]);
  });

  test("[MQTT-3.1.2-10] DISCONNECT discards it", () => {
    const { scene, witness, client } = stage();
    client.send(disconnect);
    client.drop();
    expect([witness.lines(), rows(scene)]).toEqual([[], 0]);
  });

  test("[MQTT-3.1.2-24] the keep-alive counts from the last packet: 1.5 times, and not before", () => {
    const { scene, witness, client } = stage();
    scene.nowMs += 10_000;
    client.send({ kind: "pingreq" });
    scene.pass(14);
    expect(client.isClosed).toBe(false);
    scene.pass(1);
    expect([client.isClosed, witness.lines()]).toEqual([true, ["publish will=gone q1 #1"]]);
  });

  test("after a crash it is published when the grace is over, and its row goes", () => {
    const { scene } = stage();
    scene.flush();
    scene.crash();
    scene.flush();
    scene.crash(); // a second one does not start the grace anew for ever
    const witness = scene.subscriber("w", 1, ["will"], { keepAliveSec: 0 });
    scene.pass(20);
    expect([witness.lines(), rows(scene)]).toEqual([["publish will=gone q1 #1"], 0]);
  });

  test.each([true, false])(
    "a client that is back within the grace keeps its old will unpublished (clean %s)",
    (cleanStart) => {
      const scene = new Scene();
      scene.connect("c", { cleanStart, will: will("will", "old") });
      scene.flush();
      scene.crash();
      const witness = scene.subscriber("w", 0, ["will"], { keepAliveSec: 0 });
      scene.connect("c", { cleanStart, will: will("will", "new"), keepAliveSec: 0 });
      scene.pass(60);
      expect([witness.lines(), rows(scene)]).toEqual([[], 1]);
    },
  );

  test("a sleeping connection's will stays its own", () => {
    const { scene, witness, client } = stage();
    scene.hibernate();
    client.drop();
    expect([witness.lines(), rows(scene)]).toEqual([["publish will=gone q1 #1"], 0]);
  });
});
