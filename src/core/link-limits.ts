// Limits of a link between two shards. They are not configuration: both ends and their neighbouring versions rely on
// them, and the budgets only make sense together.

const KiB = 1024;
const MiB = 1024 * KiB;
const secondMs = 1000;

export interface LinkLimits {
  /** Batches sent and not answered: one slow batch does not hold up those behind it. */
  readonly windowBatches: number;
  /** Bytes of entries in a batch; a single larger entry travels alone. A stored batch must fit a row of 2 MB. */
  readonly batchBytes: number;
  /** Bytes of entries that wait in memory for the window; above, QoS 0 is dropped and what may be stored is. */
  readonly gatheredBytes: number;
  /** Batches and bytes kept in storage, and promised to it, for a shard that does not answer. */
  readonly outboxBatches: number;
  readonly outboxBytes: number;
  /** How long an owner waits for a subscriber's shard before it stores. Less than `publishBudgetMs`, whose wait it is part of. */
  readonly deliverBudgetMs: number;
  /** How long a publish of QoS 1 waits for its owner before it has no verdict. */
  readonly publishBudgetMs: number;
  /** A call without answer or error for so long is made again. */
  readonly callTimeoutMs: number;
  /** How long a stream that starts over waits for the fate of its calls, so that QoS 0 is neither lost nor doubled. */
  readonly reopenWaitMs: number;
  /** First pause after a failed call; it doubles up to the second. */
  readonly firstBackoffMs: number;
  readonly longestBackoffMs: number;
  /** Early batches and their bytes that a receiver holds until the missing one comes. */
  readonly heldBatches: number;
  readonly heldBytes: number;
  /** Answers that a receiver remembers for repeats; so far ahead of the oldest batch without answer a sender goes. */
  readonly rememberedAnswers: number;
  /** Superseded incarnations that a receiver remembers, so that a late call of one is not taken for a fresh start. */
  readonly rememberedIncarnations: number;
}

export const linkLimits: LinkLimits = {
  windowBatches: 32,
  batchBytes: 128 * KiB,
  gatheredBytes: 4 * MiB,
  outboxBatches: 10_000,
  outboxBytes: 256 * MiB,
  deliverBudgetMs: 4 * secondMs,
  publishBudgetMs: 12 * secondMs,
  callTimeoutMs: 15 * secondMs,
  reopenWaitMs: secondMs,
  firstBackoffMs: 50,
  longestBackoffMs: 30 * secondMs,
  heldBatches: 32,
  heldBytes: 8 * MiB,
  rememberedAnswers: 1024,
  rememberedIncarnations: 8,
};
