// What the core asks of the world. Calls come in the order the standard wants; nothing here answers later than at
// once: what takes time (an authentication verdict, a verdict of another shard) comes back as an input.

import type { Connection } from "./connection.ts";
import type { Connect, Message, QoS, ServerPacket } from "./packet.ts";
import type { ReasonCode } from "./reason-code.ts";
import type { Call } from "./link-window.ts";
import type { SysReadings } from "./sys-topics.ts";
import type { LimitName } from "./limits.ts";
import type { Violation } from "./violation.ts";

/**
 * Whether a packet may leave before the next commit. `after-commit` is a promise: what the packet says (an
 * acknowledgement, a packet id made from a position) is in committed storage when the packet leaves.
 */
export type Leaves = "at-once" | "after-commit";

/** What a client says in one step of an enhanced authentication (§4.12). */
export interface ExchangeStep {
  readonly clientId: string;
  readonly method: string;
  readonly data?: Uint8Array;
  /** Of the verdict before; absent at the first step. */
  readonly state?: Uint8Array;
  /** Re-authentication: who the client is already. */
  readonly username?: string;
}

/** The variable part of an outgoing PUBLISH, beside the message that all receivers share. */
export interface DeliveryHeader {
  readonly qos: QoS;
  readonly retain: boolean;
  readonly dup: boolean;
  readonly packetId?: number;
  readonly subscriptionIdentifiers?: readonly number[] | undefined;
  /** Stands for the topic name, or is made to by this packet (§3.3.2.3.4). */
  readonly topicAlias?: number;
  /** The client knows the alias: the topic name is left empty. */
  readonly isTopicKnown?: boolean;
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

/** `seconds`: a client counts them. `rough` (which is meant where nothing is said): some seconds more harm nobody. */
export type WakePrecision = "rough" | "seconds";

export interface Effects {
  /** Appends to the socket's queue of this flush. */
  send(connection: Connection, packet: ServerPacket, leaves: Leaves): void;
  /** Whether a packet, without its Reason String, is within the client's Maximum Packet Size [MQTT-3.1.2-24]. */
  fits(connection: Connection, packet: ServerPacket): boolean;
  /** The hot path of `send`: no packet object per receiver. */
  deliver(connection: Connection, message: Message, header: DeliveryHeader, leaves: Leaves): void;
  /** Closes the socket after what is queued for it. No input comes from this connection any more. */
  close(connection: Connection): void;
  /** Asks the authenticators; the verdict comes back as `onAuthVerdict`. */
  authenticate(connection: Connection, connect: Connect): void;
  /** Asks the authenticator for one step of an enhanced authentication; the answer comes back as `onExchangeVerdict`. */
  exchange(connection: Connection, step: ExchangeStep): void;
  /** The client owes an AUTH: the shell calls `onConnectTimeout` at the deadline and stays awake until then. */
  awaitAuth(connection: Connection): void;
  /** True while the socket has more unsent bytes than `slowConsumerSoftBytes`. */
  isBehind(connection: Connection): boolean;
  /**
   * False while so much waits for the socket, or for all sockets, that nothing of QoS 1 or 2 is to be added: it waits in
   * its queue, where the limits hold. Whoever leaves something there for this reason asks for `pumpSoon`.
   */
  hasRoom(connection: Connection): boolean;
  /** Something waits for the next flush (a write, or an acknowledgement that must touch storage). */
  needsFlush(): void;
  /** The connection differs from what its attachment says: the idle save must run before the object sleeps. */
  needsSave(connection: Connection): void;
  /** Calls `onPump` for this connection after the next flush, or when the socket has drained. */
  pumpSoon(connection: Connection): void;
  /** Calls `onViolation` for this connection after the present input: for what is found in the midst of others' work. */
  endSoon(connection: Connection, violation: Violation): void;
  /** Runs something of the core's own after so many ms. The object stays awake until then; a crash forgets it. */
  later(delayMs: number, run: () => void): void;
  /** Asks every other shard of the namespace for its counts; those that do not answer are left out. At once where there is none. */
  askOtherShards(done: (readings: readonly SysReadings[]) => void): void;
  /** Makes an RPC to another shard; its end comes back as `links.onAnswer` or `links.onFailure`. */
  callShard(shard: number, call: Call): void;
  /** Something is due at this time (epoch ms): the shell wakes the core with `onTick` at or soon after it. */
  wakeAt(dueAtMs: number, precision?: WakePrecision): void;
  log(record: LogRecord): void;
}
