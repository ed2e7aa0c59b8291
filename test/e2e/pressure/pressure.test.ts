// A broker under pressure, in small; at full size in test/large. The scenes wait for timers and disks more than for a
// processor, so they run side by side.

import { beforeAll, describe, expect, test } from "vitest";
import { buildWorker } from "../../../scripts/start/build-worker.ts";
import { fillDisk } from "../../large/support/full-disk.ts";
import { hasWill, staysAway, storm } from "../../large/support/reconnect-storm.ts";
import { expireRetained } from "../../large/support/retained-expiry.ts";
import { maySmallDisk } from "../../large/support/small-disk.ts";
import { passSocketLimit } from "../../large/support/socket-limit.ts";

// Else each of the brokers that start at the same time would build it.
beforeAll(async () => {
  const built = await buildWorker();
  if (!built.ok) throw new Error(built.error);
});

describe.concurrent("under pressure", () => {
  test("retained messages that expire together reach nobody and leave storage, also when the broker is killed in the middle", async () => {
    const plan = { messages: 3_000, expirySec: 1, lookAfterMs: 3_500, isKilled: true };
    const { delivered, rowsLeft, rowsAtKill, counted } = await expireRetained(plan);
    expect([delivered, rowsLeft]).toEqual([0, 0]);
    expect(rowsAtKill).toBeLessThan(plan.messages);
    expect(counted).toBe(rowsAtKill);
  });

  // Without the right to mount a tmpfs the same is shown with a fault in the storage: test/workers/pressure-commit.test.ts.
  test.skipIf(!maySmallDisk())(
    "a full disk (tmpfs): nothing unstored is acknowledged, and with room again the broker serves without a restart",
    async () => {
      const outcome = await fillDisk({ sizeMiB: 20, ballastMiB: 8, fullMs: 1_000, after: 20 });
      expect(outcome).toMatchObject({ lost: [], disordered: [], doubled: [], isOneProcess: true, isTold: true });
      expect(outcome.refusals).toBeGreaterThan(0);
      expect(outcome.report.acknowledgedWhileFull).toBeLessThan(outcome.acknowledged);
    },
  );

  test("all clients come back at once after the broker was killed: all get in, and only the wills of others are published", async () => {
    const plan = { clients: 120, willGraceMs: 4_000, jitterMs: 300, seed: 1 };
    const { back, asBefore, wills, unhealthy } = await storm(plan);
    const numbers = Array.from({ length: plan.clients }, (_, number) => number);
    const returning = numbers.filter((number) => !staysAway(number)).length;
    expect([back, asBefore, unhealthy]).toEqual([returning, returning, 0]);
    expect(wills).toEqual(numbers.filter((number) => staysAway(number) && hasWill(number)));
  });

  const ways = [
    { way: "direct", shards: 1 },
    { way: "relayed", shards: 3 },
  ] as const;
  test.each(ways)("a burst over PROCESS_SOCKET_LIMIT gets 503 with Retry-After, $way", async ({ way, shards }) => {
    const [limit, clients] = [20, 100];
    expect(await passSocketLimit({ limit, clients, shards, way })).toEqual({
      letIn: limit,
      told: clients - limit,
      letInAfterwards: limit,
    });
  });
});
