// 100,000 retained messages that expire at the same time: docs/pressure.md has the figures.

import { describe, expect, test } from "vitest";
import { expireRetained } from "./support/retained-expiry.ts";

const plan = { messages: 100_000, expirySec: 15, lookAfterMs: 60_000 };
/** Somebody else's client waits no longer than this for a PINGRESP. */
const longestPingMs = 500;
/** As the broker removes them. */
const perCommit = 512;

describe("100,000 retained messages that expire", () => {
  test("leave storage in slices while others are served, and reach nobody", async () => {
    const { report, ...outcome } = await expireRetained({ ...plan, isKilled: false });
    console.log("retained messages expired", report);
    expect(outcome).toEqual({ delivered: 0, rowsLeft: 0, rowsAtKill: 0, counted: plan.messages });
    expect(report.longestPingMs).toBeLessThan(longestPingMs);
    expect(report.commits).toBeGreaterThanOrEqual(Math.floor(plan.messages / perCommit));
    expect(report.alarmsSet).toBeLessThan(10);
  });

  test("leave storage also when the broker is killed in the middle", async () => {
    const { report, rowsAtKill, counted, ...outcome } = await expireRetained({ ...plan, isKilled: true });
    console.log(`retained messages expired, killed with ${rowsAtKill} left`, report);
    expect(outcome).toEqual({ delivered: 0, rowsLeft: 0 });
    expect(rowsAtKill).toBeGreaterThan(0);
    expect(rowsAtKill).toBeLessThan(plan.messages);
    expect(counted).toBe(rowsAtKill);
    expect(report.longestPingMs).toBeLessThan(longestPingMs);
  });
});
