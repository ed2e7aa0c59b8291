// The sweep of the shard's one alarm: what is due, and when to look again.

import { authDeadlineMs } from "./authentication.ts";
import type { Broker } from "./broker.ts";
import { endConnection, refuseConnection, sessionOver } from "./disconnect.ts";
import type { Connection } from "./connection.ts";
import { keepAliveDeadlineMs, maximumEndMs, watchKeepAlive } from "./keep-alive.ts";
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
  broker.retained.expiry.onTick(nowMs);
  const nextRemovalMs = broker.idempotency.removeExpired(nowMs);
  if (nextRemovalMs !== undefined) broker.effects.wakeAt(nextRemovalMs);
  if (broker.idempotency.isDirty) broker.effects.needsFlush();
}

/** Only the connections that owe a CONNECT [MQTT-3.1.4-5 v3.1.1] or an AUTH; gives how many are still in time. */
export function sweepAwaiting(broker: Broker, nowMs: number): number {
  let inTime = 0;
  for (const connection of broker.connections.values()) {
    const { state } = connection;
    const deadlineMs = state.kind === "awaiting-connect" ? state.deadlineMs : authDeadlineMs(connection);
    if (deadlineMs === undefined) continue;
    if (deadlineMs > nowMs) inTime += 1;
    else endAwaiting(broker, connection, nowMs);
  }
  return inTime;
}

function endAwaiting(broker: Broker, connection: Connection, nowMs: number): void {
  if (connection.state.kind === "awaiting-connect") {
    const detail = "no CONNECT within the time limit";
    refuseConnection(broker, connection, limitPassed("connectTimeoutMs", reasonCode.maximumConnectTime, detail), "");
    return;
  }
  const detail = "no AUTH within the time limit";
  broker.onViolation(connection, limitPassed("connectTimeoutMs", reasonCode.notAuthorized, detail), nowMs);
}

function sweepConnection(broker: Broker, connection: Connection, nowMs: number): void {
  if (connection.state.kind !== "connected") return;
  const endMs = maximumEndMs(broker, connection);
  if (endMs !== undefined && endMs <= nowMs) {
    const detail = "the connection is as old as it may get";
    endConnection(broker, connection, limitPassed("maximumConnectTime", reasonCode.maximumConnectTime, detail), nowMs);
    return;
  }
  const deadlineMs = keepAliveDeadlineMs(connection);
  if (deadlineMs === undefined || deadlineMs > nowMs) {
    watchKeepAlive(broker, connection);
    return;
  }
  const violation = refused(reasonCode.keepAliveTimeout, "nothing came for 1.5 times the keep-alive", "MQTT-3.1.2-24");
  endConnection(broker, connection, violation, nowMs);
}
