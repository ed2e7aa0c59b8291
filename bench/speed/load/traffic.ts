// Publishers and subscribers set up against a broker, and how they are driven: at full speed, or at a given rate.

import { setTimeout as delay } from "node:timers/promises";
import type { Client, Target } from "./client.ts";
import { connectMany, endAll, inParallel, newPrefix } from "./crowd.ts";
import { Flow } from "./flow.ts";
import type { Latencies } from "./latency.ts";
import type { ProtocolVersion, QoS } from "./packets.ts";
import { newRun } from "./payload.ts";
import { Publisher } from "./publisher.ts";
import { faultsOf, Receipts, sumOf, type Tally, type Wanted } from "./receipts.ts";
import { Subscriber } from "./subscriber.ts";

/** Who sends to whom. Topics begin with a word of this run. */
export interface Shape {
  readonly publishers: number;
  readonly subscribers: number;
  /** Subscribers of each publisher. */
  readonly receiversEach: number;
  topicOf(run: string, publisher: number): string;
  filterOf(run: string, subscriber: number): string;
  /** The publishers of a subscriber: from the first, before the second. */
  wantedBy(subscriber: number): Wanted;
}

export interface TrafficOptions {
  readonly shape: Shape;
  readonly qos: QoS;
  readonly areSubscribersDurable: boolean;
  readonly version: ProtocolVersion;
  /** QoS 1 and 2: unacknowledged messages of a publisher. */
  readonly window: number;
  /** Messages that a publisher may be ahead of its slowest subscriber. */
  readonly ahead: number;
  readonly packetsPerFrame: number;
  /** Without any progress for so long, what is missing is lost. */
  readonly stallMs: number;
}

const pollMs = 5;
const msPerSec = 1_000;
/** For everybody to send until told to stop. */
const unlimited = 2 ** 32;

export class Traffic {
  readonly publishers: readonly Publisher[];
  readonly subscribers: readonly Subscriber[];
  readonly #flow: Flow;
  readonly #target: Target;
  readonly #options: TrafficOptions;
  readonly #losses: string[] = [];

  private constructor(target: Target, options: TrafficOptions, { publishing, subscribing, word, run }: Parties) {
    const { shape, qos, window, ahead, packetsPerFrame } = options;
    const flow = new Flow({ publishers: shape.publishers, receiversEach: shape.receiversEach, ahead });
    this.#target = target;
    this.#options = options;
    this.#flow = flow;
    this.subscribers = subscribing.map((client, n) => {
      const receipts = new Receipts(shape.wantedBy(n));
      return new Subscriber({ client, run, qos, receipts, packetsPerFrame, flow });
    });
    this.publishers = publishing.map((client, number) => {
      const topic = shape.topicOf(word, number);
      return new Publisher({ client, run, number, topic, qos, window, packetsPerFrame, flow });
    });
    for (const client of [...publishing, ...subscribing]) client.onLost = (reason) => this.#losses.push(reason);
  }

  static async start(target: Target, options: TrafficOptions): Promise<Traffic> {
    const { shape, version, qos, areSubscribersDurable } = options;
    const word = newPrefix();
    const subscribing = await connectMany(target, `${word}-s`, shape.subscribers, {
      version,
      isDurable: areSubscribersDurable,
    });
    await inParallel(subscribing.length, async (n) => await subscribing[n]?.subscribe(qos, shape.filterOf(word, n)));
    const publishing = await connectMany(target, `${word}-p`, shape.publishers, { version, isDurable: false });
    return new Traffic(target, options, { publishing, subscribing, word, run: newRun() });
  }

  get delivered(): number {
    return this.#flow.delivered;
  }

  /** Everybody sends as fast as window and subscribers allow, until `settle`. */
  startAll(): void {
    for (const publisher of this.publishers) {
      publisher.limit = unlimited;
      publisher.pump();
    }
  }

  /** So many messages a second in all, the publishers in turn, whatever comes back. */
  async sendAtRate(perSec: number, durationMs: number): Promise<void> {
    const startedAt = performance.now();
    const total = Math.round((perSec * durationMs) / msPerSec);
    for (let sent = 0; sent < total && this.#losses.length === 0;) {
      const due = Math.min(total, Math.floor(((performance.now() - startedAt) * perSec) / msPerSec) + 1);
      for (; sent < due; sent += 1) this.publishers[sent % this.publishers.length]?.send(1);
      await delay(1);
    }
  }

  measureLatencies(latencies: Latencies | undefined): void {
    for (const subscriber of this.subscribers) subscriber.latencies = latencies;
  }

  /** No more is sent; resolves when everything has come, or when nothing comes any more. */
  async settle(): Promise<void> {
    for (const publisher of this.publishers) publisher.limit = publisher.sent;
    let before = -1;
    let lastProgress = performance.now();
    while (!this.#isComplete() && performance.now() - lastProgress < this.#options.stallMs) {
      await delay(pollMs);
      const progress = this.#progress();
      if (progress !== before) lastProgress = performance.now();
      before = progress;
    }
  }

  tally(): Tally {
    return sumOf(this.subscribers.map(({ receipts }) => receipts.tally((n) => this.publishers[n]?.sent ?? 0)));
  }

  /** In words, what went wrong. Behind `settle`. */
  faults(): string[] {
    const unanswered = this.publishers.reduce((sum, { sent, acknowledged }) => sum + sent - acknowledged, 0);
    const unreleased = this.subscribers.reduce((sum, subscriber) => sum + subscriber.unreleased, 0);
    const wrongQos = this.subscribers.reduce((sum, subscriber) => sum + subscriber.wrongQos, 0);
    return [
      ...this.#losses.slice(0, 1),
      ...faultsOf(this.tally()),
      ...(this.#options.qos > 0 && unanswered > 0 ? [`${unanswered} messages without an acknowledgement`] : []),
      ...(unreleased === 0 ? [] : [`${unreleased} messages without a PUBREL`]),
      ...(wrongQos === 0 ? [] : [`${wrongQos} messages at another QoS`]),
    ];
  }

  async end(): Promise<void> {
    const { version, areSubscribersDurable } = this.#options;
    await endAll(this.#target, this.#clientsOf(this.publishers), { version, isDurable: false });
    await endAll(this.#target, this.#clientsOf(this.subscribers), { version, isDurable: areSubscribersDurable });
  }

  #clientsOf(parts: readonly { readonly client: Client }[]): Client[] {
    return parts.map(({ client }) => client);
  }

  #isComplete(): boolean {
    const { receiversEach } = this.#options.shape;
    const sent = this.publishers.reduce((sum, publisher) => sum + publisher.sent, 0);
    return (
      this.delivered === sent * receiversEach &&
      this.publishers.every(({ isAcknowledged }) => isAcknowledged) &&
      this.subscribers.every(({ unreleased }) => unreleased === 0)
    );
  }

  #progress(): number {
    const acknowledged = this.publishers.reduce((sum, publisher) => sum + publisher.acknowledged, 0);
    const unreleased = this.subscribers.reduce((sum, subscriber) => sum + subscriber.unreleased, 0);
    return this.delivered + acknowledged - unreleased;
  }
}

/** Sets it up, and takes it down whatever happens. */
export async function withTraffic<T>(
  target: Target,
  options: TrafficOptions,
  task: (traffic: Traffic) => Promise<T>,
): Promise<T> {
  const traffic = await Traffic.start(target, options);
  try {
    return await task(traffic);
  } finally {
    await traffic.end();
  }
}

interface Parties {
  readonly publishing: readonly Client[];
  readonly subscribing: readonly Client[];
  readonly word: string;
  readonly run: number;
}
