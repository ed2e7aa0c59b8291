// The core's effects on a shard's sockets, flush, alarm and log.

import { shortAcknowledgement } from "../codec/encode.ts";
import { encodeWithin } from "../codec/encode-within.ts";
import { PublishEncoder, type PublishHeader } from "../codec/publish-encoder.ts";
import type { Connection } from "../core/connection.ts";
import type { Counters } from "../core/counters.ts";
import type { DeliveryHeader, Effects, ExchangeStep, Leaves, LogRecord, WakePrecision } from "../core/effect.ts";
import type { SysReadings } from "../core/sys-topics.ts";
import type { Call } from "../core/link-window.ts";
import type { Acknowledgement, Connect, Message, ServerPacket } from "../core/packet.ts";
import type { Violation } from "../core/violation.ts";
import { writeLog } from "../log.ts";
import type { Alarm } from "./alarm.ts";
import { maximumBytesInAll, type Flush } from "./flush.ts";
import type { IdleSave } from "./idle-save.ts";
import { shortBytes } from "./outgoing.ts";
import type { Pumps } from "./pumps.ts";
import { RepeatedLog } from "./repeated-log.ts";
import type { ShardAuthentication } from "./shard-authentication.ts";
import type { ShardSocket } from "./shard-socket.ts";

/** What the effects act on. Filled in by the shard, which owns all of it. */
export interface EffectTargets {
  readonly counters: Counters;
  readonly flush: Flush;
  /** Of `limits`. */
  readonly maximumUnsentBytes: number;
  readonly idleSave: IdleSave;
  readonly alarm: Alarm;
  socketOf(connection: Connection): ShardSocket | undefined;
  readonly authentication: ShardAuthentication;
  awaitAuth(connection: Connection): void;
  readonly pumps: Pumps;
  /** Runs an input; a throw ends the object. */
  guard(run: () => void): void;
  /** Ends the connection, if it is still there. */
  end(connection: Connection, violation: Violation): void;
  callShard(shard: number, call: Call): void;
  askOtherShards(done: (readings: readonly SysReadings[]) => void): void;
  now(): number;
}

const noIdentifiers: readonly number[] = [];

/** What a client may bring about with each PUBLISH. */
const ofEachMessage: ReadonlySet<LogRecord["event"]> = new Set([
  "message-dropped",
  "publish-denied",
  "publish-refused",
]);

export class ShardEffects implements Effects {
  readonly #targets: () => EffectTargets;
  readonly #publishEncoder = new PublishEncoder();
  readonly #repeatedLog = new RepeatedLog((record) => writeLog("info", record));
  /** Used again for each receiver: the encoder keeps nothing of it. */
  readonly #header: { -readonly [Field in keyof PublishHeader]-?: Required<PublishHeader>[Field] } = {
    version: 4,
    qos: 0,
    retain: false,
    dup: false,
    packetId: 0,
    subscriptionIdentifiers: noIdentifiers,
    topicAlias: 0,
    isTopicKnown: false,
    nowMs: 0,
  };

  constructor(targets: () => EffectTargets) {
    this.#targets = targets;
  }

  send(connection: Connection, packet: ServerPacket, leaves: Leaves): void {
    const first = shortAcknowledgement(packet, connection.protocolVersion);
    if (first !== undefined) {
      this.#queueShort(connection, first, (packet as Acknowledgement).packetId, leaves);
      return;
    }
    const bytes = encodeWithin(packet, connection.protocolVersion, connection.maximumPacketSize);
    if (bytes !== undefined) this.#queue(connection, bytes, leaves);
  }

  fits({ protocolVersion, maximumPacketSize }: Connection, packet: ServerPacket): boolean {
    if (maximumPacketSize === undefined) return true;
    if (shortAcknowledgement(packet, protocolVersion) !== undefined) return maximumPacketSize >= shortBytes;
    return encodeWithin(packet, protocolVersion, maximumPacketSize) !== undefined;
  }

  deliver(connection: Connection, message: Message, header: DeliveryHeader, leaves: Leaves): void {
    const full = this.#header;
    full.version = connection.protocolVersion;
    full.qos = header.qos;
    full.retain = header.retain;
    full.dup = header.dup;
    full.packetId = header.packetId ?? 0;
    full.subscriptionIdentifiers = header.subscriptionIdentifiers ?? noIdentifiers;
    full.topicAlias = header.topicAlias ?? 0;
    full.isTopicKnown = header.isTopicKnown ?? false;
    full.nowMs = message.expiresAtMs === undefined ? 0 : this.#targets().now();
    this.#queue(connection, this.#publishEncoder.encode(message, full), leaves);
  }

  #queueShort(connection: Connection, first: number, packetId: number, leaves: Leaves): void {
    const targets = this.#targets();
    const socket = targets.socketOf(connection);
    if (socket === undefined) return;
    targets.counters.packetsSent += 1;
    socket.outgoing.appendShort(first, packetId, leaves);
    targets.flush.onQueued(socket, shortBytes);
  }

  #queue(connection: Connection, bytes: Uint8Array, leaves: Leaves): void {
    const targets = this.#targets();
    const socket = targets.socketOf(connection);
    if (socket === undefined) return;
    targets.counters.packetsSent += 1;
    socket.outgoing.append(bytes, leaves);
    targets.flush.onQueued(socket, bytes.length);
  }

  close(connection: Connection): void {
    const socket = this.#targets().socketOf(connection);
    if (socket !== undefined) this.#targets().flush.closeAfterwards(socket);
  }

  authenticate(connection: Connection, connect: Connect): void {
    this.#targets().authentication.authenticate(connection, connect);
  }

  exchange(connection: Connection, step: ExchangeStep): void {
    this.#targets().authentication.exchange(connection, step);
  }

  awaitAuth(connection: Connection): void {
    this.#targets().awaitAuth(connection);
  }

  isBehind(connection: Connection): boolean {
    const targets = this.#targets();
    const { waiting } = targets.flush;
    // One message to many: all copies are made before any of them can leave.
    return waiting > targets.maximumUnsentBytes || (targets.socketOf(connection)?.isBehind(waiting) ?? false);
  }

  hasRoom(connection: Connection): boolean {
    const targets = this.#targets();
    const { waiting } = targets.flush;
    return waiting < maximumBytesInAll && (targets.socketOf(connection)?.hasRoom(waiting) ?? true);
  }

  needsFlush(): void {
    this.#targets().flush.wantWrite();
  }

  needsSave(connection: Connection): void {
    const targets = this.#targets();
    const socket = targets.socketOf(connection);
    if (socket !== undefined) targets.idleSave.onChanged(socket);
  }

  pumpSoon(connection: Connection): void {
    this.#targets().pumps.soon(connection);
  }

  endSoon(connection: Connection, violation: Violation): void {
    setTimeout(() => this.#targets().end(connection, violation), 0);
  }

  later(delayMs: number, run: () => void): void {
    setTimeout(() => this.#targets().guard(run), delayMs);
  }

  askOtherShards(done: (readings: readonly SysReadings[]) => void): void {
    this.#targets().askOtherShards(done);
  }

  callShard(shard: number, call: Call): void {
    this.#targets().callShard(shard, call);
  }

  wakeAt(dueAtMs: number, precision?: WakePrecision): void {
    this.#targets().alarm.wakeAt(dueAtMs, precision);
  }

  log(record: LogRecord): void {
    if (ofEachMessage.has(record.event)) this.#repeatedLog.add(record);
    else writeLog("info", record);
  }
}
