// One subscriber: acknowledges, checks and counts what it gets.

import { u16 } from "./bytes.ts";
import type { Client, Inbound } from "./client.ts";
import type { Flow } from "./flow.ts";
import type { Latencies } from "./latency.ts";
import { dupFlag, firstByte, qosBits, qosShift, type QoS } from "./packets.ts";
import { nowUs, payloadBytes, publisherOf, runOf, sentUsOf, sequenceOf } from "./payload.ts";
import type { Receipts } from "./receipts.ts";

export interface SubscriberOptions {
  readonly client: Client;
  readonly run: number;
  /** At which its deliveries are to come. */
  readonly qos: QoS;
  readonly receipts: Receipts;
  readonly packetsPerFrame: number;
  readonly flow?: Flow;
}

export class Subscriber implements Inbound {
  readonly client: Client;
  readonly receipts: Receipts;
  readonly #run: number;
  readonly #qos: QoS;
  readonly #flow: Flow | undefined;
  /** Where latencies are to be measured. */
  latencies: Latencies | undefined;
  received = 0;
  /** QoS 2: PUBLISH without PUBREL. */
  unreleased = 0;
  wrongQos = 0;

  constructor({ client, run, qos, receipts, packetsPerFrame, flow }: SubscriberOptions) {
    this.client = client;
    this.receipts = receipts;
    this.#run = run;
    this.#qos = qos;
    this.#flow = flow;
    client.inbound = this;
    client.packetsPerFrame = packetsPerFrame;
    if (flow !== undefined) client.afterInput = () => flow.pumpReady();
  }

  onPublish(bytes: Uint8Array, first: number, at: number, end: number): void {
    const qos = (first >> qosShift) & qosBits;
    const payloadAt = end - payloadBytes;
    if (qos !== this.#qos) this.wrongQos += 1;
    if (qos > 0) this.#acknowledge(qos, u16(bytes, at + 2 + u16(bytes, at)));
    if (payloadAt < at || runOf(bytes, payloadAt) !== this.#run) {
      this.receipts.onStray();
      return;
    }
    const [publisher, sequence] = [publisherOf(bytes, payloadAt), sequenceOf(bytes, payloadAt)];
    const mayRepeat = qos === 1 && (first & dupFlag) !== 0;
    if (!this.receipts.take(publisher, sequence, mayRepeat)) return;
    this.received += 1;
    if (this.latencies !== undefined) this.latencies.add((nowUs() - sentUsOf(bytes, payloadAt)) >>> 0);
    this.#flow?.onDelivered(publisher, sequence);
  }

  onRelease(id: number): void {
    this.unreleased -= 1;
    this.client.answer(firstByte.pubcomp, id);
  }

  #acknowledge(qos: number, id: number): void {
    if (qos === 2) this.unreleased += 1;
    this.client.answer(qos === 1 ? firstByte.puback : firstByte.pubrec, id);
  }
}
