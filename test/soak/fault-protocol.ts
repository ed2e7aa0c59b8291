// What the harness may ask of the fault worker, over one path on loopback. None of it is in what is deployed.

/** It is in every bundle that holds the faults, and in no other: how a test tells them apart. */
export const faultMark = "fault worker of the soak";

export const faultPath = "/soak-fault";

/** What happens to a call of `deliverBatch` between two shards; `ends-after`: the shard is lost once it has committed. */
export const callFaults = ["fails-before", "fails-after", "ends-after", "late", "repeated"] as const;
export type CallFault = (typeof callFaults)[number];

export type FaultCommand =
  /** The next calls that reach any shard meet these faults, one each, in this order. */
  | { readonly kind: "calls"; readonly faults: readonly CallFault[]; readonly lateMs: number }
  /** Memory, sockets and calls of a shard are lost. */
  | { readonly kind: "abort"; readonly shard: number }
  /** Idle save and flush; true where no other shard owes an answer. */
  | { readonly kind: "save"; readonly shard: number }
  | { readonly kind: "count" };

export interface FaultCounts {
  /** So many calls met each fault since the process started. */
  readonly calls: Readonly<Record<CallFault, number>>;
  /** By shard: so often it was made since the process started. */
  readonly starts: Readonly<Record<string, number>>;
}
