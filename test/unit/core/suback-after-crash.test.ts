// A SUBSCRIBE and a QoS 2 message may travel in one batch. What the owner has committed of it does not happen again after a
// crash; what it had to answer does.

import { expect, test } from "vitest";
import { publish2, subscribe } from "../../support/scene.ts";
import { ShardNet } from "./shard-net.ts";

const [x, owner] = [0, 1] as const;

test("[MQTT-3.8.4-1] a SUBSCRIBE is answered where its owner crashes between the commit and the word of it", () => {
  const net = new ShardNet();
  const subtree = net.placement.subtreeOn(owner);
  const client = net.connect(x);
  net.settle();
  client.take();
  client.send(subscribe(1, `${subtree}/a`), publish2(`${subtree}/b`, "x", 7));
  const [made] = net.flush(x);
  if (made === undefined) throw new Error("no call");
  net.made.length = 0;
  net.deliver(made, true);
  net.flush(owner); // committed, and what it says is lost
  net.made.length = 0;
  net.at(owner).crash();
  net.at(owner).broker.links.resume();
  net.at(x).broker.onLinkFailure(owner, made.call.id, true, net.at(x).nowMs);
  for (let round = 0; round < 10; round += 1) net.pass(5);
  expect(client.lines()).toEqual(expect.arrayContaining(["suback 1", "pubrec 7"]));
});
