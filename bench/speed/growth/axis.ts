// What may grow in a broker beside the traffic that is measured, and the traffic.

import type { RunningBroker } from "../brokers/broker.ts";
import type { Client } from "../load/client.ts";
import { connectMany, endAll, forgetSessions, inParallel, newPrefix } from "../load/crowd.ts";
import { loadFilters } from "../load/filter-table.ts";
import { pairs } from "../load/shapes.ts";
import type { Shape } from "../load/traffic.ts";
import { pairsInFleet } from "../scenarios/filter-table.ts";
import { clearRetained, newRetainedSet, storeRetained, type RetainedSet } from "../scenarios/retained.ts";
import type { RunOptions } from "../scenarios/scenario.ts";

export interface Axis {
  readonly id: string;
  /** Of what there are more and more. */
  readonly title: string;
  readonly sizes: { readonly full: readonly number[]; readonly small: readonly number[] };
  readonly shapeAt: (size: number) => Shape;
  readonly begin: (broker: RunningBroker, options: RunOptions) => Growing;
}

/** Something that grows, in a broker. */
export interface Growing {
  /** From the size it has. */
  readonly growTo: (size: number) => Promise<void>;
  /** Retained messages that one wildcard subscription finds among all. */
  readonly retained?: RetainedSet;
  /** Takes everything away again. */
  readonly end: () => Promise<void>;
}

const pairCount = 10;
const tenPairs = (): Shape => pairs(pairCount);
/** Of which one lookup finds all. */
const lookedUp = 100;

export const axes: readonly Axis[] = [
  {
    id: "subscriptions",
    title: "subscriptions with wildcards that do not match",
    sizes: { full: [100, 1_000, 10_000, 100_000], small: [10, 100] },
    shapeAt: () => pairsInFleet(pairCount),
    begin: growFilters,
  },
  {
    id: "offline-sessions",
    title: "durable sessions off line, with a subscription that does not match",
    sizes: { full: [10, 100, 1_000, 10_000], small: [5, 20] },
    shapeAt: tenPairs,
    begin: growSessions,
  },
  {
    id: "clients",
    title: "idle clients on line, with a subscription that does not match",
    sizes: { full: [5, 50, 500, 5_000], small: [5, 20] },
    shapeAt: tenPairs,
    begin: growClients,
  },
  {
    id: "retained",
    title: "retained messages",
    sizes: { full: [100, 1_000, 10_000, 100_000], small: [100, 200] },
    shapeAt: tenPairs,
    begin: growRetained,
  },
  {
    id: "levels",
    title: "levels of a topic",
    sizes: { full: [1, 3, 10, 30], small: [1, 10] },
    shapeAt: (levels) => deepPairs(levels),
    begin: () => ({ growTo: async () => undefined, end: async () => undefined }),
  },
];

function growFilters(broker: RunningBroker, { version }: RunOptions): Growing {
  const holders: Client[] = [];
  let size = 0;
  return {
    growTo: async (to) => {
      holders.push(...(await loadFilters(broker, [size, to], version)));
      size = to;
    },
    end: async () => await endAll(broker, holders, { version, isDurable: false }),
  };
}

function growClients(broker: RunningBroker, { version }: RunOptions): Growing {
  const holders: Client[] = [];
  const kind = { version, isDurable: false };
  return {
    growTo: async (to) => {
      holders.push(...(await subscribedClients(broker, to - holders.length, kind)));
    },
    end: async () => await endAll(broker, holders, kind),
  };
}

function growSessions(broker: RunningBroker, { version }: RunOptions): Growing {
  const ids: string[] = [];
  const kind = { version, isDurable: true };
  return {
    growTo: async (to) => {
      const clients = await subscribedClients(broker, to - ids.length, kind);
      await inParallel(clients.length, async (n) => await clients[n]?.leave());
      ids.push(...clients.map(({ clientId }) => clientId));
    },
    end: async () => await forgetSessions(broker, ids, version),
  };
}

async function subscribedClients(
  broker: RunningBroker,
  count: number,
  kind: { readonly version: RunOptions["version"]; readonly isDurable: boolean },
): Promise<Client[]> {
  const word = newPrefix();
  const clients = await connectMany(broker, word, count, kind);
  await inParallel(count, async (n) => await clients[n]?.subscribe(1, `${word}/${n}/command`));
  return clients;
}

function growRetained(broker: RunningBroker, options: RunOptions): Growing {
  const retained = newRetainedSet(lookedUp);
  const others: RetainedSet[] = [];
  const stored = (): number => others.reduce((sum, { count }) => sum + count, 0);
  return {
    retained,
    growTo: async (to) => {
      if (others.length === 0) {
        await storeRetained(broker, retained, [0, lookedUp], options);
        others.push({ ...retained, count: 0 });
      }
      const more = newRetainedSet(Math.max(0, to - lookedUp - stored()));
      if (more.count > 0) await storeRetained(broker, more, [0, more.count], options);
      others.push(more);
    },
    end: async () => {
      for (const set of [retained, ...others]) if (set.count > 0) await clearRetained(broker, set, options);
    },
  };
}

function deepPairs(levels: number): Shape {
  const rest = "/level".repeat(levels - 1);
  return {
    ...pairs(pairCount),
    topicOf: (run, publisher) => `${run}-${publisher}${rest}`,
    filterOf: (run, subscriber) => `${run}-${subscriber}${rest}`,
  };
}
