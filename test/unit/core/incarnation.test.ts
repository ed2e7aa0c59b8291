import { describe, expect, test } from "vitest";
import { incarnationAt } from "../../../src/core/incarnation.ts";

const nowMs = Date.UTC(2026, 5, 1);
const largestDraw = 2 ** 32 - 1;

describe("an incarnation", () => {
  test("of a later millisecond is higher, whatever was drawn", () => {
    expect(incarnationAt(nowMs + 1, 0)).toBeGreaterThan(incarnationAt(nowMs, largestDraw));
  });

  test("differs by what was drawn within one millisecond", () => {
    expect(incarnationAt(nowMs, 1)).not.toBe(incarnationAt(nowMs, 2));
  });

  test("can be packed for the next sixty years, and where the clock is not set", () => {
    expect(incarnationAt(Date.UTC(2086, 0, 1), largestDraw)).toBeLessThan(Number.MAX_SAFE_INTEGER);
    expect(incarnationAt(0, largestDraw)).toBeGreaterThanOrEqual(0);
  });
});
