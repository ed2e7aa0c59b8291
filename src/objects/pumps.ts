// Connections that have more to send once there is room: looked after in the next turn, or when the socket has drained.

import type { Connection } from "../core/connection.ts";

/** How often it is looked whether a socket has drained. */
const drainCheckMs = 50;

export interface PumpsPort {
  hasRoom(connection: Connection): boolean;
  /** A relay will say when the connection has room again: nothing to look after. */
  isTold(connection: Connection): boolean;
  /** Runs an input; a throw ends the object. */
  guard(run: () => void): void;
  pump(connection: Connection): void;
}

export class Pumps {
  readonly #port: PumpsPort;
  readonly #next = new Set<Connection>();
  readonly #drained = new Set<Connection>();

  constructor(port: PumpsPort) {
    this.#port = port;
  }

  soon(connection: Connection): void {
    if (this.#drained.has(connection)) return;
    if (this.#next.size === 0) setTimeout(() => this.#port.guard(() => this.#run()), 0);
    this.#next.add(connection);
  }

  /** After the flush, which has handed over what kept the connection without room: it may have left already. */
  #run(): void {
    for (const connection of takeAll(this.#next)) {
      if (connection.state.kind === "closed") continue; // what it has unsent may stay so for ever
      if (this.#port.hasRoom(connection)) this.#port.pump(connection);
      else if (!this.#port.isTold(connection)) this.#later(connection);
    }
  }

  #later(connection: Connection): void {
    if (this.#drained.size === 0) setTimeout(() => this.#port.guard(() => this.#runDrained()), drainCheckMs);
    this.#drained.add(connection);
  }

  #runDrained(): void {
    for (const connection of takeAll(this.#drained)) this.soon(connection);
  }
}

function takeAll(connections: Set<Connection>): Connection[] {
  const taken = [...connections];
  connections.clear();
  return taken;
}
