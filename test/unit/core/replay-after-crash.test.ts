// A replay of retained messages leaves out what was set after it began, for that comes live. After a crash of the topic's
// owner it may not: what the owner had kept, and not yet passed on, nobody passes on any more.

import { expect, test } from "vitest";
import { connect, publish1, publish2, subscribe } from "../../support/scene.ts";
import { ShardNet } from "./shard-net.ts";

const [x, owner, elsewhere] = [0, 1, 2] as const;

/** A durable subscriber at x has its SUBACK, and its replay has not asked for anything, when a new value comes. */
function net(publishNew: typeof publish1) {
  const shards = new ShardNet();
  const topicName = `${shards.placement.subtreeOn(owner)}/a`;
  const publisher = shards.connect(elsewhere);
  shards.send(publisher, publish1(topicName, "old", 1, { retain: true }));
  const clientId = shards.placement.clientOn(x);
  const subscriber = shards.at(x).connect(clientId, { cleanStart: false });
  shards.settle();
  subscriber.send(subscribe(1, topicName));
  for (const shard of [x, owner]) for (const made of shards.flush(shard)) shards.deliver(made);
  shards.flush(x); // the replay is stored; its question is lost
  expect(subscriber.lines()).toContain("suback 1");
  shards.made.length = 0;
  publisher.send(publishNew(topicName, "new", 2, { retain: true }));
  for (const made of shards.flush(elsewhere)) shards.deliver(made);
  shards.made.length = 0;
  return { shards, clientId };
}

function comeBack({ shards, clientId }: ReturnType<typeof net>): string[] {
  shards.made.length = 0;
  for (const shard of [x, owner, elsewhere]) {
    shards.at(shard).nowMs += 1_000;
    shards.at(shard).crash();
    shards.at(shard).broker.links.resume();
  }
  shards.settle();
  const again = shards.at(x).open();
  again.send(connect(clientId, { cleanStart: false }));
  shards.settle();
  for (let round = 0; round < 5; round += 1) shards.pass(5);
  return again.lines().filter((line) => line.includes("publish"));
}

test("after a crash of the owner a subscriber gets the value that was kept before it was passed on", () => {
  const met = net(publish1);
  met.shards.flush(owner); // committed; the call to x is lost
  expect(comeBack(met)).toEqual([expect.stringContaining("=new")]);
});

test("and at QoS 2 it gets it once, for its owner still passes it on", () => {
  const met = net(publish2);
  met.shards.flush(owner);
  expect(comeBack(met)).toEqual([expect.stringContaining("=new")]);
});
