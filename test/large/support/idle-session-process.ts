// The scene of `idle-session.ts` through a real broker: fewer messages, but its own timers, commits and files.

import { startBroker, type BrokerProcess } from "../../support/broker-process.ts";
import { metrics, residentMiB, rowsIn, storedMiB } from "./readings.ts";
import { acknowledge, publish, WireClient } from "./wire-client.ts";

export interface ProcessPlan {
  readonly messages: number;
  readonly idleMessages: number;
  readonly samples: number;
}

export interface ProcessSample {
  readonly messages: number;
  readonly chunkRows: number;
  readonly logBytes: number;
  readonly storedMiB: number;
  readonly residentMiB: number;
  readonly rowsReadPerMessage: number;
  readonly rowsWrittenPerMessage: number;
}

export interface ProcessOutcome {
  readonly samples: readonly ProcessSample[];
  readonly idleGot: readonly string[];
  readonly idleExpected: readonly string[];
  readonly emptyGot: readonly string[];
  readonly delivered: number;
  readonly messagesPerSec: number;
}

const perFrame = 64;
const text = Buffer.alloc(100, "x");
const readerNames = ["reader-1", "reader-2"];
const variables = { MAXIMUM_INFLIGHT: "256" };
const stored = { clean: false } as const;

export async function passThroughBroker(plan: ProcessPlan): Promise<ProcessOutcome> {
  const broker = await startBroker({ variables });
  try {
    for (const clientId of ["idle", "empty"]) await (await subscriber(broker, clientId, clientId)).end();
    const readers = await Promise.all(
      readerNames.map(async (name) => new Reader(await subscriber(broker, name, "load"))),
    );
    const publisher = await WireClient.open(broker.mqttUrl, { clientId: "publisher" });
    const meter = new Meter(broker);
    const idleExpected: string[] = [];
    const frames = Math.ceil(plan.messages / perFrame);
    const idleEvery = Math.max(1, Math.floor(frames / 2 / plan.idleMessages));
    const sampleEvery = Math.max(1, Math.floor(frames / plan.samples));
    const startedAt = performance.now();
    for (let frame = 0; frame < frames; frame += 1) {
      const packets = Array.from({ length: perFrame }, (_, index) =>
        publish("load", { qos: 1, messageId: index + 1, payload: text }),
      );
      if (frame % idleEvery === 0 && idleExpected.length < plan.idleMessages) {
        idleExpected.push(`idle-${frame}`);
        packets.push(publish("idle", { qos: 1, messageId: perFrame + 1, payload: `idle-${frame}` }));
      }
      publisher.send(...packets);
      await publisher.take(packets.length);
      if ((frame + 1) % sampleEvery !== 0) continue;
      await Promise.all(readers.map((reader) => reader.reached((frame + 1) * perFrame)));
      await meter.sample((frame + 1) * perFrame);
    }
    await Promise.all(readers.map((reader) => reader.reached(frames * perFrame)));
    const elapsedSec = (performance.now() - startedAt) / 1000;
    await Promise.all([...readers.map((reader) => reader.stop()), publisher.end()]);
    return {
      samples: meter.samples,
      idleGot: await comeBack(broker, "idle"),
      idleExpected,
      emptyGot: await comeBack(broker, "empty"),
      delivered: readers.reduce((sum, { count }) => sum + count, 0),
      messagesPerSec: (frames * perFrame) / elapsedSec,
    };
  } finally {
    await broker.stop();
  }
}

async function subscriber(broker: BrokerProcess, clientId: string, filter: string): Promise<WireClient> {
  const client = await WireClient.open(broker.mqttUrl, { clientId, ...stored });
  await client.subscribe(1, filter);
  return client;
}

/** Reads and acknowledges all that comes, a frame at a time. */
class Reader {
  count = 0;
  readonly #client: WireClient;
  #isReading = true;
  readonly #reading: Promise<void>;
  #onRead = (): void => undefined;

  constructor(client: WireClient) {
    this.#client = client;
    this.#reading = this.#read();
  }

  async reached(count: number): Promise<void> {
    while (this.count < count) await new Promise<void>((resolve) => (this.#onRead = resolve));
  }

  async stop(): Promise<void> {
    this.#isReading = false;
    await this.#reading;
    await this.#client.end();
  }

  async #read(): Promise<void> {
    while (this.#isReading) {
      this.count += (await answered(this.#client)).length;
      this.#onRead();
    }
  }
}

/** What has come by now, acknowledged. */
async function answered(client: WireClient): Promise<string[]> {
  const packets = (await client.rest()).filter((packet) => packet.cmd === "publish");
  if (packets.length > 0) client.send(...packets.map((packet) => acknowledge("puback", packet)));
  return packets.map(({ payload }) => payload.toString());
}

async function comeBack(broker: BrokerProcess, clientId: string): Promise<string[]> {
  const client = await WireClient.open(broker.mqttUrl, { clientId, ...stored });
  const got: string[] = [];
  for (let some = await answered(client); some.length > 0; some = await answered(client)) got.push(...some);
  await client.end();
  return got;
}

class Meter {
  readonly samples: ProcessSample[] = [];
  readonly #broker: BrokerProcess;
  #before = { messages: 0, read: 0, written: 0 };

  constructor(broker: BrokerProcess) {
    this.#broker = broker;
  }

  async sample(messages: number): Promise<void> {
    const now = await metrics(this.#broker);
    const [read, written] = ["rows_read_total", "rows_written_total"].map((name) => now.get(`mqtt_${name}`) ?? 0);
    const before = this.#before;
    this.#before = { messages, read: read ?? 0, written: written ?? 0 };
    const passed = messages - before.messages;
    this.samples.push({
      messages,
      chunkRows: rowsIn(this.#broker, "chunk"),
      logBytes: now.get("mqtt_log_bytes") ?? Number.NaN,
      storedMiB: storedMiB(this.#broker),
      residentMiB: residentMiB(this.#broker),
      rowsReadPerMessage: (this.#before.read - before.read) / passed,
      rowsWrittenPerMessage: (this.#before.written - before.written) / passed,
    });
  }
}
