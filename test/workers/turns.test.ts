// What one client sends at once is dealt with in turns: others come in between, and nothing of it is lost or reordered.

import { expect, test } from "vitest";
import { bytesOf, connect, messageOf, publish, publishes, type MqttSocket } from "./mqtt-socket.ts";
import { newShard } from "./shard.ts";

/** More than one turn takes. */
const many = 5_000;

const topicsOf = async (socket: MqttSocket, count: number): Promise<string[]> =>
  (await socket.take(count)).map((answer) => messageOf(answer).split("=")[0] ?? "");

const flood = (topic: string): ReturnType<typeof publish>[] => Array.from({ length: many }, () => publish(topic));

test("a frame of many packets lets others in before it is done with", async () => {
  const shard = newShard();
  const witness = await shard.subscriber("w", 0, ["#"]);
  const flooder = await shard.client("f");
  const other = await shard.client("o");
  flooder.send(...flood("flood"));
  other.send(publish("other"));
  const topics = await topicsOf(witness, many + 1);
  expect(topics.indexOf("other")).toBeLessThan(many);
});

test("two that flood take turns", async () => {
  const shard = newShard();
  const witness = await shard.subscriber("w", 0, ["#"]);
  const flooders = [await shard.client("a"), await shard.client("b")];
  for (const [index, flooder] of flooders.entries()) flooder.send(...flood(`${index}`));
  const topics = await topicsOf(witness, 2 * many);
  const changes = topics.filter((topic, index) => index > 0 && topic !== topics[index - 1]);
  expect(changes.length).toBeGreaterThanOrEqual(many / 1_024);
});

test("what comes in further frames meanwhile stays behind, in order and whole", async () => {
  const shard = newShard();
  const flooder = await shard.client("f");
  const packets = publishes(2_500, "t", 1);
  for (let at = 0; at < packets.length; at += 1_250) flooder.send(...packets.slice(at, at + 1_250));
  const acknowledged = await flooder.take(packets.length);
  expect(acknowledged.map((answer) => (typeof answer === "string" ? answer : answer.messageId))).toEqual(
    packets.map(({ messageId }) => messageId),
  );
});

test("a packet that a frame holds half of is whole when its turn comes", async () => {
  const shard = newShard();
  const witness = await shard.subscriber("w", 0, ["#"]);
  const flooder = await shard.client("f");
  const bytes = bytesOf(...flood("flood"), publish("last"));
  const cut = bytes.length - 3;
  flooder.sendBytes(bytes.subarray(0, cut));
  flooder.sendBytes(bytes.subarray(cut));
  expect((await topicsOf(witness, many + 1)).at(-1)).toBe("last");
});

test("what came before the end of its connection counts, and before its will", async () => {
  const shard = newShard();
  const witness = await shard.subscriber("w", 0, ["#"]);
  const flooder = await shard.open();
  const will = { topic: "will", payload: Buffer.from("x"), qos: 0, retain: false } as const;
  flooder.send(connect("f", { will }));
  await flooder.next();
  flooder.send(...flood("flood"));
  flooder.drop();
  const topics = await topicsOf(witness, many + 1);
  expect([topics.indexOf("will"), topics.length]).toEqual([many, many + 1]);
});
