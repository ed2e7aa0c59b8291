// When the runtime lets an object sleep, and how a test knows that it slept.

import type { Stage } from "./stage.ts";

/** The runtime lets an object sleep after 10 s in which nothing came and nothing was pending. */
export const sleepsWithinMs = 13_000;

export interface Slept {
  /** Counters are of an object's memory: they start again with it. The connections come out of their attachments. */
  readonly connectsSinceStart: number;
  readonly connections: number;
}

/** Asking wakes the shards. None of them slept unless every one had a client to count. */
export async function whoSlept(stage: Stage): Promise<Slept> {
  const [connectsSinceStart = Number.NaN, connections = Number.NaN] = await stage.counts([
    "connects_accepted_total",
    "connections",
  ]);
  return { connectsSinceStart, connections };
}
