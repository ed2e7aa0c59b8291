// CONNECT (§3.1), as a list of steps: judge the packet, ask who it is, take over, find the session, answer.

import { fail, ok, type ClientId, type Result, type SessionNumber } from "./brand.ts";
import type { Broker } from "./broker.ts";
import { startExchange } from "./authentication.ts";
import { connackProperties } from "./connack.ts";
import type { Connection } from "./connection.ts";
import { endConnection, refuseConnection, sessionOver } from "./disconnect.ts";
import { EphemeralOutbound } from "./outbound-ephemeral.ts";
import { keepAliveSecOf, watchKeepAlive } from "./keep-alive.ts";
import { StoredOutbound } from "./outbound-stored.ts";
import type { Connack, Connect, Will } from "./packet.ts";
import { messageFault } from "./message-fault.ts";
import { quirksOf } from "./protocol-quirks.ts";
import { reasonCode, type ReasonCode } from "./reason-code.ts";
import { pumpReplays } from "./replay.ts";
import type { Online, Session } from "./session.ts";
import { parseTopicName } from "./topic.ts";
import { OutboundAliases } from "./topic-alias.ts";
import { limitPassed, protocolError, refused, refusedInPrivate, type Violation } from "./violation.ts";
import { cancelDelayedWills, storeWill } from "./will.ts";

/**
 * What the authenticators say. `username` is the one that counts from here on; `authenticationData` is the last word of an
 * enhanced authentication, for CONNACK.
 */
export type AuthVerdict =
  | { readonly kind: "allow"; readonly username?: string; readonly authenticationData?: Uint8Array }
  | { readonly kind: "refuse"; readonly reasonCode: ReasonCode; readonly detail: string };

const encoder = new TextEncoder();
const utf8Length = (text: string): number => encoder.encode(text).length;

/** The first packet of a connection; a second CONNECT closes it [MQTT-3.1.0-2]. */
export function onConnect(broker: Broker, connection: Connection, connect: Connect, nowMs: number): void {
  if (connection.state.kind !== "awaiting-connect") {
    broker.onViolation(connection, protocolError("a second CONNECT", "MQTT-3.1.0-2"), nowMs);
    return;
  }
  takeTerms(broker, connection, connect);
  const violation = judgeConnect(broker, connect);
  if (violation !== undefined) {
    refuseConnection(broker, connection, violation, connect.clientId);
    return;
  }
  const method = connect.properties?.authenticationMethod;
  if (method !== undefined) {
    startExchange(broker, connection, connect, method);
    return;
  }
  connection.state = { kind: "authenticating", connect, early: [], earlyBytes: 0 };
  broker.effects.authenticate(connection, connect);
}

/** What the client says of itself holds for every packet of the connection, the refusal included. */
function takeTerms(broker: Broker, connection: Connection, connect: Connect): void {
  const { protocolVersion, properties } = connect;
  const { serverKeepAlive, topicAliasMaximum } = broker.limits;
  connection.protocolVersion = protocolVersion;
  connection.keepAliveSec = keepAliveSecOf(connect, serverKeepAlive);
  connection.maximumPacketSize = properties?.maximumPacketSize;
  connection.wantsProblemInformation = properties?.requestProblemInformation ?? true;
  const aliases = Math.min(topicAliasMaximum, properties?.topicAliasMaximum ?? 0);
  connection.outboundAliases = aliases === 0 ? undefined : new OutboundAliases(aliases); // [MQTT-3.1.2-27]
}

function judgeConnect(broker: Broker, connect: Connect): Violation | undefined {
  if (!broker.options.protocolVersions.includes(connect.protocolVersion)) {
    return refused(reasonCode.unsupportedProtocolVersion, "this protocol version is not served", "MQTT-3.1.2-2");
  }
  return (
    judgePlace(broker) ??
    judgeClientId(broker, connect) ??
    judgeUsername(broker, connect) ??
    judgeWill(broker, connect.will)
  );
}

/** §4.11 */
function judgePlace({ options }: Broker): Violation | undefined {
  const { elsewhere } = options.features;
  if (elsewhere === undefined) return undefined;
  return elsewhere.kind === "server-moved"
    ? refused(reasonCode.serverMoved, "the server has moved")
    : refused(reasonCode.useAnotherServer, "another server is to be used");
}

function judgeClientId(broker: Broker, connect: Connect): Violation | undefined {
  const code = reasonCode.clientIdentifierNotValid;
  if (connect.clientId !== "") {
    if (utf8Length(connect.clientId) > broker.limits.maximumClientIdBytes) {
      return limitPassed("maximumClientIdBytes", code, "the client id is too long");
    }
    return broker.options.isOwnClientId(connect.clientId)
      ? undefined
      : refused(code, "the client id belongs to another shard");
  }
  const rule = quirksOf(connect.protocolVersion).emptyClientId;
  if (rule === "refused") return refused(code, "MQTT 3.1 wants a client id of at least one character");
  if (rule === "if-clean" && !connect.cleanStart) {
    return refused(code, "an empty client id wants Clean Session 1", "MQTT-3.1.3-8"); // [MQTT-3.1.3-8 v3.1.1]
  }
  return undefined;
}

function judgeUsername(broker: Broker, { username }: Connect): Violation | undefined {
  if (username === undefined || utf8Length(username) <= broker.limits.maximumUsernameBytes) return undefined;
  return limitPassed("maximumUsernameBytes", reasonCode.badUserNameOrPassword, "the user name is too long");
}

function judgeWill(broker: Broker, will: Will | undefined): Violation | undefined {
  if (will === undefined) return undefined;
  const topicName = parseTopicName(will.topicName, broker.limits);
  if (!topicName.ok)
    return refused(topicName.error.reasonCode, `the will's topic: ${topicName.error.detail}`, topicName.error.clause);
  return messageFault(broker.options.features, will);
}

/** The verdict came. The client may have gone meanwhile: then there is nothing to do. */
export function onAuthVerdict(broker: Broker, connection: Connection, verdict: AuthVerdict, nowMs: number): void {
  if (connection.state.kind !== "authenticating") return;
  const { connect, early } = connection.state;
  if (verdict.kind === "refuse") {
    refuseConnection(broker, connection, refusedInPrivate(verdict.reasonCode, verdict.detail), connect.clientId);
    return;
  }
  const admitted = admit(broker, connection, connect, verdict.username);
  if (!admitted.ok) {
    refuseConnection(broker, connection, admitted.error, connect.clientId);
    return;
  }
  const connack = connackFor(broker, connection, connect, admitted.value, verdict.authenticationData);
  if (!broker.effects.fits(connection, connack)) {
    refuseConnection(broker, connection, noRoom, connect.clientId);
    return;
  }
  establish(broker, connection, connect, admitted.value, verdict.username, connack, nowMs);
  for (const packet of early) broker.onPacket(connection, packet, nowMs);
}

/** Nothing else may come before it, so whoever has no room for it cannot be let in [MQTT-3.1.2-24, MQTT-3.2.0-1]. */
const noRoom = refused(reasonCode.packetTooLarge, "CONNACK is larger than the client's Maximum Packet Size");

function connackFor(
  broker: Broker,
  connection: Connection,
  connect: Connect,
  clientId: ClientId,
  authenticationData: Uint8Array | undefined,
): Connack {
  const connack: Connack = { kind: "connack", sessionPresent: false, code: reasonCode.success };
  if (!quirksOf(connect.protocolVersion).hasReasonCodes) return connack;
  const session = { clientId, expiryIntervalSec: expiryOf(broker, connect) };
  return { ...connack, properties: connackProperties(broker, connection, connect, session, authenticationData) };
}

/** What only the user's rights and the state of the shard decide; changes nothing. */
function admit(
  broker: Broker,
  connection: Connection,
  connect: Connect,
  username: string | undefined,
): Result<ClientId, Violation> {
  const clientId = (connect.clientId === "" ? broker.options.newClientId() : connect.clientId) as ClientId;
  connection.access = broker.options.accessFor(username, clientId);
  const willTopic = connect.will && parseTopicName(connect.will.topicName, broker.limits);
  if (willTopic?.ok === true && !broker.mayPublish(connection.access, willTopic.value)) {
    return fail(refused(reasonCode.notAuthorized, "the will's topic is not allowed"));
  }
  const isNew = broker.sessions.get(clientId)?.kind !== "stored";
  if (isStored(connect) && isNew && broker.sessions.storedCount >= broker.limits.maximumStoredSessions) {
    return fail(limitPassed("maximumStoredSessions", reasonCode.quotaExceeded, "too many stored sessions"));
  }
  return ok(clientId);
}

const isStored = (connect: Connect): boolean =>
  quirksOf(connect.protocolVersion).hasSessionExpiry
    ? (connect.properties?.sessionExpiryIntervalSec ?? 0) > 0
    : !connect.cleanStart;

function establish(
  broker: Broker,
  connection: Connection,
  connect: Connect,
  clientId: ClientId,
  username: string | undefined,
  connack: Connack,
  nowMs: number,
): void {
  takeOver(broker, clientId, nowMs);
  const resumed = resumable(broker, connect, clientId, username, nowMs);
  const session = resumed ?? createSession(broker, connection, connect, clientId, username, nowMs);
  const online = bring(broker, connection, connect, session, nowMs);
  if (connect.will !== undefined) storeWill(broker, connection, session, connect.will);
  acceptConnection(broker, connection, session, resumed !== undefined, connack);
  if (online.outbound.kind === "stored") online.outbound.onResume();
  online.outbound.pump(nowMs);
  broker.saveProgress(session); // with what may be sent from now on; this flush writes it anyway
  pumpReplays(broker, session);
  broker.groups.pumpFor(session);
}

/** A second connection with the same client id closes the first [MQTT-3.1.4-2 v3.1.1, MQTT-3.1.4-3]. */
function takeOver(broker: Broker, clientId: ClientId, nowMs: number): void {
  const online = broker.sessions.get(clientId)?.online;
  if (online === undefined) return;
  const violation = refused(reasonCode.sessionTakenOver, "the client id connected again", "MQTT-3.1.4-2");
  endConnection(broker, online.connection, violation, nowMs);
}

/** The stored session that goes on, or nothing: then whatever was there has ended [MQTT-3.1.2-6 v3.1.1, MQTT-3.1.2-4]. */
function resumable(
  broker: Broker,
  connect: Connect,
  clientId: ClientId,
  username: string | undefined,
  nowMs: number,
): Session | undefined {
  const existing = broker.sessions.get(clientId);
  if (existing === undefined) {
    // What is left is the will of a connection that a crash of the shard took, and this client is back in time.
    cancelDelayedWills(broker, clientId);
    return undefined;
  }
  // A session is its user's: another one with the same client id starts clean.
  if (connect.cleanStart || existing.username !== username || isExpired(existing, nowMs)) {
    sessionOver(broker, existing, nowMs);
    return undefined;
  }
  cancelDelayedWills(broker, clientId);
  return existing;
}

const isExpired = (session: Session, nowMs: number): boolean =>
  session.expiresAtMs !== undefined && session.expiresAtMs <= nowMs;

function createSession(
  broker: Broker,
  connection: Connection,
  connect: Connect,
  clientId: ClientId,
  username: string | undefined,
  nowMs: number,
): Session {
  const kind = isStored(connect) ? "stored" : "ephemeral";
  const session: Session = {
    clientId,
    kind,
    // An ephemeral session lives exactly as long as its connection, and so has its number.
    number: kind === "stored" ? broker.sessions.takeNumber() : (connection.id as SessionNumber),
    protocolVersion: connect.protocolVersion,
    username,
    expiryIntervalSec: 0,
    receiveMaximum: broker.limits.maximumInflight,
    createdAtMs: nowMs,
    online: undefined,
    expiresAtMs: undefined,
    subscriptions: new Map(),
    nextSubscriptionNumber: 1,
    replays: new Map(),
  };
  broker.sessions.add(session);
  return session;
}

/** Brings the session on line over this connection. */
function bring(broker: Broker, connection: Connection, connect: Connect, session: Session, nowMs: number): Online {
  const { maximumInflight } = broker.limits;
  const window = Math.min(maximumInflight, connect.properties?.receiveMaximum ?? maximumInflight); // [MQTT-3.3.4-9]
  const online =
    session.kind === "stored"
      ? bringStored(broker, connection, session, window)
      : {
          connection,
          outbound: new EphemeralOutbound(broker, connection, window),
          inbound: new Set<never>(),
          unansweredQos1: 0,
          unansweredQos2: 0,
        };
  session.protocolVersion = connect.protocolVersion;
  session.expiryIntervalSec = expiryOf(broker, connect);
  session.receiveMaximum = window;
  session.expiresAtMs = undefined;
  session.online = online;
  connection.state = { kind: "connected", session };
  connection.connectedAtMs = nowMs;
  connection.lastSeenMs = nowMs;
  broker.sessions.changed(session);
  return online;
}

/** `open` is committed before the CONNACK: after a crash the last window counts as sent (design §4.6). */
function bringStored(broker: Broker, connection: Connection, session: Session, window: number): Online {
  const progress = broker.progress.get(session.number);
  const outbound = new StoredOutbound(broker, session, connection, window, progress);
  broker.progress.set(session.number, { ...progress, open: true });
  broker.effects.needsFlush();
  return { connection, outbound, inbound: new Set(progress.inbound), unansweredQos1: 0, unansweredQos2: 0 };
}

function expiryOf(broker: Broker, connect: Connect): number {
  const { maximumSessionExpiryInterval } = broker.limits;
  if (quirksOf(connect.protocolVersion).hasSessionExpiry) {
    return Math.min(connect.properties?.sessionExpiryIntervalSec ?? 0, maximumSessionExpiryInterval);
  }
  return connect.cleanStart ? 0 : broker.limits.sessionExpiryIntervalSec;
}

function acceptConnection(
  broker: Broker,
  connection: Connection,
  session: Session,
  isResumed: boolean,
  connack: Connack,
): void {
  broker.counters.connectsAccepted += 1;
  const hasFlag = quirksOf(connection.protocolVersion).hasSessionPresent;
  broker.effects.needsSave(connection);
  watchKeepAlive(broker, connection);
  broker.effects.send(
    connection,
    { ...connack, sessionPresent: isResumed && hasFlag }, // [MQTT-3.2.2-2]
    session.kind === "stored" || connection.hasWill || broker.isDirty ? "after-commit" : "at-once",
  );
}
