// What leaves a shard and enters another one: by a change of the layout, or by way of a backup. Plain objects, so that
// they pass through a call as they are. Numbers of a shard's own (of sessions, positions, versions, connections) are not
// among it: the importing shard gives its own.

import type { ClientId, PacketId } from "../brand.ts";
import type { IdempotencyRow } from "../idempotency.ts";
import type { Message, ProtocolVersion, Will } from "../packet.ts";
import type { StoredSubscription } from "../session-table.ts";

export type TransferRecord =
  | SessionRecord
  | SubscriptionsRecord
  | WillRecord
  | MessageRecord
  | RetainedRecord
  | IdempotencyRecord;

/** A stored session, without its queue: that is in the message records, which come after it. */
export interface SessionRecord {
  readonly kind: "session";
  readonly clientId: ClientId;
  readonly protocolVersion: ProtocolVersion;
  readonly username?: string;
  /** Never 0: such a session ends with its connection. */
  readonly expiryIntervalSec: number;
  /** Absent while the client is connected: then it begins to expire when it is imported. */
  readonly expiresAtMs?: number;
  /** Window of the last connection. */
  readonly receiveMaximum: number;
  readonly createdAtMs: number;
  readonly subscriptions: readonly StoredSubscription[];
  /** Numbers of subscriptions are the session's own and stay. */
  readonly nextSubscriptionNumber: number;
  /** Incoming QoS 2 ids between PUBLISH and PUBREL [MQTT-4.3.3-10]. */
  readonly inbound: readonly PacketId[];
  /** Filters of subscriptions whose replay of retained messages is not over: it begins anew. */
  readonly replays?: readonly string[];
}

/** More subscriptions of the session before it: a record has a bounded size. */
export interface SubscriptionsRecord {
  readonly kind: "subscriptions";
  readonly clientId: ClientId;
  readonly subscriptions: readonly StoredSubscription[];
}

/**
 * A message of the log, once for all who still need it; where those are very many, once for each part of them. In the
 * order of the log: each queue keeps its order.
 */
export interface MessageRecord {
  readonly kind: "message";
  /** With its absolute deadline. */
  readonly message: Message;
  /** Not empty. */
  readonly audience: readonly Addressee[];
}

export type Addressee = SessionAddressee | GroupAddressee;

export interface SessionAddressee {
  readonly clientId: ClientId;
  readonly qos: 1 | 2;
  /** The RETAIN flag of the PUBLISH that it gets. */
  readonly retain: boolean;
  readonly subscriptionIdentifiers?: readonly number[];
  /** It was sent: it is sent again under this packet id [MQTT-4.4.0-1]. Sent ones come before unsent ones. */
  readonly sent?: {
    readonly packetId: PacketId;
    /** PUBREC was seen: PUBREL is owed, the PUBLISH must not be sent again [MQTT-4.3.3-6]. */
    readonly released: boolean;
  };
  /** The shared group (`$share/{group}/{filter}`) that handed it over: QoS 1 goes to another member if the session ends. */
  readonly handedBy?: string;
}

/** It is in the queue of a shared group: nobody has it, or a member that is not stored has it in flight. */
export interface GroupAddressee {
  /** `$share/{group}/{filter}` */
  readonly group: string;
}

export interface RetainedRecord {
  readonly kind: "retained";
  /** With its absolute deadline; `retain` is true. */
  readonly message: Message;
  /** When it was set (epoch ms): where the importer has one too, the newer one stays. */
  readonly publishedAtMs: number;
}

export interface WillRecord {
  readonly kind: "will";
  /** Empty where nobody can cancel it any more. */
  readonly clientId: string;
  readonly username?: string;
  readonly will: Will;
  /** Absent while the connection lives: then it is due when the client is not back within the grace time. */
  readonly dueAtMs?: number;
}

/** For a change of the layout only: a backup has none. */
export interface IdempotencyRecord {
  readonly kind: "idempotency";
  readonly row: IdempotencyRow;
}
