// The core's effects on a shard's sockets, flush, alarm and log.

import { encodePacket } from "../codec/encode.ts";
import { PublishEncoder } from "../codec/publish-encoder.ts";
import type { Connection } from "../core/connection.ts";
import type { Counters } from "../core/counters.ts";
import type { DeliveryHeader, Effects, Leaves, LogRecord } from "../core/effect.ts";
import type { SysReadings } from "../core/sys-topics.ts";
import type { Call } from "../core/link-window.ts";
import type { Connect, Message, ServerPacket } from "../core/packet.ts";
import type { Alarm } from "./alarm.ts";
import type { Flush } from "./flush.ts";
import type { IdleSave } from "./idle-save.ts";
import type { ShardSocket } from "./shard-socket.ts";

/** What the effects act on. Filled in by the shard, which owns all of it. */
export interface EffectTargets {
  readonly counters: Counters;
  readonly flush: Flush;
  readonly idleSave: IdleSave;
  readonly alarm: Alarm;
  socketOf(connection: Connection): ShardSocket | undefined;
  authenticate(connection: Connection, connect: Connect): void;
  pumpSoon(connection: Connection): void;
  callShard(shard: number, call: Call): void;
  askOtherShards(done: (readings: readonly SysReadings[]) => void): void;
  now(): number;
}

export class ShardEffects implements Effects {
  readonly #targets: () => EffectTargets;
  readonly #publishEncoder = new PublishEncoder();

  constructor(targets: () => EffectTargets) {
    this.#targets = targets;
  }

  send(connection: Connection, packet: ServerPacket, leaves: Leaves): void {
    this.#queue(connection, encodePacket(packet, connection.protocolVersion), leaves);
  }

  deliver(connection: Connection, message: Message, header: DeliveryHeader, leaves: Leaves): void {
    const nowMs = message.expiresAtMs === undefined ? 0 : this.#targets().now();
    const bytes = this.#publishEncoder.encode(message, { ...header, version: connection.protocolVersion, nowMs });
    this.#queue(connection, bytes, leaves);
  }

  #queue(connection: Connection, bytes: Uint8Array, leaves: Leaves): void {
    const { counters, flush, socketOf } = this.#targets();
    const socket = socketOf(connection);
    if (socket === undefined) return;
    counters.packetsSent += 1;
    socket.outgoing.append(bytes, leaves);
    flush.onQueued(socket, bytes.length);
  }

  close(connection: Connection): void {
    const socket = this.#targets().socketOf(connection);
    if (socket !== undefined) this.#targets().flush.closeAfterwards(socket);
  }

  authenticate(connection: Connection, connect: Connect): void {
    this.#targets().authenticate(connection, connect);
  }

  isBehind(connection: Connection): boolean {
    return this.#targets().socketOf(connection)?.isBehind ?? false;
  }

  needsFlush(): void {
    this.#targets().flush.wantWrite();
  }

  needsSave(connection: Connection): void {
    const { socketOf, idleSave } = this.#targets();
    const socket = socketOf(connection);
    if (socket !== undefined) idleSave.onChanged(socket);
  }

  pumpSoon(connection: Connection): void {
    this.#targets().pumpSoon(connection);
  }

  askOtherShards(done: (readings: readonly SysReadings[]) => void): void {
    this.#targets().askOtherShards(done);
  }

  callShard(shard: number, call: Call): void {
    this.#targets().callShard(shard, call);
  }

  wakeAt(dueAtMs: number): void {
    this.#targets().alarm.wakeAt(dueAtMs);
  }

  log(record: LogRecord): void {
    console.log(JSON.stringify({ level: "info", ...record }));
  }
}
