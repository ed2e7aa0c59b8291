// A namespace in use is brought from one layout to another: nothing is lost, nothing comes twice.

import { describe, expect, test } from "vitest";
import { BrokerShard } from "../../src/objects/broker-shard.ts";
import type { MovedPart, MovedTo } from "../../src/objects/layout-steps.ts";
import { ChangingWorker } from "../support/changing-worker.ts";
import { Placement } from "../support/placement.ts";
import { ack, idOf, messageOf, type MqttSocket } from "./mqtt-socket.ts";

const subtrees = Array.from({ length: 12 }, (_, index) => `t${index}`);
const clients = Array.from({ length: 6 }, (_, index) => `client-${index}`);

interface Outcome {
  /** What each session that was away should get. */
  readonly expected: readonly string[];
  /** What it got, and the retained messages that a new subscriber got. */
  readonly queues: readonly (readonly string[])[];
  readonly retained: readonly string[];
}

/** Sessions that are away while SHARDS goes its way; something is published before it and after each change. */
async function change(namespace: string, shards: readonly string[]): Promise<Outcome> {
  const [first = "1", ...others] = shards;
  const worker = new ChangingWorker(namespace, { SHARDS: first });
  await worker.healthy();
  for (const id of clients) await worker.subscribeAndLeave(id, 1, "#");
  let sent = 0;
  const expected: string[] = [];
  const publishSome = async (): Promise<void> => {
    for (const subtree of subtrees) {
      expect(await worker.publish(subtree, String(sent))).toBeLessThan(300);
      expected.push(`${subtree}=${sent} q1`);
      sent += 1;
    }
    expect(await worker.publish(`kept/${sent}`, String(sent), "?qos=1&retain=true")).toBeLessThan(300);
    expected.push(`kept/${sent}=${sent} q1`);
  };
  await publishSome();
  for (const count of others) {
    await worker.deploy({ SHARDS: count });
    await publishSome();
  }
  const queues: string[][] = [];
  for (const id of clients) {
    const socket = await worker.client(id, { clean: false });
    queues.push(await takeAll(socket));
    socket.drop();
  }
  const late = await worker.client("late");
  late.send({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic: "kept/+", qos: 1 }] });
  const retained = await takeAll(late);
  late.drop();
  return { expected, queues, retained };
}

async function takeAll(socket: MqttSocket): Promise<string[]> {
  const got: string[] = [];
  for (let packets = await socket.rest(); packets.length > 0; packets = await socket.rest()) {
    for (const packet of packets) {
      if (packet.cmd !== "publish") continue;
      got.push(messageOf(packet));
      socket.send(ack("puback", idOf(packet)));
    }
  }
  return got;
}

function isWhole({ expected, queues, retained }: Outcome): boolean {
  const isSame = (got: readonly string[]): boolean => got.toSorted().join() === expected.toSorted().join();
  const kept = expected.filter((text) => text.startsWith("kept/")).map((text) => `${text} retain`);
  return queues.every(isSame) && retained.toSorted().join() === kept.toSorted().join();
}

describe("SHARDS from 1 to 3 to 8 and back", () => {
  test("queues of sessions that are away, their order, and retained messages move along", async () => {
    const outcome = await change("layout-there-and-back", ["1", "3", "8", "3", "1"]);
    expect(isWhole(outcome)).toBe(true);
    for (const got of outcome.queues) {
      for (const subtree of subtrees) {
        const own = got.filter((text) => text.startsWith(`${subtree}=`));
        expect(own).toEqual(outcome.expected.filter((text) => text.startsWith(`${subtree}=`)));
      }
    }
  });

  type TakeMoved = (this: BrokerShard, part: MovedPart) => Promise<MovedTo>;

  /** While `work` runs, shards take what moves in this way: tests and shards share one isolate. */
  async function taking<Value>(make: (original: TakeMoved) => TakeMoved, work: () => Promise<Value>): Promise<Value> {
    const original = BrokerShard.prototype.takeMoved;
    BrokerShard.prototype.takeMoved = make(original);
    try {
      return await work();
    } finally {
      BrokerShard.prototype.takeMoved = original;
    }
  }

  const controls: readonly [what: string, make: (original: TakeMoved) => TakeMoved][] = [
    [
      "takes each part twice",
      (original) =>
        async function twice(this: BrokerShard, moved) {
          const before = await original.call(this, moved);
          if (moved.part === undefined || moved.part.records.length === 0 || before.isEnd) return before;
          return original.call(this, { ...moved, part: { ...moved.part, start: before.cursor } });
        },
    ],
    [
      "answers for a part and does not take it",
      (original) =>
        async function never(this: BrokerShard, moved) {
          const { part } = moved;
          return part === undefined ? original.call(this, moved) : { cursor: part.next, isEnd: part.next === null };
        },
    ],
  ];

  test.each(controls)("a shard that %s would be noticed here", async (what, make) => {
    const outcome = await taking(make, () => change(`layout-control-${what.replaceAll(" ", "-")}`, ["1", "3"]));
    expect(isWhole(outcome)).toBe(false);
  });
});

describe("two versions with different SHARDS that serve side by side", () => {
  test("serve by the newer one's, whoever asks last", async () => {
    const worker = new ChangingWorker("layout-gradual", {});
    const versions = [worker.version({ SHARDS: "1" }, 1_000), worker.version({ SHARDS: "3" }, 2_000)] as const;
    const healthz = async (version: (typeof versions)[number]): Promise<number> => {
      const response = await version.fetch(new Request(`http://broker.localhost/n/${worker.namespace}/healthz`));
      await response.body?.cancel();
      return response.status;
    };
    expect(await healthz(versions[0])).toBe(200);
    while ((await healthz(versions[1])) !== 200);
    // New Workers of the older version, as they come up until it is gone.
    const older = worker.version({ SHARDS: "1" }, 1_000);
    for (const version of [older, versions[0], versions[1], older]) {
      expect(await healthz(version)).toBe(200);
      expect(await worker.registry.layoutStatus()).toMatchObject({ inForce: { shards: 3, number: 2 } });
    }
    const id = new Placement(3).clientOn(2);
    const upgrade = new Request(`http://broker.localhost/n/${worker.namespace}/mqtt?clientId=${id}`, {
      headers: { upgrade: "websocket", "sec-websocket-protocol": "mqtt" },
    });
    expect((await versions[0].fetch(upgrade)).status).toBe(101);
    expect((await worker.shard(2).metrics()).gauges).toMatchObject({ sockets: 1 });
  });
});
