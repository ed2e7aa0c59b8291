// A shard's counters and gauges under the names that `/metrics` shows.

import type { Broker } from "../core/broker.ts";
import type { Sql } from "../storage/sql.ts";
import type { ShardMetrics } from "./shard-api.ts";

/** `flush`, `alarm`, `links`: what they count. */
export function metricsOf(
  broker: Broker,
  sockets: number,
  sql: Pick<Sql, "rowsRead" | "rowsWritten">,
  flush: { readonly commits: number },
  alarm: { readonly set: number; readonly run: number },
  links: { readonly calls: number },
): ShardMetrics {
  const { counters } = broker;
  const byQos = (name: string, values: readonly number[]): [string, number][] =>
    values.map((value, qos) => [`${name}{qos="${qos}"}`, value]);
  return {
    counters: Object.fromEntries<number>([
      ...byQos("publish_received", counters.publishReceived),
      ...byQos("publish_sent", counters.publishSent),
      ...[...counters.dropped].map(([reason, count]): [string, number] => [`dropped{reason="${reason}"}`, count]),
      ["packets_received", counters.packetsReceived],
      ["packets_sent", counters.packetsSent],
      ["bytes_received", counters.bytesReceived],
      ["bytes_sent", counters.bytesSent],
      ["connects_accepted", counters.connectsAccepted],
      ["connects_refused", counters.connectsRefused],
      ["published_over_http", counters.publishedOverHttp],
      ["wills_published", counters.willsPublished],
      ["retained_expired", counters.retainedExpired],
      ["publish_denied", counters.publishDenied],
      ["publish_delayed", counters.publishDelayed],
      ["subscribe_denied", counters.subscribeDenied],
      ["rows_read", sql.rowsRead],
      ["rows_written", sql.rowsWritten],
      ["commits", flush.commits],
      ["commits_failed", counters.commitsFailed],
      ["alarms_set", alarm.set],
      ["alarms_run", alarm.run],
      ["shard_calls", links.calls],
      ["requests_received", counters.requestsReceived],
      ["websocket_messages_received", counters.webSocketMessagesReceived],
    ]),
    gauges: {
      connections: broker.connections.size,
      sockets,
      sessions: [...broker.sessions.all()].length,
      sessions_stored: broker.sessions.storedCount,
      subscriptions: broker.subscriptionCount,
      retained_messages: broker.retained.count,
      retained_bytes: broker.retained.bytes,
      log_bytes: broker.log.bytes,
    },
  };
}
