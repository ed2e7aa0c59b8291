// A shared group (§4.8.2) whose members are on several shards: what one shard must know of the others, also when it has
// slept, crashed, or its outbox is full.

import { describe, expect, test, vi } from "vitest";
import type * as LinkLimits from "../../../src/core/link-limits.ts";
import { ack, connect, publish1, subscribe, unsubscribe, upTo, type Client } from "../../support/scene.ts";
import { ShardNet } from "./shard-net.ts";
import { got, owner, payloads, World, x, y } from "./shared-world.ts";

vi.mock("../../../src/core/link-limits.ts", async (importOriginal) => {
  const original = await importOriginal<typeof LinkLimits>();
  return { ...original, linkLimits: { ...original.linkLimits, outboxBatches: 3 } };
});

/** Three shards with the topic's owner in the middle; members come to shards. */
class Group {
  readonly net: ShardNet;
  readonly topic: string;
  readonly filter: string;
  readonly publisher: Client;
  #published = 0;

  constructor(limits: ConstructorParameters<typeof ShardNet>[0] = {}) {
    this.net = new ShardNet(limits);
    this.topic = this.net.placement.subtreeOn(owner);
    this.filter = `$share/g/${this.topic}`;
    this.publisher = this.net.connect(owner);
  }

  join(shard: number, kind: "durable" | "ephemeral", id = this.net.placement.clientOn(shard)): Client {
    const member = this.net.at(shard).open();
    this.net.send(member, connect(id, { cleanStart: kind === "ephemeral" }), subscribe(1, this.filter));
    return member;
  }

  /** Payloads are 1, 2, … */
  publish(count: number): void {
    for (let left = count; left > 0; left -= 1) {
      this.#published += 1;
      const { topic } = this;
      this.net.send(this.publisher, publish1(topic, String(this.#published), this.#published));
    }
  }

  crash(shard: number): void {
    this.net.at(shard).crash();
    this.net.at(shard).broker.links.resume();
    this.net.settle();
  }

  hibernate(shard: number): void {
    this.net.at(shard).hibernate();
    this.net.settle();
  }

  /** Acknowledges until nothing more comes. */
  drain(client: Client): string[] {
    const seen: string[] = [];
    for (let some = got(client); some.length > 0; some = got(client)) {
      seen.push(...some.map(({ payload }) => payload));
      this.net.send(client, ...some.map(({ id }) => ack("puback", id)));
    }
    return seen;
  }

  /** Rows of the logs of all shards. */
  get logRows(): number {
    const counts = this.net.scenes.map(({ sql }) => sql.all("SELECT first FROM chunk").length);
    return counts.reduce((sum, count) => sum + count, 0);
  }
}

describe("[MQTT-4.8.2-5] QoS 1 in flight to an ephemeral member whose shard crashes", () => {
  test.each([
    ["at another shard than the durable one", x, y],
    ["at the owner", owner, y],
  ])("goes to others where the group has a durable member: the ephemeral one %s", (_, shard, durableShard) => {
    const group = new Group();
    const id = group.net.placement.clientOn(durableShard);
    const durable = group.join(durableShard, "durable", id);
    durable.drop();
    const ephemeral = group.join(shard, "ephemeral");
    ephemeral.take();
    group.publish(3);
    expect(payloads(ephemeral)).toEqual(["1", "2", "3"]);
    group.crash(shard);
    const back = group.join(durableShard, "durable", id);
    expect(group.drain(back).toSorted()).toEqual(["1", "2", "3"]);
  });

  test("goes to a member at a third shard at once, not only when the durable one is back", () => {
    const group = new Group();
    group.join(y, "durable").drop();
    const ephemeral = group.join(x, "ephemeral");
    group.publish(2);
    expect(payloads(ephemeral)).toEqual(["1", "2"]);
    const other = group.join(owner, "ephemeral");
    group.crash(x);
    expect(group.drain(other).toSorted()).toEqual(["1", "2"]);
  });

  test("goes to another shard also where a durable member of its own shard is away", () => {
    const group = new Group();
    group.join(x, "durable").drop();
    const ephemeral = group.join(x, "ephemeral");
    group.publish(2);
    expect(payloads(ephemeral)).toEqual(["1", "2"]);
    const other = group.join(y, "ephemeral");
    ephemeral.drop();
    group.net.settle();
    expect(group.drain(other)).toEqual(["1", "2"]);
  });

  test("also when that shard crashes", () => {
    const group = new Group();
    group.join(x, "durable").drop();
    const ephemeral = group.join(x, "ephemeral");
    group.publish(2);
    expect(payloads(ephemeral)).toEqual(["1", "2"]);
    const other = group.join(y, "ephemeral");
    group.crash(x);
    expect(group.drain(other)).toEqual(["1", "2"]);
  });

  test("comes once more only to who had it when its acknowledgement was not yet known, and leaves no row behind", () => {
    const group = new Group();
    group.join(y, "durable").drop();
    const ephemeral = group.join(x, "ephemeral");
    group.publish(20);
    expect(group.drain(ephemeral)).toHaveLength(20);
    group.crash(x);
    const other = group.join(owner, "ephemeral");
    expect(group.drain(other)).toEqual([]);
    const { broker } = group.net.at(x);
    while (broker.log.compact()) group.net.flush(x);
    group.net.flush(x);
    expect(broker.log.bytes).toBe(0);
  });
});

describe("a group whose members are all ephemeral", () => {
  const rowsOf = (group: Group): number => {
    const rows = group.net.scenes.map(({ sql }) => sql.rowsWritten);
    return rows.reduce((sum, count) => sum + count, 0);
  };

  test("writes no row, at the owner and elsewhere, also when all shards have slept", () => {
    const group = new Group();
    const members = [x, owner, y].map((shard) => group.join(shard, "ephemeral"));
    const before = rowsOf(group);
    const round = (): void => {
      group.publish(6);
      for (const member of members) expect(group.drain(member)).toHaveLength(2);
    };
    round();
    for (const shard of [x, owner, y]) group.hibernate(shard);
    round();
    expect(rowsOf(group) - before).toBe(0);
  });

  test("is one as soon as its last durable member has unsubscribed or its session has ended", () => {
    const group = new Group();
    const ids = [0, 1].map(() => group.net.placement.clientOn(y));
    const durable = ids.map((id) => group.join(y, "durable", id));
    const ephemeral = group.join(x, "ephemeral");
    group.net.send(durable[0] as Client, unsubscribe(group.filter));
    group.publish(2);
    expect(group.logRows).toBe(2); // one at each of two shards
    for (const client of [ephemeral, durable[1] as Client]) group.drain(client);
    group.net.send(group.net.at(y).open(), connect(ids[1] ?? "", { cleanStart: true }));
    const before = rowsOf(group);
    group.publish(2);
    expect(group.drain(ephemeral)).toHaveLength(2);
    expect(rowsOf(group) - before).toBe(0);
  });
});

describe("the queue of a group", () => {
  test("is bounded in bytes too: the oldest go, counted", () => {
    const world = new World({ maximumQueuedBytes: 3_000, maximumQueuedMessages: 1_000 });
    world.join(x, "all", 1, world.net.placement.clientOn(x)).drop();
    world.net.settle();
    for (const n of upTo(5)) world.publish(1, "t", `${n}${"-".repeat(900)}`);
    expect(world.dropped("queue_full")).toBe(2);
    const back = world.back(x, "all", world.net.placement.clientOn(x));
    world.net.send(back, subscribe(1, world.filter));
    expect(payloads(back).map((payload) => payload[0])).toEqual(["3", "4", "5"]);
  });

  test("counts its bytes anew after a start, and what comes back into it", () => {
    const world = new World({ maximumQueuedBytes: 3_000, maximumInflight: 1 });
    const member = world.join(owner, "all");
    const long = "-".repeat(900);
    for (const n of upTo(4)) world.publish(1, "t", `${n}${long}`);
    const inFlight = got(member);
    expect(world.dropped("queue_full")).toBe(0);
    world.net.at(owner).hibernate();
    world.publish(1, "t", `5${long}`);
    expect(world.dropped("queue_full")).toBe(1);
    const seen: string[] = [];
    for (let some = inFlight; some.length > 0;) {
      seen.push(...some.map(({ payload }) => payload[0] ?? ""));
      world.net.send(member, ...some.map(({ id }) => ack("puback", id)));
      some = got(member);
    }
    expect(seen).toEqual(["1", "3", "4", "5"]);
  });
});

describe("a shard to which the outbox is full", () => {
  test("gets messages of the group again when there is room, without a word from its members", () => {
    const group = new Group({ maximumInflight: 100 });
    const member = group.join(x, "durable");
    group.net.isCut = (from, to) => from === owner && to === x;
    group.publish(1);
    group.net.pass(5); // from now on all goes to the outbox
    group.publish(9);
    expect(group.net.at(owner).broker.groups.find(group.filter)?.queue.count).toBeGreaterThan(0);
    group.net.isCut = () => false;
    group.net.pass(60);
    expect([...new Set(group.drain(member))].toSorted()).toEqual(upTo(10).map(String).toSorted());
  });
});

describe("a shard that has forgotten what it said", () => {
  test("because it crashed: the owner asks again after a minute, is told that nobody is there, and the group ends", () => {
    const group = new Group({ maximumInflight: 1 });
    group.join(x, "ephemeral");
    group.publish(2); // the second waits at the owner: x is busy
    group.crash(x);
    const groupAtOwner = () => group.net.at(owner).broker.groups.find(group.filter);
    group.publish(1);
    expect(groupAtOwner()?.queue.count).toBe(2);
    group.net.pass(60);
    group.publish(1);
    expect(groupAtOwner()).toBeUndefined();
    expect(group.net.at(owner).stores.groups.all()).toEqual([]);
    const late = group.join(y, "ephemeral");
    expect(payloads(late)).toEqual([]);
  });

  test("ends as a member for the owner with the first message that it gives back", () => {
    const group = new Group();
    group.join(x, "ephemeral");
    group.crash(x);
    group.publish(1);
    expect(group.net.at(owner).broker.groups.find(group.filter)).toBeUndefined();
    group.crash(x); // again, well within a minute
    group.join(x, "ephemeral");
    group.crash(x);
    group.publish(1);
    expect(group.net.at(owner).broker.groups.find(group.filter)).toBeUndefined();
  });

  test("because it slept: who may receive what was refused before gets it when free, without any other message", () => {
    const world = new World({ maximumInflight: 1 });
    const [, all] = [world.join(x, "a"), world.join(x, "all")];
    world.publish(1, "b/1", "first");
    const [first] = got(all);
    expect(first?.payload).toBe("first");
    world.publish(1, "b/1", "second"); // refused by a, who is free
    world.net.at(x).hibernate();
    world.net.settle();
    world.net.send(all, ack("puback", first?.id ?? 0));
    expect(payloads(all)).toEqual(["second"]);
  });
});

describe("an owner that has slept", () => {
  const stage = (kind: "durable" | "ephemeral") => {
    const group = new Group();
    const members = [group.join(owner, kind), group.join(x, kind)] as const;
    for (const member of members) member.take();
    group.net.at(owner).hibernate();
    return { group, members };
  };
  const burst = ({ publisher, topic }: Group): void =>
    publisher.send(...upTo(4).map((id) => publish1(topic, String(id), id)));

  test.each(["durable", "ephemeral"] as const)("lets %s members here and elsewhere take turns at once", (kind) => {
    const { group, members } = stage(kind);
    burst(group);
    group.net.settle();
    expect(members.map((member) => got(member).length)).toEqual([2, 2]);
  });

  test("does not wait long for a shard that does not answer", () => {
    const { group, members } = stage("durable");
    group.net.isCut = (from, to) => from === owner && to === x;
    burst(group);
    group.net.settle();
    expect(members.map((member) => got(member).length)).toEqual([0, 0]);
    group.net.pass(2);
    expect(members.map((member) => got(member).length)).toEqual([4, 0]);
  });
});

describe("a message of another owner's topic", () => {
  test("goes back to it, and is not passed on, from a shard that knows of members there", () => {
    const net = new ShardNet({ maximumInflight: 1 });
    const topic = net.placement.subtreeOn(owner);
    const join = (shard: number, cleanStart: boolean, id = net.placement.clientOn(shard)): Client => {
      const client = net.at(shard).open();
      net.send(client, connect(id, { cleanStart }), subscribe(1, "$share/g/#"));
      client.take();
      return client;
    };
    const id = net.placement.clientOn(y);
    join(y, false, id).drop();
    const leaver = join(x, true);
    const busy = join(owner, true);
    const publisher = net.connect(owner);
    for (const n of upTo(2)) net.send(publisher, publish1(topic, String(n), n));
    expect([...payloads(leaver), ...payloads(busy)].toSorted()).toEqual(["1", "2"]);
    join(x, false).drop(); // so that the group goes on there
    leaver.drop();
    net.settle();
    const back = net.at(y).open();
    net.send(back, connect(id, { cleanStart: false }));
    expect(got(back)).toHaveLength(1);
    expect(net.scenes.map(({ broker }) => broker.counters.dropped.get("session_ended") ?? 0)).toEqual([0, 0, 0]);
  });
});
