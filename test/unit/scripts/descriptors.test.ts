import { expect, test } from "vitest";
import { socketLimit, softDescriptorLimit } from "../../../scripts/start/descriptors.ts";

const limits = (soft: string): string =>
  `Limit                     Soft Limit           Hard Limit           Units\nMax open files            ${soft}                 524288               files\n`;

test("the soft limit is read from the kernel's table, and assumed small where there is none", () => {
  expect(softDescriptorLimit(limits("4096"))).toBe(4096);
  expect(softDescriptorLimit(limits("unlimited"))).toBeGreaterThan(1_000_000);
  expect(softDescriptorLimit("")).toBe(1024);
});

test("a socket counts two descriptors, and shards and the process keep some for themselves", () => {
  expect(socketLimit(20_000, 1)).toBe((20_000 - 256 - 16) / 2);
  expect(socketLimit(20_000, 3)).toBeLessThan(socketLimit(20_000, 1));
  expect(socketLimit(64, 1)).toBe(1);
});
