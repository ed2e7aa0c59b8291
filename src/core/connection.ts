// A network connection: awaiting-connect → authenticating → connected → closed.

import type { Access } from "./access.ts";
import type { AckQueue } from "./ack-queue.ts";
import type { ClientPacket, Connect, ProtocolVersion } from "./packet.ts";
import type { Session } from "./session.ts";

export type ConnectionState =
  | { readonly kind: "awaiting-connect"; readonly deadlineMs: number }
  | {
      readonly kind: "authenticating";
      readonly connect: Connect;
      /** Packets that came before the verdict, and their size in bytes. */
      readonly early: ClientPacket[];
      earlyBytes: number;
    }
  | { readonly kind: "connected"; readonly session: Session }
  | { readonly kind: "closed" };

export interface Connection {
  /** Unique among all connections of this shard, ever: it names the will's row. */
  readonly id: number;
  state: ConnectionState;
  protocolVersion: ProtocolVersion;
  keepAliveSec: number;
  /** When the last packet came (epoch ms) … */
  lastSeenMs: number;
  /** … and how much later it may have been: after a wake only the attachment's time is known. */
  lastSeenSlackMs: number;
  connectedAtMs: number;
  /** Behind a relay, which watches the client's keep-alive: how long its lease holds without a renewal (seconds). */
  leaseSec: number | undefined;
  access: Access;
  readonly acks: AckQueue;
  /** A will is in storage under this connection's id. */
  hasWill: boolean;
}

export const isConnected = (
  connection: Connection,
): connection is Connection & { state: { kind: "connected"; session: Session } } =>
  connection.state.kind === "connected";
