// The effects of a core, written down: what each connection was sent, and what the core asked of the shell.

import { encodeWithin } from "../../src/codec/encode-within.ts";
import type { Connection } from "../../src/core/connection.ts";
import type { DeliveryHeader, Effects, ExchangeStep, Leaves, LogRecord } from "../../src/core/effect.ts";
import type { Call } from "../../src/core/link-window.ts";
import type { Connect, Message, ProtocolVersion, ServerPacket } from "../../src/core/packet.ts";
import type { SysReadings } from "../../src/core/sys-topics.ts";
import type { Violation } from "../../src/core/violation.ts";

const decoder = new TextDecoder();

export class RecordingEffects implements Effects {
  /** By connection: packets as one line each, behind `~` where they wait for the commit. */
  readonly sent = new Map<number, string[]>();
  /** The same packets whole, without those of `deliver`. */
  readonly packets = new Map<number, ServerPacket[]>();
  readonly closed = new Set<number>();
  readonly log_: LogRecord[] = [];
  readonly wakes: number[] = [];
  readonly saves = new Set<Connection>();
  readonly pumps = new Set<Connection>();
  readonly ends: (readonly [Connection, Violation])[] = [];
  readonly behind = new Set<number>();
  /** Connections whose sockets take no more of QoS 1 and 2. */
  readonly full = new Set<number>();
  readonly asked: (readonly [Connection, Connect])[] = [];
  readonly steps: (readonly [Connection, ExchangeStep])[] = [];
  readonly owing = new Set<Connection>();
  /** What is to run later: after so many ms, and what. */
  readonly later_: (readonly [number, () => void])[] = [];
  flushWanted = false;

  send(connection: Connection, packet: ServerPacket, leaves: Leaves): void {
    const packets = this.packets.get(connection.id) ?? [];
    packets.push(packet);
    this.packets.set(connection.id, packets);
    this.#note(connection, describe(packet, connection.protocolVersion), leaves);
  }

  fits(connection: Connection, packet: ServerPacket): boolean {
    return encodeWithin(packet, connection.protocolVersion, connection.maximumPacketSize) !== undefined;
  }

  deliver(connection: Connection, message: Message, header: DeliveryHeader, leaves: Leaves): void {
    const { packetId, subscriptionIdentifiers } = header;
    const parts = [
      `publish ${message.topicName}=${decoder.decode(message.payload)} q${header.qos}`,
      packetId === undefined ? "" : ` #${packetId}`,
      header.retain ? " retain" : "",
      header.dup ? " dup" : "",
      subscriptionIdentifiers === undefined ? "" : ` ids ${subscriptionIdentifiers.join(",")}`,
      header.topicAlias === undefined ? "" : ` alias ${header.topicAlias}${header.isTopicKnown ? " alone" : ""}`,
    ];
    this.#note(connection, parts.join(""), leaves);
  }

  close(connection: Connection): void {
    this.closed.add(connection.id);
    this.#note(connection, "close", "at-once");
  }

  authenticate(connection: Connection, connect: Connect): void {
    this.asked.push([connection, connect]);
  }

  exchange(connection: Connection, step: ExchangeStep): void {
    this.steps.push([connection, step]);
  }

  awaitAuth(connection: Connection): void {
    this.owing.add(connection);
  }

  isBehind(connection: Connection): boolean {
    return this.behind.has(connection.id);
  }

  hasRoom(connection: Connection): boolean {
    return !this.full.has(connection.id);
  }

  needsFlush(): void {
    this.flushWanted = true;
  }

  needsSave(connection: Connection): void {
    this.saves.add(connection);
  }

  pumpSoon(connection: Connection): void {
    this.pumps.add(connection);
  }

  endSoon(connection: Connection, violation: Violation): void {
    this.ends.push([connection, violation]);
  }

  later(delayMs: number, run: () => void): void {
    this.later_.push([delayMs, run]);
  }

  askOtherShards(done: (readings: readonly SysReadings[]) => void): void {
    done([]);
  }

  callShard(_shard: number, _call: Call): void {
    throw new Error("a single shard calls nobody");
  }

  wakeAt(dueAtMs: number): void {
    this.wakes.push(dueAtMs);
  }

  log(record: LogRecord): void {
    this.log_.push(record);
  }

  #note(connection: Connection, line: string, leaves: Leaves): void {
    const lines = this.sent.get(connection.id) ?? [];
    lines.push(leaves === "after-commit" ? `~${line}` : line);
    this.sent.set(connection.id, lines);
  }
}

/** Reason codes are shown where the client's version has them and they say more than success. */
function describe(packet: ServerPacket, version: ProtocolVersion): string {
  switch (packet.kind) {
    case "connack":
      return `connack ${packet.code}${packet.sessionPresent ? " present" : ""}`;
    case "suback":
      return `suback ${packet.reasonCodes.join(",")}`;
    case "unsuback":
      return `unsuback ${packet.reasonCodes.join(",")}`;
    case "puback":
    case "pubrec":
    case "pubrel":
    case "pubcomp":
      return `${packet.kind} ${packet.packetId}${version === 5 && packet.reasonCode ? `/${packet.reasonCode}` : ""}`;
    case "disconnect":
    case "auth":
      return `${packet.kind} ${packet.reasonCode}`;
    default:
      return packet.kind;
  }
}
