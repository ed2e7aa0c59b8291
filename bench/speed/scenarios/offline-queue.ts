// A durable session that was away comes back to 10,000 messages.

import { setTimeout as delay } from "node:timers/promises";
import type { RunningBroker } from "../brokers/broker.ts";
import { Client } from "../load/client.ts";
import { connectOne, forgetSessions, newPrefix } from "../load/crowd.ts";
import { loadMessages } from "../load/loader.ts";
import { coresOf, startMeter } from "../load/meter.ts";
import { publishTemplate, type QoS } from "../load/packets.ts";
import { newRun, payloadOf, stamp } from "../load/payload.ts";
import { faultsOf, Receipts } from "../load/receipts.ts";
import { Subscriber } from "../load/subscriber.ts";
import { outcome, type Measurement, type RunOptions, type Scenario } from "./scenario.ts";

const messages = { full: 10_000, small: 200 } as const;
/** The first is the warm-up; the result is the median of the others. */
const rounds = { full: 4, small: 2 } as const;
const pollMs = 1;
const msPerSec = 1_000;
const expirySec = 3_600;

export const offlineQueueScenarios: readonly Scenario[] = ([1, 2] as const).map((qos): Scenario => ({
  id: `offline-queue-qos${qos}`,
  title: `drain of an offline queue of 10,000, QoS ${qos}`,
  unit: "delivered/s",
  better: "more",
  needs: qos === 2 ? ["durable sessions", "QoS 2"] : ["durable sessions"],
  run: async (broker, _kind, options) => await measureDrain(broker, qos, options),
}));

interface Round {
  readonly perSec: number;
  readonly cores: ReturnType<typeof coresOf>;
  readonly faults: readonly string[];
}

async function measureDrain(broker: RunningBroker, qos: QoS, options: RunOptions): Promise<Measurement> {
  const done: Round[] = [];
  for (let n = 0; n < rounds[options.size]; n += 1) done.push(await drainOnce(broker, qos, options));
  const measured = done.slice(1).sort((one, other) => one.perSec - other.perSec);
  const median = measured[Math.floor(measured.length / 2)];
  if (median === undefined) throw new Error("no round was measured");
  return outcome(
    done.flatMap(({ faults }) => faults),
    { value: median.perSec, unit: "delivered/s", more: { rounds: measured.length }, ...median.cores },
  );
}

async function drainOnce(
  broker: RunningBroker,
  qos: QoS,
  { size, version, packetsPerFrame, stallMs }: RunOptions,
): Promise<Round> {
  const [word, run, count] = [newPrefix(), newRun(), messages[size]];
  const [clientId, topic] = [`${word}-s`, `${word}/queue`];
  const first = await connectOne(broker, clientId, { version, isDurable: true });
  await first.subscribe(qos, topic);
  await first.leave();
  await fillQueue(broker, { topic, qos, count, run, version });
  const faults: string[] = [];
  const receipts = new Receipts([0, 1]);
  let subscriber: Subscriber | undefined;
  let lastAt = 0;
  const read = startMeter(broker, () => subscriber?.received ?? 0);
  const startedAt = performance.now();
  const client = await Client.connect(broker, { clientId, version, isClean: false, expirySec }, (opening) => {
    subscriber = new Subscriber({ client: opening, run, qos, receipts, packetsPerFrame });
    opening.onLost = (reason) => faults.push(reason);
    opening.afterInput = () => {
      lastAt = performance.now();
    };
  });
  const isOver = (): boolean => subscriber?.received === count && subscriber.unreleased === 0;
  while (!isOver() && performance.now() - Math.max(startedAt, lastAt) < stallMs && faults.length === 0) {
    await delay(pollMs);
  }
  const cores = coresOf(read());
  await client.leave();
  await forgetSessions(broker, [clientId], version);
  if (!client.connack.hasSession) faults.push("the session was gone");
  return {
    perSec: (count * msPerSec) / (lastAt - client.connectedAt),
    cores,
    faults: [...faults, ...faultsOf(receipts.tally(() => count))],
  };
}

interface Queue {
  readonly topic: string;
  readonly qos: QoS;
  readonly count: number;
  readonly run: number;
  readonly version: RunOptions["version"];
}

/** Published at QoS 1 for a subscription of QoS 1, at QoS 2 for one of QoS 2. */
async function fillQueue(broker: RunningBroker, { topic, qos, count, run, version }: Queue): Promise<void> {
  const client = await connectOne(broker, newPrefix(), { version, isDurable: false });
  await loadMessages(client, count, (n) => {
    const template = publishTemplate({ topic, qos, version, isRetained: false, payload: payloadOf(run, 0) });
    stamp(template.bytes, template.payloadAt, n, 0);
    return template;
  });
  await client.leave();
}
