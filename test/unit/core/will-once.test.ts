// A will of QoS 2 and the crashes around its publication: what it became, and that it is gone, are one commit.

import { expect, test } from "vitest";
import { will } from "../../support/scene.ts";
import { ShardNet } from "./shard-net.ts";

const graceSec = 60;
const [x, owner, y] = [0, 1, 2] as const;

/** The client's shard, the topic's and the subscriber's; the connection is lost, and nothing is written of that yet. */
function stage(clientShard: number) {
  const net = new ShardNet();
  const subtree = net.placement.subtreeOn(owner);
  const witness = net.at(y).subscriber(net.placement.clientOn(y), 2, [subtree], { keepAliveSec: 0 });
  net.settle();
  const client = net.connect(clientShard, { will: will(subtree, "gone", { qos: 2 }), keepAliveSec: 0 });
  net.settle();
  witness.take();
  client.drop();
  return { net, subtree, witness };
}

function crash(net: ShardNet, shard: number): void {
  net.at(shard).crash();
  net.at(shard).broker.links.resume();
}

test.each([
  ["another shard owns its topic", x],
  ["its own shard does", owner],
])("[MQTT-4.3.3-1] a will of QoS 2 comes once where the shard crashes right after the commit, and %s", (_, shard) => {
  const { net, subtree, witness } = stage(shard);
  net.flush(shard);
  net.made.length = 0;
  crash(net, shard);
  net.pass(graceSec);
  net.pass(graceSec);
  const got = witness.lines().filter((line) => line.startsWith("publish"));
  expect(got).toEqual([expect.stringContaining(`${subtree}=gone q2`)]);
});

test("it comes once where nothing of it was committed before the crash", () => {
  const { net, subtree, witness } = stage(x);
  crash(net, x);
  net.pass(graceSec);
  net.pass(graceSec);
  const got = witness.lines().filter((line) => line.startsWith("publish"));
  expect(got).toEqual([expect.stringContaining(`${subtree}=gone q2`)]);
});
