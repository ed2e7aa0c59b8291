// A shared group (§4.8.2) at one shard: turns, the queue, and what a random life of its members may not change.

import { describe, expect, test } from "vitest";
import { defaultFeatures } from "../../../src/core/features.ts";
import {
  ack,
  connect,
  publish,
  publish1,
  publish2,
  Scene,
  subscribe,
  unsubscribe,
  upTo,
  type Client,
} from "../../support/scene.ts";
import { ShardNet } from "./shard-net.ts";

const topic = "work";
const filter = `$share/g/${topic}`;

const scene = (limits: ConstructorParameters<typeof Scene>[0] = {}): Scene => {
  const made = new Scene({ ...limits, options: { features: defaultFeatures } });
  made.wake();
  return made;
};

interface Got {
  readonly payload: string;
  readonly id: number;
  readonly isDup: boolean;
}

/** The messages that a client was sent since the last time. */
function got(client: Client): Got[] {
  return client.lines().flatMap((line) => {
    const [, payload, id] = /^publish [^=]*=(\S+) q\d(?: #(\d+))?/u.exec(line) ?? [];
    return payload === undefined ? [] : [{ payload, id: Number(id ?? 0), isDup: line.includes(" dup") }];
  });
}

/** Connects; what comes with the CONNACK is kept. */
function back(s: Scene, id: string, cleanStart: boolean): Client {
  const client = s.open();
  client.send(connect(id, { cleanStart }));
  return client;
}

const payloads = (client: Client): string[] => got(client).map(({ payload }) => payload);

describe("turns", () => {
  test("[MQTT-4.8.2-1] go round, also at QoS 0, and a member that joins gets the next but one", () => {
    const s = scene();
    const publisher = s.connect("p");
    const members = ["a", "b"].map((id) => s.subscriber(id, 1, [filter]));
    for (const n of upTo(4)) publisher.send(publish(topic, `${n}`));
    expect(members.map(payloads)).toEqual([
      ["1", "3"],
      ["2", "4"],
    ]);
    members.push(s.subscriber("c", 1, [filter]));
    for (const n of upTo(6)) publisher.send(publish1(topic, `${n}`, n));
    s.flush();
    expect(members.map((client) => payloads(client).length)).toEqual([2, 2, 2]);
  });

  test("pass by a member that reads too slowly, at QoS 0", () => {
    const s = scene();
    const publisher = s.connect("p");
    const members = ["a", "b"].map((id) => s.subscriber(id, 0, [filter]));
    s.effects.behind.add(members[0]?.connection.id ?? 0);
    for (const n of upTo(4)) publisher.send(publish(topic, `${n}`));
    expect(members.map(payloads)).toEqual([[], ["1", "2", "3", "4"]]);
  });

  test("belong to groups and filters apart: each group gets its copy", () => {
    const s = scene();
    const publisher = s.connect("p");
    const both = s.subscriber("a", 1, [filter, `$share/h/${topic}`, "$share/g/+"]);
    publisher.send(publish1(topic, "x", 1));
    s.flush();
    expect(payloads(both)).toEqual(["x", "x", "x"]);
  });
});

describe("the queue", () => {
  const full = (s: Scene, count: number): Client => {
    const publisher = s.connect("p");
    for (const n of upTo(count)) publisher.send(publish1(topic, `${n}`, n));
    s.flush();
    return publisher;
  };

  test("holds what nobody has a slot for, oldest first", () => {
    const s = scene({ limits: { maximumInflight: 2 } });
    const member = s.subscriber("m", 1, [filter]);
    full(s, 5);
    const first = got(member);
    expect(first.map(({ payload }) => payload)).toEqual(["1", "2"]);
    member.send(...first.map(({ id }) => ack("puback", id)));
    expect(payloads(member)).toEqual(["3", "4"]);
  });

  test("goes to a member that joins", () => {
    const s = scene({ limits: { maximumInflight: 2 } });
    s.subscriber("m", 1, [filter]);
    full(s, 4);
    const second = s.open();
    second.send(connect("n"), subscribe(1, filter));
    s.flush();
    expect(payloads(second)).toEqual(["3", "4"]);
  });

  test("is bounded: the oldest go, counted", () => {
    const s = scene({ limits: { maximumInflight: 1, maximumQueuedMessages: 3 } });
    const member = s.subscriber("m", 1, [filter]);
    full(s, 6);
    expect(s.broker.counters.dropped.get("queue_full")).toBe(2);
    const seen: string[] = [];
    for (let packets = got(member); packets.length > 0; packets = got(member)) {
      seen.push(...packets.map(({ payload }) => payload));
      member.send(...packets.map(({ id }) => ack("puback", id)));
    }
    expect(seen).toEqual(["1", "4", "5", "6"]);
  });

  test("leaves nothing in the log once everything is acknowledged", () => {
    const s = scene({ limits: { maximumInflight: 2 } });
    const member = s.subscriber("m", 1, [filter]);
    full(s, 50);
    for (let packets = got(member); packets.length > 0; packets = got(member)) {
      member.send(...packets.toReversed().map(({ id }) => ack("puback", id)));
      s.flush();
    }
    while (s.broker.log.compact()) s.flush();
    s.flush();
    expect(s.sql.all("SELECT first FROM chunk").length).toBeLessThanOrEqual(1);
    expect(s.broker.log.bytes).toBe(0);
  });

  test("ends with the last member, and its number with it", () => {
    const s = scene({ limits: { maximumInflight: 1 } });
    const member = s.subscriber("m", 1, [filter]);
    full(s, 5);
    member.send(unsubscribe(filter));
    s.flush();
    expect(s.stores.groups.all()).toEqual([]);
    member.take();
    member.send(subscribe(1, filter));
    s.flush();
    expect(payloads(member)).toEqual([]);
  });

  test("[MQTT-4.8.2-4] takes QoS 2 out with the commit that hands it over: a crash does not double it", () => {
    const s = scene({ limits: { maximumInflight: 1 } });
    const publisher = s.connect("p");
    const member = s.subscriber("m", 2, [filter], { cleanStart: false });
    publisher.send(publish2(topic, "1", 1), publish2(topic, "2", 2));
    s.flush();
    const [first] = got(member);
    member.send(ack("pubrec", first?.id ?? 0));
    s.flush();
    member.send(ack("pubcomp", first?.id ?? 0));
    s.flush();
    s.pump();
    s.flush();
    expect(payloads(member)).toEqual(["2"]);
    s.crash();
    const again = back(s, "m", false);
    s.flush();
    expect(got(again)).toMatchObject([{ payload: "2", isDup: true }]);
  });
});

describe("a session that ends with messages in flight", () => {
  test.each([true, false])(
    "[MQTT-4.8.2-5] gives QoS 1 that was not acknowledged to others (clean %s)",
    (cleanStart) => {
      const s = scene();
      const publisher = s.connect("p");
      const [leaver, stayer] = [s.subscriber("l", 1, [filter], { cleanStart }), s.subscriber("s", 1, [filter])];
      for (const n of upTo(4)) publisher.send(publish1(topic, `${n}`, n));
      s.flush();
      const own = got(leaver);
      leaver.send(ack("puback", own[0]?.id ?? 0));
      s.flush();
      leaver.drop();
      if (!cleanStart) s.connect("l", { cleanStart: true });
      s.flush();
      expect(payloads(stayer).toSorted()).toEqual(["2", "3", "4"]);
    },
  );
});

describe("a group over three shards", () => {
  const [a, b, c] = [0, 1, 2] as const;

  /** A stored member at C with a window of one, in flight or away, and a publisher at A. */
  function far() {
    const net = new ShardNet({ maximumInflight: 1 });
    const subtree = net.placement.subtreeOn(b);
    const id = net.placement.clientOn(c);
    const member = back(net.at(c), id, false);
    net.send(member, subscribe(1, `$share/g/${subtree}`));
    member.take();
    const publisher = net.connect(a);
    const send = (from: number, to: number): void => {
      for (let n = from; n <= to; n += 1) net.send(publisher, publish1(subtree, `${n}`, n));
    };
    const drain = (client: Client): string[] => {
      const seen: string[] = [];
      for (let packets = got(client); packets.length > 0; packets = got(client)) {
        seen.push(...packets.map(({ payload }) => payload));
        net.send(client, ...packets.map((packet) => ack("puback", packet.id)));
      }
      return seen;
    };
    return { net, id, member, send, drain };
  }

  const callsBetween = (net: ShardNet, from: number, to: number): number =>
    net.history.filter((made) => made.from === from && made.to === to).length;

  test("leaves the queue with the owner while the member is away, and does not ask its shard again", () => {
    const { net, member, send } = far();
    member.drop();
    net.settle();
    const before = callsBetween(net, b, c);
    send(1, 3);
    expect(callsBetween(net, b, c)).toBe(before);
    expect(net.at(b).stores.groups.all()).toHaveLength(1);
  });

  test.each(["hibernate", "crash"] as const)("keeps the queue when the owner starts again (%s)", (what) => {
    const { net, id, member, send, drain } = far();
    member.drop();
    net.settle();
    send(1, 3);
    net.at(b)[what]();
    net.settle();
    const again = back(net.at(c), id, false);
    net.settle();
    expect(drain(again)).toEqual(["1", "2", "3"]);
  });

  test.each(["the owner", "the member's shard"])(
    "keeps a queue in its place when %s crashes and the member is away",
    (who) => {
      const { net, member, send } = far();
      member.drop();
      net.settle();
      send(1, 9);
      net.settle();
      const { end } = net.at(b).broker.log;
      net.at(who === "the owner" ? b : c).crash();
      net.settle();
      send(10, 10);
      net.settle();
      expect(net.at(b).broker.log.end).toBe(end + 1); // what went there and came back would have new positions
    },
  );

  test("keeps a queue in its place when another group gets a member at the shard of one that is away", () => {
    const { net, member, send } = far();
    member.drop();
    net.settle();
    send(1, 9);
    const { end } = net.at(b).broker.log;
    const other = back(net.at(c), net.placement.clientOn(c, "other"), false);
    net.send(other, subscribe(1, `$share/h/${net.placement.subtreeOn(b)}`));
    net.settle();
    expect(net.at(b).broker.log.end).toBe(end);
  });

  test.each(["hibernate", "crash"] as const)(
    "goes on when the member's shard starts again while its window is full (%s)",
    (what) => {
      const { net, id, member, send, drain } = far();
      send(1, 3);
      const [first] = got(member);
      net.at(c)[what]();
      net.settle();
      const again = what === "crash" ? back(net.at(c), id, false) : member;
      net.send(again, ack("puback", first?.id ?? 0));
      expect([...new Set(["1", ...drain(again)])]).toEqual(["1", "2", "3"]);
    },
  );
});

/** Numbers in [0, limit), always the same for a seed. */
function randomOf(seed: number): (limit: number) => number {
  let state = seed * 2_654_435_761;
  return (limit) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5) | 0;
    return ((state ^ (state >>> 13)) >>> 0) % limit;
  };
}

/** Where a random life takes place: one shard, or three with the topic on the second. */
interface World {
  readonly scenes: readonly Scene[];
  /** Of the two stored members and the two ephemeral ones. */
  readonly places: readonly [number, number, number, number];
  readonly topic: string;
  /** A client id of the shard. */
  idOn(shard: number): string;
  /** Everything that can happen without time going by happens. */
  settle(): void;
}

const lifeLimits = { maximumInflight: 3, maximumQueuedMessages: 10_000 };

function oneShard(): World {
  const s = scene({ limits: lifeLimits });
  let count = 0;
  const settle = (): void => {
    s.flush();
    s.pump();
    s.flush();
  };
  return { scenes: [s], places: [0, 0, 0, 0], topic, idOn: () => `client-${(count += 1)}`, settle };
}

function threeShards(places: World["places"]): World {
  const net = new ShardNet(lifeLimits);
  const { placement, scenes } = net;
  const idOn = (shard: number): string => placement.clientOn(shard);
  return { scenes, places, topic: placement.subtreeOn(1), idOn, settle: () => net.settle() };
}

interface Member {
  readonly id: string;
  readonly shard: number;
  readonly isStored: boolean;
  client: Client | undefined;
  /** What it has not acknowledged, by packet id. */
  readonly open: Map<number, string>;
}

/** Two stored and two ephemeral members that come and go at random, and messages. */
class Life {
  readonly world: World;
  readonly random: (limit: number) => number;
  readonly members: readonly Member[];
  publisher: Client;
  published = 0;
  readonly acknowledged = new Set<string>();
  readonly faults: string[] = [];
  /** An acknowledgement may be forgotten by a crash, so a message may come again. */
  mayRepeat = false;

  constructor(world: World, seed: number) {
    this.world = world;
    this.random = randomOf(seed);
    const kinds = world.places.map((shard, index) => ({ isStored: index < 2, shard }));
    this.members = kinds.map((kind) => ({ ...kind, id: world.idOn(kind.shard), client: undefined, open: new Map() }));
    this.publisher = this.at(0).connect(world.idOn(0));
    for (const member of this.members) this.join(member);
  }

  at(shard: number): Scene {
    const { scenes } = this.world;
    return scenes[shard % scenes.length] as Scene;
  }

  join(member: Member): void {
    if (!member.isStored) member.open.clear();
    member.client = back(this.at(member.shard), member.id, !member.isStored);
    this.look();
    member.client.send(subscribe(1, `$share/g/${this.world.topic}`));
    this.look();
  }

  /** Writes down what has come, and what should not have. */
  look(): void {
    this.world.settle();
    for (const { client, open, id } of this.members) {
      if (client === undefined) continue;
      for (const { payload, id: packetId, isDup } of got(client)) {
        const holder = this.members.find((other) => other.id !== id && [...other.open.values()].includes(payload));
        if (holder !== undefined && !this.mayRepeat) this.faults.push(`${payload} at ${id} and at ${holder.id}`);
        if (this.acknowledged.has(payload) && !this.mayRepeat) this.faults.push(`${payload} again at ${id}`);
        if (!isDup && open.get(packetId) === payload) this.faults.push(`${payload} twice at ${id} without DUP`);
        open.set(packetId, payload);
      }
    }
  }

  acknowledge({ open, client }: Member): void {
    const [first] = open;
    if (first === undefined || client === undefined) return;
    open.delete(first[0]);
    this.acknowledged.add(first[1]);
    client.send(ack("puback", first[0]));
  }

  step(withCrashes: boolean): void {
    const member = this.members[this.random(this.members.length)] as Member;
    const choice = this.random(withCrashes ? 21 : 20);
    if (choice < 8) this.publish();
    else if (choice < 15) this.acknowledge(member);
    else if (choice < 17) this.drop(member);
    else if (choice < 19 && member.client === undefined) this.join(member);
    else if (choice === 19) this.hibernate();
    else if (choice === 20) this.crash(member.shard % this.world.scenes.length);
    this.look();
  }

  publish(): void {
    const id = (this.published += 1);
    this.publisher.send(publish1(this.world.topic, String(id), id));
    this.publisher.take();
  }

  drop(member: Member): void {
    member.client?.drop();
    member.client = undefined;
    if (!member.isStored) member.open.clear();
  }

  hibernate(): void {
    for (const one of this.world.scenes) {
      one.hibernate();
      this.look();
    }
  }

  crash(shard: number): void {
    this.look();
    this.mayRepeat = true;
    for (const member of this.members) {
      if (this.at(member.shard) !== this.world.scenes[shard]) continue;
      member.client = undefined;
      if (!member.isStored) member.open.clear();
    }
    this.at(shard).crash();
    this.at(shard).broker.links.resume();
    if (shard === 0) this.publisher = this.at(0).connect(this.world.idOn(0));
  }

  /** Everybody comes back and acknowledges until nothing more comes. */
  finish(): void {
    for (const member of this.members) if (member.client === undefined) this.join(member);
    for (let isBusy = true; isBusy;) {
      isBusy = false;
      for (const member of this.members) {
        while (member.open.size > 0) {
          isBusy = true;
          this.acknowledge(member);
          this.look();
        }
      }
    }
  }
}

describe.each([
  { title: "one shard", world: oneShard, withCrashes: false },
  { title: "one shard that crashes", world: oneShard, withCrashes: true },
  { title: "three shards", world: () => threeShards([2, 0, 2, 1]), withCrashes: false },
  { title: "three shards, all members at one", world: () => threeShards([2, 2, 2, 2]), withCrashes: false },
  { title: "three shards that crash", world: () => threeShards([2, 0, 1, 2]), withCrashes: true },
  {
    title: "three shards that crash, stored members at one",
    world: () => threeShards([2, 2, 1, 0]),
    withCrashes: true,
  },
])("a random life of a group with durable members at $title", ({ world, withCrashes }) => {
  test.each(upTo(20))("seed %i: each message is with one member at a time, and none is lost", (seed) => {
    const life = new Life(world(), seed);
    for (let step = 0; step < 250; step += 1) life.step(withCrashes);
    life.finish();
    expect(life.faults).toEqual([]);
    expect(upTo(life.published).filter((n) => !life.acknowledged.has(String(n)))).toEqual([]);
  });
});
