// Shared subscriptions at one shard and at three: each message to exactly one member, against a free slot, in turn.

import type { Packet } from "mqtt-packet";
import { describe, expect, test } from "vitest";
import { eventually, newCluster, subscribeNow, type Client, type Cluster } from "../../support/shards.ts";
import { ack, idOf, kindOf, messageOf, publish, publishes, type Answer } from "../mqtt-socket.ts";

const [a, b, c] = [0, 1, 2] as const;
const window = 32;

interface Setting {
  readonly cluster: Cluster;
  readonly publisher: Client;
  /** A topic of shard B. */
  readonly topic: string;
  member(shard: number, qos: 0 | 1 | 2, options?: { clean?: boolean; filter?: string }): Promise<Client>;
  /** As `member`, and gives the client's id too. */
  known(shard: number, qos: 0 | 1 | 2): Promise<{ client: Client; id: string }>;
}

async function set(shards: number): Promise<Setting> {
  const cluster = newCluster(shards);
  const { placement } = cluster;
  const topic = placement.subtreeOn(b);
  const publisher = await cluster.client(placement.clientOn(a, "publisher"));
  return {
    cluster,
    publisher,
    topic,
    member: (shard, qos, { clean = true, filter = topic } = {}) =>
      cluster.subscriber(placement.clientOn(shard), qos, [`$share/g/${filter}`], { clean }),
    known: async (shard, qos) => {
      const id = placement.clientOn(shard);
      return { id, client: await cluster.subscriber(id, qos, [`$share/g/${topic}`], { clean: false }) };
    },
  };
}

/** Publishes and waits until all are acknowledged: then each has been given to somebody, or is in a queue. */
async function send(publisher: Client, topic: string, qos: 1 | 2, count: number, from = 0): Promise<void> {
  publisher.send(
    ...publishes(count, topic, qos).map((packet, index) => ({ ...packet, payload: String(from + index) })),
  );
  const answers = await publisher.take(count);
  expect(answers.map(kindOf)).toEqual(answers.map(() => (qos === 1 ? "puback" : "pubrec")));
  if (qos === 1) return;
  publisher.send(...answers.map((answer) => ack("pubrel", idOf(answer))));
  await publisher.take(count);
}

const payload = (packet: Answer): number => Number(messageOf(packet).split("=")[1]?.split(" ")[0]);

const upTo = (count: number, from = 0): number[] => Array.from({ length: count }, (_, index) => from + index);

const acknowledge = (client: Client, packets: readonly Answer[]): void =>
  client.send(...packets.map((packet) => ack("puback", idOf(packet))));

const sorted = (numbers: readonly number[]): number[] => numbers.toSorted((x, y) => x - y);

/** What has come to each by now, once it is `count` in all; QoS 1 is acknowledged as it comes. */
async function collect(members: readonly Client[], count: number): Promise<number[][]> {
  const got: number[][] = members.map(() => []);
  await eventually(
    async () => {
      for (const [index, member] of members.entries()) {
        const packets = (await member.rest()).filter((packet) => kindOf(packet) === "publish");
        got[index]?.push(...packets.map(payload));
        acknowledge(
          member,
          packets.filter((packet) => idOf(packet) > 0),
        );
      }
      return got.flat().length >= count;
    },
    `${count} messages come; ${JSON.stringify(got)}`,
  );
  return got;
}

describe.each([1, 3])("a shared group, SHARDS=%i", (shards) => {
  test.each([0, 1] as const)("[MQTT-4.8.2-1] gives each message to one member, in turn (QoS %i)", async (qos) => {
    const { publisher, topic, member } = await set(shards);
    const members = [await member(a, qos), await member(b, qos), await member(c, qos)];
    if (qos === 1) await send(publisher, topic, 1, 30);
    else publisher.send(...publishes(30, topic, 0));
    const got = await collect(members, 30);
    expect(sorted(got.flat())).toEqual(upTo(30));
    expect(got.map((own) => own.length)).toEqual([10, 10, 10]);
    for (const own of got) expect(own).toEqual(sorted(own));
  });

  test("takes no part in plain subscriptions, and they none in it", async () => {
    const { cluster, publisher, topic, member } = await set(shards);
    const members = [await member(a, 1), await member(c, 1)];
    const plain = await cluster.subscriber(cluster.placement.clientOn(c), 1, [topic]);
    const both = await cluster.subscriber(cluster.placement.clientOn(a), 1, [topic, `$share/other/${topic}`]);
    await send(publisher, topic, 1, 4);
    expect(sorted((await collect(members, 4)).flat())).toEqual(upTo(4));
    expect((await collect([plain], 4)).flat()).toEqual(upTo(4));
    expect(sorted((await collect([both], 8)).flat())).toEqual([0, 0, 1, 1, 2, 2, 3, 3]);
  });

  test("[MQTT-3.8.3-4] gets no retained messages when it is subscribed, live ones without the flag", async () => {
    const { publisher, topic, member } = await set(shards);
    publisher.send(publish(topic, { retain: true, qos: 1, messageId: 1 }));
    expect(kindOf(await publisher.next())).toBe("puback");
    const client = await member(c, 1);
    publisher.send(publish(topic, { payload: "live", retain: true, qos: 1, messageId: 1 }));
    expect(messageOf(await client.next())).toBe(`${topic}=live q1`);
    expect(await client.rest()).toEqual([]);
  });

  test("goes on with the next member when a window is full, and with the queue when all are", async () => {
    const { publisher, topic, member } = await set(shards);
    const members = [await member(a, 1), await member(c, 1)];
    const count = 2 * window + 16;
    for (let at = 0; at < count; at += 20) {
      await send(publisher, topic, 1, 20, at);
    }
    const first = await Promise.all(members.map((client) => client.take(window)));
    for (const client of members) {
      expect(await client.rest()).toEqual([]);
    }
    members.forEach((client, index) => acknowledge(client, first[index] ?? []));
    const rest = await collect(members, 16);
    expect(sorted([...first.flat().map(payload), ...rest.flat()])).toEqual(upTo(count));
  });

  test("keeps its queue while all members are away, as long as one of them is durable", async () => {
    const { cluster, publisher, topic, known } = await set(shards);
    const { client, id } = await known(c, 1);
    client.send({ cmd: "disconnect" });
    expect(await client.closed()).toBe(true);
    await send(publisher, topic, 1, 10);
    for (const shard of cluster.all) {
      await cluster.crash(shard);
    }
    const back = await cluster.client(id, { clean: false });
    const publisher2 = await cluster.client(cluster.placement.clientOn(b));
    await send(publisher2, topic, 1, 5, 10);
    const got = await collect([back], 15);
    expect([...new Set(sorted(got.flat()))]).toEqual(upTo(15));
  });

  test("[MQTT-4.8.2-5] gives QoS 1 in flight to another member when a session ends", async () => {
    const { publisher, topic, member } = await set(shards);
    const [leaver, stayer] = [await member(a, 1), await member(c, 1)];
    await send(publisher, topic, 1, 10);
    const lost = await leaver.take(5);
    leaver.drop();
    const got = await collect([stayer], 10);
    expect(sorted(got.flat())).toEqual(upTo(10));
    expect(lost).toHaveLength(5);
  });

  test("[MQTT-4.8.2-5] also when it is a stored session that ends, wherever the others are", async () => {
    const { cluster, publisher, topic, member, known } = await set(shards);
    const [{ client: leaver, id }, stayer] = [await known(a, 1), await member(c, 1)];
    await send(publisher, topic, 1, 10);
    await leaver.take(5);
    leaver.drop();
    const clean = await cluster.client(id, { clean: true }); // ends the stored session
    expect(clean.resumed).toBe(false);
    const got = await collect([stayer], 10);
    expect(sorted(got.flat())).toEqual(upTo(10));
  });

  test("[MQTT-4.8.2-4] never gives QoS 2 that was sent to another member", async () => {
    const { publisher, topic, member } = await set(shards);
    const [leaver, stayer] = [await member(a, 2), await member(c, 2)];
    await send(publisher, topic, 2, 10);
    const lost = await leaver.take(5);
    leaver.drop();
    const own = await stayer.take(5);
    expect(sorted([...lost, ...own].map(payload))).toEqual(upTo(10));
    await subscribeNow(stayer, 1, "something/else"); // time for too much
    expect(await stayer.rest()).toEqual([]);
  });

  test("QoS 2 goes to one member, and each copy is finished there", async () => {
    const { publisher, topic, member } = await set(shards);
    const members = [await member(a, 2, { clean: false }), await member(c, 2)];
    await send(publisher, topic, 2, 6);
    for (const client of members) {
      const packets = await client.take(3);
      client.send(...packets.map((packet) => ack("pubrec", idOf(packet))));
      const released = await client.take(3);
      expect(released.map(kindOf)).toEqual(["pubrel", "pubrel", "pubrel"]);
      client.send(...released.map((packet) => ack("pubcomp", idOf(packet))));
      expect(await client.rest()).toEqual([]);
    }
  });

  test("[MQTT-3.10.4-2] an UNSUBSCRIBE takes the member out; with the last one the queue ends", async () => {
    const { cluster, publisher, topic, member } = await set(shards);
    const [first, second] = [await member(a, 1), await member(c, 1)];
    const unsubscribe: Packet = { cmd: "unsubscribe", messageId: 9, unsubscriptions: [`$share/g/${topic}`] };
    first.send(unsubscribe);
    expect(kindOf(await first.next())).toBe("unsuback");
    await send(publisher, topic, 1, 4);
    const got = await collect([second], 4);
    expect(sorted(got.flat())).toEqual(upTo(4));
    expect(await first.rest()).toEqual([]);
    second.send(unsubscribe);
    expect(kindOf(await second.next())).toBe("unsuback");
    await eventually(async () => (await cluster.rows(b % shards, "shared_group")) === 0, "the group has ended");
    await send(publisher, topic, 1, 4);
    const third = await member(c, 1);
    expect(await third.rest()).toEqual([]);
    await send(publisher, topic, 1, 1, 4);
    expect((await collect([third], 1)).flat()).toEqual([4]);
  });

  test("sleeps and wakes with something in flight, and with a queue", async () => {
    const { cluster, publisher, topic, member } = await set(shards);
    const members = [await member(a, 1), await member(c, 1, { clean: false })];
    const count = 2 * window + 10;
    for (let at = 0; at < count; at += 2) {
      await send(publisher, topic, 1, 2, at);
    }
    const inFlight = await Promise.all(members.map((client) => client.take(window)));
    await cluster.hibernate();
    // One acknowledgement: one more message.
    acknowledge(members[1] as Client, (inFlight[1] ?? []).slice(0, 1));
    const more = [await (members[1] as Client).next()];
    await cluster.hibernate();
    acknowledge(members[0] as Client, (inFlight[0] ?? []).slice(0, 1));
    more.push(await (members[0] as Client).next());
    expect(more.map(kindOf)).toEqual(["publish", "publish"]);
    await cluster.hibernate();
    members.forEach((client, index) =>
      acknowledge(client, [...(inFlight[index] ?? []).slice(1), ...more.slice(1 - index, 2 - index)]),
    );
    const got = await collect(members, 8);
    expect(sorted([...inFlight.flat(), ...more].map(payload).concat(got.flat()))).toEqual(upTo(count));
  });

  test("whose window was full before a sleep is told of new messages after it", async () => {
    const { cluster, publisher, topic, member } = await set(shards);
    const client = await member(c, 1);
    for (let at = 0; at < window; at += 8) {
      await send(publisher, topic, 1, 8, at);
    }
    const inFlight = await client.take(window);
    await cluster.hibernate();
    acknowledge(client, inFlight);
    expect(await client.rest()).toEqual([]);
    await send(publisher, topic, 1, 40, window);
    const got = await collect([client], 40);
    expect(sorted(got.flat())).toEqual(upTo(40, window));
  });

  test("with a wildcard over all owners gives each message of each owner to one member", async () => {
    const { cluster, publisher, member } = await set(shards);
    const members = [
      await member(a, 1, { filter: "+/work" }),
      await member(b, 1, { filter: "+/work" }),
      await member(c, 1, { filter: "+/work" }),
    ];
    const topics = [a, b, c].map((shard) => `${cluster.placement.subtreeOn(shard)}/work`);
    for (const [index, topic] of topics.entries()) {
      await send(publisher, topic, 1, 30, index * 30);
    }
    const got = await collect(members, 90);
    expect(sorted(got.flat())).toEqual(upTo(90));
    expect(got.map((own) => own.length)).toEqual([30, 30, 30]);
  });
});

describe("a shared group over several shards", () => {
  test("a shard without a member left gives the message back once, and gets no more", async () => {
    const { cluster, publisher, topic, member } = await set(3);
    await member(c, 1);
    await cluster.crash(c); // its member is gone, the route at the owner is not
    const stayer = await member(a, 1);
    await send(publisher, topic, 1, 20);
    const got = await collect([stayer], 20);
    expect(sorted(got.flat())).toEqual(upTo(20));
    await eventually(async () => (await cluster.rows(b, "route")) === 1, "the route of the crashed shard has ended");
  });

  test("its queue lives at the owner while the only member is at a later shard, also when the owner restarts", async () => {
    const { cluster, topic, known } = await set(3);
    const { client, id } = await known(c, 1);
    client.send({ cmd: "disconnect" });
    expect(await client.closed()).toBe(true);
    const publisher = await cluster.client(cluster.placement.clientOn(b));
    await send(publisher, topic, 1, 10);
    expect([await cluster.rows(b, "shared_group"), await cluster.rows(c, "shared_group")]).toEqual([1, 0]);
    await cluster.hibernate();
    await cluster.hibernate();
    await send(publisher, topic, 1, 1, 10);
    const back = await cluster.client(id, { clean: false });
    expect(sorted((await collect([back], 11)).flat())).toEqual(upTo(11));
  });

  test("a message that a shard was given stays there: no shard passes it on", async () => {
    const { cluster, publisher, member } = await set(3);
    const filter = "+/work";
    const members = [await member(a, 1, { filter }), await member(b, 1, { filter }), await member(c, 1, { filter })];
    const topic = `${cluster.placement.subtreeOn(b)}/work`;
    const before = await Promise.all(cluster.all.map((shard) => cluster.counter(shard, 'publish_sent{qos="1"}')));
    await send(publisher, topic, 1, 9);
    expect((await collect(members, 9)).map((own) => own.length)).toEqual([3, 3, 3]);
    const after = await Promise.all(cluster.all.map((shard) => cluster.counter(shard, 'publish_sent{qos="1"}')));
    expect(after.map((count, shard) => count - (before[shard] ?? 0))).toEqual([3, 3, 3]);
  });
});
