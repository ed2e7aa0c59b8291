// One thing that users do, and what it may cost.

import type { Stage } from "./stage.ts";

export interface Scenario {
  /** Also the name of its namespace. */
  readonly id: string;
  readonly title: string;
  /** What the counts are per 1,000 of. */
  readonly unit: "message" | "delivery" | "connection" | "subscription" | "PINGREQ";
  /** Receivers of each message, where there is more than one. */
  readonly fanOut?: number;
  /** Of design §4, in rows per 1,000 units at one shard. */
  readonly target?: Target;
  /** The Worker does more than to pass a socket on: its CPU time is billed too. */
  readonly usesWorker?: true;
  /** At one shard it is the same as another one. */
  readonly needsShards?: true;
  readonly run: (stage: Stage) => Promise<void>;
}

export interface Target {
  readonly rows: number;
  readonly kind: "exactly" | "under";
  /** At several shards; without it, four times as many are allowed, and still none where there are none. */
  readonly severalShards?: { readonly rows: number; readonly kind: "exactly" | "at most" };
}

const allowedFactor = 4;

/** What the target says of so many rows, or nothing where it holds. */
export function missed({ target }: Pick<Scenario, "target">, shards: number, rows: number): string | undefined {
  if (target === undefined) return undefined;
  const { kind, rows: limit } = limitOf(target, shards);
  const holds = { exactly: rows === limit, under: rows < limit, "at most": rows <= limit }[kind];
  return holds ? undefined : `${rows} rows per 1,000, to be ${kind} ${limit}`;
}

export function limitOf(
  target: Target,
  shards: number,
): { readonly kind: "exactly" | "under" | "at most"; readonly rows: number } {
  if (shards === 1) return target;
  if (target.severalShards !== undefined) return target.severalShards;
  return { kind: target.rows === 0 ? "exactly" : "at most", rows: target.rows * allowedFactor };
}
