// A call of a shard's earlier life that arrives after the client has published again through the next one.

import { expect, test } from "vitest";
import { publish1, subscribe } from "../../support/scene.ts";
import { ShardNet } from "./shard-net.ts";

const [x, owner, elsewhere] = [0, 1, 2] as const;

function net() {
  const shards = new ShardNet();
  const topicName = `${shards.placement.subtreeOn(owner)}/a`;
  const first = shards.connect(x);
  shards.settle();
  const retain = { retain: true };
  first.send(publish1(topicName, "old", 1, retain));
  const late = shards.flush(x).find(({ to }) => to === owner);
  if (late === undefined) throw new Error("no call");
  shards.made.length = 0;
  shards.at(x).crash();
  const again = shards.connect(x);
  shards.send(again, publish1(topicName, "old", 1, retain), publish1(topicName, "new", 2, retain));
  expect(again.lines()).toEqual(expect.arrayContaining(["puback 1", "puback 2"]));
  return { shards, topicName, late };
}

test("[MQTT-3.3.1-5] a first copy that comes late does not replace the retained message that was published after it", () => {
  const { shards, topicName, late } = net();
  shards.deliver(late);
  shards.settle();
  const subscriber = shards.connect(elsewhere);
  shards.send(subscriber, subscribe(1, topicName));
  expect(subscriber.lines()).toEqual(expect.arrayContaining([expect.stringContaining("=new")]));
  expect(subscriber.lines()).not.toEqual(expect.arrayContaining([expect.stringContaining("=old")]));
});

test("a first copy that comes late does not come after what its client has published since", () => {
  const { shards, topicName, late } = net();
  const subscriber = shards.connect(elsewhere);
  shards.send(subscriber, subscribe(1, topicName));
  subscriber.take();
  shards.deliver(late);
  shards.settle();
  expect(subscriber.lines()).toEqual([]);
});
