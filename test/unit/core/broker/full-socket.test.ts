// QoS 1 and 2 to a client whose socket takes no more: it waits in the queue, where the limits hold.

import { describe, expect, test } from "vitest";
import { defaultFeatures } from "../../../../src/core/features.ts";
import { ack, publish, publish1, publish2, Scene, subscribe, upTo, type Client } from "../../../support/scene.ts";

const fill = (scene: Scene, client: Client): unknown => scene.effects.full.add(client.connection.id);
const drain = (scene: Scene, client: Client): void => {
  scene.effects.full.delete(client.connection.id);
  scene.flush();
  onePump(scene);
};
/** As the shell does it: once, however often it is asked for. */
function onePump(scene: Scene): void {
  const connections = [...scene.effects.pumps];
  scene.effects.pumps.clear();
  for (const connection of connections) scene.broker.onPump(connection, scene.nowMs);
}
const texts = (client: Client): string[] => client.lines().map((line) => /=(\S+) q/u.exec(line)?.[1] ?? line);

describe.each([
  ["ephemeral", true],
  ["durable", false],
] as const)("%s", (_, cleanStart) => {
  test("waits while the socket has no room, and goes in order once it has drained", () => {
    const scene = new Scene();
    const slow = scene.subscriber("s", 2, ["t"], { cleanStart });
    const other = scene.subscriber("o", 2, ["t"], { cleanStart });
    fill(scene, slow);
    scene.connect("p").send(publish1("t", "1", 1), publish2("t", "2", 2));
    onePump(scene); // it has not drained: it asks again
    expect([texts(slow), texts(other)]).toEqual([[], ["1", "2"]]);
    expect(scene.effects.pumps.has(slow.connection)).toBe(true);
    drain(scene, slow);
    scene.connect("p").send(publish1("t", "3", 3));
    expect(texts(slow)).toEqual(["1", "2", "3"]);
  });

  test("an acknowledgement brings no more where the socket has no room", () => {
    const scene = new Scene({ limits: { maximumInflight: 1 } });
    const slow = scene.subscriber("s", 1, ["t"], { cleanStart });
    const publisher = scene.connect("p");
    publisher.send(...upTo(3).map((n) => publish1("t", String(n), n)));
    const id = Number(/#(\d+)/u.exec(slow.lines()[0] ?? "")?.[1]);
    fill(scene, slow);
    slow.send(ack("puback", id));
    expect(texts(slow)).toEqual([]);
    drain(scene, slow);
    expect(texts(slow)).toEqual(["2"]);
  });

  test("the queue limit holds for what waits for the socket", () => {
    const scene = new Scene({ limits: { maximumQueuedMessages: 2 } });
    const slow = scene.subscriber("s", 1, ["t"], { cleanStart });
    fill(scene, slow);
    scene.connect("p").send(...upTo(5).map((n) => publish1("t", String(n), n)));
    drain(scene, slow);
    expect([texts(slow), scene.broker.counters.dropped.get("queue_full")]).toEqual([["4", "5"], 3]);
  });

  test("a retained message waits too", () => {
    const scene = new Scene();
    scene.connect("p").send(publish("t", "kept", { qos: 1, packetId: 1 as never, retain: true }));
    const slow = scene.connect("s", { cleanStart });
    fill(scene, slow);
    slow.send(subscribe(1, "t"));
    onePump(scene);
    expect(texts(slow)).toEqual(["suback 1"]);
    drain(scene, slow);
    onePump(scene);
    expect(texts(slow)).toEqual(["kept"]);
  });

  test("a shared subscription's message goes to a member whose socket has room", () => {
    const features = { ...defaultFeatures, sharedSubscriptionAvailable: true };
    const scene = new Scene({ options: { features } });
    const [slow, other] = ["s", "o"].map((id) => scene.subscriber(id, 1, ["$share/g/t"], { cleanStart }));
    if (slow === undefined || other === undefined) throw new Error("two members");
    fill(scene, slow);
    scene.connect("p").send(...upTo(3).map((n) => publish1("t", String(n), n)));
    scene.flush();
    expect([texts(slow), texts(other)]).toEqual([[], ["1", "2", "3"]]);
  });

  test("a shared subscription's only member, with nothing in flight, gets its messages once it has drained", () => {
    const features = { ...defaultFeatures, sharedSubscriptionAvailable: true };
    const scene = new Scene({ options: { features } });
    const slow = scene.subscriber("s", 1, ["$share/g/t"], { cleanStart });
    fill(scene, slow);
    scene.connect("p").send(publish1("t", "1", 1));
    onePump(scene);
    expect(texts(slow)).toEqual([]);
    drain(scene, slow);
    scene.flush();
    expect(texts(slow)).toEqual(["1"]);
  });
});

test("what waits in memory is counted once however many wait for it, and given back when they end", () => {
  const scene = new Scene({ limits: { maximumInflight: 1 } });
  const slow = upTo(3).map((n) => scene.subscriber(`s${n}`, 1, ["t"]));
  scene.connect("p").send(publish1("t", "sent", 1), publish1("t", "x".repeat(10_000), 2));
  const { queueMemory } = scene.broker;
  expect(queueMemory.bytes).toBeGreaterThan(10_000);
  expect(queueMemory.bytes).toBeLessThan(11_000);
  slow[0]?.send(ack("puback", 1)); // has it
  slow[1]?.drop();
  expect(queueMemory.bytes).toBeGreaterThan(10_000);
  scene.connect("s3"); // takes over
  expect(queueMemory.bytes).toBe(0);
});
