// A publish under an idempotency key: claim, messages and answer are in one commit, so after a crash a repeat finds all of
// them or nothing.

import type { Result } from "./brand.ts";
import type { Broker } from "./broker.ts";
import { keyLifeMs, type Claim, type ClaimVerdict } from "./idempotency.ts";
import type { Message } from "./packet.ts";
import { outcomeOf, type PublishOutcome } from "./publish-outcome.ts";
import type { Violation } from "./violation.ts";

/** What the caller is told: `answered` by this run, or by an earlier one. */
export type OnceAnswer =
  | {
      readonly kind: "answered";
      readonly answerId: string;
      readonly isReplayed: boolean;
      readonly outcomes: readonly PublishOutcome[];
    }
  | Exclude<ClaimVerdict, { kind: "claimed" | "answered" }>;

/**
 * Publishes messages of which this shard is the owner, once under the key. `done` is told when every message has its
 * outcome, and the answer counts from the next commit on. Where all are refused the key stays free.
 * @param drafts what each request became, or why it cannot become a message
 * @param judge asked once the key is claimed: what becomes of all of them where none is to be taken
 */
export function publishOnce(
  broker: Broker,
  drafts: readonly Result<Message, Violation>[],
  claim: Claim,
  done: (answer: OnceAnswer) => void,
  judge?: () => PublishOutcome | undefined,
): void {
  const verdict = claimKey(broker, claim);
  const refusal = verdict.kind === "claimed" ? judge?.() : undefined;
  if (verdict.kind === "claimed" && refusal !== undefined) {
    broker.idempotency.release(claim.key);
    done({ kind: "answered", answerId: verdict.answerId, isReplayed: false, outcomes: drafts.map(() => refusal) });
  } else if (verdict.kind === "claimed") run(broker, drafts, claim.key, verdict.answerId, done);
  else done(verdict.kind === "answered" ? { ...verdict, isReplayed: true } : verdict);
}

function run(
  broker: Broker,
  drafts: readonly Result<Message, Violation>[],
  key: string,
  answerId: string,
  done: (answer: OnceAnswer) => void,
): void {
  // Until another shard says otherwise: what is on its way to it is in the outbox, and somebody there wants it.
  const outcomes: PublishOutcome[] = drafts.map(() => ({ kind: "accepted" }));
  let missing = drafts.length;
  const decide = (index: number, outcome: PublishOutcome): void => {
    outcomes[index] = outcome;
    missing -= 1;
    if (missing > 0) return;
    settle(broker, key, outcomes);
    done({ kind: "answered", answerId, isReplayed: false, outcomes });
  };
  // A client must not have in hands what a crash could still undo: the repeat would bring it again.
  broker.deliversAfterCommit = true;
  for (const [index, draft] of drafts.entries()) {
    if (draft.ok) takeOnce(broker, draft.value, (outcome) => decide(index, outcome));
    else decide(index, outcomeOf({ kind: "refused", violation: draft.error }));
  }
  broker.deliversAfterCommit = false;
  if (missing > 0) broker.idempotency.record(key, outcomes);
}

function takeOnce(broker: Broker, message: Message, decide: (outcome: PublishOutcome) => void): void {
  broker.counters.publishedOverHttp += 1;
  broker.topics.takeOnce(message, (verdict) => decide(outcomeOf(verdict)));
}

function settle(broker: Broker, key: string, outcomes: readonly PublishOutcome[]): void {
  if (outcomes.every(isRefused)) {
    broker.idempotency.release(key);
  } else {
    broker.idempotency.record(key, outcomes);
    broker.idempotency.end(key);
  }
  broker.effects.needsFlush();
}

const isRefused = ({ kind }: PublishOutcome): boolean => kind === "refused";

/** Claims a key: for `publishOnce`, or for a caller that publishes at several owners and ends with `finishKey`. */
export function claimKey(broker: Broker, claim: Claim): ClaimVerdict {
  const verdict = broker.idempotency.claim(claim, broker.nowMs);
  if (verdict.kind === "claimed") broker.effects.wakeAt(broker.nowMs + keyLifeMs);
  broker.effects.needsFlush();
  return verdict;
}

/** What the owners answered; `undefined` where one of them did not: a repeat asks them again. */
export function finishKey(broker: Broker, claim: Claim, outcomes: readonly PublishOutcome[] | undefined): void {
  if (outcomes === undefined) broker.idempotency.end(claim.key);
  else if (outcomes.every(isRefused)) broker.idempotency.release(claim.key);
  else broker.idempotency.answer(claim, outcomes, broker.nowMs);
  broker.effects.needsFlush();
}
