// Publishing under an idempotency key. Where one shard keeps the key and owns every topic, one call does it all. Else the
// key's shard commits the claim, each owner publishes its part once, and the key's shard records what they answered: a
// run that died on the way is taken up by the next repeat, and owners that were done answer what they had.

import { refusalOf } from "../core/layout-refusal.ts";
import { ownerOfTopic, shardOfKey, type Layout } from "../core/placement.ts";
import type { KeyClaim, OnceAnswer, PublishOutcome } from "../objects/shard-api.ts";
import { withLayout } from "./layout-check.ts";
import type { CheckedMessage } from "./message-check.ts";
import { asked, askOwners, layoutOf, logRefused, noVerdict, untaken } from "./publish-all.ts";
import type { Publisher, Verdict } from "./publish-all.ts";
import { isOverRate } from "./verdict.ts";

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
  if ((await layoutOf(publisher)) === undefined) return withoutVerdict(messages, claim, noVerdict);
  const once = await withLayout(publisher, (layout) => publishBy(layout, publisher, messages, claim)).catch(
    (fault: unknown) => {
      if (refusalOf(fault) === undefined) throw fault;
      return withoutVerdict(messages, claim, untaken);
    },
  );
  if (once.kind === "answered" && !once.isReplayed) logRefused(publisher, messages, once.verdicts);
  return once;
}

function publishBy(
  layout: Layout,
  publisher: Publisher,
  messages: readonly CheckedMessage[],
  claim: KeyClaim,
): Promise<Once> {
  const keeper = shardOfKey(claim.key, layout);
  const isAlone = messages.every(({ topicName }) => ownerOfTopic(topicName, layout) === keeper);
  return isAlone
    ? publishAtKeeper(publisher, messages, claim, keeper)
    : publishInParts(publisher, messages, claim, layout, keeper);
}

async function publishAtKeeper(
  publisher: Publisher,
  messages: readonly CheckedMessage[],
  claim: KeyClaim,
  keeper: number,
): Promise<Once> {
  const answer = await asked(publisher, keeper, (shard) => shard.publishOnce(messages, claim));
  return answer === undefined ? withoutVerdict(messages, claim, noVerdict) : toOnce(answer);
}

async function publishInParts(
  publisher: Publisher,
  messages: readonly CheckedMessage[],
  claim: KeyClaim,
  layout: Layout,
  keeper: number,
): Promise<Once> {
  const claimed = await asked(publisher, keeper, (shard) => shard.claim(claim));
  if (claimed === undefined) return withoutVerdict(messages, claim, noVerdict);
  if (claimed.kind !== "claimed") return toOnce(claimed);
  const { answerId } = claimed;
  let isRunning = false;
  let isReplayed = true;
  const verdicts = await askOwners(publisher, messages, layout, async (shard, own) => {
    // Every run under this claim uses this key, and no other claim does: so what an owner did is found again.
    const answer = await shard.publishOnce(own, { ...claim, key: `part ${answerId}` });
    // Another run of the same claim, which was taken for dead.
    isRunning ||= answer.kind === "running";
    isReplayed &&= answer.kind === "answered" && answer.isReplayed;
    return outcomesOf(answer, own);
  });
  if (isRunning) return { kind: "running" };
  // What an owner's rate refused may be tried again under the key, as what has no verdict: it is no answer to keep.
  const isOpen = verdicts.some((verdict) => verdict.kind === "no-verdict" || isOverRate(verdict));
  const outcomes = isOpen && !verdicts.every(isOverRate) ? null : (verdicts as readonly PublishOutcome[]);
  // The owners have it: without this record a repeat would hear the same from them.
  await asked(publisher, keeper, (shard) => shard.finish({ ...claim, answerId }, outcomes)).catch(() => undefined);
  return { kind: "answered", answerId, isReplayed: isReplayed && outcomes !== null, verdicts };
}

/** One owner's answer for its part. */
function outcomesOf(answer: OnceAnswer, messages: readonly CheckedMessage[]): readonly PublishOutcome[] {
  if (answer.kind === "answered") return answer.outcomes;
  if (answer.kind !== "refused") return [];
  const { reasonCode, detail } = answer;
  return messages.map(() => ({ kind: "refused", reasonCode, detail }));
}

const toOnce = (answer: OnceAnswer): Once =>
  answer.kind === "answered" ? { ...answer, verdicts: answer.outcomes } : answer;

const withoutVerdict = (messages: readonly CheckedMessage[], { answerId }: KeyClaim, verdict: Verdict): Once => ({
  kind: "answered",
  answerId,
  isReplayed: false,
  verdicts: messages.map(() => verdict),
});
