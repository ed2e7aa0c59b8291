// `Idempotency-Key` on real shards: an object is lost between any two steps, and still a repeat gets the first answer and
// no second message.

import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test } from "vitest";
import { parseConfig } from "../../src/config.ts";
import { shardOfKey } from "../../src/core/placement.ts";
import { createHttpApp } from "../../src/http/router.ts";
import { BrokerShard } from "../../src/objects/broker-shard.ts";
import { httpDeps } from "../../src/worker-deps.ts";
import { Cluster, eventually, withTap, type BatchCall } from "../support/shards.ts";
import { kindOf, messageOf } from "./mqtt-socket.ts";

let namespaces = 0;
const undo: (() => void)[] = [];
afterEach(() => {
  for (const each of undo.splice(0)) each();
});

/** The HTTP side of a namespace of its own. */
function newBroker(shards: number) {
  namespaces += 1;
  const namespace = `once-${shards}-${namespaces}`;
  const config = parseConfig({ ANONYMOUS: "loopback", SHARDS: String(shards), NAMESPACES: namespace });
  if (!config.ok) throw new Error("the test's configuration has problems");
  const app = createHttpApp(httpDeps(env, config.value));
  const post = async (topic: string, key: string, body = "x"): Promise<Response> => {
    const headers = { "idempotency-key": key };
    return app.fetch(
      new Request(`http://127.0.0.1/n/${namespace}/topics/${topic}?qos=1`, { method: "POST", headers, body }),
    );
  };
  const bulk = async (topics: readonly string[], key: string): Promise<Response> => {
    const body = JSON.stringify(topics.map((topic) => ({ topic, payload: "x", qos: 1 })));
    const headers = { "idempotency-key": key, "content-type": "application/json" };
    return app.fetch(
      new Request(`http://127.0.0.1/n/${namespace}/api/v5/publish/bulk`, { method: "POST", headers, body }),
    );
  };
  return { post, bulk, cluster: new Cluster(namespace, shards) };
}

/** A key that the given shard keeps. */
function keyAt(shard: number, { placement, shards }: Cluster): string {
  for (let n = 0; ; n += 1) {
    const owned = shardOfKey(`anonymous "anonymous" k${n}`, placement.layout);
    if (owned === shard % shards) return `k${n}`;
  }
}

type Step = "publishOnce" | "claim" | "finish";

/** The next time an object is asked for this, it does it and commits, and its answer is lost. */
function loseAnswerOf(step: Step): void {
  const original = BrokerShard.prototype[step] as (...given: unknown[]) => Promise<unknown>;
  const restore = (): void => {
    Object.assign(BrokerShard.prototype, { [step]: original });
  };
  Object.assign(BrokerShard.prototype, {
    [step]: async function lost(this: BrokerShard, ...given: unknown[]): Promise<unknown> {
      restore();
      await original.apply(this, given);
      throw new Error("lost on the way");
    },
  });
  undo.push(restore);
}

/** The object is gone at once, with what it was doing. */
async function abort(cluster: Cluster, shard: number): Promise<void> {
  try {
    await runInDurableObject(cluster.stub(shard), (_, state) => state.abort("lost"));
  } catch {
    // it cannot answer
  }
}

/** The last row of an outbox stays, emptied, for its number. */
const waitingBatches = (cluster: Cluster, shard: number): Promise<number> =>
  runInDurableObject(cluster.stub(shard), (_, { storage }) =>
    Number(storage.sql.exec("SELECT count(*) AS n FROM outbox WHERE length(data) > 0").one()["n"]),
  );

const isReplayed = (response: Response): boolean => response.headers.get("idempotency-replayed") === "true";

describe.each([1, 3])("with %i shards", (shards) => {
  const [keeper, owner, home] = [0, 1, 2] as const;

  /** Key, topic and subscriber at three shards where there are three. */
  async function scene(clean = false) {
    const broker = newBroker(shards);
    const { cluster } = broker;
    const { placement } = cluster;
    const [topic, clientId] = [placement.subtreeOn(owner), placement.clientOn(home)];
    const subscriber = await cluster.subscriber(clientId, 1, [topic], { clean });
    const crash = async (): Promise<void> => {
      for (const shard of cluster.all) await cluster.crash(shard);
    };
    const resume = async () => cluster.client(clientId, { clean });
    return { ...broker, topic, subscriber, key: keyAt(keeper, cluster), crash, resume };
  }

  test("a repeat gets the first answer, also after every object was lost, and the subscriber one message", async () => {
    const { post, topic, key, subscriber, crash, resume } = await scene();
    const first = await post(topic, key);
    expect([first.status, isReplayed(first)]).toEqual([200, false]);
    expect(messageOf(await subscriber.next())).toBe(`${topic}=x q1`);
    const repeat = await post(topic, key);
    expect([repeat.status, isReplayed(repeat)]).toEqual([200, true]);
    await crash();
    const late = await post(topic, key);
    expect(isReplayed(late)).toBe(true);
    expect(await late.text()).toBe(await first.text());
    expect(await repeat.json()).toMatchObject({ id: expect.stringMatching(/^[0-9A-F]{32}$/u) });
    const back = await resume();
    expect((await back.rest()).map(messageOf)).toEqual([`${topic}=x q1 dup`]);
  });

  test("another body under the same key is 422, also after every object was lost", async () => {
    const { post, topic, key, crash } = await scene();
    await post(topic, key);
    expect((await post(topic, key, "y")).status).toBe(422);
    expect((await post(`${topic}/other`, key)).status).toBe(422);
    await crash();
    expect((await post(topic, key, "y")).status).toBe(422);
  });

  test.each<Step>(["claim", "publishOnce", "finish"])(
    "where the answer of %s is lost, a repeat has the answer and there is no second message",
    async (step) => {
      const { post, topic, key, crash, resume } = await scene();
      loseAnswerOf(step);
      // One shard needs no more than `publishOnce`; once an owner has answered, the caller can be told.
      const isMissed = step === "publishOnce" || (step === "claim" && shards === 3);
      expect((await post(topic, key)).status).toBe(isMissed ? 503 : 200);
      await crash();
      expect((await post(topic, key)).status).toBe(200);
      expect(isReplayed(await post(topic, key))).toBe(true);
      const back = await resume();
      expect(await back.rest()).toHaveLength(1);
    },
  );

  test("two at the same time publish one message; one of them may be told to wait", async () => {
    const { post, topic, key, subscriber } = await scene();
    const answers = await Promise.all([post(topic, key), post(topic, key), post(topic, key)]);
    expect(answers.filter((answer) => answer.status === 200 && !isReplayed(answer))).toHaveLength(1);
    for (const answer of answers) {
      if (answer.status === 200) continue;
      expect([answer.status, answer.headers.get("retry-after")]).toEqual([409, "2"]);
    }
    expect((await subscriber.rest()).map(messageOf)).toEqual([`${topic}=x q1`]);
  });

  test("a bulk with topics of every shard is repeated as one", async () => {
    const { bulk, cluster, key, crash } = await scene();
    const topics = cluster.all.map((shard) => cluster.placement.subtreeOn(shard));
    const subscriber = await cluster.subscriber(cluster.placement.clientOn(home), 1, topics);
    const first = await bulk(topics, key);
    expect(first.status).toBe(200);
    const got = await subscriber.take(topics.length);
    expect(got.map(messageOf).toSorted()).toEqual(topics.map((topic) => `${topic}=x q1`).toSorted());
    await crash();
    const repeat = await bulk(topics, key);
    expect([repeat.status, isReplayed(repeat)]).toEqual([200, true]);
    expect(await repeat.text()).toBe(await first.text());
  });
});

test("a message on its way to the subscriber's shard is in the outbox: the owner's loss neither loses nor doubles it", async () => {
  const { cluster, post } = newBroker(3);
  const { placement } = cluster;
  const [topic, clientId] = [placement.subtreeOn(1), placement.clientOn(2)];
  const subscriber = await cluster.subscriber(clientId, 1, [topic]);
  const link = Promise.withResolvers<void>();
  const cut = async (call: BatchCall): Promise<Uint8Array> => {
    await link.promise;
    return call.run();
  };
  await withTap(cluster, cut, async () => {
    const first = post(topic, keyAt(0, cluster));
    await eventually(async () => (await waitingBatches(cluster, 1)) > 0, "the batch is in the outbox");
    await abort(cluster, 1);
    expect((await first).status).toBe(503);
    // What the owner's first life sent arrives late, together with what its second life sends again.
    link.resolve();
    const repeat = await post(topic, keyAt(0, cluster));
    expect([repeat.status, isReplayed(repeat)]).toEqual([200, true]);
    expect(kindOf(await subscriber.next())).toBe("publish");
    await eventually(async () => (await waitingBatches(cluster, 1)) === 0, "the outbox is empty");
    expect(await subscriber.rest()).toEqual([]);
  });
});
