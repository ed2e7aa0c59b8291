// What clients say: bytes of a socket become packets, packets become inputs of the core.

import type { Broker } from "../core/broker.ts";
import { malformed, type Violation } from "../core/violation.ts";
import type { OpenStores } from "../storage/stores.ts";
import type { Flush } from "./flush.ts";
import type { IdleSave } from "./idle-save.ts";
import { isOwnBusiness } from "./own-business.ts";
import type { ShardSocket } from "./shard-socket.ts";
import type { ShardSockets } from "./shard-sockets.ts";
import { Starvation } from "./starvation.ts";

/** Of one client's packets so many are dealt with in one turn; what else it has sent waits until others had theirs. */
const packetsPerTurn = 1_024;
/** The same in packets sent for them: a message to many is dear. */
const sentPerTurn = 65_536;
/** A client may have so much waiting. Nothing slows down who sends more: it is dealt with at once, not to fill the memory. */
const mostUnreadBytes = 4 * 1024 * 1024;

export interface ShardInputPort {
  readonly broker: Broker;
  readonly stores: OpenStores;
  readonly flush: Flush;
  readonly idleSave: IdleSave;
  readonly sockets: ShardSockets;
  becomeWhole(): void;
  /** Runs an input; a throw ends the object. */
  guard(run: () => void): void;
  /** Lets no input in until the promise resolves. */
  closeGate(until: () => Promise<void>): Promise<unknown>;
}

export class ShardInput {
  readonly #port: ShardInputPort;
  readonly #starvation: Starvation;
  /** Sockets with more packets than one turn takes: the next to have its turn is the first. */
  readonly #unread = new Set<ShardSocket>();
  #isTurnComing = false;

  constructor(port: ShardInputPort) {
    this.#port = port;
    this.#starvation = new Starvation({
      now: () => Date.now(),
      closeGate: (until) => port.closeGate(until),
      flush: () => port.flush.now(),
      soon: (run) => void setTimeout(run, 0),
    });
  }

  onMessage(socket: ShardSocket, message: ArrayBuffer | string): void {
    const { idleSave } = this.#port;
    socket.onHeard();
    if (typeof message !== "string") {
      this.#onBytes(socket, new Uint8Array(message));
      this.#starvation.onInput(socket, message.byteLength);
    } else if (socket.onRelaySignal(message, Date.now())) {
      if (!socket.isRelayBehind) this.#port.broker.effects.pumpSoon(socket.connection);
      idleSave.onRelaySignal(socket);
      idleSave.onSeen(socket);
    } else {
      this.refuse(socket, malformed("a text frame", "MQTT-6.0.0-1"));
    }
  }

  #onBytes(socket: ShardSocket, bytes: Uint8Array): void {
    const { decoder } = socket;
    const hadPartial = decoder.hasPartial;
    decoder.push(bytes);
    if (!this.#unread.has(socket)) {
      if (this.#takeTurn(socket, hadPartial)) this.#awaitTurn(socket);
      return;
    }
    while (decoder.unread > mostUnreadBytes && this.#takeTurn(socket, true));
  }

  #awaitTurn(socket: ShardSocket): void {
    this.#unread.add(socket);
    if (this.#isTurnComing) return;
    this.#isTurnComing = true;
    setTimeout(() => this.#port.guard(() => this.#nextTurn()), 0);
  }

  #nextTurn(): void {
    this.#isTurnComing = false;
    const [socket] = this.#unread;
    if (socket === undefined) return;
    this.#unread.delete(socket);
    if (this.#takeTurn(socket, true)) this.#unread.add(socket);
    const [next] = this.#unread;
    if (next !== undefined) this.#awaitTurn(next);
  }

  /** The socket is gone. What came before counts. */
  onLost(socket: ShardSocket): void {
    if (this.#unread.delete(socket)) while (this.#takeTurn(socket, true));
    this.#port.broker.onSocketLost(socket.connection, Date.now());
  }

  /** Deals with packets of the socket; true where it has more. */
  #takeTurn(socket: ShardSocket, hadPartial: boolean): boolean {
    const { broker, stores, flush, idleSave, sockets } = this.#port;
    const { decoder, connection } = socket;
    const nowMs = Date.now();
    const { counters } = broker;
    const readAtEnd = counters.packetsReceived + packetsPerTurn;
    const sentAtEnd = counters.packetsSent + sentPerTurn;
    let isOver = false;
    for (let packet = decoder.next(); packet !== undefined; packet = decoder.next()) {
      if (connection.state.kind === "closed") return false;
      if (packet.kind === "violation") {
        this.#port.becomeWhole();
        if (decoder.protocolVersion !== undefined) connection.protocolVersion = decoder.protocolVersion;
        this.refuse(socket, packet);
        return false;
      }
      if (packet.kind === "connect" || packet.kind === "auth") sockets.onHeard(connection);
      if (!broker.isWhole && !isOwnBusiness(broker, stores.sessions, connection, packet)) this.#port.becomeWhole();
      broker.onPacket(connection, packet, nowMs);
      flush.relieve();
      isOver = decoder.hasPartial && (counters.packetsReceived >= readAtEnd || counters.packetsSent >= sentAtEnd);
      if (isOver) break;
    }
    // Also once a packet is complete: a saved beginning of it must not be read again.
    if (hadPartial || decoder.hasPartial) idleSave.onChanged(socket);
    idleSave.onSeen(socket);
    return isOver;
  }

  /** A connection that ends may leave a will, which needs the subscriptions of others. */
  refuse(socket: ShardSocket, violation: Violation): void {
    this.#port.sockets.onHeard(socket.connection);
    this.#port.becomeWhole();
    this.#port.broker.onViolation(socket.connection, violation, Date.now());
  }
}
