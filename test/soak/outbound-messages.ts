// The sending half of a client: what it published, what the broker has answered, and in which order.

import type { IPublishPacket, Packet } from "mqtt-packet";
import type { Model } from "./model.ts";
import type { Published, QoS } from "./published.ts";

export interface PublishOptions {
  readonly retain?: boolean;
  readonly clears?: boolean;
  readonly isDenied?: boolean;
}

interface Unacknowledged {
  readonly published: Published;
  phase: "sent" | "released";
}

interface Names {
  readonly model: Model;
  readonly newName: (publisher: string) => string;
}

interface Port {
  send(packet: Packet): boolean;
  freePacketId(): number;
  note(line: string): void;
}

const firstFailure = 0x80;

export class OutboundMessages {
  readonly #clientId: string;
  readonly #names: Names;
  readonly #port: Port;
  readonly #unacknowledged = new Map<number, Unacknowledged>();
  /** PUBLISHes of this connection that wait for PUBACK or PUBREC, oldest first. */
  #owed: number[] = [];
  #sequence = 0;
  /** They were given up; the connection that they belonged to may still answer. */
  #isForgotten = false;

  constructor(clientId: string, names: Names, port: Port) {
    this.#clientId = clientId;
    this.#names = names;
    this.#port = port;
  }

  get count(): number {
    return this.#unacknowledged.size;
  }

  get names(): readonly string[] {
    return [...this.#unacknowledged.values()].map(({ published }) => published.name);
  }

  has(packetId: number): boolean {
    return this.#unacknowledged.has(packetId);
  }

  /** The session that they belong to is to end. */
  forget(): void {
    this.#unacknowledged.clear();
    this.#isForgotten = true;
  }

  onBegin(): void {
    this.#unacknowledged.clear();
    this.#onConnected();
  }

  /** [MQTT-4.4.0-1] in the order of the first time. */
  onResume(): void {
    this.#onConnected();
    for (const [packetId, { phase, published }] of this.#unacknowledged) {
      if (phase === "released") {
        this.#port.send({ cmd: "pubrel", messageId: packetId });
      } else {
        published.isSentAgain = true;
        this.#send(packetId, published, true);
      }
    }
  }

  #onConnected(): void {
    this.#owed = [];
    this.#isForgotten = false;
  }

  /** A message that clears a retained one has no name of its own to show. */
  publish(topicName: string, qos: QoS, options: PublishOptions): void {
    const { retain = false, clears = false, isDenied = false } = options;
    const published = this.#names.model.publish({
      name: this.#names.newName(this.#clientId),
      topicName,
      qos,
      retain,
      clears,
      publisher: this.#clientId,
      sequence: (this.#sequence += 1),
      isWill: false,
      isDenied,
    });
    if (qos === 0) {
      this.#send(0, published, false);
      return;
    }
    const packetId = this.#port.freePacketId();
    this.#unacknowledged.set(packetId, { published, phase: "sent" });
    this.#send(packetId, published, false);
  }

  /** What the broker may publish in the client's name. */
  will(topicName: string): Published {
    const qos: QoS = this.#sequence % 2 === 0 ? 1 : 2;
    return this.#names.model.publish({
      name: this.#names.newName(`${this.#clientId}-will`),
      topicName,
      qos,
      retain: false,
      clears: false,
      publisher: this.#clientId,
      sequence: (this.#sequence += 1),
      isWill: true,
      isDenied: false,
    });
  }

  #send(messageId: number, { name, topicName, qos, retain, clears }: Published, dup: boolean): void {
    const packet: IPublishPacket = { cmd: "publish", topic: topicName, payload: clears ? "" : name, qos, retain, dup };
    const marks = `${retain ? " retained" : ""} #${messageId}${dup ? " dup" : ""}`;
    this.#port.note(`PUBLISH ${name} on ${topicName} q${qos}${marks}`);
    if (qos > 0) this.#owed.push(messageId);
    this.#port.send(qos === 0 ? packet : { ...packet, messageId });
  }

  onAnswer(cmd: "puback" | "pubrec", packetId: number, reasonCode: number): void {
    const { model } = this.#names;
    const entry = this.#unacknowledged.get(packetId);
    if (entry === undefined || (entry.published.qos === 2) !== (cmd === "pubrec")) {
      if (!this.#isForgotten) model.violate(`${this.#clientId} got ${cmd} ${packetId}, which it does not wait for`);
      return;
    }
    const { published } = entry;
    const isRefused = reasonCode >= firstFailure;
    this.#port.note(`  gets ${cmd} for ${published.name}${reasonCode > 0 ? ` ${reasonCode}` : ""}`);
    this.#judgeTurn(packetId, `${this.#clientId} got ${cmd} for ${published.name}`);
    if (entry.phase === "sent" && !isRefused) model.acknowledged(published);
    if (cmd === "puback" || isRefused) {
      this.#unacknowledged.delete(packetId);
      return;
    }
    entry.phase = "released";
    this.#port.send({ cmd: "pubrel", messageId: packetId });
  }

  #judgeTurn(packetId: number, what: string): void {
    const owed = this.#owed.indexOf(packetId);
    if (owed > 0) this.#names.model.violate(`${what} out of turn [MQTT-4.6.0-2]`);
    if (owed >= 0) this.#owed.splice(owed, 1);
  }

  onPubcomp(packetId: number): void {
    this.#unacknowledged.delete(packetId);
  }
}
