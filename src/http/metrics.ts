// `GET /metrics`: the counters and gauges of all shards of a namespace, summed, as Prometheus text.

import { refusalOf } from "../core/layout-refusal.ts";
import type { Layout } from "../core/placement.ts";
import type { ShardMetrics } from "../objects/shard-api.ts";
import type { Exchange, HttpDeps } from "./deps.ts";
import { layoutChanging, withLayout } from "./layout-check.ts";
import { problem, type Problem } from "./problem.ts";

export async function handleMetrics(exchange: Exchange): Promise<Response | Problem> {
  const { deps, namespace } = exchange;
  let shards: ShardMetrics[];
  try {
    shards = await withLayout(exchange, (layout) => readMetrics(deps, namespace, layout));
  } catch (cause) {
    if (refusalOf(cause) !== undefined) return layoutChanging;
    deps.log({ event: "shard-unreachable", namespace, reason: String(cause) });
    // A sum without one shard would look like a fall of every counter.
    return problem(503, "not every shard answered", { note: { isLogged: true } });
  }
  return new Response(prometheusText(shards), {
    headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8", "cache-control": "no-store" },
  });
}

function readMetrics(deps: HttpDeps, namespace: string, { shards }: Layout): Promise<ShardMetrics[]> {
  return Promise.all(Array.from({ length: shards }, (_, index) => deps.shard(namespace, index).metrics()));
}

/** One family after the other, each under its `# TYPE` line; counters get `_total` where they lack it. */
export function prometheusText(shards: readonly ShardMetrics[]): string {
  const counters = summed(
    shards.map((shard) => shard.counters),
    totalName,
  );
  const gauges = summed(
    shards.map((shard) => shard.gauges),
    (name) => prefix + name,
  );
  return [...familyLines(counters, "counter"), ...familyLines(gauges, "gauge"), ""].join("\n");
}

type Samples = Map<string, number>;

function summed(parts: readonly Readonly<Record<string, number>>[], rename: (name: string) => string): Samples {
  const sums: Samples = new Map();
  for (const part of parts) {
    for (const [name, value] of Object.entries(part)) {
      const series = rename(name);
      sums.set(series, (sums.get(series) ?? 0) + value);
    }
  }
  return sums;
}

/** Other programs have `connections` too. */
const prefix = "mqtt_";

function totalName(series: string): string {
  const family = familyOf(series);
  return prefix + (family.endsWith("_total") ? series : `${family}_total${series.slice(family.length)}`);
}

/** The series without its labels. */
function familyOf(series: string): string {
  const labels = series.indexOf("{");
  return labels === -1 ? series : series.slice(0, labels);
}

function familyLines(samples: Samples, type: "counter" | "gauge"): string[] {
  const families = Map.groupBy(samples, ([series]) => familyOf(series));
  return [...families].flatMap(([family, members]) => [
    `# TYPE ${family} ${type}`,
    ...members.map(([series, value]) => `${series} ${value}`),
  ]);
}
