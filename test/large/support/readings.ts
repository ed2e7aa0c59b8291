// What a broker under pressure holds and does: its metrics, the memory of its workerd, its files.

import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import type { BrokerProcess } from "../../support/broker-process.ts";

const MiB = 1024 * 1024;
const pollMs = 50;

export async function metrics({ httpUrl }: Pick<BrokerProcess, "httpUrl">): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(`${httpUrl}/metrics`)).text();
  const lines = text.split("\n").filter((line) => line.startsWith("mqtt_"));
  return new Map(lines.map((line) => line.split(" ")).map(([name = "", value]) => [name, Number(value)]));
}

export async function metric(broker: Pick<BrokerProcess, "httpUrl">, name: string): Promise<number> {
  return (await metrics(broker)).get(`mqtt_${name}`) ?? 0;
}

/** Waits until a metric is as wanted; gives how long that took (ms). */
export async function metricBecomes(
  broker: Pick<BrokerProcess, "httpUrl">,
  name: string,
  isWanted: (value: number) => boolean,
  withinMs: number,
): Promise<number> {
  const startedAt = performance.now();
  for (;;) {
    const value = await metric(broker, name);
    const elapsedMs = performance.now() - startedAt;
    if (isWanted(value)) return elapsedMs;
    if (elapsedMs > withinMs) throw new Error(`${name} is still ${value} after ${withinMs} ms`);
    await delay(pollMs);
  }
}

const workerdPid = ({ dataDir }: Pick<BrokerProcess, "dataDir">): string =>
  readFileSync(join(dataDir, ".run", "workerd.pid"), "utf8").trim();

/** Memory of workerd that is in RAM (MiB). */
export function residentMiB(broker: Pick<BrokerProcess, "dataDir">): number {
  const status = readFileSync(`/proc/${workerdPid(broker)}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN) / 1024;
}

const nsPerMs = 1_000_000;

/** Processor time that the threads of workerd have used (ms). On a machine that others share it says more than a clock. */
export function processorMs(broker: Pick<BrokerProcess, "dataDir">): number {
  const tasks = `/proc/${workerdPid(broker)}/task`;
  return readdirSync(tasks).reduce((sum, task) => sum + usedNs(join(tasks, task, "schedstat")), 0) / nsPerMs;
}

function usedNs(path: string): number {
  try {
    return Number(readFileSync(path, "utf8").split(" ")[0]);
  } catch {
    return 0; // a thread that has ended meanwhile
  }
}

/** The databases of the shards, as files. */
function databases({ dataDir }: Pick<BrokerProcess, "dataDir">): string[] {
  return readdirSync(dataDir, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".sqlite") && name.includes("BrokerShard"))
    .map((name) => join(dataDir, name));
}

/** All files of the shards' databases (MiB), write-ahead logs included. */
export function storedMiB(broker: Pick<BrokerProcess, "dataDir">): number {
  const sizes = databases(broker).flatMap((path) => [path, `${path}-wal`].map(sizeOf));
  return sizes.reduce((sum, size) => sum + size, 0) / MiB;
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** Rows of a table in all shards, read beside the running broker. */
export function rowsIn(broker: Pick<BrokerProcess, "dataDir">, table: string): number {
  let rows = 0;
  for (const path of databases(broker)) {
    const database = new DatabaseSync(path, { readOnly: true });
    const isThere = database.prepare("SELECT 1 FROM sqlite_master WHERE name = ?").get(table) !== undefined;
    if (isThere) rows += Number(database.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.["n"] ?? 0);
    database.close();
  }
  return rows;
}
