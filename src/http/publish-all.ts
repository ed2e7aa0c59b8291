// The one way from HTTP to the shards: checked messages go to their owners in parallel, verdicts come back in order.

import { refusalOf } from "../core/layout-refusal.ts";
import { ownerOfTopic, type Layout } from "../core/placement.ts";
import type { PublishOutcome, ShardApi } from "../objects/shard-api.ts";
import type { Exchange } from "./deps.ts";
import type { CheckedMessage } from "./message-check.ts";

/** `no-verdict`: the owner did not answer; the message may or may not have been taken. `isUntaken`: it was not. */
export type Verdict = PublishOutcome | { readonly kind: "no-verdict"; readonly isUntaken?: true };

export const noVerdict: Verdict = { kind: "no-verdict" };
/** The layout is changing. */
export const untaken: Verdict = { kind: "no-verdict", isUntaken: true };

/** All that it needs of an exchange: a publish may come from elsewhere than HTTP. */
export type Publisher = Pick<Exchange, "deps" | "namespace" | "grant">;

/** How one shard is asked; gives one outcome for each message. What it throws counts as no answer. */
type AskShard = (shard: ShardApi, messages: readonly CheckedMessage[]) => Promise<readonly PublishOutcome[]>;

const askToPublish: AskShard = (shard, messages) => shard.publish(messages);

/** Publishes every message; resolves with one verdict for each, in the order of the messages. Never rejects. */
export async function publishAll(
  publisher: Publisher,
  messages: readonly CheckedMessage[],
): Promise<readonly Verdict[]> {
  const layout = await layoutOf(publisher);
  if (layout === undefined) return messages.map(() => noVerdict);
  const verdicts = await askOwners(publisher, messages, layout, askToPublish);
  logRefused(publisher, messages, verdicts);
  return verdicts;
}

/**
 * Asks the owner of each message; resolves with one verdict for each, in the order of the messages. Never rejects. What an
 * owner by an old layout did not take goes to the one by the present layout.
 */
export async function askOwners(
  publisher: Publisher,
  messages: readonly CheckedMessage[],
  layout: Layout,
  ask: AskShard,
): Promise<readonly Verdict[]> {
  const verdicts: Verdict[] = messages.map(() => noVerdict);
  const moved = await askRound(publisher, messages, [...messages.keys()], layout, ask, verdicts);
  if (moved.length === 0) return verdicts;
  const fresh = await publisher.deps.freshLayout(publisher.namespace, layout).catch(() => undefined);
  if (fresh !== undefined) await askRound(publisher, messages, moved, fresh, ask, verdicts);
  return verdicts;
}

/** Sets the verdicts of the messages at `indexes`. Gives those whose owner knows of a newer layout. */
async function askRound(
  publisher: Publisher,
  messages: readonly CheckedMessage[],
  indexes: readonly number[],
  layout: Layout,
  ask: AskShard,
  verdicts: Verdict[],
): Promise<readonly number[]> {
  const byOwner = Map.groupBy(indexes, (index) => ownerOfTopic(messageAt(messages, index).topicName, layout));
  const moved = await Promise.all(
    [...byOwner].map(async ([owner, own]): Promise<readonly number[]> => {
      const part = own.map((index) => messageAt(messages, index));
      try {
        const outcomes = (await asked(publisher, owner, (shard) => ask(shard, part))) ?? [];
        for (const [nth, index] of own.entries()) verdicts[index] = outcomes[nth] ?? noVerdict;
        return [];
      } catch (refusal) {
        for (const index of own) verdicts[index] = untaken;
        return refusalOf(refusal) === "moved" ? own : [];
      }
    }),
  );
  return moved.flat();
}

function messageAt(messages: readonly CheckedMessage[], index: number): CheckedMessage {
  const message = messages[index];
  if (message === undefined) throw new RangeError(`no message ${index}`);
  return message;
}

/** The namespace's layout; `undefined`, and a line in the log, where it cannot be had. */
export async function layoutOf({ deps, namespace }: Publisher): Promise<Layout | undefined> {
  try {
    return await deps.layout(namespace);
  } catch (cause) {
    deps.log({ event: "shard-unreachable", namespace, reason: String(cause) });
    return undefined;
  }
}

/** What a shard answers; `undefined`, and a line in the log, where it does not. Throws where the layout is in the way. */
export async function asked<T>(
  { deps, namespace }: Publisher,
  shard: number,
  ask: (shard: ShardApi) => Promise<T>,
): Promise<T | undefined> {
  try {
    return await ask(deps.shard(namespace, shard));
  } catch (cause) {
    if (refusalOf(cause) !== undefined) throw cause;
    deps.log({ event: "shard-unreachable", namespace, shard, reason: String(cause) });
    return undefined;
  }
}

/** One line for each message that was refused. */
export function logRefused(
  publisher: Publisher,
  messages: readonly CheckedMessage[],
  verdicts: readonly Verdict[],
): void {
  for (const [index, verdict] of verdicts.entries()) {
    if (verdict.kind !== "refused") continue;
    publisher.deps.log({
      event: "publish-refused",
      namespace: publisher.namespace,
      principal: publisher.grant.name,
      topic: messageAt(messages, index).topicName,
      reasonCode: verdict.reasonCode,
      reason: verdict.detail,
    });
  }
}
