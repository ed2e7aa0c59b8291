// As fast as it goes: fan-out, fan-in and pairs, at each QoS, to ephemeral and to durable sessions.

import { setTimeout as delay } from "node:timers/promises";
import type { Feature, RunningBroker } from "../brokers/broker.ts";
import { coresOf, startMeter } from "../load/meter.ts";
import type { QoS } from "../load/packets.ts";
import { fanIn, fanOut, pairs } from "../load/shapes.ts";
import { withTraffic, type Shape, type TrafficOptions } from "../load/traffic.ts";
import { outcome, type Measurement, type RunOptions, type Scenario } from "./scenario.ts";

export interface Load {
  readonly shape: Shape;
  readonly qos: QoS;
  readonly isDurable: boolean;
}

/**
 * Messages for one subscriber that are on their way at most. Enough that broker and generator both always have work, and
 * less than any broker's queue.
 */
const onTheirWay = 1_600;
const furthestAhead = 128;
/**
 * The same for all subscribers together. A broker may deal with one client after the other: with more on the way a round
 * through all of them takes as long as the measurement, which would count rounds.
 */
const onTheirWayInAll = 12_800;
const usPerMs = 1_000;

export async function measureThroughput(broker: RunningBroker, load: Load, options: RunOptions): Promise<Measurement> {
  return await withTraffic(broker, trafficOptions(load, options), async (traffic) => {
    traffic.startAll();
    await delay(options.warmUpMs);
    const read = startMeter(broker, () => traffic.delivered);
    await delay(options.measureMs);
    const reading = read();
    await traffic.settle();
    const faults = reading.done === 0 ? [...traffic.faults(), "nothing was delivered"] : traffic.faults();
    return outcome(faults, {
      value: reading.done / reading.seconds,
      unit: "delivered/s",
      more: {
        "broker µs per delivery": (reading.brokerCpuMs * usPerMs) / reading.done,
        "load µs per delivery": (reading.loadCpuMs * usPerMs) / reading.done,
        repeated: traffic.tally().repeated,
      },
      ...coresOf(reading),
    });
  });
}

export function trafficOptions({ shape, qos, isDurable }: Load, options: RunOptions): TrafficOptions {
  const { version, window, packetsPerFrame, stallMs } = options;
  return {
    shape,
    qos,
    areSubscribersDurable: isDurable,
    version,
    window,
    ahead: aheadOf(shape),
    packetsPerFrame,
    stallMs,
  };
}

function aheadOf({ publishers, subscribers, receiversEach }: Shape): number {
  const publishersEach = (publishers * receiversEach) / subscribers;
  const inAll = onTheirWayInAll / (publishersEach * subscribers);
  return Math.max(1, Math.floor(Math.min(furthestAhead, onTheirWay / publishersEach, inAll)));
}

interface Family {
  readonly id: string;
  readonly title: string;
  readonly shape: Shape;
  readonly small: Shape;
}

const families: readonly Family[] = [
  { id: "fan-out-100", title: "fan-out 1→100", shape: fanOut(1, 100), small: fanOut(1, 5) },
  { id: "fan-out-1000", title: "fan-out 1→1000", shape: fanOut(1, 1_000), small: fanOut(1, 10) },
  { id: "fan-out-10-100", title: "fan-out 10→100", shape: fanOut(10, 100), small: fanOut(2, 5) },
  { id: "fan-in-50", title: "fan-in 50→1", shape: fanIn(50), small: fanIn(5) },
  { id: "pairs-50", title: "50 pairs", shape: pairs(50), small: pairs(3) },
  { id: "pairs-500", title: "500 pairs", shape: pairs(500), small: pairs(5) },
];

const grades: readonly { readonly qos: QoS; readonly isDurable: boolean }[] = [
  { qos: 0, isDurable: false },
  { qos: 1, isDurable: false },
  { qos: 2, isDurable: false },
  { qos: 1, isDurable: true },
  { qos: 2, isDurable: true },
];

function needsOf(qos: QoS, isDurable: boolean): Feature[] {
  return [...(qos === 2 ? (["QoS 2"] as const) : []), ...(isDurable ? (["durable sessions"] as const) : [])];
}

export const throughputScenarios: readonly Scenario[] = families.flatMap(({ id, title, shape, small }) =>
  grades.map(({ qos, isDurable }): Scenario => ({
    id: `${id}-qos${qos}${isDurable ? "-durable" : ""}`,
    title: `${title}, QoS ${qos}${isDurable ? ", durable" : ""}`,
    unit: "delivered/s",
    better: "more",
    needs: needsOf(qos, isDurable),
    run: async (broker, _kind, options) =>
      await measureThroughput(broker, { shape: options.size === "full" ? shape : small, qos, isDurable }, options),
  })),
);
