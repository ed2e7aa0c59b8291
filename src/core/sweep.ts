// The sweep of the shard's one alarm: what is due, and when to look again.

import type { Broker } from "./broker.ts";
import { endConnection, refuseConnection, sessionOver } from "./disconnect.ts";
import type { Connection } from "./connection.ts";
import { keepAliveDeadlineMs, watchKeepAlive } from "./keep-alive.ts";
import { reasonCode } from "./reason-code.ts";
import { limitPassed, refused } from "./violation.ts";
import { publishSys } from "./sys-topics.ts";
import { publishDueWills } from "./will.ts";

export function sweep(broker: Broker, nowMs: number): void {
  for (const connection of broker.connections.values()) sweepConnection(broker, connection, nowMs);
  for (const session of broker.sessions.all()) {
    if (session.expiresAtMs === undefined) continue;
    if (session.expiresAtMs <= nowMs) sessionOver(broker, session, nowMs);
    else broker.effects.wakeAt(session.expiresAtMs);
  }
  publishDueWills(broker, nowMs);
  publishSys(broker, nowMs);
  const nextRemovalMs = broker.idempotency.removeExpired(nowMs);
  if (nextRemovalMs !== undefined) broker.effects.wakeAt(nextRemovalMs);
  if (broker.idempotency.isDirty) broker.effects.needsFlush();
}

/** Only the connections that owe a CONNECT [MQTT-3.1.4-5 v3.1.1]; gives how many are still in time. */
export function sweepAwaiting(broker: Broker, nowMs: number): number {
  let inTime = 0;
  for (const connection of broker.connections.values()) {
    if (connection.state.kind !== "awaiting-connect") continue;
    if (connection.state.deadlineMs > nowMs) {
      inTime += 1;
      continue;
    }
    const detail = "no CONNECT within the time limit";
    const violation = limitPassed("connectTimeoutMs", reasonCode.maximumConnectTime, detail);
    refuseConnection(broker, connection, violation, "");
  }
  return inTime;
}

function sweepConnection(broker: Broker, connection: Connection, nowMs: number): void {
  if (connection.state.kind !== "connected") return;
  const deadlineMs = keepAliveDeadlineMs(connection);
  if (deadlineMs === undefined || deadlineMs > nowMs) {
    watchKeepAlive(broker, connection);
    return;
  }
  const violation = refused(reasonCode.keepAliveTimeout, "nothing came for 1.5 times the keep-alive", "MQTT-3.1.2-24");
  endConnection(broker, connection, violation, nowMs);
}
