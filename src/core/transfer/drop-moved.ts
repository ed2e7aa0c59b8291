// What another shard has by the new layout is deleted here, a bounded slice at a time. It was copied before, and nobody
// works with it any more: memory keeps traces of it, so the object starts again from storage when all is done.

import type { Broker, Stores } from "../broker.ts";
import type { ClientId, TopicName } from "../brand.ts";
import { ownerOfTopic, shardOfClient, shardOfKey, type Layout } from "../placement.ts";
import type { IdempotencyRow } from "../idempotency.ts";

/** Rows of one slice at most. */
const sliceRows = 1_000;
const noPayload = new Uint8Array(0);

/** Where the next slice begins; absent at first. */
export interface DropCursor {
  readonly topic?: TopicName;
  readonly areSessionsGone: boolean;
}

/**
 * Deletes the next slice of what does not belong here by `layout`. Gives where to go on, `undefined` at the end. Every
 * stored session must be in memory.
 */
export function dropMoved(
  broker: Broker,
  stores: Stores,
  layout: Layout,
  cursor: DropCursor | undefined,
  nowMs: number,
): DropCursor | undefined {
  broker.nowMs = nowMs;
  broker.effects.needsFlush();
  if (cursor?.areSessionsGone !== true) return { areSessionsGone: dropSessions(broker, layout) < sliceRows };
  const { messages, next } = broker.retained.everyPage(cursor.topic, sliceRows, nowMs);
  for (const { topicName } of messages) {
    if (ownerOfTopic(topicName, layout) === broker.options.shardIndex) continue;
    broker.retained.set({ topicName, payload: noPayload, qos: 0, retain: true }, nowMs);
  }
  if (next !== undefined) return { ...cursor, topic: next };
  broker.groups.forgetMoved(({ topicName }) => ownerOfTopic(topicName, layout) !== broker.options.shardIndex);
  dropWills(broker, stores, layout);
  dropKeys(broker, stores, layout);
  return undefined;
}

/** Gives how many there were. */
function dropSessions(broker: Broker, layout: Layout): number {
  let count = 0;
  for (const session of Array.from(broker.sessions.all())) {
    if (shardOfClient(session.clientId, layout) === broker.options.shardIndex) continue;
    if (count === sliceRows) break;
    count += 1;
    broker.log.forget(session.number, broker.progress.get(session.number).acknowledgedTo);
    broker.progress.delete(session.number);
    for (const key of session.replays.keys()) broker.replayRows.delete(session.number, key);
    broker.sessions.remove(session);
  }
  return count;
}

function dropWills(broker: Broker, stores: Stores, layout: Layout): void {
  for (const { connection, clientId, will } of stores.wills.all()) {
    const owner =
      clientId === "" ? ownerOfTopic(will.topicName as TopicName, layout) : shardOfClient(clientId as ClientId, layout);
    if (owner !== broker.options.shardIndex) broker.wills.delete(connection);
  }
}

function dropKeys(broker: Broker, { idempotency }: Stores, layout: Layout): void {
  for (let rows = idempotency.after("", sliceRows); rows.length > 0;) {
    for (const row of rows) {
      const isOwn = isMovable(row) && shardOfKey(row.key, layout) === broker.options.shardIndex;
      if (!isOwn) broker.idempotency.release(row.key);
    }
    rows = rows.length < sliceRows ? [] : idempotency.after(rows.at(-1)?.key ?? "", sliceRows);
  }
}

/** What the owners of one key's messages keep among themselves (`http/publish-once.ts`). */
const partPrefix = "part ";

/**
 * Only what was answered outlives a change of the layout. Where a publish was interrupted, who had published which part
 * of it means nothing in the new one: its repeat begins anew.
 */
export const isMovable = ({ key, outcomes }: IdempotencyRow): boolean =>
  outcomes !== undefined && !key.startsWith(partPrefix);
