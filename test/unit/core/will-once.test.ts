// A will and the crashes around its publication. At QoS 2 what it became, and that it is gone, are one commit. At QoS 1 its
// row stays until the topic's owner has answered, and is due from the loss on.

import { expect, test } from "vitest";
import { will } from "../../support/scene.ts";
import { ShardNet } from "./shard-net.ts";

const graceSec = 60;
const [x, owner, y] = [0, 1, 2] as const;

/** The client's shard, the topic's and the subscriber's; the connection is lost, and nothing is written of that yet. */
function stage(clientShard: number, qos: 1 | 2 = 2) {
  const net = new ShardNet();
  const subtree = net.placement.subtreeOn(owner);
  const witness = net.at(y).subscriber(net.placement.clientOn(y), 2, [subtree], { keepAliveSec: 0 });
  net.settle();
  const clientId = net.placement.clientOn(clientShard);
  const client = net.at(clientShard).connect(clientId, { will: will(subtree, "gone", { qos }), keepAliveSec: 0 });
  net.settle();
  witness.take();
  client.drop();
  return { net, subtree, witness, clientId };
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

test.each([
  ["no more", false],
  ["in time: it is due, and not taken back", true],
])(
  "[MQTT-3.1.2-8] a will of QoS 1 whose owner was not reached before the crash comes; its client comes back %s",
  (_, isBack) => {
    const { net, subtree, witness, clientId } = stage(x, 1);
    net.flush(x);
    net.made.length = 0; // the call to the topic's owner is lost
    crash(net, x);
    if (isBack) net.at(x).connect(clientId, { keepAliveSec: 0 });
    net.pass(graceSec);
    net.pass(graceSec);
    const got = witness.lines().filter((line) => line.startsWith("publish"));
    expect(got).toEqual([expect.stringContaining(`${subtree}=gone q1`)]);
  },
);
