// The receiving half of a client: what came, what it has answered, and QoS 2 that is not finished.

import type { IPublishPacket, Packet } from "mqtt-packet";
import type { Model } from "./model.ts";
import type { SessionRecord } from "./session-record.ts";

/** What the broker sends at most where the client asked for nothing (`MAXIMUM_INFLIGHT`). */
const defaultWindow = 32;

export class InboundMessages {
  readonly #model: Model;
  readonly #window: number;
  readonly #send: (packet: Packet) => boolean;
  #session: SessionRecord | undefined;
  /** Names of QoS 2 messages by id, from PUBLISH to PUBREL: what "exactly once" is made of. */
  readonly #unfinished = new Map<number, string>();
  /** Of QoS 1, by id, until PUBACK has left: in no connection may the id mean another message. */
  readonly #unanswered = new Map<number, string>();
  /** Of this connection: ids of PUBLISHes without the last answer. */
  readonly #inFlight = new Set<number>();
  #waiting: { readonly packet: Packet; readonly onSent: () => void }[] = [];
  #isHolding = false;
  #isPaused = false;

  constructor(model: Model, receiveMaximum: number | undefined, send: (packet: Packet) => boolean) {
    this.#model = model;
    this.#window = receiveMaximum ?? defaultWindow;
    this.#send = send;
  }

  /** The broker owes nothing: what it began it has ended, in this connection or in a later one [MQTT-4.4.0-1]. */
  get isFinished(): boolean {
    return this.#unfinished.size === 0 && this.#unanswered.size === 0;
  }

  /** Names of what is not finished. */
  get unfinished(): readonly string[] {
    return [...this.#unfinished.values(), ...this.#unanswered.values()];
  }

  onBegin(session: SessionRecord): void {
    this.#session = session;
    this.#unfinished.clear();
    this.#unanswered.clear();
    this.onResume();
  }

  onResume(): void {
    this.#inFlight.clear();
    this.#waiting = [];
  }

  onLost(): void {
    this.onResume();
  }

  hold(isHolding: boolean): void {
    this.#isHolding = isHolding;
    this.#release();
  }

  pause(isPaused: boolean): void {
    this.#isPaused = isPaused;
    this.#release();
  }

  onPublish(packet: IPublishPacket): void {
    const session = this.#session;
    if (session === undefined) return;
    const { topic: topicName, qos, retain, dup, messageId: packetId = 0 } = packet;
    const payload = packet.payload.toString();
    const isRepeat = qos === 2 && this.#unfinished.has(packetId);
    this.#model.arrive(session, { topicName, payload, qos, retain, dup, packetId }, isRepeat);
    if (qos === 0) return;
    this.#judgeId(session.clientId, packetId, payload);
    this.#judgeWindow(session.clientId, packetId);
    const onSent = (): void => this.#model.answered(session, payload, retain);
    if (qos === 2) {
      this.#unfinished.set(packetId, payload);
      this.#answer({ cmd: "pubrec", messageId: packetId }, onSent);
      return;
    }
    this.#unanswered.set(packetId, payload);
    this.#answer({ cmd: "puback", messageId: packetId }, () => {
      this.#inFlight.delete(packetId);
      this.#unanswered.delete(packetId);
      onSent();
    });
  }

  /** [MQTT-2.2.1-4] */
  #judgeId(clientId: string, packetId: number, payload: string): void {
    const holder = this.#unfinished.get(packetId) ?? this.#unanswered.get(packetId);
    if (holder === undefined || holder === payload) return;
    this.#model.violate(`${clientId} got ${payload} with the id ${packetId}, which ${holder} has`);
  }

  /** [MQTT-3.3.4-9] */
  #judgeWindow(clientId: string, packetId: number): void {
    this.#inFlight.add(packetId);
    if (this.#inFlight.size > this.#window) {
      this.#model.violate(`${clientId} got ${this.#inFlight.size} messages at a time, and takes ${this.#window}`);
    }
  }

  onPubrel(packetId: number): void {
    this.#unfinished.delete(packetId);
    this.#answer({ cmd: "pubcomp", messageId: packetId }, () => this.#inFlight.delete(packetId));
  }

  #answer(packet: Packet, onSent: () => void): void {
    this.#waiting.push({ packet, onSent });
    this.#release();
  }

  #release(): void {
    if (this.#isHolding || this.#isPaused) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { packet, onSent } of waiting) if (this.#send(packet)) onSent();
  }
}
