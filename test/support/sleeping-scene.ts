// A scene whose core sleeps as a shard does: only connections that asked for a save are saved anew, each into the bytes
// of its attachment. What was changed and not said is lost with the memory.

import { restoreConnection, snapshotOf } from "../../src/core/restore.ts";
import { packSaved, unpackSaved } from "../../src/objects/attachment.ts";
import { Scene, type Client } from "./scene.ts";

const isConnected = ({ connection }: Client): boolean => connection.state.kind === "connected";

export class SleepingScene extends Scene {
  readonly #opened: Client[] = [];
  readonly #attachments = new Map<Client, Uint8Array>();
  /** Those that the next wake brings back. */
  #asleep: Client[] = [];

  override open(): Client {
    const client = super.open();
    this.#opened.push(client);
    return client;
  }

  /** The idle save: again and again, until nothing more asks for it. */
  save(): void {
    const { saves } = this.effects;
    do {
      const dirty = this.#opened.filter((client) => saves.has(client.connection) && isConnected(client));
      saves.clear();
      for (const client of dirty) this.#save(client);
      this.flush();
      this.pump();
    } while (saves.size > 0);
  }

  #save(client: Client): void {
    const { state } = client.connection;
    if (state.kind === "connected") this.broker.saveProgress(state.session);
    const snapshot = snapshotOf(client.connection);
    if (snapshot !== undefined) this.#attachments.set(client, packSaved({ snapshot, partial: new Uint8Array() }));
  }

  /** The idle save, then memory is lost and the sockets are kept. */
  sleep(): void {
    this.save();
    this.#asleep = this.#opened.filter(isConnected);
    this.crash();
  }

  override wake(): void {
    for (const client of this.#asleep.splice(0)) this.#bringBack(client);
    super.wake();
  }

  #bringBack(client: Client): void {
    const attachment = this.#attachments.get(client);
    if (attachment === undefined) throw new Error("a connection that never asked for a save");
    const { snapshot } = unpackSaved(attachment);
    client.connection = this.broker.onOpen(snapshot.id, this.nowMs);
    if (!restoreConnection(this.broker, this.stores, client.connection, snapshot)) throw new Error("not restored");
  }
}
