// What clients say: bytes of a socket become packets, packets become inputs of the core.

import type { Broker } from "../core/broker.ts";
import { malformed, type Violation } from "../core/violation.ts";
import type { OpenStores } from "../storage/stores.ts";
import type { Flush } from "./flush.ts";
import type { IdleSave } from "./idle-save.ts";
import { isOwnBusiness } from "./own-business.ts";
import type { ShardSocket } from "./shard-socket.ts";
import type { ShardSockets } from "./shard-sockets.ts";

export interface ShardInputPort {
  readonly broker: Broker;
  readonly stores: OpenStores;
  readonly flush: Flush;
  readonly idleSave: IdleSave;
  readonly sockets: ShardSockets;
  becomeWhole(): void;
}

export class ShardInput {
  readonly #port: ShardInputPort;

  constructor(port: ShardInputPort) {
    this.#port = port;
  }

  onMessage(socket: ShardSocket, message: ArrayBuffer | string): void {
    const { idleSave } = this.#port;
    socket.onHeard();
    if (typeof message !== "string") {
      this.#read(socket, new Uint8Array(message));
    } else if (socket.onRelaySignal(message, Date.now())) {
      if (!socket.isRelayBehind) this.#port.broker.effects.pumpSoon(socket.connection);
      idleSave.onRelaySignal(socket);
      idleSave.onSeen(socket);
    } else {
      this.refuse(socket, malformed("a text frame", "MQTT-6.0.0-1"));
    }
  }

  #read(socket: ShardSocket, bytes: Uint8Array): void {
    const { broker, stores, flush, idleSave, sockets } = this.#port;
    const { decoder, connection } = socket;
    const nowMs = Date.now();
    const hadPartial = decoder.hasPartial;
    decoder.push(bytes);
    for (let packet = decoder.next(); packet !== undefined; packet = decoder.next()) {
      if (connection.state.kind === "closed") return;
      if (packet.kind === "violation") {
        this.#port.becomeWhole();
        if (decoder.protocolVersion !== undefined) connection.protocolVersion = decoder.protocolVersion;
        this.refuse(socket, packet);
        return;
      }
      if (packet.kind === "connect" || packet.kind === "auth") sockets.onHeard(connection);
      if (!broker.isWhole && !isOwnBusiness(broker, stores.sessions, connection, packet)) this.#port.becomeWhole();
      broker.onPacket(connection, packet, nowMs);
      flush.relieve();
    }
    // Also once a packet is complete: a saved beginning of it must not be read again.
    if (hadPartial || decoder.hasPartial) idleSave.onChanged(socket);
    idleSave.onSeen(socket);
  }

  /** A connection that ends may leave a will, which needs the subscriptions of others. */
  refuse(socket: ShardSocket, violation: Violation): void {
    this.#port.sockets.onHeard(socket.connection);
    this.#port.becomeWhole();
    this.#port.broker.onViolation(socket.connection, violation, Date.now());
  }
}
