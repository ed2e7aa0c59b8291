// The service binding: a second Worker publishes through the entry point `Publisher`, a client of the broker receives.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildWorker } from "../../../scripts/start/build-worker.ts";
import type { PublishResult } from "../../../src/publisher-types.ts";
import { connect } from "../support/mqtt-client.ts";
import { describeShards } from "../support/shard-counts.ts";

/** It imports types only. */
const consumer = readFileSync(new URL("consumer.ts", import.meta.url), "utf8");

interface Setting {
  readonly miniflare: Miniflare;
  readonly brokerUrl: URL;
  readonly consumerUrl: URL;
  stop(): Promise<void>;
}

/** The broker as it is deployed, and the second Worker, bound to it as by `[[services]]`. */
async function start(variables: Record<string, string>): Promise<Setting> {
  const worker = await buildWorker();
  if (!worker.ok) throw new Error(worker.error);
  const data = mkdtempSync(join(tmpdir(), "durable-mqtt-binding-"));
  const direct = { host: "127.0.0.1", port: 0 };
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      resourcePersistencePath: data,
      cf: false,
      telemetry: { enabled: false },
      workers: [
        {
          ...worker.value,
          name: "broker",
          bindings: { ...worker.value.bindings, ...variables },
          unsafeDirectSockets: [direct],
        },
        {
          name: "consumer",
          modules: [{ type: "ESModule", path: "consumer.js", contents: stripTypeScriptTypes(consumer) }],
          compatibilityDate: "2026-11-17",
          serviceBindings: { BROKER: { name: "broker", entrypoint: "Publisher" } },
          unsafeDirectSockets: [direct],
        },
      ],
    }),
  );
  await miniflare.ready;
  const stop = async (): Promise<void> => {
    await miniflare.dispose();
    rmSync(data, { recursive: true, force: true });
  };
  return {
    miniflare,
    brokerUrl: await miniflare.unsafeGetDirectURL("broker"),
    consumerUrl: await miniflare.unsafeGetDirectURL("consumer"),
    stop,
  };
}

async function publish(setting: Setting, call: object): Promise<PublishResult> {
  const response = await fetch(setting.consumerUrl, { method: "POST", body: JSON.stringify(call) });
  return (await response.json()) as PublishResult;
}

describeShards("another Worker", (shards) => {
  let setting: Setting;
  beforeAll(async () => {
    setting = await start({ ANONYMOUS: "loopback", SHARDS: String(shards), NAMESPACES: "lab" });
  });
  afterAll(async () => {
    await setting?.stop();
  });

  const subscriber = async (topic: string, path = "/mqtt") => {
    const url = new URL(path, setting.brokerUrl);
    url.protocol = "ws:";
    const client = await connect(url.href, { clientId: `reads-${topic}` });
    await client.client.subscribeAsync(topic, { qos: 1 });
    return client;
  };

  test("publishes text and bytes, and a subscriber receives both", async () => {
    const { client, receive } = await subscriber("from/worker");
    const text = await publish(setting, { topic: "from/worker", payload: "grüße", options: { qos: 1 } });
    const bytes = await publish(setting, { topic: "from/worker", payload: "bytes", asBytes: true });
    expect(text).toEqual({ outcome: "accepted", id: expect.stringMatching(/^[0-9A-F]{32}$/u), isReplayed: false });
    expect(bytes).toMatchObject({ outcome: "accepted" });
    const got = await receive(2);
    expect(got).toContainEqual({ topic: "from/worker", payload: "grüße", qos: 1, retain: false });
    expect(got).toContainEqual({ topic: "from/worker", payload: "bytes", qos: 0, retain: false });
    await client.endAsync();
  });

  test("publishes once under a key, and into the namespace that it names", async () => {
    const { client, receive } = await subscriber("a", "/n/lab/mqtt");
    const call = { topic: "a", payload: "once", options: { qos: 1, namespace: "lab", idempotencyKey: "k" } };
    const first = await publish(setting, call);
    const repeat = await publish(setting, call);
    expect(repeat).toEqual({ ...first, isReplayed: true });
    expect(await publish(setting, { ...call, payload: "other" })).toEqual({ outcome: "key-mismatch" });
    await publish(setting, { topic: "a", payload: "last", options: { qos: 1, namespace: "lab" } });
    expect((await receive(2)).map(({ payload }) => payload)).toEqual(["once", "last"]);
    await client.endAsync();
  });
});

describe("a broker without any credentials", () => {
  test("serves nobody over HTTP, and its own account's bindings all the same", async () => {
    const setting = await start({});
    try {
      expect((await fetch(new URL("/healthz", setting.brokerUrl))).status).toBe(503);
      expect(await publish(setting, { topic: "a", payload: "x" })).toMatchObject({
        outcome: "no-matching-subscribers",
      });
    } finally {
      await setting.stop();
    }
  });
});
