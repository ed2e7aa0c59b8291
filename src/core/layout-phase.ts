// The steps of a change of the layout, in order. Each is carried out by all shards concerned before the next begins, and
// each may be carried out again: whoever drives the change knows only which phase was committed last.

import type { Layout } from "./placement.ts";

/**
 * - `probe`: every shard runs code that knows how to change; nothing has happened.
 * - `freeze`: clients are sent away and refused. Shards still talk to each other.
 * - `drain`: until nothing is on its way between them, and nothing will be.
 * - `seal`: they talk to each other no more.
 * - `copy`: each shard sends what belongs elsewhere.
 * - `drop`: each shard deletes what it has sent.
 * - `adopt`: each shard commits the new layout and starts again from storage.
 * - `join`: each shard registers its subscriptions at their new owners.
 * - `open`: the new layout is in force; each shard serves again.
 */
export const layoutPhases = ["probe", "freeze", "drain", "seal", "copy", "drop", "adopt", "join", "open"] as const;

export type LayoutPhase = (typeof layoutPhases)[number];

/** `undefined`: the change is over. */
export const phaseAfter = (phase: LayoutPhase): LayoutPhase | undefined =>
  layoutPhases[layoutPhases.indexOf(phase) + 1];

/** A change as the shards are told of it. The number of the new layout names it. */
export interface LayoutChange {
  readonly from: Layout;
  readonly to: Layout;
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, shard) => shard);

/** The shards that have a part in a phase. */
export function shardsIn(phase: LayoutPhase, { from, to }: LayoutChange): number[] {
  if (phase === "copy" || phase === "drop") return upTo(from.shards);
  if (phase === "join") return upTo(to.shards);
  return upTo(Math.max(from.shards, to.shards));
}

/**
 * How far a shard is in a change; committed, so that it stays so after a restart.
 * - `closed`: no clients; links to other shards go on, in the old layout.
 * - `sealed`: no links either.
 * - `joining`: the new layout, with links, without clients.
 */
export type LayoutStage = "closed" | "sealed" | "joining";
