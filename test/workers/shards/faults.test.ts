// What the links promise when calls fail, answers are lost and shards crash between any two steps (design §3, §5).

import { describe, expect, test } from "vitest";
import { unpackBatch } from "../../../src/core/link-batch.ts";
import { apart, eventually, newCluster, noAnswer, withTap, type BatchCall, type Client } from "../../support/shards.ts";
import { letPass } from "../shard.ts";
import { ack, idOf, kindOf, messageOf, publish, publishes, subscribe, type Answer } from "../mqtt-socket.ts";

const [a, b, c] = [0, 1, 2] as const;

/** More than the budgets of `link-limits.ts`. */
const deliverBudgetSec = 5;
const publishBudgetSec = 13;

const texts = (subtree: string, from: number, to: number, qos: number): string[] =>
  Array.from({ length: to - from }, (_, index) => `${subtree}=${from + index} q${qos}`);

/** Links say other things too, such as that a route is registered. */
const isAbout = (topic: string, { bytes }: BatchCall): boolean => Buffer.from(bytes).includes(topic);

const withoutDup = (answer: Answer): string => messageOf(answer).replace(" dup", "");

/** Finishes every QoS 2 message that comes, up to `count`; gives them in the order of their first PUBLISH. */
async function receiveQos2(subscriber: Client, count: number): Promise<string[]> {
  const seen = new Map<number, string>();
  let finished = 0;
  while (finished < count) {
    const packet = await subscriber.next();
    if (kindOf(packet) === "publish") {
      if (!seen.has(idOf(packet))) seen.set(idOf(packet), withoutDup(packet));
      subscriber.send(ack("pubrec", idOf(packet)));
    } else if (kindOf(packet) === "pubrel") {
      subscriber.send(ack("pubcomp", idOf(packet)));
      finished += 1;
    } else {
      throw new Error(`after ${finished}: ${JSON.stringify(packet)}`);
    }
  }
  return [...seen.values()];
}

describe("a stored session at C that is away", () => {
  test("[MQTT-3.1.2-5] gets in order, once back, what was published at A", async () => {
    const { cluster, publisher, subtree, subscriberId } = await apart();
    const before = await cluster.subscriber(subscriberId, 1, [subtree], { clean: false });
    before.send({ cmd: "disconnect" });
    expect(await before.closed()).toBe(true);
    publisher.send(...publishes(40, subtree, 1));
    await publisher.take(40);
    await cluster.hibernate();
    const after = await cluster.client(subscriberId, { clean: false });
    expect(after.resumed).toBe(true);
    const first = await after.take(32);
    after.send(...first.map((packet) => ack("puback", idOf(packet))));
    const got = [...first, ...(await after.take(8))];
    expect(got.map(withoutDup)).toEqual(texts(subtree, 0, 40, 1));
  });

  test.each(["crash", "hibernate"] as const)("loses nothing acknowledged when all shards %s", async (what) => {
    const { cluster, publisher, subtree, subscriberId } = await apart();
    const before = await cluster.subscriber(subscriberId, 2, [subtree], { clean: false });
    before.send({ cmd: "disconnect" });
    expect(await before.closed()).toBe(true);
    publisher.send(...publishes(5, subtree, 1), publish(subtree, { payload: "5", qos: 2, messageId: 9 }));
    await publisher.take(6);
    for (const shard of [c, b, a]) {
      await (what === "crash" ? cluster.crash(shard) : cluster.hibernate(shard));
    }
    if (what === "crash") await cluster.client(cluster.placement.clientOn(a)); // wakes what A still owes
    const after = await cluster.client(subscriberId, { clean: false });
    const got: string[] = [];
    while (!got.includes(`${subtree}=5 q2`)) {
      got.push(withoutDup(await after.next()));
    }
    expect([...new Set(got)].toSorted()).toEqual([...texts(subtree, 0, 5, 1), `${subtree}=5 q2`]);
    expect(got.filter((line) => line.endsWith("q2"))).toHaveLength(1);
  });
});

/** Each of these runs while ten QoS 2 messages go from A over B to C. */
const losses: readonly { readonly what: string; readonly tap: () => (call: BatchCall) => Promise<Uint8Array> }[] = [
  {
    what: "every answer is lost once after the call ran",
    tap: () => {
      const seen = new Set<string>();
      return async ({ to, bytes, run }) => {
        const answer = await run();
        const key = `${to} ${bytes.join()}`;
        if (seen.has(key) || seen.size > 30) return answer;
        seen.add(key);
        return noAnswer;
      };
    },
  },
  {
    // Of each batch: were they counted together, a batch whose repeats alternate with those of the next would never arrive.
    what: "every other call of a batch does not arrive",
    tap: () => {
      const isTurnOf = new Set<string>();
      return async ({ to, bytes, run }) => {
        const batch = unpackBatch(bytes);
        const key = `${batch?.from} ${to} ${batch?.opening} ${batch?.n}`;
        if (isTurnOf.delete(key)) return run();
        isTurnOf.add(key);
        return noAnswer;
      };
    },
  },
  {
    what: "every call is made twice",
    tap:
      () =>
      async ({ run }) => {
        await run();
        return run();
      },
  },
];

describe.each(losses)("QoS 2 while $what", ({ tap }) => {
  test("[MQTT-4.3.3-1] each message arrives once and in order", async () => {
    const { cluster, publisher, subtree, subscriberId } = await apart();
    const subscriber = await cluster.subscriber(subscriberId, 2, [subtree], { clean: false });
    await withTap(cluster, tap(), async () => {
      publisher.send(...publishes(10, subtree, 2));
      expect((await publisher.take(10)).map(kindOf)).toEqual(Array.from({ length: 10 }, () => "pubrec"));
      expect(await receiveQos2(subscriber, 10)).toEqual(texts(subtree, 0, 10, 2));
    });
    expect(await subscriber.rest()).toEqual([]);
  });
});

describe("QoS 2 when a shard crashes", () => {
  /** A call to B ran, or to C, or none: then `shard` crashes before anything is answered. */
  test.each([
    { shard: a, held: b, ran: false },
    { shard: a, held: b, ran: true },
    { shard: b, held: b, ran: true },
    { shard: b, held: c, ran: false },
    { shard: b, held: c, ran: true },
    { shard: c, held: c, ran: true },
  ])("shard $shard while a call to $held is under way (taken: $ran): once", async ({ shard, held, ran }) => {
    const { cluster, publisherId, subtree, subscriberId } = await apart();
    await cluster.subscriber(subscriberId, 2, [subtree], { clean: false });
    const publisher = await cluster.client(publisherId, { clean: false });
    // No promise that the shard resolves: what waits for it would go on in the shard, and end with it.
    let isReached = false;
    const isCrashed = Promise.withResolvers<void>();
    let isFirst = true;
    await withTap(
      cluster,
      async ({ to, run }) => {
        if (!to.endsWith(`/${held}`) || !isFirst) return run();
        isFirst = false;
        const answer = ran ? run() : undefined;
        // What it took is committed: an answer follows the commit.
        await answer?.catch(() => undefined);
        isReached = true;
        await isCrashed.promise;
        return noAnswer;
      },
      async () => {
        publisher.send(publish(subtree, { payload: "0", qos: 2, messageId: 1 }));
        expect(kindOf(await publisher.next())).toBe("pubrec");
        await eventually(() => isReached, "the call is under way");
        await cluster.crash(shard);
        isCrashed.resolve();
        await cluster.client(cluster.placement.clientOn(shard)); // somebody wakes it
        const subscriber = await cluster.client(subscriberId, { clean: false });
        expect(await receiveQos2(subscriber, 1)).toEqual(texts(subtree, 0, 1, 2));
        const again = await cluster.client(publisherId, { clean: false });
        again.send(publish(subtree, { payload: "0", qos: 2, messageId: 1, dup: true }), ack("pubrel", 1));
        expect((await again.take(2)).map(kindOf)).toEqual(["pubrec", "pubcomp"]);
        again.send(publish(subtree, { payload: "1", qos: 2, messageId: 1 }));
        expect(await receiveQos2(subscriber, 1)).toEqual(texts(subtree, 1, 2, 2));
        expect(await subscriber.rest()).toEqual([]);
      },
    );
  });
});

describe("a call that is repeated with the same bytes", () => {
  test("has no effect, neither at the owner nor at the subscriber's shard, also after a crash", async () => {
    const { cluster, publisher, subtree, subscriberId } = await apart();
    const subscriber = await cluster.subscriber(subscriberId, 2, [subtree], { clean: false });
    const calls: BatchCall[] = [];
    await withTap(
      cluster,
      async (call) => {
        calls.push(call);
        return call.run();
      },
      async () => {
        publisher.send(...publishes(3, subtree, 2));
        expect(await receiveQos2(subscriber, 3)).toEqual(texts(subtree, 0, 3, 2));
      },
    );
    await cluster.crash(b);
    for (const { to, bytes } of calls) {
      await cluster.stub(Number(to.split("/")[1])).deliverBatch(bytes, cluster.placement.layout);
    }
    expect(await subscriber.rest()).toEqual([]);
    publisher.send(publish(subtree, { payload: "3", qos: 2, messageId: 9 }));
    expect(await receiveQos2(subscriber, 1)).toEqual(texts(subtree, 3, 4, 2));
  });
});

describe("C does not answer", () => {
  test("QoS 1 is acknowledged once it is in the owner's outbox, and comes in order when C is back", async () => {
    const { cluster, publisher, subtree, subscriberId } = await apart();
    const subscriber = await cluster.subscriber(subscriberId, 1, [subtree], { clean: false });
    const isAsked = Promise.withResolvers<void>();
    let isAway = true;
    await withTap(
      cluster,
      async (call) => {
        if (!isAway || !call.to.endsWith(`/${c}`)) return call.run();
        if (isAbout(subtree, call)) isAsked.resolve();
        return noAnswer;
      },
      async () => {
        publisher.send(...publishes(5, subtree, 1), publish(subtree, { payload: "zero" }));
        await isAsked.promise;
        letPass(deliverBudgetSec);
        expect((await publisher.take(5)).map(kindOf)).toEqual(Array.from({ length: 5 }, () => "puback"));
        expect(await cluster.rows(b, "outbox")).toBeGreaterThan(0);
        publisher.send(publish(subtree, { payload: "5", qos: 1, messageId: 9 }));
        expect(kindOf(await publisher.next())).toBe("puback");
        isAway = false;
        await cluster.crash(b);
        await cluster.client(cluster.placement.clientOn(b)); // somebody wakes it
        expect((await subscriber.take(6)).map(messageOf)).toEqual(texts(subtree, 0, 6, 1));
      },
    );
    await eventually(async () => (await cluster.rows(b, "outbox")) <= 1, "the outbox is empty");
  });

  test("[MQTT-4.3.2-2] an owner that does not answer leaves QoS 1 without an acknowledgement", async () => {
    const { cluster, publisher, subtree } = await apart();
    const isAsked = Promise.withResolvers<void>();
    await withTap(
      cluster,
      async (call) => {
        if (isAbout(subtree, call)) isAsked.resolve();
        return noAnswer;
      },
      async () => {
        publisher.send(publish(subtree, { qos: 1, messageId: 1 }));
        await isAsked.promise;
        letPass(publishBudgetSec);
        expect(await publisher.next()).toBe("closed");
      },
    );
  });
});

describe("routes", () => {
  test("are known to an owner that crashed, without anybody subscribing again", async () => {
    const { cluster, publisher, subtree, subscriberId } = await apart();
    const subscriber = await cluster.subscriber(subscriberId, 1, [subtree]);
    await cluster.crash(b);
    publisher.send(publish(subtree, { qos: 1, messageId: 1 }));
    expect(messageOf(await subscriber.next())).toBe(`${subtree}=x q1`);
  });

  test("of ephemeral sessions that a crash of C ended go with the first message that nobody wants", async () => {
    const { cluster, publisher, subtree, subscriberId } = await apart();
    await cluster.subscriber(subscriberId, 1, [subtree]);
    await cluster.subscriber(cluster.placement.clientOn(c), 1, [`${subtree}/kept`], { clean: false });
    await cluster.crash(c);
    publisher.send(publish(subtree, { qos: 1, messageId: 1 }));
    expect(kindOf(await publisher.next())).toBe("puback");
    await eventually(async () => (await cluster.rows(b, "route")) === 1, "the route has ended");
  });

  test("of a stored session whose SUBSCRIBE a crash of C cut off are made up for when it comes back", async () => {
    const { cluster, publisher, subtree, subscriberId } = await apart();
    const subscriber = await cluster.client(subscriberId, { clean: false });
    await withTap(
      cluster,
      async () => noAnswer,
      async () => {
        subscriber.send(subscribe(1, subtree));
        await eventually(async () => (await cluster.rows(c, "subscription")) === 1, "the subscription is stored");
        await cluster.crash(c);
      },
    );
    const back = await cluster.client(subscriberId, { clean: false });
    expect(back.resumed).toBe(true);
    await eventually(async () => (await cluster.rows(b, "route")) === 1, "the owner has the route");
    publisher.send(publish(subtree, { qos: 1, messageId: 1 }));
    expect(messageOf(await back.next())).toBe(`${subtree}=x q1`);
  });
});

describe("what a shard owes when it crashes", () => {
  test("leaves also if no client ever wakes it: its alarm does", async () => {
    const cluster = newCluster(3);
    const { placement } = cluster;
    const [subtree, subscriberId] = [placement.subtreeOn(b), placement.clientOn(c)];
    const subscriber = await cluster.subscriber(subscriberId, 2, [subtree], { clean: false });
    // No keep-alive, so no alarm but one for this.
    const publisher = await cluster.client(placement.clientOn(a), { clean: false, keepalive: 0 });
    await withTap(
      cluster,
      async () => noAnswer,
      async () => {
        publisher.send(publish(subtree, { payload: "0", qos: 2, messageId: 1 }));
        expect(kindOf(await publisher.next())).toBe("pubrec");
        await cluster.crash(a);
      },
    );
    expect(await cluster.alarm(a)).toBe(true);
    expect(await receiveQos2(subscriber, 1)).toEqual(texts(subtree, 0, 1, 2));
  });
});
