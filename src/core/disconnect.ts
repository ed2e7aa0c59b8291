// How connections and sessions end (§3.14, §4.1, §4.13).

import type { ClientId, Position } from "./brand.ts";
import { isConnected, type Connection } from "./connection.ts";
import type { Broker } from "./broker.ts";
import type { Disconnect } from "./packet.ts";
import { isInRanges } from "./position-ranges.ts";
import { quirksOf } from "./protocol-quirks.ts";
import { reasonCode, toConnackReasonCode, toConnackReturnCode, toDisconnectReasonCode } from "./reason-code.ts";
import type { Session } from "./session.ts";
import type { Handed } from "./shared-group.ts";
import { removeFromIndex } from "./subscription-index.ts";
import { protocolError, refused, type Violation } from "./violation.ts";
import { discardWill, publishDelayedWillsOf, releaseWill } from "./will.ts";

/** CONNECT is refused: CONNACK with the code where the version has one for it, then the close [MQTT-3.2.2-5 v3.1.1, MQTT-3.1.4-5]. */
export function refuseConnection(broker: Broker, connection: Connection, violation: Violation, clientId: string): void {
  broker.counters.connectsRefused += 1;
  broker.effects.log({
    event: "connect-refused",
    reason: violation.detail,
    reasonCode: violation.reasonCode,
    clientId,
    ...(violation.clause !== undefined && { clause: violation.clause }),
    ...(violation.limit !== undefined && { limit: violation.limit }),
  });
  // A version that is not served gets its answer in the form of MQTT 3.
  if (!broker.options.protocolVersions.includes(connection.protocolVersion)) connection.protocolVersion = 4;
  const { hasReasonCodes } = quirksOf(connection.protocolVersion);
  const code = hasReasonCodes ? toConnackReasonCode(violation.reasonCode) : toConnackReturnCode(violation.reasonCode);
  if (code !== undefined) {
    const properties = hasReasonCodes ? { ...referenceFor(broker, violation), ...explain(violation) } : undefined;
    const connack = { kind: "connack", sessionPresent: false, code, ...(properties && { properties }) } as const;
    broker.effects.send(connection, connack, "at-once"); // [MQTT-3.2.2-6]
  }
  drop(broker, connection);
}

/** [MQTT-3.2.2-19, MQTT-3.14.2-3]: on CONNACK and DISCONNECT also for clients that want no problem information. */
export const explain = (violation: Violation): { reasonString?: string } =>
  violation.isPrivate === true ? {} : { reasonString: violation.detail };

/** Where the client is to go instead (§4.11). */
function referenceFor({ options }: Broker, { reasonCode: code }: Violation): { serverReference?: string } {
  const { elsewhere } = options.features;
  if (elsewhere === undefined || (code !== reasonCode.useAnotherServer && code !== reasonCode.serverMoved)) return {};
  return { serverReference: elsewhere.serverReference };
}

/** The client gave up before CONNACK. */
export function abandonConnection(broker: Broker, connection: Connection): void {
  broker.counters.connectsRefused += 1;
  drop(broker, connection);
}

/** DISCONNECT from the client: the connection ends, with reason 0 without its will [MQTT-3.14.4-1, MQTT-3.14.4-3]. */
export function onDisconnect(broker: Broker, connection: Connection, packet: Disconnect, nowMs: number): void {
  if (!isConnected(connection)) {
    broker.onViolation(connection, protocolError("DISCONNECT before CONNECT", "MQTT-3.1.0-1"), nowMs);
    return;
  }
  const { session } = connection.state;
  const violation = changeExpiry(broker, session, packet.properties?.sessionExpiryIntervalSec);
  if (violation !== undefined) {
    endConnection(broker, connection, violation, nowMs);
    return;
  }
  drop(broker, connection);
  if ((packet.reasonCode ?? reasonCode.success) === reasonCode.success) {
    discardWill(broker, connection);
    leave(broker, connection, session, nowMs);
  } else {
    lose(broker, connection, session, nowMs);
  }
}

/** A session that CONNECT gave no life beyond the connection gets none from DISCONNECT (§3.14.2.2.2). */
function changeExpiry(broker: Broker, session: Session, intervalSec: number | undefined): Violation | undefined {
  if (intervalSec === undefined || intervalSec === session.expiryIntervalSec) return undefined;
  if (session.expiryIntervalSec === 0) return protocolError("a session expiry in DISCONNECT after none in CONNECT");
  session.expiryIntervalSec = Math.min(intervalSec, broker.limits.maximumSessionExpiryInterval);
  broker.sessions.changed(session);
  return undefined;
}

/** The server ends the connection: DISCONNECT with the reason where the version has it, the will, the close. */
export function endConnection(broker: Broker, connection: Connection, violation: Violation, nowMs: number): void {
  broker.effects.log({
    event: "connection-closed",
    reason: violation.detail,
    reasonCode: violation.reasonCode,
    ...(isConnected(connection) && { clientId: connection.state.session.clientId }),
    ...(violation.clause !== undefined && { clause: violation.clause }),
    ...(violation.limit !== undefined && { limit: violation.limit }),
  });
  if (isConnected(connection)) sendDisconnect(broker, connection, violation);
  const { state } = connection;
  drop(broker, connection);
  if (state.kind === "connected") lose(broker, connection, state.session, nowMs);
}

/** An administrator's wish. False where the client is not connected. */
export function disconnectClient(broker: Broker, clientId: string, nowMs: number): boolean {
  const online = broker.sessions.get(clientId as ClientId)?.online;
  if (online === undefined) return false;
  const violation = refused(reasonCode.administrativeAction, "the connection was closed by an administrator");
  endConnection(broker, online.connection, violation, nowMs);
  return true;
}

/** The process ends. Sessions and wills stay as they are: what a crash leaves open is settled at the next start. */
export function shutDown(broker: Broker): void {
  const violation = refused(reasonCode.serverShuttingDown, "the server shuts down");
  for (const connection of broker.connections.values()) {
    if (connection.state.kind !== "connected") continue;
    sendDisconnect(broker, connection, violation);
    connection.state = { kind: "closed" };
    broker.effects.close(connection);
  }
}

/** Only behind a CONNACK that let the client in [MQTT-3.14.0-1]. */
export function sendDisconnect(broker: Broker, connection: Connection, violation: Violation): void {
  if (!quirksOf(connection.protocolVersion).hasReasonCodes) return;
  const code = toDisconnectReasonCode(violation.reasonCode);
  broker.effects.send(connection, { kind: "disconnect", reasonCode: code, properties: explain(violation) }, "at-once");
}

/** The socket is gone: an abrupt loss, unless the connection had ended before. */
export function onSocketLost(broker: Broker, connection: Connection, nowMs: number): void {
  const { state } = connection;
  if (state.kind === "closed") return;
  connection.state = { kind: "closed" };
  broker.connections.delete(connection.id);
  if (state.kind === "connected") lose(broker, connection, state.session, nowMs);
}

export function drop(broker: Broker, connection: Connection): void {
  connection.state = { kind: "closed" };
  broker.connections.delete(connection.id);
  broker.effects.close(connection);
}

function lose(broker: Broker, connection: Connection, session: Session, nowMs: number): void {
  // The session goes off line first: nothing follows a DISCONNECT, also where the client subscribes to its own will.
  leave(broker, connection, session, nowMs);
  releaseWill(broker, connection, session, nowMs);
}

/** The session goes off line: an ephemeral one ends, a stored one waits until it expires [MQTT-4.1.0-1]. */
export function leave(broker: Broker, connection: Connection, session: Session, nowMs: number): void {
  const { online } = session;
  if (online?.connection !== connection) return;
  const handed = online.outbound.kind === "ephemeral" ? online.outbound.handed : [];
  if (online.outbound.kind === "ephemeral") online.outbound.discard();
  if (online.outbound.kind === "stored") {
    broker.progress.set(session.number, online.outbound.progress(false, online.inbound));
  }
  session.online = undefined;
  if (session.kind === "ephemeral" || session.expiryIntervalSec === 0) {
    sessionOver(broker, session, nowMs);
    for (const one of handed) broker.groups.giveBack(one, one.position !== undefined);
    return;
  }
  broker.groups.pumpFor(session);
  for (const job of session.replays.values()) job.waiting = false;
  setExpiry(broker, session, nowMs);
  broker.effects.needsFlush();
}

/** 0xFFFFFFFF: the session does not expire (§3.1.2.11.2). */
const neverExpires = 0xffff_ffff;

export function setExpiry(broker: Broker, session: Session, nowMs: number): void {
  if (session.expiryIntervalSec === neverExpires) return;
  session.expiresAtMs = nowMs + session.expiryIntervalSec * 1000;
  broker.effects.wakeAt(session.expiresAtMs);
  broker.sessions.changed(session);
}

/** The session ends: subscriptions, queue, progress, replays and delayed wills with it. */
export function sessionOver(broker: Broker, session: Session, nowMs: number): void {
  publishDelayedWillsOf(broker, session.clientId, nowMs);
  const handed = session.kind === "stored" ? handedTo(broker, session) : [];
  for (const subscription of session.subscriptions.values()) {
    removeFromIndex(broker, session, subscription);
  }
  if (session.kind === "stored") {
    broker.log.forget(session.number, broker.progress.get(session.number).acknowledgedTo);
    broker.progress.delete(session.number);
    for (const key of session.replays.keys()) broker.replayRows.delete(session.number, key);
    broker.effects.needsFlush();
  }
  session.subscriptions.clear();
  session.replays.clear();
  broker.sessions.remove(session);
  // When the session is no member any more.
  for (const one of handed) broker.groups.giveBack(one, true);
}

/** QoS 1 messages of shared groups that a stored session has not acknowledged: they go to other members, QoS 2 never [MQTT-4.8.2-4, MQTT-4.8.2-5]. */
function handedTo(broker: Broker, session: Session): Handed[] {
  const { handed, acknowledged } = broker.progress.get(session.number);
  return (handed ?? []).flatMap(([position, number]) => {
    const group = broker.groups.byNumber(number);
    const entry = broker.log.next(session.number, (position - 1) as Position);
    if (group === undefined || entry?.position !== position) return [];
    if (entry.qos !== 1 || isInRanges(acknowledged, position)) return [];
    return [{ group, message: entry.message, position: undefined }];
  });
}
