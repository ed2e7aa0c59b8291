// Cost per message as something beside it grows: a series of points, to be plotted.

import type { RunningBroker } from "../brokers/broker.ts";
import { fetchRetained, type RetainedSet } from "../scenarios/retained.ts";
import { orFault, type Measurement, type RunOptions } from "../scenarios/scenario.ts";
import { measureThroughput, type Load } from "../scenarios/throughput.ts";
import type { Axis, Growing } from "./axis.ts";

export interface Series {
  /** Of the axis. */
  readonly id: string;
  readonly title: string;
  /** What is measured at each size. */
  readonly workload: string;
  readonly unit: "delivered/s" | "ms";
  readonly points: readonly Point[];
}

export interface Point {
  readonly size: number;
  readonly measurement: Measurement;
}

type Grade = Omit<Load, "shape"> & { readonly workload: string };

const grades: readonly Grade[] = [
  { workload: "10 pairs, QoS 0", qos: 0, isDurable: false },
  { workload: "10 pairs, QoS 1", qos: 1, isDurable: false },
  { workload: "10 pairs, QoS 1, durable", qos: 1, isDurable: true },
];
const msPerSec = 1_000;

export async function measureGrowth(broker: RunningBroker, axis: Axis, options: RunOptions): Promise<Series[]> {
  const points = grades.map((): Point[] => []);
  const lookups: Point[] = [];
  const growing = axis.begin(broker, options);
  try {
    for (const size of axis.sizes[options.size]) {
      await growing.growTo(size);
      for (const [n, { qos, isDurable }] of grades.entries()) {
        const load = { shape: axis.shapeAt(size), qos, isDurable };
        const measurement = await orFault(measureThroughput(broker, load, options));
        points[n]?.push({ size, measurement });
      }
      await addLookup(lookups, broker, growing, { size, options });
    }
  } finally {
    await growing.end();
  }
  const { id, title } = axis;
  const series = grades.map(({ workload }, n): Series => {
    return { id, title, workload, unit: "delivered/s", points: points[n] ?? [] };
  });
  if (lookups.length > 0) series.push({ id, title, workload: "100 of them by wildcard", unit: "ms", points: lookups });
  return series;
}

async function addLookup(
  lookups: Point[],
  broker: RunningBroker,
  { retained }: Growing,
  { size, options }: { readonly size: number; readonly options: RunOptions },
): Promise<void> {
  if (retained === undefined) return;
  lookups.push({ size, measurement: await orFault(measureLookup(broker, retained, options)) });
}

/** From SUBSCRIBE to the last of the messages; the median of as many as the time allows. */
async function measureLookup(broker: RunningBroker, set: RetainedSet, options: RunOptions): Promise<Measurement> {
  const times: number[] = [];
  const faults: string[] = [];
  const until = performance.now() + options.measureMs;
  do {
    const fetched = await fetchRetained(broker, set, 0, options);
    faults.push(...fetched.faults);
    times.push(fetched.seconds * msPerSec);
  } while (performance.now() < until && faults.length === 0);
  if (faults.length > 0) return { kind: "fault", faults };
  const value = times.sort((one, other) => one - other)[Math.floor(times.length / 2)] ?? 0;
  return { kind: "measured", value, unit: "ms", more: { lookups: times.length }, brokerCores: 0, loadCores: 0 };
}
