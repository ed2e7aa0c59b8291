// A retained message as it is kept, and the port to where it is kept.

import type { TopicName } from "./brand.ts";
import { propertiesSize } from "./message-size.ts";
import type { MessageProperties, QoS } from "./packet.ts";
import { utf8Length } from "./topic.ts";

export interface StoredRetained {
  readonly topicName: TopicName;
  /** Rises with every change of the shard's retained messages. */
  readonly version: number;
  readonly qos: QoS;
  readonly payload: Uint8Array;
  readonly properties?: MessageProperties;
  readonly publishedAtMs: number;
  /** Epoch ms, from the Message Expiry Interval. */
  readonly expiresAtMs?: number;
}

/** Where retained messages are kept. Every call answers at once; `put` and `delete` run only inside a flush. */
export interface RetainedStore {
  get(topicName: string): StoredRetained | undefined;
  /**
   * Rows whose topic name is at or after `topicName`, in the order of UTF-8 bytes: `limit` at most; fewer at the end, and
   * where they come to `fullReadBytes`.
   */
  nextAtOrAfter(topicName: string, limit: number): StoredRetained[];
  /** Adds or replaces. */
  put(row: StoredRetained): void;
  /** Removes the row, if there is one. */
  delete(topicName: string): void;
  /** All rows, and the sum of their `retainedBytes`. Asked for once, and only when something changes. */
  count(): { count: number; bytes: number };
}

/** Sum of `retainedBytes` at which a read ends: a row may be as large as a packet, and all of a read are in memory. */
export const fullReadBytes = 256 * 1024;

/** What a message counts for in `maximumRetainedBytes`: its topic name, payload and properties. */
export function retainedBytes(row: Pick<StoredRetained, "topicName" | "payload" | "properties">): number {
  return utf8Length(row.topicName) + row.payload.length + propertiesSize(row.properties);
}
