// Names the lives of a shard, so that other shards can tell a later one from an earlier one.

/** 2026-01-01. */
const firstMs = 1_767_225_600_000;
/** Values in one millisecond, so that no two lives share a name. With the milliseconds of 69 years they fill 53 bits. */
const perMs = 4_096;

/** `drawn`: any whole number, at random. */
export const incarnationAt = (nowMs: number, drawn: number): number =>
  Math.max(nowMs - firstMs, 0) * perMs + (drawn % perMs);
