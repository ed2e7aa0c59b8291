// The harness catches each of these mistakes, and nothing where there is none: else its silence would mean little.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildFaultWorker, type FaultBuild } from "./build-fault-worker.ts";
import { controls, controlSettlesWithinMs, type Control } from "./controls.ts";
import { runWorld, type Outcome } from "./run.ts";
import type { World } from "./world.ts";

/** A control is caught long before. */
const mostEvents = 1_500;
const honestEvents = 150;
/** Side by side: two cores, and each world waits at times. */
const lanes = 3;
const seed = 1;
const timeoutMs = 240_000;

const outcomes = new Map<string, Outcome>();

async function runControl({ what, shards, weights, callFaults, replacement }: Control): Promise<void> {
  const build = await buildFaultWorker("control", [replacement]);
  const isEnough = ({ events }: World): boolean => events >= mostEvents;
  try {
    const settlesWithinMs = controlSettlesWithinMs;
    const settings = { seed, shards, build, weights, ...(callFaults && { callFaults }), settlesWithinMs, isEnough };
    outcomes.set(what, await runWorld(settings));
  } finally {
    build.remove();
  }
}

/** The same world with nothing replaced; it has the time that it may need. */
async function runHonest({ what, shards, weights }: Control, build: FaultBuild): Promise<void> {
  const isEnough = ({ events }: World): boolean => events >= honestEvents;
  outcomes.set(`honest, ${what}`, await runWorld({ seed, shards, build, weights, isEnough }));
}

/** One with each kind of world. */
const honest = [...new Map(controls.map((control) => [control.weights, control])).values()];

beforeAll(async () => {
  const build = await buildFaultWorker("honest");
  const jobs = [
    ...honest.map((control) => () => runHonest(control, build)),
    ...controls.map((control) => () => runControl(control)),
  ];
  const lane = async (): Promise<void> => {
    for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) await job();
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  build.remove();
}, timeoutMs);

afterAll(() => {
  for (const [what, { events, violations }] of outcomes) {
    console.log(`${what}: ${violations.length === 0 ? "nothing" : "caught"} after ${events} events`);
  }
});

describe("the harness catches", () => {
  test.each(controls.map(({ what }) => what))("%s", (what) => {
    expect(outcomes.get(what)?.violations.length).toBeGreaterThan(0);
  });
});

describe("the harness finds nothing in an honest broker in the same world as", () => {
  test.each(honest.map(({ what }) => what))("%s", (what) => {
    expect(outcomes.get(`honest, ${what}`)?.report).toBe("");
  });
});
