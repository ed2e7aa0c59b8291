// Where records belong by a layout: a session's things to the shard of its client, what has a topic to its owner.

import type { TopicName } from "../brand.ts";
import { ownerOfTopic, shardOfClient, shardOfKey, type Layout } from "../placement.ts";
import type { ClientId } from "../brand.ts";
import type { Addressee, MessageRecord, TransferRecord } from "./record.ts";

/** Records by shard, each shard's in the order in which they came. The audience of a message is split. */
export function splitByShard(records: readonly TransferRecord[], layout: Layout): Map<number, TransferRecord[]> {
  const byShard = new Map<number, TransferRecord[]>();
  const put = (shard: number, record: TransferRecord): void => {
    const known = byShard.get(shard);
    if (known === undefined) byShard.set(shard, [record]);
    else known.push(record);
  };
  for (const record of records) {
    if (record.kind === "message") for (const [shard, part] of splitMessage(record, layout)) put(shard, part);
    else put(shardOf(record, layout), record);
  }
  return byShard;
}

function shardOf(record: Exclude<TransferRecord, MessageRecord>, layout: Layout): number {
  switch (record.kind) {
    case "session":
    case "subscriptions":
      return shardOfClient(record.clientId, layout);
    case "will":
      // Of nobody any more: where it is published.
      return record.clientId === ""
        ? ownerOfTopic(record.will.topicName as TopicName, layout)
        : shardOfClient(record.clientId as ClientId, layout);
    case "retained":
      return ownerOfTopic(record.message.topicName, layout);
    case "idempotency":
      return shardOfKey(record.row.key, layout);
  }
}

/** The queue of a shared group lies at the owner of the topic, whatever shards its members are on. */
function splitMessage({ message, audience }: MessageRecord, layout: Layout): Map<number, MessageRecord> {
  const parts = new Map<number, Addressee[]>();
  for (const addressee of audience) {
    const shard =
      "group" in addressee ? ownerOfTopic(message.topicName, layout) : shardOfClient(addressee.clientId, layout);
    const known = parts.get(shard);
    if (known === undefined) parts.set(shard, [addressee]);
    else known.push(addressee);
  }
  return new Map([...parts].map(([shard, part]) => [shard, { kind: "message", message, audience: part }]));
}
