// What is billed, counted: the shards' own counters, what the clients sent, and the CPU time of the runtime.

/** Rising totals, or the difference of two readings. */
export interface Counts {
  readonly rowsRead: number;
  readonly rowsWritten: number;
  readonly commits: number;
  /** Each setting is billed as a row written, each run as a request. */
  readonly alarmsSet: number;
  readonly alarmsRun: number;
  /** Upgrades and calls that came to the shards, from the Worker and from other shards. */
  readonly requests: number;
  /** Those from other shards. */
  readonly shardCalls: number;
  /** Incoming WebSocket messages of the shards: 1/20 request each. */
  readonly webSocketMessages: number;
  /** Requests of HTTP to the Worker, upgrades among them. */
  readonly workerRequests: number;
  /** CPU time of the whole runtime, user and system. */
  readonly cpuMs: number;
}

export const countNames = [
  "rowsRead",
  "rowsWritten",
  "commits",
  "alarmsSet",
  "alarmsRun",
  "requests",
  "shardCalls",
  "webSocketMessages",
  "workerRequests",
  "cpuMs",
] as const satisfies readonly (keyof Counts)[];

/** Each count by the same rule. */
export const mapCounts = (make: (name: keyof Counts) => number): Counts => {
  const counts = Object.fromEntries(countNames.map((name) => [name, make(name)]));
  return counts as unknown as Counts;
};

export const riseOf = (before: Counts, after: Counts): Counts => mapCounts((name) => after[name] - before[name]);

const digitsKept = 1_000;

/** Per 1,000 units; to three digits behind the point. */
export const perThousand = (counts: Counts, units: number): Counts =>
  mapCounts((name) => Math.round(((counts[name] * 1_000) / units) * digitsKept) / digitsKept);

/** Rows as they are billed. */
export const billedRows = ({ rowsWritten, alarmsSet }: Pick<Counts, "rowsWritten" | "alarmsSet">): number =>
  rowsWritten + alarmsSet;
