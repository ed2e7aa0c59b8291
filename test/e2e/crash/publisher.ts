// A client that publishes QoS 1 and 2 without end, whatever happens to the broker: it keeps what is not acknowledged,
// reconnects with the session it had and sends it again, in the order of the first time [MQTT-4.6.0-1].

import { generate, parser, type Packet } from "mqtt-packet";
import { WebSocket } from "ws";
import { type Ledger, nameOf } from "./ledger.ts";

/** Unacknowledged messages of one publisher at a time. */
const windowSize = 16;
const reconnectAfterMs = 50;

interface Unacknowledged {
  readonly name: string;
  readonly qos: 1 | 2;
  /** `released`: PUBREC came, so PUBREL is sent instead [MQTT-4.3.3-1]. */
  phase: "sent" | "released";
}

export interface PublisherSettings {
  readonly url: string;
  /** Names it in the ledger, which learns what was acknowledged. */
  readonly number: number;
  readonly clientId: string;
  readonly topic: string;
  readonly ledger: Ledger;
}

export class Publisher {
  readonly #url: string;
  readonly #number: number;
  readonly #clientId: string;
  readonly #topic: string;
  readonly #ledger: Ledger;
  /** By packet id, in the order of sending. */
  readonly #unacknowledged = new Map<number, Unacknowledged>();
  readonly #nextSequence = { 1: 0, 2: 0 };
  #lastPacketId = 0;
  #socket: WebSocket | undefined;
  #onFinished: (() => void) | undefined;

  /** Publishes at once and until told to finish. */
  constructor({ url, number, clientId, topic, ledger }: PublisherSettings) {
    this.#url = url;
    this.#number = number;
    this.#clientId = clientId;
    this.#topic = topic;
    this.#ledger = ledger;
    this.#connect();
  }

  /** Sends nothing new, and resolves when everything sent is acknowledged. */
  async finish(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#onFinished = resolve;
      if (this.#unacknowledged.size === 0) resolve();
    });
    this.#socket?.removeAllListeners("close").terminate();
  }

  #connect(): void {
    const socket = new WebSocket(this.#url, "mqtt");
    const packets = parser({ protocolVersion: 4 });
    this.#socket = socket;
    packets.on("packet", (packet: Packet) => this.#onPacket(packet));
    socket.on("message", (data: Buffer) => packets.parse(data));
    socket.on("open", () =>
      this.#send({ cmd: "connect", clientId: this.#clientId, clean: false, protocolVersion: 4, keepalive: 60 }),
    );
    socket.on("error", () => {}); // refused while the broker is down; "close" follows
    socket.on("close", () => setTimeout(() => this.#connect(), reconnectAfterMs));
  }

  #onPacket(packet: Packet): void {
    switch (packet.cmd) {
      case "connack":
        for (const packetId of this.#unacknowledged.keys()) this.#sendAgain(packetId);
        this.#fillWindow();
        return;
      case "pubrec":
        this.#onPubrec(packet.messageId ?? 0);
        return;
      case "puback":
      case "pubcomp":
        this.#onAcknowledged(packet.messageId ?? 0);
        return;
      default:
        throw new Error(`an unexpected ${packet.cmd}`);
    }
  }

  #onPubrec(packetId: number): void {
    const entry = this.#unacknowledged.get(packetId);
    if (entry?.qos !== 2) throw new Error(`PUBREC for ${packetId}, which is not open`);
    entry.phase = "released";
    this.#send({ cmd: "pubrel", messageId: packetId });
  }

  #onAcknowledged(packetId: number): void {
    const entry = this.#unacknowledged.get(packetId);
    if (entry === undefined) throw new Error(`an acknowledgement for ${packetId}, which is not open`);
    this.#unacknowledged.delete(packetId);
    this.#ledger.acknowledged.add(entry.name);
    if (this.#onFinished === undefined) this.#fillWindow();
    else if (this.#unacknowledged.size === 0) this.#onFinished();
  }

  #fillWindow(): void {
    while (this.#onFinished === undefined && this.#unacknowledged.size < windowSize) {
      const packetId = this.#freePacketId();
      const qos = packetId % 2 === 0 ? 2 : 1;
      const name = nameOf({ publisher: this.#number, qos, sequence: this.#nextSequence[qos]++ });
      this.#unacknowledged.set(packetId, { name, qos, phase: "sent" });
      this.#publish(packetId, name, qos, false);
    }
  }

  #freePacketId(): number {
    do this.#lastPacketId = (this.#lastPacketId % 65_535) + 1;
    while (this.#unacknowledged.has(this.#lastPacketId));
    return this.#lastPacketId;
  }

  #sendAgain(packetId: number): void {
    const entry = this.#unacknowledged.get(packetId);
    if (entry === undefined) return;
    if (entry.phase === "released") this.#send({ cmd: "pubrel", messageId: packetId });
    else this.#publish(packetId, entry.name, entry.qos, true);
  }

  #publish(messageId: number, payload: string, qos: 1 | 2, dup: boolean): void {
    this.#send({ cmd: "publish", topic: this.#topic, payload, qos, messageId, dup, retain: false });
  }

  #send(packet: Packet): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(generate(packet, { protocolVersion: 4 }));
  }
}
