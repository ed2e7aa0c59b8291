// Publishing over HTTP beyond a rate: 429 with Retry-After, and nothing is lost on the way.

import { describe, expect, test } from "vitest";
import { resultOf } from "../../../src/http/binding-result.ts";
import { ownerOfTopic } from "../../../src/core/placement.ts";
import type { TopicName } from "../../../src/core/brand.ts";
import type { PublishOutcome } from "../../../src/objects/shard-api.ts";
import { postJson, startBroker, type Broker } from "./broker.ts";

const publishPath = "/api/v5/publish";
const bulkPath = "/api/v5/publish/bulk";
const overRate: PublishOutcome = {
  kind: "refused",
  reasonCode: 0x96,
  detail: "more messages than the rate allows",
  retryAfterSec: 3,
};
const item = (topic: string) => ({ topic, payload: "x" });

/** Two shards, and a topic of each. */
function twoShards(env: Record<string, string> = {}): { broker: Broker; topics: readonly [string, string] } {
  const broker = startBroker({ ANONYMOUS: "loopback", ...env }, 2);
  const topicAt = (shard: number): string => {
    const names = Array.from({ length: 50 }, (_, n) => `t${n}` as TopicName);
    return names.find((name) => ownerOfTopic(name, broker.layout) === shard) ?? "none";
  };
  return { broker, topics: [topicAt(0), topicAt(1)] };
}

describe("a message over a rate", () => {
  test.each([
    [publishPath, postJson(item("t"))],
    [bulkPath, postJson([item("t"), item("u")])],
    ["/topics/t", { method: "POST", body: "x" }],
    ["/topics/t", { method: "PUT", body: "x" }],
    ["/topics/t", { method: "DELETE" }],
  ])("%s: a problem 429 with Retry-After", async (path, init) => {
    const broker = startBroker();
    broker.shard("default", 0).outcomeOf = () => overRate;
    const response = await broker.ask(path, init);
    expect([response.status, response.headers.get("retry-after")]).toEqual([429, "3"]);
    expect(await response.json()).toMatchObject({
      code: "TOO_MANY_REQUESTS",
      message: "message_rate_too_high",
      reason_code: 150,
    });
  });

  test("in a bulk of several owners: 429, each item says what became of it", async () => {
    const { broker, topics } = twoShards();
    broker.shard("default", 1).outcomeOf = () => overRate;
    const response = await broker.ask(bulkPath, postJson(topics.map(item)));
    expect([response.status, response.headers.get("retry-after")]).toEqual([429, "3"]);
    const refused = { reason_code: 150, message: "message_rate_too_high" };
    expect(await response.json()).toEqual([{ id: expect.any(String) }, refused]);
  });

  test("in a bulk with a message refused for another reason: 503", async () => {
    const { broker, topics } = twoShards();
    broker.shard("default", 0).outcomeOf = () => ({ kind: "refused", reasonCode: 0x97, detail: "full" });
    broker.shard("default", 1).outcomeOf = () => overRate;
    expect((await broker.ask(bulkPath, postJson(topics.map(item)))).status).toBe(503);
  });

  test("in a bulk under a key: a repeat publishes what was over the rate, and nothing twice", async () => {
    const { broker, topics } = twoShards();
    const [taken, refusing] = [broker.shard("default", 0), broker.shard("default", 1)];
    refusing.outcomeOf = () => overRate;
    const keyed = { ...postJson(topics.map(item)), headers: { "idempotency-key": "k" } };
    expect((await broker.ask(bulkPath, keyed)).status).toBe(429);
    refusing.outcomeOf = () => ({ kind: "accepted" });
    expect((await broker.ask(bulkPath, keyed)).status).toBe(200);
    expect([taken.published.length, refusing.published.length]).toEqual([1, 2]);
  });

  test("over a service binding: refused, by its name", () => {
    const result = resultOf({ kind: "answered", answerId: "a", isReplayed: false, verdicts: [overRate] });
    expect(result).toMatchObject({ outcome: "refused", reasonCode: 150, reason: "message_rate_too_high" });
  });
});

test("shards are told who publishes where a client has a rate, and only there", async () => {
  const publishers = await Promise.all(
    [{}, { CLIENT_MESSAGE_RATE: "5" }, { CLIENT_BYTE_RATE: "5" }].map(async (env) => {
      const { broker, topics } = twoShards(env);
      await broker.ask(publishPath, postJson(item(topics[0])));
      return broker.shard("default", 0).published[0]?.publisher;
    }),
  );
  expect(publishers).toEqual([undefined, "anonymous anonymous", "anonymous anonymous"]);
});
