// Beside 100,000 subscriptions with wildcards, none of which matches what is sent.

import type { RunningBroker } from "../brokers/broker.ts";
import { endAll } from "../load/crowd.ts";
import { loadFilters } from "../load/filter-table.ts";
import type { QoS } from "../load/packets.ts";
import type { Shape } from "../load/traffic.ts";
import type { Measurement, RunOptions, Scenario } from "./scenario.ts";
import { measureThroughput } from "./throughput.ts";

const filters = { full: 100_000, small: 1_000 } as const;
const pairCount = { full: 50, small: 3 } as const;

export const filterTableScenarios: readonly Scenario[] = ([0, 1] as const).map((qos): Scenario => ({
  id: `filter-table-qos${qos}`,
  title: `50 pairs beside 100,000 filters, QoS ${qos}`,
  unit: "delivered/s",
  better: "more",
  needs: [],
  run: async (broker, _kind, options) => await measureBesideTable(broker, qos, options),
}));

/** In the midst of the table: each topic is looked up among the literals and behind the wildcards of every level. */
export function pairsInFleet(count: number): Shape {
  return {
    publishers: count,
    subscribers: count,
    receiversEach: 1,
    topicOf: (run, publisher) => `fleet/${run}-${publisher}/unit/state`,
    filterOf: (run, subscriber) => `fleet/${run}-${subscriber}/+/state`,
    wantedBy: (subscriber) => [subscriber, subscriber + 1],
  };
}

async function measureBesideTable(broker: RunningBroker, qos: QoS, options: RunOptions): Promise<Measurement> {
  const holders = await loadFilters(broker, [0, filters[options.size]], options.version);
  try {
    const shape = pairsInFleet(pairCount[options.size]);
    return await measureThroughput(broker, { shape, qos, isDurable: false }, options);
  } finally {
    await endAll(broker, holders, { version: options.version, isDurable: false });
  }
}
