// The idle save (design §4.3): what only memory knows is saved within two seconds. Until then a timer is pending, and
// the runtime does not hibernate an object with a pending timer.

import { snapshotOf } from "../core/restore.ts";
import type { PendingRows } from "../core/pending-rows.ts";
import {
  markDirty,
  maximumAttachmentBytes,
  packHead,
  packSaved,
  readHead,
  setLastSeen,
  setRelayBehind,
} from "./attachment.ts";
import { idleSaveMs } from "./save-interval.ts";
import type { ShardSocket } from "./shard-socket.ts";

/**
 * A row takes 2 MB, which local runs do not enforce, and a flush that throws ends the object. A connection with more to
 * keep (a client that does not answer, with a long queue) stays unsaved, and the object awake, until there is less of it:
 * it is not even packed, each second, to be found too large.
 */
const maximumSavedBytes = 1_900_000;
/** Last-seen times go to the attachment when a tenth of the keep-alive old. */
const lastSeenPart = 10;

export interface IdleSavePort {
  readonly overflow: PendingRows<number, Uint8Array>;
  /** Puts a stored session's progress in the pending flush. */
  saveProgress(socket: ShardSocket): void;
  /** Tidies the log, one bounded step; true if there is more to do. */
  compact(): boolean;
  /** Flushes at once. */
  flush(): void;
  /** The save threw: what is saved may not fit together. */
  abort(fault: unknown): void;
}

export class IdleSave {
  readonly #port: IdleSavePort;
  readonly #dirty = new Set<ShardSocket>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(port: IdleSavePort) {
    this.#port = port;
  }

  /** The socket's connection changed. Its attachment says so from the first change on. */
  onChanged(socket: ShardSocket): void {
    if (socket.isDirty) return;
    socket.isDirty = true;
    this.#dirty.add(socket);
    if (socket.attachment !== undefined) {
      markDirty(socket.attachment);
      socket.ws.serializeAttachment(socket.attachment);
    }
    this.#arm();
  }

  forget(socket: ShardSocket): void {
    this.#dirty.delete(socket);
    if (socket.hasOverflow) this.#port.overflow.delete(socket.connection.id);
  }

  get isPending(): boolean {
    return this.#timer !== undefined;
  }

  #arm(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      try {
        this.#save(this.#inTurn());
      } catch (fault) {
        this.#port.abort(fault);
      }
    }, idleSaveMs);
  }

  /** All of it, however much it is. */
  now(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#save([...this.#dirty].filter((socket) => queuedBytes(socket) <= maximumSavedBytes));
  }

  /**
   * Those whose queues come to no more than one row: with more, clients that do not answer would keep the shard busy with
   * nothing but writing them, each second. Who was left out is among the first the next time.
   */
  #inTurn(): ShardSocket[] {
    let left = maximumSavedBytes;
    return [...this.#dirty].filter((socket) => {
      const bytes = queuedBytes(socket);
      if (bytes > left) return false;
      left -= bytes;
      return true;
    });
  }

  #save(sockets: readonly ShardSocket[]): void {
    // What changes from here on, also by the flush below, makes a socket dirty anew.
    for (const socket of sockets) {
      this.#dirty.delete(socket);
      socket.isDirty = false;
    }
    for (const socket of sockets) this.#port.saveProgress(socket);
    const isMoreToTidy = this.#port.compact();
    // Rows first: an attachment that says "clean" must not be ahead of them.
    const bodies = sockets.map((socket) => this.#pack(socket));
    this.#port.flush();
    sockets.forEach((socket, i) => this.#attach(socket, bodies[i]));
    if (isMoreToTidy || this.#dirty.size > 0) this.#arm();
  }

  #pack(socket: ShardSocket): Uint8Array | undefined {
    const snapshot = socket.keepsAwake ? undefined : snapshotOf(socket.connection);
    if (snapshot === undefined) return undefined;
    const body = packSaved({ snapshot, partial: socket.decoder.partial });
    if (body.length > maximumSavedBytes) {
      socket.isDirty = true;
      this.#dirty.add(socket);
      return undefined;
    }
    const fits = body.length <= maximumAttachmentBytes;
    if (!fits) this.#port.overflow.put(socket.connection.id, body);
    else if (socket.hasOverflow) this.#port.overflow.delete(socket.connection.id);
    socket.hasOverflow = !fits;
    return body;
  }

  #attach(socket: ShardSocket, body: Uint8Array | undefined): void {
    const { hasOverflow, connection, isRelayBehind } = socket;
    if (body === undefined || socket.isDirty || connection.state.kind === "closed") return;
    const head = { isDirty: false, hasOverflow, isRelayBehind, lastSeenMs: connection.lastSeenMs };
    socket.attachment = packHead(head, hasOverflow ? new TextEncoder().encode(connectionKey(connection.id)) : body);
    socket.ws.serializeAttachment(socket.attachment);
  }

  /** The relay says it once: who sleeps in between must know it still. */
  onRelaySignal(socket: ShardSocket): void {
    const { attachment, isRelayBehind, ws } = socket;
    if (attachment !== undefined && readHead(attachment).isRelayBehind !== isRelayBehind) {
      setRelayBehind(attachment, isRelayBehind);
      ws.serializeAttachment(attachment);
    }
    this.onSeen(socket);
  }

  /** A packet came: its time is saved when the saved one is too old to judge the keep-alive by. */
  onSeen(socket: ShardSocket): void {
    const { attachment, connection } = socket;
    if (connection.lastSeenMs < socket.saveSeenFromMs) return;
    // Behind a relay the lease is what is judged, also where the client promised nothing.
    const keepAliveSec = connection.leaseSec ?? connection.keepAliveSec;
    if (attachment === undefined || keepAliveSec === 0) return;
    socket.saveSeenFromMs = readHead(attachment).lastSeenMs + (keepAliveSec * 1000) / lastSeenPart;
    if (connection.lastSeenMs < socket.saveSeenFromMs) return;
    setLastSeen(attachment, connection.lastSeenMs);
    socket.ws.serializeAttachment(attachment);
  }
}

/** What a snapshot would hold of them. Of a stored session nothing waits in memory alone. */
function queuedBytes({ connection, keepsAwake }: ShardSocket): number {
  if (keepsAwake) return 0;
  const outbound = connection.state.kind === "connected" ? connection.state.session.online?.outbound : undefined;
  return outbound?.kind === "ephemeral" ? outbound.queuedBytes : 0;
}

/** What an attachment holds whose snapshot is in an overflow row: the row's key. */
const connectionKey = (id: number): string => String(id);
export const overflowKeyOf = (body: Uint8Array): number => Number(new TextDecoder().decode(body));
