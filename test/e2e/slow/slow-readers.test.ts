// Clients that stop reading while others publish a lot: they are closed, directly connected or behind a relay, the
// process stays small, and nobody else notices. A second broker with the highest limits is the control.

import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { processTree, startBroker, type BrokerProcess } from "../../support/broker-process.ts";
import { connect, type Arrived, type TestClient } from "../support/mqtt-client.ts";
import { stopReading, type StoppedReader } from "./stopped-reader.ts";

const KiB = 1024;
const MiB = 1024 * KiB;
const shards = 3;
const directReaders = 5;
const relayedReaders = 1;
const readers = directReaders + relayedReaders;
/** The others: the one that publishes and the one that reads. */
const others = 2;
/** Each round is two messages of QoS 0 and one of QoS 1: less than the soft limit, so that who reads loses none. */
const rounds = 120;
const payloadBytes = 64_000;
/** Beyond what the kernel's buffers take, the control keeps so much more: 16 MiB a reader, of which this is a quarter. */
const leastDifference = 4 * MiB * readers;
const closesWithinMs = 15_000;
const quotaExceeded = 0x97;

const limited = { SLOW_CONSUMER_TIMEOUT_MS: "1500" };
/** As high as configuration allows. */
const unlimited = {
  SLOW_CONSUMER_SOFT_BYTES: "16777216",
  SLOW_CONSUMER_HARD_BYTES: "67108864",
  SLOW_CONSUMER_TIMEOUT_MS: "3600000",
  MAXIMUM_UNSENT_BYTES: "50331648",
};

/** What one broker did under the flood. */
interface Outcome {
  readonly grownBytes: number;
  readonly arrived: readonly Arrived[];
}

class Flood {
  readonly #broker: BrokerProcess;
  readonly stopped: StoppedReader[] = [];
  readonly #clients: TestClient[] = [];

  constructor(broker: BrokerProcess) {
    this.#broker = broker;
  }

  async run(): Promise<Outcome> {
    const { port, mqttUrl } = this.#broker;
    for (let index = 0; index < readers; index += 1) {
      const clientId = `stopped-${index}`;
      const query = index < directReaders ? `?clientId=${clientId}` : "";
      this.stopped.push(await stopReading(port, query, clientId, "flood"));
    }
    const reader = await this.#connect(mqttUrl, "reader");
    const publisher = await this.#connect(`${mqttUrl}?clientId=publisher`, "publisher");
    await reader.client.subscribeAsync("flood", { qos: 1 });
    const before = this.#residentBytes();
    const arrived: Arrived[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const message = (part: string): string => `${round}${part}`.padEnd(payloadBytes, ".");
      void publisher.client.publishAsync("flood", message("a"), { qos: 0 });
      void publisher.client.publishAsync("flood", message("b"), { qos: 0 });
      await publisher.client.publishAsync("flood", message("c"), { qos: 1 });
      for (const one of await reader.receive(3)) arrived.push({ ...one, payload: one.payload.replace(/\.+$/u, "") });
    }
    return { grownBytes: this.#residentBytes() - before, arrived };
  }

  async metric(name: string): Promise<number> {
    const lines = (await (await fetch(`${this.#broker.httpUrl}/metrics`)).text()).split("\n");
    return Number(lines.find((line) => line.startsWith(`mqtt_${name} `))?.split(" ")[1] ?? 0);
  }

  async end(): Promise<void> {
    for (const reader of this.stopped) reader.destroy();
    await Promise.all(this.#clients.map(({ client }) => client.endAsync()));
    await this.#broker.stop();
  }

  async #connect(url: string, clientId: string): Promise<TestClient> {
    const client = await connect(url, { clientId });
    this.#clients.push(client);
    return client;
  }

  /** Of the runtime. */
  #residentBytes(): number {
    const statuses = processTree(this.#broker.pid).map((pid) => readFileSync(`/proc/${pid}/status`, "utf8"));
    const runtimes = statuses.filter((status) => /^Name:\s+workerd$/mu.test(status));
    const kibibytes = runtimes.map((status) => Number(/^VmRSS:\s+(\d+)/mu.exec(status)?.[1]));
    return kibibytes.reduce((sum, one) => sum + one, 0) * KiB;
  }
}

let flood: Flood;
let control: Flood;
let outcome: Outcome;
let controlOutcome: Outcome;

beforeAll(async () => {
  const start = async (variables: Record<string, string>) => new Flood(await startBroker({ shards, variables }));
  [flood, control] = await Promise.all([start(limited), start(unlimited)]);
  [outcome, controlOutcome] = await Promise.all([flood.run(), control.run()]);
});
afterAll(async () => {
  await Promise.all([flood.end(), control.end()]);
});

describe("clients that stop reading", () => {
  test("do no harm to one that reads: it has every message, QoS 0 too, in order", () => {
    const classOf = (qos: number): string[] =>
      outcome.arrived.filter((one) => one.qos === qos).map(({ payload }) => payload);
    const sent = (part: string): string[] => Array.from({ length: rounds }, (_, round) => `${round}${part}`);
    expect(classOf(1)).toEqual(sent("c"));
    expect(classOf(0)).toEqual(sent("a").flatMap((first, round) => [first, `${round}b`]));
  });

  test("are closed, though they say nothing: those connected directly and the one behind a relay", async () => {
    await expect.poll(() => flood.metric("connections"), { timeout: closesWithinMs }).toBe(others);
    expect(await flood.metric('dropped_total{reason="slow_consumer"}')).toBeGreaterThan(0);
    // Of the relayed one nothing is left; the others' sockets stay in the runtime until they read on or go.
    await expect.poll(() => flood.metric("sockets"), { timeout: closesWithinMs }).toBe(others + directReaders);
    expect(await control.metric("connections")).toBe(others + readers);
  });

  test("take little memory, while the highest limits let it grow", () => {
    expect(controlOutcome.grownBytes - outcome.grownBytes).toBeGreaterThan(leastDifference);
  });

  test("that read on later get what was sent before, and then DISCONNECT 0x97", async () => {
    const { packets, isClosed } = (await flood.stopped[0]?.readOn()) ?? { packets: [], isClosed: false };
    expect(packets.at(-1)).toMatchObject({ cmd: "disconnect", reasonCode: quotaExceeded });
    expect(isClosed).toBe(true);
    await expect.poll(() => flood.metric("sockets")).toBe(others + directReaders - 1);
  });
});
