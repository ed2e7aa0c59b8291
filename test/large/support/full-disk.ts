// Scene: the disk fills up while a client publishes QoS 1 and 2 for a durable session that is away; some time later there
// is room again. Nobody restarts the broker.

import { setTimeout as delay } from "node:timers/promises";
import type { Packet } from "mqtt-packet";
import { startBroker, type BrokerProcess } from "../../support/broker-process.ts";
import { processorMs } from "./readings.ts";
import { SmallDisk } from "./small-disk.ts";
import { acknowledge, publish, WireClient } from "./wire-client.ts";

export interface FullDiskPlan {
  readonly sizeMiB: number;
  readonly ballastMiB: number;
  /** How long the disk stays full. */
  readonly fullMs: number;
  /** Messages that must be acknowledged once there is room. */
  readonly after: number;
}

export interface FullDiskOutcome {
  readonly acknowledged: number;
  /** Acknowledged messages that the durable session did not get. */
  readonly lost: readonly number[];
  /** Messages that it got before an earlier one, and QoS 2 messages that it got twice. */
  readonly disordered: readonly number[];
  readonly doubled: readonly number[];
  /** Connections of the publisher that ended for want of an acknowledgement. */
  readonly refusals: number;
  readonly isOneProcess: boolean;
  /** In the log, for who runs it. */
  readonly isTold: boolean;
  readonly report: FullDiskReport;
}

export interface FullDiskReport {
  readonly acknowledgedWhileFull: number;
  /** Part of a processor that workerd used while the disk was full. */
  readonly processorWhileFull: number;
  /** Part of the QoS 0 messages of two other clients that arrived while it was full. */
  readonly othersServed: number;
  readonly resumedAfterMs: number;
}

const payload = Buffer.alloc(32 * 1024, "x");
const topic = "full/messages";
/** A client that was refused comes back after so long. */
const retryMs = 100;
const answerMs = 2_000;
const variables = { MAXIMUM_QUEUED_MESSAGES: "1000000", MAXIMUM_QUEUED_BYTES: "1073741824" };
const durable = { clean: false } as const;

export async function fillDisk(plan: FullDiskPlan): Promise<FullDiskOutcome> {
  const disk = new SmallDisk(plan.sizeMiB, plan.ballastMiB);
  try {
    const broker = await startBroker({ dataDir: `${disk.path}/data`, variables });
    try {
      return await play(broker, disk, plan);
    } finally {
      await broker.stop();
    }
  } finally {
    disk.remove();
  }
}

async function play(broker: BrokerProcess, disk: SmallDisk, plan: FullDiskPlan): Promise<FullDiskOutcome> {
  const url = broker.mqttUrl;
  const subscriber = await WireClient.open(url, { clientId: "subscriber", ...durable });
  await subscriber.subscribe(2, topic);
  await subscriber.end();
  const publisher = new Publisher(url);
  const chatter = new Chatter(url);
  const publishing = publisher.run();
  await publisher.refused();
  const usedBefore = processorMs(broker);
  const acknowledgedBefore = publisher.acknowledged.length;
  chatter.start();
  await delay(plan.fullMs);
  const othersServed = await chatter.stop();
  const processorWhileFull = (processorMs(broker) - usedBefore) / plan.fullMs;
  const acknowledgedWhileFull = publisher.acknowledged.length - acknowledgedBefore;
  const { refusals } = publisher;
  disk.makeRoom();
  const roomAt = performance.now();
  await publisher.reached(publisher.acknowledged.length + 1);
  const resumedAfterMs = performance.now() - roomAt;
  await publisher.reached(publisher.acknowledged.length + plan.after);
  publisher.stop();
  await publishing;
  const arrived = await drain(url, publisher.acknowledged);
  return {
    ...judge(publisher.acknowledged, arrived),
    acknowledged: publisher.acknowledged.length,
    refusals,
    isOneProcess: [...broker.output().matchAll(/is ready/g)].length === 1,
    isTold: broker.output().includes('"event":"broker-fault"'),
    report: { acknowledgedWhileFull, processorWhileFull, othersServed, resumedAfterMs },
  };
}

/** Odd numbers go with QoS 2, one message at a time; what is not acknowledged is sent again, on a new connection. */
const qosOf = (number: number): 1 | 2 => (number % 2 === 1 ? 2 : 1);
const packetIdOf = (number: number): number => 1 + (number % 65_000);

class Publisher {
  readonly acknowledged: number[] = [];
  refusals = 0;
  readonly #url: string;
  #isRunning = true;

  constructor(url: string) {
    this.#url = url;
  }

  async run(): Promise<void> {
    let number = 0;
    let isRepeat = false;
    while (this.#isRunning) {
      try {
        const client = await open(this.#url, "publisher");
        for (; this.#isRunning; number += 1) {
          await this.#publish(client, number, isRepeat);
          isRepeat = false;
        }
        await client.end();
      } catch {
        isRepeat = true;
        this.refusals += 1;
        await delay(retryMs);
      }
    }
  }

  stop(): void {
    this.#isRunning = false;
  }

  async refused(): Promise<void> {
    while (this.refusals === 0) await delay(10);
  }

  async reached(count: number): Promise<void> {
    while (this.acknowledged.length < count) await delay(10);
  }

  async #publish(client: WireClient, number: number, dup: boolean): Promise<void> {
    const messageId = packetIdOf(number);
    const qos = qosOf(number);
    const head = Buffer.from(`${number} `);
    client.send(publish(topic, { qos, messageId, dup, payload: Buffer.concat([head, payload]) }));
    await answer(client, qos === 1 ? "puback" : "pubrec", messageId);
    this.acknowledged.push(number);
    if (qos === 1) return;
    client.send({ cmd: "pubrel", messageId });
    await answer(client, "pubcomp", messageId);
  }
}

const open = (url: string, clientId: string): Promise<WireClient> => WireClient.open(url, { clientId, ...durable });

async function answer(client: WireClient, cmd: "puback" | "pubrec" | "pubcomp", messageId: number): Promise<void> {
  const packet = await Promise.race([client.next(), delay(answerMs, undefined, { ref: false })]);
  if (packet?.cmd === cmd && packet.messageId === messageId) return;
  client.drop();
  throw new Error(`no ${cmd} but ${packet?.cmd ?? "nothing"}`);
}

/** Two clients that need nothing stored: QoS 0 from one to the other; each comes back when its connection is lost. */
class Chatter {
  readonly #url: string;
  #isRunning = true;
  #sent = 0;
  #received = 0;
  #run: Promise<void> = Promise.resolve();

  constructor(url: string) {
    this.#url = url;
  }

  start(): void {
    this.#run = this.#chat();
  }

  /** Part of the messages that arrived. */
  async stop(): Promise<number> {
    this.#isRunning = false;
    await this.#run;
    return this.#received / Math.max(1, this.#sent);
  }

  async #chat(): Promise<void> {
    while (this.#isRunning) {
      try {
        const talker = await WireClient.open(this.#url, { clientId: "talker" });
        const listener = await WireClient.open(this.#url, { clientId: "listener" });
        await listener.subscribe(0, "chat");
        while (this.#isRunning) {
          this.#sent += 1;
          talker.send(publish("chat"));
          await listener.next();
          this.#received += 1;
          await delay(10);
        }
        await Promise.all([talker.end(), listener.end()]);
      } catch {
        this.#sent += 1; // what could not be sent while nobody was let in
        await delay(retryMs);
      }
    }
  }
}

/** All that the durable session has, acknowledged as it comes; until everything that must be there is. */
async function drain(url: string, acknowledged: readonly number[]): Promise<number[]> {
  const subscriber = await open(url, "subscriber");
  const missing = new Set(acknowledged);
  const arrived: number[] = [];
  let quiet = 0;
  while (missing.size > 0 && quiet < 20) {
    const packets = await subscriber.rest();
    quiet = packets.length === 0 ? quiet + 1 : 0;
    if (packets.length === 0) await delay(retryMs);
    for (const packet of packets) {
      const number = take(subscriber, packet);
      if (number === undefined) continue;
      arrived.push(number);
      missing.delete(number);
    }
  }
  await subscriber.end();
  return arrived;
}

function take(subscriber: WireClient, packet: Packet): number | undefined {
  if (packet.cmd === "pubrel") subscriber.send(acknowledge("pubcomp", packet));
  if (packet.cmd !== "publish") return undefined;
  subscriber.send(acknowledge(packet.qos === 1 ? "puback" : "pubrec", packet));
  return Number.parseInt(packet.payload.toString("utf8", 0, 12), 10);
}

function judge(
  acknowledged: readonly number[],
  arrived: readonly number[],
): Pick<FullDiskOutcome, "lost" | "disordered" | "doubled"> {
  const there = new Set(arrived);
  return {
    lost: acknowledged.filter((number) => !there.has(number)),
    disordered: arrived.filter((number, at) => at > 0 && number < (arrived[at - 1] ?? 0)),
    doubled: arrived.filter((number, at) => qosOf(number) === 2 && arrived.indexOf(number) !== at),
  };
}
