// Publishing under an idempotency key. Where one shard keeps the key and owns every topic, one call does it all. Else the
// key's shard commits the claim, each owner publishes its part once, and the key's shard records what they answered: a
// run that died on the way is taken up by the next repeat, and owners that were done answer what they had.

import { shardOfKey, ownerOfTopic, type Layout } from "../core/placement.ts";
import { reasonCode } from "../core/reason-code.ts";
import type { KeyClaim, OnceAnswer, PublishOutcome, ShardApi } from "../objects/shard-api.ts";
import type { CheckedMessage } from "./message-check.ts";
import { asked, askOwners, layoutOf, noVerdict, type Publisher, type Verdict } from "./publish-all.ts";

/** As a shard answers, with messages whose owner did not. */
export type Once =
  | {
      readonly kind: "answered";
      readonly answerId: string;
      readonly isReplayed: boolean;
      readonly verdicts: readonly Verdict[];
    }
  | Exclude<OnceAnswer, { kind: "answered" }>;

/** Publishes the messages once under the key. Never rejects. */
export async function publishOnce(
  publisher: Publisher,
  messages: readonly CheckedMessage[],
  claim: KeyClaim,
): Promise<Once> {
  const layout = await layoutOf(publisher);
  if (layout === undefined) return withoutVerdict(messages, claim);
  const keeper = shardOfKey(claim.key, layout);
  const isAlone = messages.every(({ topicName }) => ownerOfTopic(topicName, layout) === keeper);
  if (!isAlone) return publishInParts(publisher, messages, claim, layout, keeper);
  const answer = await asked(publisher, keeper, (shard) => shard.publishOnce(messages, claim));
  return answer === undefined ? withoutVerdict(messages, claim) : toOnce(answer);
}

async function publishInParts(
  publisher: Publisher,
  messages: readonly CheckedMessage[],
  claim: KeyClaim,
  layout: Layout,
  keeper: number,
): Promise<Once> {
  const claimed = await asked(publisher, keeper, (shard) => shard.claim(claim));
  if (claimed === undefined) return withoutVerdict(messages, claim);
  if (claimed.kind !== "claimed") return toOnce(claimed);
  const { answerId } = claimed;
  // Every run under this claim uses the same name, and no other claim does: so what an owner did is found again.
  const part: KeyClaim = { ...claim, key: `part ${answerId}` };
  const verdicts = await askOwners(publisher, messages, layout, (shard, own) => publishPart(shard, own, part));
  const outcomes = verdicts.some(({ kind }) => kind === "no-verdict") ? null : (verdicts as readonly PublishOutcome[]);
  // The owners have it: without the record a repeat would hear the same from them.
  await asked(publisher, keeper, (shard) => shard.finish({ ...claim, answerId }, outcomes));
  return { kind: "answered", answerId, isReplayed: false, verdicts };
}

async function publishPart(
  shard: ShardApi,
  messages: readonly CheckedMessage[],
  part: KeyClaim,
): Promise<readonly PublishOutcome[]> {
  const answer = await shard.publishOnce(messages, part);
  switch (answer.kind) {
    case "answered":
      return answer.outcomes;
    case "refused":
      return messages.map(() => answer);
    case "running":
      // Another run of the same claim: it will have the answer.
      return [];
    case "mismatch":
      throw new Error("a part of a publish stands for something else");
  }
}

const toOnce = (answer: OnceAnswer): Once =>
  answer.kind === "answered" ? { ...answer, verdicts: answer.outcomes } : answer;

const withoutVerdict = (messages: readonly CheckedMessage[], { answerId }: KeyClaim): Once => ({
  kind: "answered",
  answerId,
  isReplayed: false,
  verdicts: messages.map(() => noVerdict),
});
