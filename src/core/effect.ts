// What the core asks of the world. Calls come in the order the standard wants; nothing here answers later than at
// once: what takes time (an authentication verdict, a verdict of another shard) comes back as an input.

import type { Connection } from "./connection.ts";
import type { Connect, Message, QoS, ServerPacket } from "./packet.ts";
import type { ReasonCode } from "./reason-code.ts";
import type { Call } from "./link-window.ts";
import type { SysReadings } from "./sys-topics.ts";
import type { LimitName } from "./limits.ts";

/**
 * Whether a packet may leave before the next commit. `after-commit` is a promise: what the packet says (an
 * acknowledgement, a packet id made from a position) is in committed storage when the packet leaves.
 */
export type Leaves = "at-once" | "after-commit";

/** The variable part of an outgoing PUBLISH, beside the message that all receivers share. */
export interface DeliveryHeader {
  readonly qos: QoS;
  readonly retain: boolean;
  readonly dup: boolean;
  readonly packetId?: number;
  readonly subscriptionIdentifiers?: readonly number[];
}

/** One line of the structured log: never a payload, never a secret. */
export interface LogRecord {
  readonly event:
    | "connect-refused"
    | "connection-closed"
    | "publish-denied"
    | "publish-refused"
    | "subscribe-denied"
    | "message-dropped"
    | "broker-fault";
  readonly reason: string;
  readonly clientId?: string;
  readonly username?: string;
  readonly topic?: string;
  readonly reasonCode?: ReasonCode;
  readonly clause?: string;
  readonly limit?: LimitName;
  readonly count?: number;
}

export interface Effects {
  /** Appends to the socket's queue of this flush. */
  send(connection: Connection, packet: ServerPacket, leaves: Leaves): void;
  /** The hot path of `send`: no packet object per receiver. */
  deliver(connection: Connection, message: Message, header: DeliveryHeader, leaves: Leaves): void;
  /** Closes the socket after what is queued for it. No input comes from this connection any more. */
  close(connection: Connection): void;
  /** Asks the authenticators; the verdict comes back as `onAuthVerdict`. */
  authenticate(connection: Connection, connect: Connect): void;
  /** True while the socket has more unsent bytes than `slowConsumerSoftBytes`. */
  isBehind(connection: Connection): boolean;
  /** Something waits for the next flush (a write, or an acknowledgement that must touch storage). */
  needsFlush(): void;
  /** The connection differs from what its attachment says: the idle save must run before the object sleeps. */
  needsSave(connection: Connection): void;
  /** Calls `onPump` for this connection after the next flush, or when the socket has drained. */
  pumpSoon(connection: Connection): void;
  /** Asks every other shard of the namespace for its counts; those that do not answer are left out. At once where there is none. */
  askOtherShards(done: (readings: readonly SysReadings[]) => void): void;
  /** Makes an RPC to another shard; its end comes back as `links.onAnswer` or `links.onFailure`. */
  callShard(shard: number, call: Call): void;
  /** Something is due at this time (epoch ms): the shell wakes the core with `onTick` at or soon after it. */
  wakeAt(dueAtMs: number): void;
  log(record: LogRecord): void;
}
