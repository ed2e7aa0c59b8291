// Export and import over HTTP, with a core behind each shard.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { LayoutRefusal } from "../../../src/core/layout-refusal.ts";
import { shardOfClient } from "../../../src/core/placement.ts";
import { connect, publish1, publish2, upTo, type Client, type Scene } from "../../support/scene.ts";
import { refusal, send, start, textOf, type Cluster } from "./backup-cluster.ts";
import { tokens } from "./broker.ts";

const durable = { protocolVersion: 5, properties: { sessionExpiryIntervalSec: 3600, receiveMaximum: 2 } } as const;

function sceneOf({ scenes, broker }: Cluster, clientId: string): Scene {
  return scenes[shardOfClient(clientId as never, broker.layout)] as Scene;
}

const resume = (cluster: Cluster, clientId: string): Client => {
  const client = sceneOf(cluster, clientId).open();
  client.send(connect(clientId, { ...durable, cleanStart: false }));
  return client;
};

/** Each client has its window of two full, and two more in its queue. */
function fill(cluster: Cluster, clientIds: readonly string[]): void {
  for (const clientId of clientIds) {
    const scene = sceneOf(cluster, clientId);
    const client = scene.subscriber(clientId, 2, [`to/${clientId}`], durable);
    const pub = scene.connect(`pub of ${clientId}`);
    pub.send(...upTo(3).map((n) => publish1(`to/${clientId}`, `m${n}`, n)), publish2(`to/${clientId}`, "two", 9));
    scene.flush();
    client.drop();
    scene.flush();
  }
}

async function exported(cluster: Cluster): Promise<string> {
  const response = await cluster.broker.ask("/backup");
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("application/x-ndjson");
  return response.text();
}

const clientIds = upTo(6).map((n) => `client-${n}`);
const linesOf = (text: string): string[] => text.trimEnd().split("\n");

describe("GET /backup", () => {
  it("gives a header, a line for each record, and an end that says how many there are", async () => {
    const cluster = start(3);
    fill(cluster, clientIds);
    const lines = linesOf(await exported(cluster)).map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines[0]).toMatchObject({ type: "durable-mqtt-export", version: 1, namespace: "default" });
    expect(lines.at(-1)).toEqual({ type: "end", records: lines.length - 2 });
    const types = lines.slice(1, -1).map(({ type }) => type);
    expect(types).toEqual([...upTo(6).map(() => "session"), ...upTo(24).map(() => "message")]);
  });

  it("waits for what three hops between shards may hold, before the first page and again before the queues of sessions", async () => {
    const cluster = start(3);
    fill(cluster, clientIds);
    await exported(cluster);
    const kinds = cluster.requests.map((request) =>
      request.kind === "page" ? (request.cursor?.part ?? "sessions") : request.kind,
    );
    const rounds = upTo(9).map(() => "settle");
    expect(kinds.slice(0, 9)).toEqual(rounds);
    expect(kinds.slice(kinds.indexOf("wills") - 9, kinds.indexOf("wills"))).toEqual(rounds);
    expect(kinds.indexOf("queues")).toBeGreaterThan(kinds.lastIndexOf("sessions"));
    expect(kinds.indexOf("wills")).toBeGreaterThan(kinds.lastIndexOf("queues"));
  });

  it("reads a page only when the one before was taken", async () => {
    const cluster = start();
    const scene = cluster.scenes[0] as Scene;
    scene.subscriber("big", 1, ["big"], durable).drop();
    const pub = scene.connect("pub");
    for (const n of upTo(8)) pub.send(publish1("big", "x".repeat(400_000), n));
    scene.flush();
    const { body } = await cluster.broker.ask("/backup");
    const reader = (body as ReadableStream<Uint8Array>).getReader();
    for (const _ of upTo(4)) await reader.read();
    const pages = cluster.requests.filter(({ kind }) => kind === "page").length;
    expect(pages).toBeLessThan(8);
    await reader.cancel();
    expect(cluster.broker.log).toEqual([]);
  });

  it("is told to the log when it is whole, with who has it", async () => {
    const cluster = start();
    fill(cluster, clientIds);
    await exported(cluster);
    expect(cluster.broker.log).toMatchObject([{ event: "backup-exported", principal: expect.any(String) }]);
  });

  it("ends without its end where a shard fails in the middle", async () => {
    const cluster = start(3);
    fill(cluster, clientIds);
    cluster.broker.shard("default", 2).transfer = async ({ kind }) => {
      if (kind === "settle") return { kind: "settled" };
      throw new Error("away");
    };
    const response = await cluster.broker.ask("/backup");
    await expect(response.text()).rejects.toThrow("away");
    expect(cluster.broker.log).toMatchObject([{ event: "shard-unreachable" }]);
  });

  it("is 503 where shards wait for one another, or one is away", async () => {
    const cluster = start(3);
    const shard = cluster.broker.shard("default", 1);
    shard.transfer = async () => ({ kind: "unsettled" });
    expect((await cluster.broker.ask("/backup")).status).toBe(503);
    shard.transfer = async () => {
      throw new Error("away");
    };
    expect((await cluster.broker.ask("/backup")).status).toBe(503);
  });

  it.each([
    ["no token", undefined, 401],
    ["a token that may publish only", tokens.publisher, 403],
    ["a token that may subscribe only", tokens.reader, 403],
  ])("with %s is refused, and so is POST", async (_, token, status) => {
    const cluster = start(1, guarded);
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    expect((await cluster.broker.ask("/backup", { headers })).status).toBe(status);
    expect((await send(cluster, "", { headers })).status).toBe(status);
    expect(cluster.requests).toEqual([]);
  });
});

describe("POST /backup", () => {
  it.each([
    [3, 1],
    [1, 8],
    [3, 3],
  ])("brings everything from %i shards to %i", async (from, to) => {
    const source = start(from);
    fill(source, clientIds);
    const target = start(to);
    const response = await send(target, await exported(source));
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ sessions: 6, messages: 24, sessionsKept: 0, messagesLeftOut: 0 });
    for (const clientId of clientIds) {
      const lines = resume(target, clientId).lines();
      expect(lines).toEqual([
        "connack 0 present",
        ...upTo(2).map((n) => expect.stringMatching(new RegExp(`^publish to/${clientId}=m${n} q1 #\\d+ dup$`))),
      ]);
    }
  });

  it("the same twice leaves everything as it is", async () => {
    const source = start();
    fill(source, clientIds);
    const text = await exported(source);
    const target = start();
    await send(target, text);
    const again = await send(target, text);
    expect(await again.json()).toMatchObject({ sessions: 0, sessionsKept: 6, messages: 0, messagesLeftOut: 24 });
    const { log } = (target.scenes[0] as Scene).broker;
    expect(log.appended.messages).toBe(24);
  });

  it("goes on from where it was torn", async () => {
    const source = start();
    const scene = source.scenes[0] as Scene;
    scene.subscriber("sub", 1, ["a"], durable).drop();
    const pub = scene.connect("pub");
    for (const n of upTo(900)) pub.send(publish1("a", `m${n}`, n));
    scene.flush();
    const lines = linesOf(await exported(source));
    const target = start();
    const torn = await refusal(target, textOf(lines.slice(0, 700)));
    expect(torn).toContain("torn: it stops behind line 700, without its end. Its first 500 records are in;");
    const response = await send(target, textOf(lines));
    expect(await response.json()).toMatchObject({ sessions: 0, partsKnown: 1, messages: 401 });
    const client = (target.scenes[0] as Scene).broker.sessions.get("sub" as never);
    expect((target.scenes[0] as Scene).broker.log.countAfter(client?.number as never, 0 as never).count).toBe(900);
  });

  it("goes on where the sender broke off, which is no fault of the broker", async () => {
    const source = start();
    fill(source, clientIds);
    const text = await exported(source);
    const target = start(3);
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(new TextEncoder().encode(text.slice(0, 1500))),
      pull: () => Promise.reject(new Error("gone")),
    });
    const response = await send(target, body as never, { duplex: "half" } as RequestInit);
    expect(await response.json()).toMatchObject({
      status: 400,
      detail: expect.stringContaining("Nothing of it was taken in"),
    });
    expect(target.broker.log).toEqual([]);
    expect(await (await send(target, text)).json()).toMatchObject({ sessions: 6, messages: 24 });
    expect(target.broker.log).toMatchObject([{ event: "backup-imported", principal: expect.any(String) }]);
  });

  it("of another shard's refusal says that a part may be in", async () => {
    const source = start();
    fill(source, clientIds);
    const target = start(3);
    Object.assign((target.scenes[1] as Scene).broker.limits, { maximumStoredSessions: 0 });
    const response = await send(target, await exported(source));
    expect(await response.json()).toMatchObject({
      detail: expect.stringContaining("Its first 0 records are in, and perhaps some of those that follow"),
    });
  });

  it("asks by the present layout where the one that it knew is in force no more", async () => {
    const source = start();
    fill(source, clientIds);
    const target = start();
    const shard = target.broker.shard("default", 0);
    const { transfer: answer } = shard;
    let asked = 0;
    shard.transfer = async (request, layout) => {
      asked += 1;
      if (asked === 1) throw new LayoutRefusal("moved");
      return answer(request, layout);
    };
    expect((await send(target, await exported(source))).status).toBe(200);
  });

  it("over a limit says which, and up to where it came", async () => {
    const source = start();
    fill(source, clientIds);
    const target = start();
    const { broker } = target.scenes[0] as Scene;
    Object.assign(broker.limits, { maximumStoredSessions: 3 });
    const response = await send(target, await exported(source));
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ detail: expect.stringContaining("0 sessions are stored already") });
  });

  it("is 503 where a shard is away, and goes on later", async () => {
    const source = start();
    fill(source, clientIds);
    const target = start();
    const shard = target.broker.shard("default", 0);
    const { transfer: answer } = shard;
    shard.transfer = async (request, layout) => {
      if (request.kind === "part") throw new Error("away");
      return answer(request, layout);
    };
    const text = await exported(source);
    const torn = await send(target, text);
    expect([torn.status, torn.headers.get("retry-after")]).toEqual([503, "5"]);
    shard.transfer = answer;
    expect((await send(target, text)).status).toBe(200);
  });

  it("takes no compressed body", async () => {
    expect((await send(start(), "x", { headers: { "content-encoding": "gzip" } })).status).toBe(415);
  });
});

describe("an export of version 1", () => {
  it("is taken in by every version, with all that it has", async () => {
    const url = new URL("../../contract/fixtures/export-1.ndjson", import.meta.url);
    const fixture = readFileSync(url, "utf8");
    const target = start();
    expect((await send(target, fixture)).status).toBe(200);
    (target.scenes[0] as Scene).crash();
    const recordsOf = (text: string) =>
      linesOf(text)
        .slice(1, -1)
        .map((line) => JSON.parse(line) as object);
    // Only how subscriptions are divided among records, and what came as an own record, is not the same again.
    const withoutSubscriptions = (records: object[]) =>
      records
        .filter((record) => !("type" in record && record.type === "subscriptions"))
        .map((record) => ({ ...record, subscriptions: [] }));
    const [found, expected] = [recordsOf(await exported(target)), recordsOf(fixture)];
    expect(withoutSubscriptions(found)).toEqual(expect.arrayContaining(withoutSubscriptions(expected)));
    expect(found.length).toBe(expected.length - 1);
    expect(found[0]).toHaveProperty("subscriptions.length", 2);
  });
});

const guarded = {
  API_TOKENS: JSON.stringify([
    { id: "publisher", secret: tokens.publisher, scopes: ["publish"] },
    { id: "reader", secret: tokens.reader, scopes: ["subscribe"] },
  ]),
};
