// Shards with a core behind each, under the app of `broker.ts`; for backups.

import { expect } from "vitest";
import type { Layout } from "../../../src/core/placement.ts";
import { transfer, type TransferRequest } from "../../../src/objects/shard-transfer.ts";
import { Scene, upTo } from "../../support/scene.ts";
import { startBroker, type Broker } from "./broker.ts";

export interface Cluster {
  readonly broker: Broker;
  readonly scenes: readonly Scene[];
  readonly requests: TransferRequest[];
}

/** Shards without links: what is published is published where it belongs. */
export function start(shards = 1, env?: Record<string, unknown>): Cluster {
  const broker = startBroker(env, shards);
  const requests: TransferRequest[] = [];
  const scenes = upTo(shards).map((_, shardIndex) => {
    const scene = new Scene({ options: { shardIndex } });
    broker.shard("default", shardIndex).transfer = async (request, layout: Layout) => {
      requests.push(request);
      expect(layout).toBe(broker.layout);
      const answer = await transfer(portOf(scene), structuredClone(request), scene.nowMs);
      scene.flush();
      return structuredClone(answer);
    };
    return scene;
  });
  return { broker, scenes, requests };
}

const portOf = (scene: Scene) => ({
  broker: scene.broker,
  stores: scene.stores,
  committed: async () => scene.flush(),
});

export const send = (cluster: Cluster, body: string | Uint8Array, init: RequestInit = {}): Promise<Response> =>
  cluster.broker.ask("/backup", { method: "POST", body: body as BodyInit, ...init });

export async function refusal(cluster: Cluster, body: string | Uint8Array): Promise<string> {
  const response = await send(cluster, body);
  expect([response.status, response.headers.get("content-type")]).toEqual([400, "application/problem+json"]);
  const { detail } = (await response.json()) as { detail: string };
  return detail;
}

export const textOf = (lines: readonly string[]): string => `${lines.join("\n")}\n`;
