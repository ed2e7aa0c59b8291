// What a broker is made of: how it is configured, and the tables of its shard.

import type { Access } from "./access.ts";
import type { Features } from "./features.ts";
import type { Limits } from "./limits.ts";
import type { LinkStore } from "./links.ts";
import type { KeyedAnswers } from "./idempotency.ts";
import type { MessageLogStore } from "./message-log.ts";
import type { ProtocolVersion } from "./packet.ts";
import type { ProgressStore } from "./progress.ts";
import type { QueueOverflow } from "./queue-overflow.ts";
import type { ReplayStore } from "./replay.ts";
import type { RetainedStore } from "./retained.ts";
import type { SessionStore, ShardMeta } from "./session-table.ts";
import type { SharedGroupStore } from "./shared-groups.ts";
import type { WillStore } from "./will.ts";

/** The tables of one shard. */
export interface Stores {
  readonly meta: ShardMeta;
  readonly sessions: SessionStore;
  readonly log: MessageLogStore;
  readonly progress: ProgressStore;
  readonly retained: RetainedStore;
  readonly wills: WillStore;
  readonly replays: ReplayStore;
  readonly links: LinkStore;
  readonly idempotency: KeyedAnswers;
  readonly groups: SharedGroupStore;
}

export interface BrokerOptions {
  readonly limits: Limits;
  readonly shardIndex: number;
  /** A new one each time the object starts (`incarnationAt`). */
  readonly incarnation: number;
  readonly protocolVersions: readonly ProtocolVersion[];
  readonly features: Features;
  /** Default: `drop-oldest`. */
  readonly queueOverflow?: QueueOverflow;
  /** A fresh client id that hashes to this shard [MQTT-3.1.3-6 v3.1.1, MQTT-3.1.3-7]. */
  newClientId(): string;
  isOwnClientId(clientId: string): boolean;
  accessFor(username: string | undefined, clientId: string): Access;
  /** Rows written since the start, by the storage's own count. */
  rowsWritten(): number;
}
