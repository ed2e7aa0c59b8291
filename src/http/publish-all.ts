// The one way from HTTP to the shards: checked messages go to their owners in parallel, verdicts come back in order.

import { ownerOfTopic, type Layout } from "../core/placement.ts";
import type { PublishOutcome, ShardApi } from "../objects/shard-api.ts";
import type { Exchange } from "./deps.ts";
import type { CheckedMessage } from "./message-check.ts";

/** `no-verdict`: the owner did not answer; the message may or may not have been taken. */
export type Verdict = PublishOutcome | { readonly kind: "no-verdict" };

export const noVerdict: Verdict = { kind: "no-verdict" };

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

/** Asks the owner of each message; resolves with one verdict for each, in the order of the messages. Never rejects. */
export async function askOwners(
  publisher: Publisher,
  messages: readonly CheckedMessage[],
  layout: Layout,
  ask: AskShard,
): Promise<readonly Verdict[]> {
  const verdicts: Verdict[] = messages.map(() => noVerdict);
  const byOwner = Map.groupBy(messages.keys(), (index) => ownerOfTopic(messageAt(messages, index).topicName, layout));
  await Promise.all(
    [...byOwner].map(async ([owner, indexes]) => {
      const part = indexes.map((index) => messageAt(messages, index));
      const outcomes = (await asked(publisher, owner, (shard) => ask(shard, part))) ?? [];
      for (const [nth, index] of indexes.entries()) verdicts[index] = outcomes[nth] ?? noVerdict;
    }),
  );
  return verdicts;
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

/** What a shard answers; `undefined`, and a line in the log, where it does not. */
export async function asked<T>(
  { deps, namespace }: Publisher,
  shard: number,
  ask: (shard: ShardApi) => Promise<T>,
): Promise<T | undefined> {
  try {
    return await ask(deps.shard(namespace, shard));
  } catch (cause) {
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
