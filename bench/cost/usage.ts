// What a workload uses of Cloudflare's meters in a month, from what was measured. Where the measurements leave room it
// takes the dearer side.

import { sessionsPerPage } from "../../src/core/progress-page.ts";
import { billedRows } from "./counts.ts";
import { cloudflare, hoursPerMonth, secondsPerMonth } from "./prices.ts";
import { idleResultOf, resultOf, type Results, type ScenarioResult } from "./results.ts";
import type { Workload } from "./workload.ts";

export interface Usage {
  readonly requests: number;
  readonly webSocketMessages: number;
  readonly rowsWritten: number;
  readonly rowsRead: number;
  readonly gigabyteSeconds: number;
  readonly workerRequests: number;
  readonly workerCpuMs: number;
}

/** A QoS 1 message or a connect changes what is kept, and the timer of the idle save keeps the object awake (§4.3). */
export const idleSaveSec = 1;
const burst = { mqtt: 50, http: 100 } as const;
const framesPerBurst = 4;
const daysPerMonth = 30;
const secondsPerHour = 3_600;
const msPerSec = 1_000;
const measuredKeepAliveSec = 60;

/** The month in numbers that several meters need. */
interface Month {
  readonly workload: Workload;
  readonly results: Results;
  readonly onlineSec: number;
  readonly publishes: number;
  readonly deliveries: number;
  readonly connects: number;
  /** Receivers of a message. */
  readonly fanOut: number;
  /** Messages that are published together. */
  readonly burst: number;
  /** In a second with clients on line. */
  readonly burstsPerSec: number;
  /** The measured scenario that is nearest, per message. */
  readonly nearest: ScenarioResult;
  readonly pings: number;
}

export function usageOf(workload: Workload, results: Results): Usage {
  const month = monthOf(workload, results);
  const { publishes, nearest } = month;
  const alarms = alarmsOf(month);
  return {
    requests: publishes * requestsPerPublish(month) + alarms.run + requestsOfConnects(month),
    webSocketMessages: webSocketMessagesOf(month),
    rowsWritten: publishes * rowsPerPublish(workload, results) + alarms.set + rowsOfConnects(month),
    rowsRead: (publishes * nearest.perThousand.rowsRead) / 1_000,
    gigabyteSeconds: gigabyteSecondsOf(month),
    ...workerOf(month),
  };
}

function monthOf(workload: Workload, results: Results): Month {
  const { onlineShare, publishesPerHour, deliveriesPerHour, clients, connectsPerDay, bursts, http } = workload;
  const onlineSec = secondsPerMonth * onlineShare;
  const trafficHours = hoursPerMonth * onlineShare;
  const size = bursts ? burst[http ? "http" : "mqtt"] : 1;
  return {
    workload,
    results,
    onlineSec,
    publishes: publishesPerHour * trafficHours,
    deliveries: deliveriesPerHour * trafficHours,
    connects: clients * connectsPerDay * daysPerMonth,
    fanOut: publishesPerHour === 0 ? 0 : deliveriesPerHour / publishesPerHour,
    burst: size,
    burstsPerSec: publishesPerHour / secondsPerHour / size,
    nearest: resultOf(results, nearestScenario(workload), workload.shards),
    pings: pingsOf(workload, results, onlineSec),
  };
}

function nearestScenario({ http, bursts, qos, durable }: Workload): string {
  const isStored = durable && qos === 1;
  if (http) return `http-${bursts ? (isStored ? "bulk" : "bulk-ephemeral") : isStored ? "durable" : "ephemeral"}`;
  if (qos === 0) return bursts ? "qos0-fan-out" : "qos0-single";
  if (durable) return bursts ? "qos1-durable-pair" : "qos1-durable-single";
  return bursts ? "qos1-ephemeral" : "qos1-ephemeral-single";
}

const isRelayed = ({ relay, shards }: Workload): boolean => relay && shards > 1;

/** Those that come to a shard; behind a relay the renewals of the lease, however long the keep-alive is. */
function pingsOf(workload: Workload, results: Results, onlineSec: number): number {
  const { clients, keepAliveSec, shards } = workload;
  if (keepAliveSec === 0 && !isRelayed(workload)) return 0;
  const idle = idleResultOf(results, isRelayed(workload) ? "relay" : "direct", shards);
  const perClientSec = idle.counts.webSocketMessages / idle.clients / idle.seconds;
  const factor = isRelayed(workload) ? 1 : measuredKeepAliveSec / keepAliveSec;
  return perClientSec * factor * clients * onlineSec;
}

/** One alarm per shard watches over all its clients. */
function alarmsOf({ workload, results, onlineSec }: Month): { readonly set: number; readonly run: number } {
  if (workload.clients === 0) return { set: 0, run: 0 };
  const { counts, seconds } = idleResultOf(results, isRelayed(workload) ? "relay" : "direct", workload.shards);
  return { set: (counts.alarmsSet / seconds) * onlineSec, run: (counts.alarmsRun / seconds) * onlineSec };
}

const framesPerPublish = ({ http, bursts }: Pick<Workload, "http" | "bursts">): number => {
  if (http) return 0;
  return bursts ? framesPerBurst / burst.mqtt : 1;
};

function webSocketMessagesOf({ workload, nearest, publishes, deliveries, connects, pings }: Month): number {
  const frames = framesPerPublish(workload);
  const acknowledgements =
    workload.qos === 0 ? 0 : (nearest.perThousand.webSocketMessages / 1_000 - frames) / nearest.fanOut;
  return publishes * frames + deliveries * acknowledgements + connects * packetsOfConnect + pings;
}

/** CONNECT, SUBSCRIBE, DISCONNECT. */
const packetsOfConnect = 3;

/** Calls between shards on a message's way: to the owner, and from there to each other shard with a receiver. */
const hopsOf = ({ http, shards }: Workload, fanOut: number): number =>
  (http ? 0 : 1) + Math.min(shards - 1, Math.ceil(fanOut));

function requestsPerPublish({ workload, nearest, fanOut }: Month): number {
  const { requests, shardCalls } = nearest.perThousand;
  const fromWorker = (requests - shardCalls) / 1_000;
  if (workload.shards === 1) return fromWorker;
  return fromWorker + ((shardCalls / 1_000) * hopsOf(workload, fanOut)) / hopsOf(workload, nearest.fanOut);
}

const requestsOfConnects = ({ connects, results, workload: { shards } }: Month): number =>
  connects * (1 + resultOf(results, "subscribe-ephemeral", shards).perThousand.requests / 1_000);

function rowsOfConnects({ connects, results, workload }: Month): number {
  const { shards, durable, receivers, clients } = workload;
  const rowsOf = (id: string): number => billedRows(resultOf(results, id, shards).perThousand) / 1_000;
  const durableShare = durable && clients > 0 ? Math.min(1, receivers / clients) : 0;
  return connects * (durableShare * rowsOf("resume-durable") + (1 - durableShare) * rowsOf("subscribe-ephemeral"));
}

/** One row, or a part of one, for the messages that come together; and the progress pages of each idle save. */
export function rowsPerPublish(workload: Workload, results: Results): number {
  const { durable, qos, shards, receivers } = workload;
  if (!durable || qos === 0) return 0;
  const { fanOut, burst: size, burstsPerSec, nearest } = monthOf(workload, results);
  const stored = (billedRows(nearest.perThousand) / 1_000) * Math.min(shards, Math.max(1, fanOut));
  const pages = Math.ceil(receivers / sessionsPerPage);
  const burstsPerSave = Math.max(1, burstsPerSec * idleSaveSec);
  const pagesPerSave = Math.min(pages, burstsPerSave * fanOut * size);
  return stored + pagesPerSave / burstsPerSave / size;
}

function gigabyteSecondsOf(month: Month): number {
  const { workload, onlineSec } = month;
  if (onlineSec === 0) return 0;
  const awake = Math.min(1, heldShare(month) + busyShare(month));
  return cloudflare.gigabytesPerObject * workload.shards * onlineSec * awake;
}

/** Changes, each holding every shard that it touches until its idle save. */
function heldShare({ workload, burstsPerSec, connects, onlineSec, fanOut }: Month): number {
  const { shards, http, qos } = workload;
  const touched = Math.min(shards, (http ? 1 : 2) + fanOut) / shards;
  const changesPerSec = (qos === 0 ? 0 : burstsPerSec) + connects / onlineSec;
  return changesPerSec * touched * idleSaveSec;
}

/** Messages by the CPU time that they took, PINGREQs by their round trip; shared by the shards. */
function busyShare({ workload, results, publishes, nearest, fanOut, pings, onlineSec }: Month): number {
  const { shards } = workload;
  const pingMs = resultOf(results, "ping", shards).roundTripMs ?? 0;
  const messageMs = (nearest.perThousand.cpuMs / 1_000) * Math.max(1, fanOut / nearest.fanOut);
  return (pings * pingMs + publishes * messageMs) / msPerSec / onlineSec / shards;
}

/** All CPU time of an HTTP publish is taken for the Worker's, though a part of it is the shard's. */
function workerOf(month: Month): Pick<Usage, "workerRequests" | "workerCpuMs"> {
  const { workload, results, publishes, connects, nearest, burst: size } = month;
  const connectMs = resultOf(results, "connect-ephemeral", workload.shards).perThousand.cpuMs / 1_000;
  const publishMs = workload.http ? nearest.perThousand.cpuMs / 1_000 : 0;
  return {
    workerRequests: connects + (workload.http ? publishes / size : 0),
    workerCpuMs: connects * connectMs + publishes * publishMs + relayedMessages(month) * relayMsOf(month),
  };
}

/** A relay passes on every frame and answers every PINGREQ. */
function relayedMessages({ workload, publishes, deliveries, onlineSec }: Month): number {
  if (!isRelayed(workload)) return 0;
  const { clients, keepAliveSec, qos } = workload;
  const pings = keepAliveSec === 0 ? 0 : (clients * onlineSec) / keepAliveSec;
  return pings + publishes * framesPerPublish(workload) + deliveries * (1 + qos);
}

const relayMsOf = ({ results, workload: { shards } }: Month): number =>
  shards === 1 ? 0 : resultOf(results, "ping-relay", shards).perThousand.cpuMs / 1_000;
