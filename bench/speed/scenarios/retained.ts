// 10,000 retained messages, fetched by one wildcard subscription, again and again.

import { setTimeout as delay } from "node:timers/promises";
import type { RunningBroker } from "../brokers/broker.ts";
import { u16 } from "../load/bytes.ts";
import type { Client, Inbound } from "../load/client.ts";
import { connectOne, newPrefix, type Kind } from "../load/crowd.ts";
import { loadMessages } from "../load/loader.ts";
import { coresOf, startMeter } from "../load/meter.ts";
import { firstByte, publishTemplate, qosBits, qosShift, retainFlag, type QoS } from "../load/packets.ts";
import { newRun, payloadBytes, payloadOf, runOf, sequenceOf, stamp } from "../load/payload.ts";
import { outcome, type Measurement, type RunOptions, type Scenario } from "./scenario.ts";

const messages = { full: 10_000, small: 200 } as const;
const pollMs = 1;

export const retainedScenarios: readonly Scenario[] = ([0, 1] as const).map((qos): Scenario => ({
  id: `retained-qos${qos}`,
  title: `retained 10,000 by wildcard, QoS ${qos}`,
  unit: "delivered/s",
  better: "more",
  needs: ["retained by wildcard"],
  run: async (broker, _kind, options) => await measureRetained(broker, qos, options),
}));

export interface RetainedSet {
  readonly run: number;
  readonly count: number;
  /** Matches all of them. */
  readonly filter: string;
  topicOf(n: number): string;
}

export function newRetainedSet(count: number): RetainedSet {
  const word = newPrefix();
  return { run: newRun(), count, filter: `${word}/+/state`, topicOf: (n) => `${word}/${n}/state` };
}

/** From the first, before the second. */
export async function storeRetained(
  broker: RunningBroker,
  set: RetainedSet,
  [from, to]: readonly [from: number, to: number],
  { version }: RunOptions,
): Promise<void> {
  await publishRetained(broker, to - from, { version, isDurable: false }, (n) => {
    const template = retainedTemplate(set.topicOf(from + n), version, payloadOf(set.run, 0));
    stamp(template.bytes, template.payloadAt, from + n, 0);
    return template;
  });
}

export async function clearRetained(broker: RunningBroker, set: RetainedSet, { version }: RunOptions): Promise<void> {
  await publishRetained(broker, set.count, { version, isDurable: false }, (n) =>
    retainedTemplate(set.topicOf(n), version, new Uint8Array()),
  );
}

function retainedTemplate(
  topic: string,
  version: RunOptions["version"],
  payload: Uint8Array,
): ReturnType<typeof publishTemplate> {
  return publishTemplate({ topic, qos: 1, version, isRetained: true, payload });
}

async function publishRetained(
  broker: RunningBroker,
  count: number,
  kind: Kind,
  packetOf: (n: number) => ReturnType<typeof publishTemplate>,
): Promise<void> {
  const client = await connectOne(broker, newPrefix(), kind);
  await loadMessages(client, count, packetOf);
  await client.leave();
}

async function measureRetained(broker: RunningBroker, qos: QoS, options: RunOptions): Promise<Measurement> {
  const set = newRetainedSet(messages[options.size]);
  await storeRetained(broker, set, [0, set.count], options);
  const faults = (await fetchRetained(broker, set, qos, options)).faults;
  const counts = { fetches: 0, fetchSeconds: 0 };
  const read = startMeter(broker, () => counts.fetches * set.count);
  const until = performance.now() + options.measureMs;
  do {
    const fetched = await fetchRetained(broker, set, qos, options);
    faults.push(...fetched.faults);
    counts.fetches += 1;
    counts.fetchSeconds += fetched.seconds;
  } while (performance.now() < until && faults.length === 0);
  const reading = read();
  await clearRetained(broker, set, options);
  return outcome(faults, {
    value: reading.done / counts.fetchSeconds,
    unit: "delivered/s",
    more: { fetches: counts.fetches },
    ...coresOf(reading),
  });
}

interface Fetched {
  readonly faults: string[];
  /** From SUBSCRIBE to the last message. */
  readonly seconds: number;
}

const msPerSec = 1_000;

/** A new client subscribes and waits for all of the set. */
export async function fetchRetained(
  broker: RunningBroker,
  set: RetainedSet,
  qos: QoS,
  { version, stallMs }: RunOptions,
): Promise<Fetched> {
  const client = await connectOne(broker, newPrefix(), { version, isDurable: false });
  const reader = new RetainedReader(client, set);
  const faults: string[] = [];
  client.onLost = (reason) => faults.push(reason);
  const startedAt = performance.now();
  client.startSubscribe(qos, set.filter);
  while (
    !reader.isComplete &&
    performance.now() - Math.max(startedAt, reader.lastAt) < stallMs &&
    faults.length === 0
  ) {
    await delay(pollMs);
  }
  const seconds = (reader.lastAt - startedAt) / msPerSec;
  await client.leave();
  return { faults: [...faults, ...reader.faults()], seconds };
}

/** Retained messages come in any order, each once. */
class RetainedReader implements Inbound {
  readonly #client: Client;
  readonly #set: RetainedSet;
  readonly #isSeen: Uint8Array;
  #seen = 0;
  #unreleased = 0;
  #doubled = 0;
  #strays = 0;
  lastAt = 0;

  constructor(client: Client, set: RetainedSet) {
    this.#client = client;
    this.#set = set;
    this.#isSeen = new Uint8Array(set.count);
    client.inbound = this;
    client.afterInput = () => {
      this.lastAt = performance.now();
    };
  }

  get isComplete(): boolean {
    return this.#seen === this.#set.count && this.#unreleased === 0;
  }

  onPublish(bytes: Uint8Array, first: number, at: number, end: number): void {
    const qos = (first >> qosShift) & qosBits;
    if (qos > 0)
      this.#client.answer(qos === 1 ? firstByte.puback : firstByte.pubrec, u16(bytes, at + 2 + u16(bytes, at)));
    if (qos === 2) this.#unreleased += 1;
    const payloadAt = end - payloadBytes;
    const sequence = sequenceOf(bytes, payloadAt);
    const isOurs = payloadAt > at && runOf(bytes, payloadAt) === this.#set.run && sequence < this.#set.count;
    if (!isOurs || (first & retainFlag) === 0) this.#strays += 1;
    else if (this.#isSeen[sequence] === 1) this.#doubled += 1;
    else {
      this.#isSeen[sequence] = 1;
      this.#seen += 1;
    }
  }

  onRelease(id: number): void {
    this.#unreleased -= 1;
    this.#client.answer(firstByte.pubcomp, id);
  }

  faults(): string[] {
    const missing = this.#set.count - this.#seen;
    return [
      ...(missing > 0 ? [`${missing} retained messages did not come`] : []),
      ...(this.#doubled > 0 ? [`${this.#doubled} retained messages doubled`] : []),
      ...(this.#strays > 0 ? [`${this.#strays} messages that are not of the set, or not retained`] : []),
    ];
  }
}
