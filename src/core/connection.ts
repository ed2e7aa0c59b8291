// A network connection: awaiting-connect → authenticating → connected → closed.

import type { Access } from "./access.ts";
import type { AckQueue } from "./ack-queue.ts";
import type { ClientPacket, Connect, ProtocolVersion } from "./packet.ts";
import type { Session } from "./session.ts";
import type { InboundAliases, OutboundAliases } from "./topic-alias.ts";

export type ConnectionState =
  | { readonly kind: "awaiting-connect"; readonly deadlineMs: number }
  | {
      readonly kind: "authenticating";
      readonly connect: Connect;
      /** Enhanced authentication (§4.12); absent where user name and password are judged. */
      exchange?: Exchange;
      /** Packets that came before the verdict, and their size in bytes. */
      readonly early: ClientPacket[];
      earlyBytes: number;
    }
  | { readonly kind: "connected"; readonly session: Session }
  | { readonly kind: "closed" };

/** One enhanced authentication, between CONNECT or AUTH 0x19 and its end (§4.12). */
export interface Exchange {
  /** Whose turn it is: the client owes an AUTH until the deadline, or the authenticator a verdict. */
  turn: { readonly kind: "client"; readonly deadlineMs: number } | { readonly kind: "authenticator" };
  /** What the authenticator wants to see again; opaque. */
  state: Uint8Array | undefined;
}

export interface Connection {
  /** Unique among all connections of this shard, ever: it names the will's row. */
  readonly id: number;
  /** The shell's own, found without a table: the core never looks at it. */
  socket: unknown;
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
  /** The largest packet that the client takes, in bytes (§3.1.2.11.4); absent: no limit of its own. */
  maximumPacketSize: number | undefined;
  /** Reason strings may be on every packet that can have one (§3.1.2.11.7). */
  wantsProblemInformation: boolean;
  /** Absent until the client has used one. */
  inboundAliases: InboundAliases | undefined;
  /** Absent where the client takes none. */
  outboundAliases: OutboundAliases | undefined;
  /** That of CONNECT (§3.1.2.11.9). */
  authenticationMethod: string | undefined;
  /** A re-authentication that is under way (§4.12.1). */
  reauthentication: Exchange | undefined;
  /** A will is in storage under this connection's id. */
  hasWill: boolean;
}

export const isConnected = (
  connection: Connection,
): connection is Connection & { state: { kind: "connected"; session: Session } } =>
  connection.state.kind === "connected";
