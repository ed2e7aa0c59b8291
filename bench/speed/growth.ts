// What a message costs as something beside it grows, on this broker at one shard.

import type { BrokerKind } from "./brokers/broker.ts";
import { type Axis, axes } from "./growth/axis.ts";
import { measureGrowth, type Point, type Series } from "./growth/measure.ts";
import { type GrowthResult, round } from "./results.ts";
import type { RunOptions } from "./scenarios/scenario.ts";

/** The figure of a throughput scenario that says what the broker spent. */
const costFigure = "broker µs per delivery";

/** Each axis has a broker of its own: what grew on one may not weigh on the next. */
export async function runGrowth(
  kind: BrokerKind,
  options: RunOptions,
  say: (line: string) => void,
): Promise<GrowthResult[]> {
  const results: GrowthResult[] = [];
  for (const axis of axes) {
    const series = await measureAxis(kind, axis, options);
    for (const one of series.map(resultOf)) {
      say(`growth, ${one.title}, ${one.workload}: ${one.points.map(pointText).join(", ")} ${one.unit}`);
      results.push(one);
    }
  }
  return results;
}

async function measureAxis(kind: BrokerKind, axis: Axis, options: RunOptions): Promise<Series[]> {
  const broker = await kind.start();
  try {
    return await measureGrowth(broker, axis, options);
  } finally {
    await broker.stop();
  }
}

const pointText = ({ size, cost, faults }: GrowthResult["points"][number]): string =>
  `${size}: ${cost ?? faults.join("; ")}`;

function resultOf({ id, title, workload, unit, points }: Series): GrowthResult {
  return { id, title, workload, unit: unit === "ms" ? "ms" : "µs", points: points.map(costOf) };
}

function costOf({ size, measurement }: Point): GrowthResult["points"][number] {
  if (measurement.kind === "fault") return { size, faults: measurement.faults };
  const cost = measurement.more[costFigure] ?? measurement.value;
  return { size, cost: round(cost), faults: [] };
}
