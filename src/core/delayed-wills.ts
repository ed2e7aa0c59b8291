// Wills whose connection is lost and whose delay runs. By client too: when thousands come back at once after a crash, each
// asks for its own.

import type { StoredWill } from "./will.ts";

export class DelayedWills {
  readonly #byConnection = new Map<number, StoredWill>();
  readonly #byClient = new Map<string, Set<number>>();

  set(will: StoredWill): void {
    this.delete(will.connection);
    this.#byConnection.set(will.connection, will);
    const connections = this.#byClient.get(will.clientId) ?? new Set();
    this.#byClient.set(will.clientId, connections.add(will.connection));
  }

  delete(connection: number): void {
    const will = this.#byConnection.get(connection);
    if (will === undefined) return;
    this.#byConnection.delete(connection);
    const connections = this.#byClient.get(will.clientId);
    connections?.delete(connection);
    if (connections?.size === 0) this.#byClient.delete(will.clientId);
  }

  /** May be deleted from meanwhile. */
  all(): Iterable<StoredWill> {
    return this.#byConnection.values();
  }

  of(clientId: string): StoredWill[] {
    const connections = [...(this.#byClient.get(clientId) ?? [])];
    return connections.map((connection) => this.#byConnection.get(connection)).filter((will) => will !== undefined);
  }
}
