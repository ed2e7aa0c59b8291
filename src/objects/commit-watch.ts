// A commit that fails after its writes (a full disk) ends the object without a word: the runtime runs nothing of it any
// more. What comes after it in the same process knows that a commit was never confirmed, and tells.

import type { Counters } from "../core/counters.ts";
import { writeLog } from "../log.ts";

interface Commits {
  isOutstanding: boolean;
  failed: number;
}

const byShard = new Map<string, Commits>();

/** Once per memory of a shard. Gives what resolves when all writes up to then are durable. */
export function watchCommits(ctx: DurableObjectState, counters: Counters): () => Promise<void> {
  const shard = ctx.id.toString();
  const commits = byShard.get(shard) ?? { isOutstanding: false, failed: 0 };
  byShard.set(shard, commits);
  if (commits.isOutstanding) {
    commits.isOutstanding = false;
    commits.failed += 1;
    const reason = "a commit was never confirmed (is the disk full?): the shard has started again from storage";
    writeLog("error", { event: "broker-fault", reason });
  }
  counters.commitsFailed = commits.failed;
  return async () => {
    commits.isOutstanding = true;
    await ctx.storage.sync();
    commits.isOutstanding = false;
  };
}
