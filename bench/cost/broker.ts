// The broker under measurement: `npm start` with its built Worker on workerd. Each scenario has a namespace of its own,
// and so shards of its own.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startBroker } from "../../test/support/broker-process.ts";
import type { Counts } from "./counts.ts";

export interface BenchBroker {
  readonly shards: number;
  readonly httpUrl: string;
  /** Where a client connects: straight to its shard, or, without `clientId`, through a relay where there are several. */
  mqttUrl(namespace: string, clientId?: string): string;
  /** What this namespace's shards have counted. Keeps them awake: their counters are of their memory. */
  read(namespace: string): Promise<Counts>;
  readonly stop: () => Promise<void>;
}

/** `sysconf(_SC_CLK_TCK)` of Linux, on all its platforms. */
const msPerTick = 10;
/** Behind the name in /proc/PID/stat: utime and stime. */
const [userField, systemField] = [11, 12];

export async function startBenchBroker(shards: number, namespaces: readonly string[]): Promise<BenchBroker> {
  const broker = await startBroker({ shards, variables: { NAMESPACES: namespaces.join(",") } });
  const pid = Number(readFileSync(join(broker.dataDir, ".run", "workerd.pid"), "utf8"));
  const { httpUrl } = broker;
  const base = `${httpUrl.replace("http", "ws")}/n`;
  return {
    shards,
    httpUrl,
    mqttUrl: (namespace, clientId) =>
      `${base}/${namespace}/mqtt${clientId === undefined ? "" : `?clientId=${encodeURIComponent(clientId)}`}`,
    read: async (namespace) => countsOf(await readMetrics(`${httpUrl}/n/${namespace}/metrics`), cpuMsOf(pid)),
    stop: async () => {
      await broker.stop();
    },
  };
}

async function readMetrics(url: string): Promise<string> {
  const response = await fetch(url);
  const text = await response.text();
  if (!response.ok) throw new Error(`no metrics: ${text}`);
  return text;
}

/** Requests to the Worker are counted by those who make them. */
function countsOf(text: string, cpuMs: number): Counts {
  const value = (name: string): number => {
    const found = new RegExp(`^mqtt_${name}_total (\\d+)$`, "mu").exec(text)?.[1];
    if (found === undefined) throw new Error(`/metrics has no mqtt_${name}_total`);
    return Number(found);
  };
  return {
    rowsRead: value("rows_read"),
    rowsWritten: value("rows_written"),
    commits: value("commits"),
    alarmsSet: value("alarms_set"),
    alarmsRun: value("alarms_run"),
    requests: value("requests_received"),
    shardCalls: value("shard_calls"),
    webSocketMessages: value("websocket_messages_received"),
    workerRequests: 0,
    cpuMs,
  };
}

function cpuMsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[userField]) + Number(fields[systemField])) * msPerTick;
}
