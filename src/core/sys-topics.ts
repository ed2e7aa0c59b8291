// `$SYS/broker/…` under Mosquitto's names: given to a new subscriber like retained messages, then at intervals, and only
// while somebody subscribes.

import type { TopicFilter, TopicName } from "./brand.ts";
import type { Broker } from "./broker.ts";
import { deliver } from "./delivery.ts";
import type { Message } from "./packet.ts";
import { matches } from "./topic.ts";
import { version } from "./version.ts";

const prefix = "$SYS/broker/";
const encoder = new TextEncoder();

export const isSysFilter = (filter: TopicFilter): boolean => filter === "$SYS/#" || filter.startsWith("$SYS/");

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** What one shard counts, by the name under `$SYS/broker/`. */
export type SysReadings = Readonly<Record<string, number>>;

export function sysReadings(broker: Broker): SysReadings {
  const { counters, sessions, connections } = broker;
  let connected = 0;
  let total = 0;
  for (const session of sessions.all()) {
    total += 1;
    if (session.online !== undefined) connected += 1;
  }
  return {
    "clients/connected": connected,
    "clients/disconnected": total - connected,
    "clients/total": total,
    "connections/sockets/count": connections.size,
    "messages/received": counters.packetsReceived,
    "messages/sent": counters.packetsSent,
    "publish/messages/received": sum(counters.publishReceived),
    "publish/messages/sent": sum(counters.publishSent),
    "publish/messages/dropped": sum([...counters.dropped.values()]),
    "bytes/received": counters.bytesReceived,
    "bytes/sent": counters.bytesSent,
    "subscriptions/count": broker.subscriptionCount,
    "retained messages/count": broker.retained.count,
    "store/messages/bytes": broker.log.bytes,
    "storage/rows/written": broker.options.rowsWritten(),
  };
}

const uptimeSec = (broker: Broker): number => Math.floor((broker.nowMs - broker.startedAtMs) / 1000);

/** The namespace's values: this shard's and those of the others together. */
function sysMessages(broker: Broker, others: readonly SysReadings[]): Message[] {
  const totals = Object.entries(sysReadings(broker)).map(([name, own]): [string, number] => [
    name,
    others.reduce((total, readings) => total + (readings[name] ?? 0), own),
  ]);
  const values: [string, string | number][] = [
    ["version", `durable-mqtt ${version}`],
    ["uptime", `${uptimeSec(broker)} seconds`],
    ...totals,
  ];
  return values.map(([name, value]) => ({
    topicName: `${prefix}${name}` as TopicName,
    payload: encoder.encode(String(value)),
    qos: 0,
    retain: true,
  }));
}

/** The present values that a filter matches. */
export function sysValues(broker: Broker, filter: TopicFilter, done: (values: Message[]) => void): void {
  broker.effects.askOtherShards((others) => {
    done(sysMessages(broker, others).filter(({ topicName }) => matches(filter, topicName)));
  });
}

/** A round to all subscribers, if there are any and it is time. */
export function publishSys(broker: Broker, nowMs: number): void {
  if (broker.sysSubscriptions === 0) return;
  if (nowMs >= broker.nextSysMs) {
    broker.nextSysMs = nowMs + broker.limits.sysIntervalMs;
    broker.effects.askOtherShards((others) => {
      for (const message of sysMessages(broker, others)) {
        deliver(broker, { ...message, retain: false }, { session: undefined });
      }
    });
  }
  broker.effects.wakeAt(broker.nextSysMs);
}

/** A filter of `$SYS` was subscribed (`by` 1) or left (`by` -1). */
export function countSys(broker: Broker, filter: TopicFilter, by: 1 | -1): void {
  if (!isSysFilter(filter)) return;
  broker.sysSubscriptions += by;
  if (by === 1 && broker.sysSubscriptions === 1) {
    broker.nextSysMs = broker.nowMs + broker.limits.sysIntervalMs;
    broker.effects.wakeAt(broker.nextSysMs);
  }
}
