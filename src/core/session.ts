// A session (§4.1): what the broker keeps for one client id. Ephemeral ones live as long as their connection and
// write nothing; stored ones (Session Expiry Interval > 0, or Clean Session 0) are in storage until they end.

import type { ClientId, PacketId, SessionNumber } from "./brand.ts";
import type { Connection } from "./connection.ts";
import type { EphemeralOutbound } from "./outbound-ephemeral.ts";
import type { StoredOutbound } from "./outbound-stored.ts";
import type { ProtocolVersion } from "./packet.ts";
import type { ReplayJob } from "./replay.ts";
import type { Subscription } from "./subscription.ts";

export type Outbound = EphemeralOutbound | StoredOutbound;

/** What a session has only while its client is connected. */
export interface Online {
  readonly connection: Connection;
  readonly outbound: Outbound;
  /** Incoming QoS 2 packet ids between PUBLISH and PUBREL [MQTT-4.3.3-10 v5, MQTT-4.3.3-2 v3.1.1]. */
  readonly inbound: Set<PacketId>;
  /** Incoming QoS 1 messages whose verdict has not come. */
  unansweredQos1: number;
  /** QoS 2 messages that count against Receive Maximum: no more than are open, and none of an earlier connection (§4.9). */
  unansweredQos2: number;
}

export interface Session {
  readonly clientId: ClientId;
  readonly number: SessionNumber;
  /** Fixed when the session is created. */
  readonly kind: "ephemeral" | "stored";
  protocolVersion: ProtocolVersion;
  username: string | undefined;
  expiryIntervalSec: number;
  /** In-flight window of the last connection. */
  receiveMaximum: number;
  readonly createdAtMs: number;
  online: Online | undefined;
  /** Of a stored session, while off line. */
  expiresAtMs: number | undefined;
  readonly subscriptions: Map<string, Subscription>;
  nextSubscriptionNumber: number;
  /** Replays of retained messages that are under way. */
  readonly replays: Map<string, ReplayJob>;
}
