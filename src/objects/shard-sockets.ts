// The sockets of a shard: accepted, brought back from their attachments after hibernation, forgotten.

import { PacketDecoder } from "../codec/packet-decoder.ts";
import type { Config } from "../config.ts";
import type { Broker } from "../core/broker.ts";
import type { Connection } from "../core/connection.ts";
import type { PendingRows } from "../core/pending-rows.ts";
import { restoreConnection } from "../core/restore.ts";
import type { Violation } from "../core/violation.ts";
import type { OpenStores } from "../storage/stores.ts";
import { writeLog } from "../log.ts";
import { bodyOf, readHead, unpackSaved, type AttachmentHead, type SavedConnection } from "./attachment.ts";
import { overflowKeyOf, type IdleSave } from "./idle-save.ts";
import { countSockets } from "./process-sockets.ts";
import { leaseSec } from "./relay.ts";
import { ShardSocket } from "./shard-socket.ts";
import { SlowSockets } from "./slow-sockets.ts";

export interface ShardSocketsPort {
  /** Of the object: what the process's sockets are counted under. */
  readonly name: string;
  readonly namespace: string;
  readonly config: Config;
  readonly broker: Broker;
  readonly stores: OpenStores;
  readonly overflow: PendingRows<number, Uint8Array>;
  readonly idleSave: IdleSave;
  /** Runs an input; a throw ends the object. */
  guard(run: () => void): void;
  /** Ends a connection. */
  refuse(socket: ShardSocket, violation: Violation): void;
  abort(fault: unknown): void;
}

/** A connection id is a time with room for so many in one millisecond: unique without a row. */
const idsPerMs = 1024;
/** A tenth of the keep-alive, in ms per second of it: how old the saved last-seen time may be. */
const lastSeenSlackMsPerSec = 100;
const goingAway = 1001;
const keptAwake = "SOCKETS=accept: while a client is connected this object is awake, which Cloudflare bills";

export class ShardSockets {
  readonly #port: ShardSocketsPort;
  readonly #sockets = new Map<WebSocket, ShardSocket>();
  readonly #awaited = new Set<Connection>();
  #connectTimer: ReturnType<typeof setTimeout> | undefined;
  #lastConnectionId = 0;

  readonly slow: SlowSockets;

  constructor(port: ShardSocketsPort) {
    this.#port = port;
    this.slow = new SlowSockets({
      limits: port.config.limits,
      all: () => this.#sockets.values(),
      queuedBytes: ({ connection }) => queuedBytesOf(connection),
      queuedBytesInAll: () => port.broker.queueMemory.bytes,
      guard: (run) => port.guard(run),
      close: (socket, violation) => port.refuse(socket, violation),
      abort: (fault) => port.abort(fault),
    });
    // `npm start` sets a stop token; without it somebody may be billed.
    const { sockets, stopToken } = port.config;
    if (sockets === "accept" && stopToken === undefined)
      writeLog("info", { event: "sockets-accept", reason: keptAwake });
  }

  get count(): number {
    return this.#sockets.size;
  }

  of(connection: Connection): ShardSocket | undefined {
    return connection.socket as ShardSocket | undefined;
  }

  /** An input of its own. */
  end(connection: Connection, violation: Violation): void {
    const socket = this.of(connection);
    if (socket !== undefined) this.#port.guard(() => this.#port.refuse(socket, violation));
  }

  has(ws: WebSocket): boolean {
    return this.#sockets.has(ws);
  }

  /** The socket, from memory or from its attachment; `undefined` where it was closed instead. */
  find(ws: WebSocket): ShardSocket | undefined {
    return this.#sockets.get(ws) ?? this.restore(ws);
  }

  /** A socket that was just accepted. It owes a CONNECT. */
  open(ws: WebSocket, isRelayed: boolean): void {
    const nowMs = Date.now();
    this.#lastConnectionId = Math.max(this.#lastConnectionId + 1, nowMs * idsPerMs);
    const connection = this.#port.broker.onOpen(this.#lastConnectionId, nowMs, isRelayed ? leaseSec : undefined);
    this.awaitPacket(connection);
    const socket = this.#track(ws, connection, new PacketDecoder(this.#port.config.limits));
    socket.keepsAwake = this.#port.config.sockets === "accept";
  }

  /** It owes a CONNECT, or an AUTH, in time. */
  awaitPacket(connection: Connection): void {
    this.#awaited.add(connection);
    if (this.#connectTimer === undefined) this.#armConnectTimer();
  }

  #armConnectTimer(): void {
    const { limits } = this.#port.config;
    this.#connectTimer = setTimeout(() => this.#port.guard(() => this.#onConnectTimer()), limits.connectTimeoutMs);
  }

  #onConnectTimer(): void {
    this.#connectTimer = undefined;
    if (this.#port.broker.onConnectTimeout(Date.now()) > 0) this.#armConnectTimer();
  }

  /** It owes no packet any more. While the timer runs the object cannot sleep. */
  onHeard(connection: Connection): void {
    if (!this.#awaited.delete(connection) || this.#awaited.size > 0) return;
    clearTimeout(this.#connectTimer);
    this.#connectTimer = undefined;
  }

  #track(ws: WebSocket, connection: Connection, decoder: PacketDecoder): ShardSocket {
    const { broker, config } = this.#port;
    const softBytes = (waiting: number): number => this.slow.softBytes(waiting);
    const socket = new ShardSocket(ws, connection, decoder, broker.counters, config.limits, softBytes);
    this.#sockets.set(ws, socket);
    connection.socket = socket;
    this.tell();
    return socket;
  }

  /** The process counts the sockets of all its shards. While some still sleep the number from before holds. */
  tell(): void {
    if (this.#port.broker.isWhole) countSockets(this.#port.name, this.#sockets.size);
  }

  forget(socket: ShardSocket): void {
    this.onHeard(socket.connection);
    this.#sockets.delete(socket.ws);
    socket.connection.socket = undefined;
    this.#port.idleSave.forget(socket);
    this.slow.forget(socket);
    this.tell();
  }

  /** A socket that slept. One that was dirty is closed as after a crash: what it missed is not known. */
  restore(ws: WebSocket): ShardSocket | undefined {
    const attachment = ws.deserializeAttachment() as Uint8Array<ArrayBuffer> | null;
    const found = attachment === null ? undefined : this.#readClean(attachment);
    if (attachment === null || found === undefined) return close(ws);
    const { head, saved } = found;
    if (!this.#mayStay(saved.snapshot.username)) return close(ws);
    const socket = this.#bringBack(ws, saved, head.lastSeenMs);
    if (socket === undefined) return close(ws);
    socket.attachment = attachment;
    socket.hasOverflow = head.hasOverflow;
    socket.isRelayBehind = head.isRelayBehind;
    return socket;
  }

  /** Nothing where it is out of date, or in a format of a newer release, after a roll-back. */
  #readClean(attachment: Uint8Array): { head: AttachmentHead; saved: SavedConnection } | undefined {
    try {
      const head = readHead(attachment);
      const saved = head.isDirty ? undefined : this.#readSaved(attachment, head.hasOverflow);
      return saved && { head, saved };
    } catch (fault) {
      writeLog("error", { event: "attachment-unreadable", reason: String(fault) });
      return undefined;
    }
  }

  #readSaved(attachment: Uint8Array, hasOverflow: boolean): SavedConnection | undefined {
    const own = bodyOf(attachment);
    const body = hasOverflow ? this.#port.overflow.get(overflowKeyOf(own)) : own;
    return body && unpackSaved(body);
  }

  /** The configuration may have changed while the socket slept: its user must still exist and be let in here. */
  #mayStay(username: string | undefined): boolean {
    const { config, namespace } = this.#port;
    if (config.open) return true;
    return config.users.some(({ name, namespaces }) => name === username && namespaces.has(namespace));
  }

  #bringBack(ws: WebSocket, { snapshot, partial }: SavedConnection, lastSeenMs: number): ShardSocket | undefined {
    const { broker, stores, config } = this.#port;
    const connection = broker.onOpen(snapshot.id, Date.now());
    connection.lastSeenMs = lastSeenMs;
    connection.lastSeenSlackMs = (snapshot.leaseSec ?? snapshot.keepAliveSec) * lastSeenSlackMsPerSec;
    const { maximumPacketSize, maximumUserProperties } = config.limits;
    const { protocolVersion } = snapshot;
    const decoder = new PacketDecoder({ maximumPacketSize, maximumUserProperties, protocolVersion });
    const socket = this.#track(ws, connection, decoder);
    if (!restoreConnection(broker, stores, connection, snapshot)) {
      broker.onSocketLost(connection, Date.now());
      this.forget(socket);
      return undefined;
    }
    if (partial.length > 0) decoder.push(partial);
    return socket;
  }
}

/** Of a stored session nothing waits in memory. */
function queuedBytesOf({ state }: Connection): number {
  const outbound = state.kind === "connected" ? state.session.online?.outbound : undefined;
  return outbound?.kind === "ephemeral" ? outbound.queuedBytes : 0;
}

function close(ws: WebSocket): undefined {
  try {
    ws.close(goingAway);
  } catch {
    // gone already
  }
  return undefined;
}
