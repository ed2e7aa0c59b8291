// Bills of a month, line by line, each with its formula: ours from what was measured, those of others from their price lists.

import type { Results } from "./results.ts";
import {
  ably,
  awsIotCore,
  bytesPerGibibyte,
  bytesPerGigabyte,
  cloudflare,
  emqxServerless,
  hoursPerMonth,
  minutesPerMonth,
} from "./prices.ts";
import { usageOf, type Usage } from "./usage.ts";
import type { Workload } from "./workload.ts";

export interface BillLine {
  readonly what: string;
  /** How many, before what is included. */
  readonly amount: number;
  readonly dollars: number;
}

export interface Bill {
  readonly provider: string;
  readonly lines: readonly BillLine[];
  readonly total: number;
}

export const billsOf = (workload: Workload, results: Results): Bill[] => [
  cloudflareBill(usageOf(workload, results)),
  awsBill(workload),
  emqxBill(workload),
  ablyBill(workload),
];

interface Meter {
  readonly included: number;
  readonly each: number;
}

const line = (what: string, amount: number, { included, each }: Meter): BillLine => ({
  what,
  amount,
  dollars: Math.max(0, amount - included) * each,
});

const priced = (what: string, amount: number, each: number): BillLine => line(what, amount, { included: 0, each });

const bill = (provider: string, lines: readonly BillLine[]): Bill => ({
  provider,
  lines,
  total: lines.reduce((sum, { dollars }) => sum + dollars, 0),
});

/** An incoming WebSocket message is a part of a request. */
export const billedRequests = ({
  requests,
  webSocketMessages,
}: Pick<Usage, "requests" | "webSocketMessages">): number =>
  requests + webSocketMessages / cloudflare.webSocketMessagesPerRequest;

export function cloudflareBill(usage: Usage): Bill {
  return bill("Durable MQTT on Cloudflare", [
    priced("Workers Paid", 1, cloudflare.planPerMonth),
    line("requests of Durable Objects", billedRequests(usage), cloudflare.requests),
    line("rows written", usage.rowsWritten, cloudflare.rowsWritten),
    line("rows read", usage.rowsRead, cloudflare.rowsRead),
    line("GB-seconds", usage.gigabyteSeconds, cloudflare.gigabyteSeconds),
    line("requests of the Worker", usage.workerRequests, cloudflare.workerRequests),
    line("CPU ms of the Worker", usage.workerCpuMs, cloudflare.workerCpuMs),
  ]);
}

/** What every provider counts. */
function totalsOf(workload: Workload) {
  const trafficHours = hoursPerMonth * workload.onlineShare;
  return {
    publishes: workload.publishesPerHour * trafficHours,
    deliveries: workload.deliveriesPerHour * trafficHours,
    connects: workload.clients * workload.connectsPerDay * daysPerMonth,
    connectionMinutes: workload.clients * minutesPerMonth * workload.onlineShare,
  };
}

const daysPerMonth = 30;
/** CONNECT and SUBSCRIBE. */
const messagesOfConnect = 2;

function awsBill(workload: Workload): Bill {
  const { publishes, deliveries, connects, connectionMinutes } = totalsOf(workload);
  const parts = Math.max(1, Math.ceil(workload.payloadBytes / awsIotCore.bytesPerMessage));
  return bill("AWS IoT Core", [
    priced("connection minutes", connectionMinutes, awsIotCore.connectionMinute),
    priced("PUBLISH in and out, by 5 KB", (publishes + deliveries) * parts, awsIotCore.message),
    priced("PUBACK of devices", workload.qos === 0 ? 0 : deliveries, awsIotCore.message),
    priced("CONNECT and SUBSCRIBE", connects * messagesOfConnect, awsIotCore.message),
    priced("PINGREQ more often than each 30 s", awsPings(workload, connectionMinutes), awsIotCore.message),
  ]);
}

function awsPings({ keepAliveSec }: Workload, connectionMinutes: number): number {
  const isFree = keepAliveSec === 0 || keepAliveSec >= awsIotCore.freePingSec;
  return isFree ? 0 : (connectionMinutes * secondsPerMinute) / keepAliveSec;
}

const secondsPerMinute = 60;

/** Fixed header, topic name and packet id. */
const packetOverheadBytes = 50;

const bytesOf = (messages: number, { payloadBytes }: Workload): number =>
  messages * (payloadBytes + packetOverheadBytes);

/** Durable sessions count while their clients are away. */
function emqxBill(workload: Workload): Bill {
  const { publishes, deliveries, connectionMinutes } = totalsOf(workload);
  const stored = workload.durable ? Math.min(workload.receivers, workload.clients) : 0;
  const away = stored * minutesPerMonth * (1 - workload.onlineShare);
  const { sessionMinute, sessionMinutesIncluded, gigabyte, gigabytesIncluded } = emqxServerless;
  return bill("EMQX Serverless", [
    line("session minutes", connectionMinutes + away, { each: sessionMinute, included: sessionMinutesIncluded }),
    line("GB in and out", bytesOf(publishes + deliveries, workload) / bytesPerGigabyte, {
      each: gigabyte,
      included: gigabytesIncluded,
    }),
  ]);
}

function ablyBill(workload: Workload): Bill {
  const { publishes, deliveries, connectionMinutes } = totalsOf(workload);
  const channelMinutes = workload.channels * minutesPerMonth * workload.onlineShare;
  return bill("Ably", [
    priced("base price", 1, ably.basePerMonth),
    priced("connection minutes", connectionMinutes, ably.connectionMinute),
    priced("channel minutes", channelMinutes, ably.channelMinute),
    priced("messages in and out", publishes + deliveries, ably.message),
    priced("GiB out", bytesOf(deliveries, workload) / bytesPerGibibyte, ably.gibibyte),
  ]);
}
