// 5,000 clients come back at once after their broker was killed: docs/pressure.md has the figures.

import { describe, expect, test } from "vitest";
import { hasWill, staysAway, storm } from "./support/reconnect-storm.ts";
import { passSocketLimit } from "./support/socket-limit.ts";

const plan = { clients: 5_000, willGraceMs: 30_000, jitterMs: 1_000, seed: 1 };
const allInWithinMs = 25_000;
const healthyWithinMs = 10_000;
const numbers = Array.from({ length: plan.clients }, (_, number) => number);

describe("a reconnect storm", () => {
  test("all get in, durable sessions go on, and only the wills of those who stay away are published", async () => {
    const { report, attempts, ...outcome } = await storm(plan);
    console.log(`${outcome.back} clients back with ${attempts} attempts`, report);
    const returning = numbers.filter((number) => !staysAway(number)).length;
    const wills = numbers.filter((number) => staysAway(number) && hasWill(number));
    expect(outcome).toEqual({ back: returning, asBefore: returning, wills, unhealthy: 0 });
    expect(report.allInMs).toBeLessThan(allInWithinMs);
    expect(report.longestHealthMs).toBeLessThan(healthyWithinMs);
    expect(report.residentMiB[1]).toBeLessThan(2 * report.residentMiB[0]);
  });

  test.each([
    { way: "direct", shards: 1 },
    { way: "relayed", shards: 3 },
  ] as const)("of 2,000 clients at once, 500 get in where there are no more sockets, $way", async ({ way, shards }) => {
    const [limit, clients] = [500, 2_000];
    expect(await passSocketLimit({ limit, clients, shards, way })).toEqual({
      letIn: limit,
      told: clients - limit,
      letInAfterwards: limit,
    });
  });
});
