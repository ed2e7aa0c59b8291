// One publisher: as many messages on their way as its window and its subscribers allow.

import { putU16 } from "./bytes.ts";
import type { Client, Outbound } from "./client.ts";
import type { Flow } from "./flow.ts";
import { firstByte, packetTypes, publishTemplate, type PublishTemplate, type QoS } from "./packets.ts";
import { nowUs, payloadOf, stamp } from "./payload.ts";

export interface PublisherOptions {
  readonly client: Client;
  readonly run: number;
  readonly number: number;
  readonly topic: string;
  readonly qos: QoS;
  /** QoS 1 and 2: messages without PUBACK or PUBCOMP. */
  readonly window: number;
  readonly packetsPerFrame: number;
  /** Without one it waits for acknowledgements only. */
  readonly flow?: Flow;
}

/** Packet ids go round in so many: more than any window, and few, so that what is known of them stays in the cache. */
const packetIds = 1_024;
const [free, awaitsAnswer, awaitsComplete] = [0, 1, 2];
const firstFailure = 0x80;

export class Publisher implements Outbound {
  readonly client: Client;
  readonly #options: PublisherOptions;
  readonly #template: PublishTemplate;
  readonly #ids = new Uint8Array(packetIds);
  readonly #window: number;
  /** It may not send more than so many in all; 0 holds it. */
  limit = 0;
  sent = 0;
  acknowledged = 0;

  constructor(options: PublisherOptions) {
    const { client, run, number, topic, qos } = options;
    this.client = client;
    this.#options = options;
    this.#window = Math.min(options.window, client.connack.receiveMaximum);
    const payload = payloadOf(run, number);
    this.#template = publishTemplate({ topic, qos, version: client.version, isRetained: false, payload });
    client.outbound = this;
    client.packetsPerFrame = options.packetsPerFrame;
    options.flow?.add(this);
  }

  get isAcknowledged(): boolean {
    return this.#options.qos === 0 || this.acknowledged === this.sent;
  }

  pump(): void {
    const { flow, number, qos } = this.#options;
    let most = this.limit - this.sent;
    if (qos > 0) most = Math.min(most, this.#window - (this.sent - this.acknowledged));
    if (flow !== undefined) most = Math.min(most, flow.ahead - (this.sent - flow.completedBy(number)));
    if (most > 0) this.send(most);
  }

  /** Now, whatever the window says. */
  send(count: number): void {
    const { packetsPerFrame } = this.#options;
    const { writer } = this.client;
    const { bytes: packet } = this.#template;
    const sentUs = nowUs();
    for (let left = count; left > 0; left -= packetsPerFrame) {
      const inFrame = Math.min(left, packetsPerFrame);
      let at = writer.frame(inFrame * packet.length);
      for (let n = 0; n < inFrame; n += 1) {
        writer.bytes.set(packet, at);
        this.#patch(writer.bytes, at, sentUs);
        at += packet.length;
      }
    }
    writer.flush();
  }

  onAnswer(type: number, id: number, reasonCode: number): void {
    if (reasonCode >= firstFailure) throw new Error(`a PUBLISH was answered with 0x${reasonCode.toString(16)}`);
    const state = this.#ids[id];
    if (type === packetTypes.pubrec && state === awaitsAnswer && this.#options.qos === 2) {
      this.#ids[id] = awaitsComplete;
      this.client.answer(firstByte.pubrel, id);
      return;
    }
    const expected = this.#options.qos === 1 ? awaitsAnswer : awaitsComplete;
    const isLast = type === (this.#options.qos === 1 ? packetTypes.puback : packetTypes.pubcomp);
    if (!isLast || state !== expected) throw new Error(`an acknowledgement of type ${type} for packet id ${id}`);
    this.#ids[id] = free;
    this.acknowledged += 1;
  }

  #patch(bytes: Uint8Array, at: number, sentUs: number): void {
    if (this.#options.qos > 0) {
      const id = 1 + (this.sent % (packetIds - 1));
      if (this.#ids[id] !== free) throw new Error(`no acknowledgement came for ${packetIds - 1} messages`);
      this.#ids[id] = awaitsAnswer;
      putU16(bytes, at + this.#template.idAt, id);
    }
    stamp(bytes, at + this.#template.payloadAt, this.sent, sentUs);
    this.sent += 1;
  }
}
