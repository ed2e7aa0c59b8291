// The disk fills up under a broker, and has room again later: docs/pressure.md has the figures.

import { expect, test } from "vitest";
import { fillDisk } from "./support/full-disk.ts";
import { maySmallDisk } from "./support/small-disk.ts";

const plan = { sizeMiB: 256, ballastMiB: 100, fullMs: 20_000, after: 500 };
/** Part of a processor that a broker may use which can do nothing. */
const idleProcessor = 0.5;
const resumesWithinMs = 2_000;

// Without the right to mount a tmpfs the same is shown with a fault in the storage: test/workers/pressure-commit.test.ts.
test.skipIf(!maySmallDisk())(
  "a full disk (tmpfs): nothing unstored is acknowledged, and with room again the broker serves without a restart",
  async () => {
    const { report, acknowledged, refusals, ...outcome } = await fillDisk(plan);
    console.log(`${acknowledged} acknowledged in all, ${refusals} connections ended by the full disk`, report);
    expect(outcome).toEqual({ lost: [], disordered: [], doubled: [], isOneProcess: true, isTold: true });
    expect(report.processorWhileFull).toBeLessThan(idleProcessor);
    expect(report.resumedAfterMs).toBeLessThan(resumesWithinMs);
  },
);
