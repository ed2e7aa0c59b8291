// Worlds that found a fault once.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildFaultWorker, type FaultBuild } from "./build-fault-worker.ts";
import { runWorld } from "./run.ts";
import { failedSeeds } from "./seeds.ts";

const timeoutMs = 120_000;

let build: FaultBuild;
beforeAll(async () => {
  build = await buildFaultWorker("seeds");
});
afterAll(() => build.remove());

describe("a seed that failed once", () => {
  test.concurrent.each(failedSeeds)("$seed at $shards shard(s): $found", { timeout: timeoutMs }, async (failed) => {
    const { seed, shards, events } = failed;
    const { report } = await runWorld({ seed, shards, build, isEnough: (world) => world.events >= events });
    expect(report).toBe("");
  });
});
