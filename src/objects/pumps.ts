// Connections that have more to send once there is room: looked after in the next turn, or when the socket has drained.

import type { Connection } from "../core/connection.ts";

/** How long a replay waits for a socket that is behind. */
const drainCheckMs = 50;

export interface PumpsPort {
  isBehind(connection: Connection): boolean;
  /** Runs an input; a throw ends the object. */
  guard(run: () => void): void;
  pump(connection: Connection): void;
}

export class Pumps {
  readonly #port: PumpsPort;
  readonly #waiting = new Set<Connection>();

  constructor(port: PumpsPort) {
    this.#port = port;
  }

  soon(connection: Connection): void {
    if (this.#waiting.size === 0) {
      setTimeout(() => this.#port.guard(() => this.#run()), this.#port.isBehind(connection) ? drainCheckMs : 0);
    }
    this.#waiting.add(connection);
  }

  #run(): void {
    const connections = [...this.#waiting];
    this.#waiting.clear();
    for (const connection of connections) this.#port.pump(connection);
  }
}
