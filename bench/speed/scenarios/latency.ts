// How long a message takes at 1,000 messages a second, and beside somebody who floods.

import { setTimeout as delay } from "node:timers/promises";
import type { RunningBroker } from "../brokers/broker.ts";
import { connectOne, endAll, newPrefix } from "../load/crowd.ts";
import { Latencies } from "../load/latency.ts";
import { coresOf, startMeter } from "../load/meter.ts";
import type { QoS } from "../load/packets.ts";
import { newRun } from "../load/payload.ts";
import { Publisher } from "../load/publisher.ts";
import { Receipts } from "../load/receipts.ts";
import { pairs } from "../load/shapes.ts";
import { Subscriber } from "../load/subscriber.ts";
import { withTraffic, type Traffic } from "../load/traffic.ts";
import { outcome, type Measurement, type RunOptions, type Scenario } from "./scenario.ts";
import { trafficOptions } from "./throughput.ts";

const perSec = 1_000;
const bystandersPerSec = 500;
const pairCount = 10;
/** The last permille needs some thousands of messages. */
const stretch = 3;
const floodBurst = 32;
const [median, p99, p999] = [0.5, 0.99, 0.999];

export const latencyScenarios: readonly Scenario[] = [
  ...([0, 1, 2] as const).map((qos): Scenario => ({
    id: `latency-qos${qos}`,
    title: `latency at 1,000/s, QoS ${qos}`,
    unit: "ms",
    better: "less",
    needs: qos === 2 ? ["QoS 2"] : [],
    run: async (broker, _kind, options) => await measureLatency(broker, qos, options),
  })),
  {
    id: "bystander",
    title: "bystander's p99 beside a flood",
    unit: "ms",
    better: "less",
    needs: [],
    run: async (broker, _kind, options) => await measureBystanders(broker, options),
  },
];

async function measureLatency(broker: RunningBroker, qos: QoS, options: RunOptions): Promise<Measurement> {
  const load = { shape: pairs(pairCount), qos, isDurable: false };
  return await withTraffic(broker, trafficOptions(load, options), async (traffic) => {
    const { latencies, cores } = await sendSteadily(broker, traffic, perSec, options);
    return outcome(traffic.faults(), {
      value: latencies.percentile(median),
      unit: "ms",
      more: { "p99 ms": latencies.percentile(p99), "p999 ms": latencies.percentile(p999), messages: latencies.count },
      ...cores,
    });
  });
}

async function measureBystanders(broker: RunningBroker, options: RunOptions): Promise<Measurement> {
  const load = { shape: pairs(pairCount), qos: 0, isDurable: false } as const;
  return await withTraffic(broker, trafficOptions(load, options), async (traffic) => {
    const flood = await startFlood(broker, options);
    const { latencies, cores, seconds } = await sendSteadily(broker, traffic, bystandersPerSec, options);
    const counts = await flood.stop();
    return outcome(traffic.faults(), {
      value: latencies.percentile(p99),
      unit: "ms",
      more: {
        "p50 ms": latencies.percentile(median),
        "flood sent/s": counts.sent / seconds,
        "flood delivered/s": counts.received / seconds,
        "flooder closed": counts.wasClosed ? 1 : 0,
      },
      ...cores,
    });
  });
}

interface Steady {
  readonly latencies: Latencies;
  readonly cores: ReturnType<typeof coresOf>;
  /** With the warm-up. */
  readonly seconds: number;
}

async function sendSteadily(
  broker: RunningBroker,
  traffic: Traffic,
  rate: number,
  { warmUpMs, measureMs }: RunOptions,
): Promise<Steady> {
  const readAll = startMeter(broker, () => traffic.delivered);
  await traffic.sendAtRate(rate, warmUpMs);
  // What is late of the warm-up does not count.
  await traffic.settle();
  const latencies = new Latencies();
  traffic.measureLatencies(latencies);
  const read = startMeter(broker, () => traffic.delivered);
  await traffic.sendAtRate(rate, measureMs * stretch);
  const cores = coresOf(read());
  const { seconds } = readAll();
  await traffic.settle();
  return { latencies, cores, seconds };
}

interface Flood {
  stop(): Promise<{ readonly sent: number; readonly received: number; readonly wasClosed: boolean }>;
}

/** One client sends at QoS 0 whatever its socket takes, to one subscriber. What of it is dropped is the broker's affair. */
async function startFlood(broker: RunningBroker, { version, packetsPerFrame }: RunOptions): Promise<Flood> {
  const [word, kind, run] = [newPrefix(), { version, isDurable: false }, newRun()];
  const topic = `${word}/flood`;
  const receiving = await connectOne(broker, `${word}-s`, kind);
  await receiving.subscribe(0, topic);
  const sending = await connectOne(broker, `${word}-p`, kind);
  const receipts = new Receipts([0, 1]);
  const subscriber = new Subscriber({ client: receiving, run, qos: 0, receipts, packetsPerFrame });
  const publisher = new Publisher({
    client: sending,
    run,
    number: 0,
    topic,
    qos: 0,
    window: floodBurst,
    packetsPerFrame,
  });
  const state = { isOver: false, wasClosed: false, sent: 0, received: 0 };
  for (const client of [sending, receiving]) {
    client.onLost = () => {
      state.wasClosed = true;
    };
  }
  const flooding = (async (): Promise<void> => {
    while (!state.isOver && !state.wasClosed) {
      if (sending.isBackedUp) await delay(1);
      else {
        publisher.send(floodBurst);
        await new Promise<void>((resolve) => setImmediate(resolve));
      }
    }
    Object.assign(state, { sent: publisher.sent, received: subscriber.received });
  })();
  return {
    stop: async () => {
      state.isOver = true;
      await flooding;
      await endAll(broker, [sending, receiving], kind);
      return state;
    },
  };
}
