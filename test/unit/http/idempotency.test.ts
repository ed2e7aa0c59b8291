// `Idempotency-Key`: a repeat gets the first answer and publishes nothing.

import { describe, expect, test } from "vitest";
import type { TopicName } from "../../../src/core/brand.ts";
import { ownerOfTopic } from "../../../src/core/placement.ts";
import { startBroker, startClosedBroker, bearer, postJson, problemOf, tokens, type Broker } from "./broker.ts";

const publishPath = "/api/v5/publish";
const bulkPath = "/api/v5/publish/bulk";

const keyed = (key: string, init: RequestInit = { method: "POST" }): RequestInit => ({
  ...init,
  headers: { ...(init.headers as Record<string, string>), "idempotency-key": key },
});

const published = (broker: Broker): string[] =>
  [...broker.shards.values()].flatMap((shard) => shard.published.map(({ topicName }) => topicName)).sort();

const isReplayed = (response: Response): boolean => response.headers.get("idempotency-replayed") === "true";

/** Topics of which each of the three shards owns one. */
function topicsOfAll(broker: Broker): string[] {
  const owned = new Map<number, string>();
  for (let n = 0; owned.size < 3; n += 1) owned.set(ownerOfTopic(`t${n}` as TopicName, broker.layout), `t${n}`);
  return [...owned.values()];
}

describe.each([1, 3])("with SHARDS=%i a repeat", (shards) => {
  const start = (): Broker => startBroker(undefined, shards);

  test("of every method gets the first answer and publishes nothing", async () => {
    const requests: [string, RequestInit][] = [
      [publishPath, keyed("1", postJson({ topic: "a", payload: "" }))],
      [
        bulkPath,
        keyed(
          "2",
          postJson([
            { topic: "a", payload: "" },
            { topic: "b", payload: "" },
            { topic: "c", payload: "" },
          ]),
        ),
      ],
      ["/topics/d?qos=1", keyed("3", { method: "POST", body: "x" })],
      ["/n/default/topics/e", keyed("4", { method: "PUT", body: "x" })],
      ["/topics/f", keyed("5", { method: "DELETE" })],
    ];
    const broker = start();
    for (const [path, init] of requests) {
      const first = await broker.ask(path, init);
      const before = published(broker);
      const repeat = await broker.ask(path, init);
      expect([isReplayed(first), isReplayed(repeat)]).toEqual([false, true]);
      expect(repeat.status).toBe(first.status);
      expect(await repeat.text()).toBe(await first.text());
      expect(published(broker)).toEqual(before);
    }
    expect(published(broker)).toEqual(["a", "a", "b", "c", "d", "e", "f"]);
  });

  test("with another body, target, option or method is 422 and publishes nothing", async () => {
    const broker = start();
    const first = ["/topics/a?qos=1", { method: "POST", body: "x" }] as const;
    const others: (readonly [string, RequestInit])[] = [
      ["/topics/a?qos=1", { method: "POST", body: "y" }],
      ["/topics/b?qos=1", { method: "POST", body: "x" }],
      ["/topics/a?qos=2", { method: "POST", body: "x" }],
      ["/topics/a?qos=1", { method: "POST", body: "x", headers: { "mqtt-content-type": "text/x" } }],
      ["/topics/a?qos=1&retain=1", { method: "POST", body: "x" }],
      ["/topics/a?qos=1", { method: "PUT", body: "x" }],
      [publishPath, postJson({ topic: "a", payload: "x", qos: 1 })],
    ];
    await broker.ask(first[0], keyed("k", first[1]));
    const answers = await Promise.all(others.map(([path, init]) => broker.ask(path, keyed("k", init))));
    expect(answers.map(({ status }) => status)).toEqual(others.map(() => 422));
    expect(await problemOf(answers[0] as Response)).toMatchObject({ message: "idempotency_key_reused" });
    expect(published(broker)).toEqual(["a"]);
  });

  test("may spell the same message in another way", async () => {
    const broker = start();
    const body = JSON.stringify({ payload: "x", qos: 1, topic: "a/b" });
    await broker.ask(publishPath, keyed("k", { method: "POST", body }));
    const same = { topic: "a/b", payload: "eA==", payload_encoding: "base64", qos: 1, idempotency_key: "k" };
    expect(isReplayed(await broker.ask(publishPath, postJson(same)))).toBe(true);
    await broker.ask("/topics/a/b", keyed("l", { method: "POST", body: "x", headers: { "mqtt-qos": "1" } }));
    const again = await broker.ask("/topics/a%2Fb?qos=1&access_token=t", keyed('"l"', { method: "POST", body: "x" }));
    expect(isReplayed(again)).toBe(true);
  });

  test("while the first runs is 409 with Retry-After", async () => {
    const broker = start();
    const [reached, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const pause = (): Promise<void> => {
      reached.resolve();
      return go.promise;
    };
    for (let index = 0; index < shards; index += 1) broker.shard("default", index).pause = pause;
    const init = keyed("k", postJson({ topic: "a", payload: "" }));
    const first = broker.ask(publishPath, init);
    await reached.promise;
    const second = await broker.ask(publishPath, init);
    expect([second.status, second.headers.get("retry-after")]).toEqual([409, "2"]);
    expect(await problemOf(second)).toMatchObject({ message: "idempotency_key_in_use" });
    go.resolve();
    expect((await first).status).toBe(200);
    expect(isReplayed(await broker.ask(publishPath, init))).toBe(true);
    expect(published(broker)).toEqual(["a"]);
  });

  test("after a refusal of everything publishes, for nothing was", async () => {
    const broker = start();
    const full = { kind: "refused", reasonCode: 0x97, detail: "full" } as const;
    for (let index = 0; index < shards; index += 1) broker.shard("default", index).outcomeOf = () => full;
    const init = keyed("k", postJson({ topic: "a", payload: "" }));
    expect((await broker.ask(publishPath, init)).status).toBe(503);
    for (const shard of broker.shards.values()) shard.outcomeOf = () => ({ kind: "accepted" });
    const again = await broker.ask(publishPath, init);
    expect([again.status, isReplayed(again)]).toEqual([200, false]);
  });

  test("after an answer that was lost on the way publishes nothing more", async () => {
    const broker = start();
    const topics = shards === 1 ? ["a"] : topicsOfAll(broker);
    const init = keyed("k", postJson(topics.map((topic) => ({ topic, payload: "" }))));
    broker.shard("default", 0).losesAnswers = true;
    const first = await broker.ask(bulkPath, init);
    expect(first.status).toBe(503);
    broker.shard("default", 0).losesAnswers = false;
    const again = await broker.ask(bulkPath, init);
    expect(again.status).toBe(200);
    expect(await again.json()).toHaveLength(topics.length);
    expect(published(broker)).toEqual(topics.toSorted());
    expect(isReplayed(await broker.ask(bulkPath, init))).toBe(true);
  });

  test("of a bulk gets every item's own answer", async () => {
    const broker = start();
    for (let index = 0; index < shards; index += 1) {
      broker.shard("default", index).outcomeOf = ({ topicName }) =>
        topicName === "none" ? { kind: "no-matching-subscribers" } : { kind: "accepted" };
    }
    const init = keyed("k", postJson(["a", "none", "c"].map((topic) => ({ topic, payload: "" }))));
    const first = (await (await broker.ask(bulkPath, init)).json()) as { id: string; reason_code?: number }[];
    expect(first.map((item) => item.reason_code)).toEqual([undefined, 16, undefined]);
    expect(new Set(first.map((item) => item.id)).size).toBe(3);
    expect(first.every((item) => /^[0-9A-F]{32}$/u.test(item.id))).toBe(true);
    expect(await (await broker.ask(bulkPath, init)).json()).toEqual(first);
  });
});

describe("a key", () => {
  test("is each token's and each namespace's own", async () => {
    const broker = startClosedBroker();
    const ask = (secret: string, path: string): Promise<Response> =>
      broker.ask(path, keyed("k", { method: "PUT", ...bearer(secret) }));
    const answers = [
      await ask(tokens.publisher, "/topics/news/1"),
      await ask(tokens.elsewhere, "/n/lab/topics/news/2"),
      await ask(tokens.publisher, "/topics/news/1"),
    ];
    expect(answers.map(isReplayed)).toEqual([false, false, true]);
  });

  test.each([
    ["", 400],
    ["x".repeat(256), 400],
    ["tüv", 400],
    ["x".repeat(255), 200],
    ["a key, with ~ and !", 200],
  ])("%j is answered with %i", async (key, status) => {
    const broker = startBroker();
    const response = await broker.ask(publishPath, keyed(key, postJson({ topic: "a", payload: "" })));
    expect(response.status).toBe(status);
    const inBody = postJson({ topic: "b", payload: "", idempotency_key: key });
    expect((await startBroker().ask(publishPath, inBody)).status).toBe(status);
    const { message } = (await response.json()) as { message?: string };
    expect(message).toBe(status === 400 ? "idempotency_key_invalid" : undefined);
  });

  test("in the header and another in the body are 400, in an item of a bulk too", async () => {
    const broker = startBroker();
    const item = { topic: "a", payload: "", idempotency_key: "k" };
    expect((await broker.ask(publishPath, keyed("l", postJson(item)))).status).toBe(400);
    expect((await broker.ask(publishPath, keyed("k", postJson(item)))).status).toBe(200);
    expect((await broker.ask(bulkPath, postJson([item]))).status).toBe(400);
    expect((await broker.ask(bulkPath, postJson([null]))).status).toBe(400);
    expect((await broker.ask(publishPath, postJson({ ...item, idempotency_key: 5 }))).status).toBe(400);
    expect(published(broker)).toEqual(["a"]);
  });

  test("beyond maximumIdempotencyKeys is 503 with reason code 151, and the limit's name is in the log", async () => {
    const broker = startBroker({ ANONYMOUS: "loopback", MAXIMUM_IDEMPOTENCY_KEYS: "1" });
    const ask = (key: string): Promise<Response> => broker.ask("/topics/a", keyed(key, { method: "PUT", body: "x" }));
    expect((await ask("1")).status).toBe(200);
    const refused = await ask("2");
    expect(refused.status).toBe(503);
    expect(await problemOf(refused)).toMatchObject({ reason_code: 151 });
    expect(broker.log.at(-1)).toMatchObject({ event: "http-refused", limit: "maximumIdempotencyKeys" });
    expect(isReplayed(await ask("1"))).toBe(true);
  });

  test("that some shard cannot be asked about leaves no verdict, and says what a repeat does", async () => {
    const broker = startBroker();
    broker.shard("default", 0).failure = new Error("gone");
    const response = await broker.ask(publishPath, keyed("k", postJson({ topic: "a", payload: "" })));
    expect(response.status).toBe(503);
    expect((await problemOf(response))["detail"]).toMatch(/a repeat with the same key publishes it once/u);
  });
});
