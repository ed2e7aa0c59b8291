// The faults are in a bundle of their own, and in nothing that is deployed.

import { afterAll, beforeAll, expect, test } from "vitest";
import { buildWorker } from "../../scripts/start/build-worker.ts";
import { buildFaultWorker, type FaultBuild } from "./build-fault-worker.ts";
import { faultMark, faultPath } from "./fault-protocol.ts";

let faulty: FaultBuild;
beforeAll(async () => {
  faulty = await buildFaultWorker("bundle");
});
afterAll(() => faulty.remove());

/** esbuild names each module in a comment, by its path. */
const isTested = (text: string): boolean => /^\/\/ (?:.*\/)?test\//mu.test(text);
const traces = [faultMark, faultPath, "abortNow"];

test("the bundle of the fault worker holds the faults", () => {
  for (const trace of traces) expect([trace, faulty.bundle.includes(trace)]).toEqual([trace, true]);
  expect(isTested(faulty.bundle)).toBe(true);
});

test("the deployed bundle, which is also what `npm start` serves, has no trace of them", async () => {
  const built = await buildWorker();
  if (!built.ok) throw new Error(built.error);
  const modules = "modules" in built.value && Array.isArray(built.value.modules) ? built.value.modules : [];
  const text = modules.map(({ contents }) => Buffer.from(contents ?? "").toString()).join("\n");
  expect(text.includes("BrokerShard")).toBe(true);
  for (const trace of traces) expect([trace, text.includes(trace)]).toEqual([trace, false]);
  expect(isTested(text)).toBe(false);
});
