// Measured counts at the published prices, without what is included in the plan.

import { billedRows, type Counts } from "./counts.ts";
import { cloudflare, secondsPerMonth } from "./prices.ts";
import type { IdleMeasured } from "./idle.ts";
import { resultOf, type Results, type ScenarioResult } from "./results.ts";

export interface Dollars {
  readonly rows: number;
  readonly requests: number;
  readonly duration: number;
  readonly worker: number;
  readonly total: number;
}

const thousandsPerMillion = 1_000;
const msPerSec = 1_000;

/**
 * Of a million units. Duration is the CPU time that was measured: what a shard is busy. How long it stays awake beyond that
 * depends on the pace, and is at most all the time.
 */
export function dollarsPerMillion({ perThousand, usesWorker }: ScenarioResult): Dollars {
  const busySec = perThousand.cpuMs / msPerSec;
  const dollars = {
    rows: rowDollars(perThousand),
    requests: requestDollars(perThousand),
    duration: busySec * cloudflare.gigabytesPerObject * cloudflare.gigabyteSeconds.each,
    worker:
      perThousand.workerRequests * cloudflare.workerRequests.each +
      (usesWorker ? perThousand.cpuMs * cloudflare.workerCpuMs.each : 0),
  };
  return withTotal(dollars, thousandsPerMillion);
}

const rowDollars = (counts: Counts): number =>
  billedRows(counts) * cloudflare.rowsWritten.each + counts.rowsRead * cloudflare.rowsRead.each;

const requestDollars = ({ requests, alarmsRun, webSocketMessages }: Counts): number =>
  (requests + alarmsRun + webSocketMessages / cloudflare.webSocketMessagesPerRequest) * cloudflare.requests.each;

function withTotal(dollars: Omit<Dollars, "total">, factor: number): Dollars {
  const rows = dollars.rows * factor;
  const requests = dollars.requests * factor;
  const duration = dollars.duration * factor;
  const worker = dollars.worker * factor;
  return { rows, requests, duration, worker, total: rows + requests + duration + worker };
}

export interface IdleMonth {
  readonly webSocketMessages: number;
  readonly alarmsSet: number;
  readonly alarmsRun: number;
  readonly rowsWritten: number;
  readonly dollars: Dollars;
  /** With another time for which a PINGREQ holds the object awake. */
  readonly dearer: number;
}

/** On machines that are slower or busier than the one that measured: an assumption. */
const dearWakeMs = 1;

/** So many clients for a month: messages grow with the clients, alarms with the shards. */
export function idleMonth(idle: IdleMeasured, results: Results, clients: number): IdleMonth {
  const { counts, seconds, shards } = idle;
  const perMonth = secondsPerMonth / seconds;
  const perClient = perMonth * (clients / idle.clients);
  const webSocketMessages = counts.webSocketMessages * perClient;
  const month = {
    webSocketMessages,
    alarmsSet: counts.alarmsSet * perMonth,
    alarmsRun: counts.alarmsRun * perMonth,
    rowsWritten: counts.rowsWritten * perClient,
  };
  const wakeMs = resultOf(results, "ping", shards).roundTripMs ?? 0;
  const durationOf = (ms: number): number =>
    (((webSocketMessages + month.alarmsRun) * ms) / msPerSec) *
    cloudflare.gigabytesPerObject *
    cloudflare.gigabyteSeconds.each;
  // A relay answers the PINGREQs that its shard does not see.
  const relayMs = idle.kind === "relay" ? resultOf(results, "ping-relay", shards).perThousand.cpuMs / 1_000 : 0;
  const relayedPings = (clients * secondsPerMonth) / relayKeepAliveSec;
  const dollars = withTotal(
    {
      rows: (month.rowsWritten + month.alarmsSet) * cloudflare.rowsWritten.each,
      requests:
        (month.alarmsRun + webSocketMessages / cloudflare.webSocketMessagesPerRequest) * cloudflare.requests.each,
      duration: durationOf(wakeMs),
      worker: relayedPings * relayMs * cloudflare.workerCpuMs.each,
    },
    1,
  );
  return { ...month, dollars, dearer: dollars.total - dollars.duration + durationOf(dearWakeMs) };
}

const relayKeepAliveSec = 60;
