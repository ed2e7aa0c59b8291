// Enhanced authentication (§4.12): CONNECT names a method, AUTH packets go to and fro, and the authenticator judges each
// of the client's. The core keeps whose turn it is; what is in the data only the authenticator knows.

import type { Broker } from "./broker.ts";
import type { AuthVerdict } from "./connect.ts";
import { isConnected, type Connection, type Exchange } from "./connection.ts";
import { abandonConnection, endConnection, refuseConnection } from "./disconnect.ts";
import type { Auth, ClientPacket, Connect } from "./packet.ts";
import { reasonCode, type ReasonCode } from "./reason-code.ts";
import { protocolError, refusedInPrivate, type Violation } from "./violation.ts";

/** What the authenticator says to one step. */
export type ExchangeVerdict =
  | { readonly kind: "continue"; readonly data: Uint8Array; readonly state: Uint8Array }
  | { readonly kind: "allow"; readonly username?: string; readonly data?: Uint8Array }
  | { readonly kind: "refuse"; readonly reasonCode: ReasonCode; readonly detail: string };

/** CONNECT with an Authentication Method. */
export function startExchange(broker: Broker, connection: Connection, connect: Connect, method: string): void {
  const exchange: Exchange = { turn: { kind: "authenticator" }, state: undefined };
  connection.authenticationMethod = method;
  connection.state = { kind: "authenticating", connect, early: [], earlyBytes: 0, exchange };
  const data = connect.properties?.authenticationData;
  broker.effects.exchange(connection, { clientId: connect.clientId, method, ...(data !== undefined && { data }) });
}

/** Before CONNACK only AUTH or DISCONNECT may come [MQTT-3.1.2-30]. */
export function onExchangePacket(
  broker: Broker,
  connection: Connection,
  exchange: Exchange,
  packet: ClientPacket,
  nowMs: number,
): void {
  if (packet.kind === "disconnect") {
    abandonConnection(broker, connection);
    return;
  }
  if (packet.kind !== "auth") {
    broker.onViolation(connection, protocolError("a packet between AUTH packets", "MQTT-3.1.2-30"), nowMs);
    return;
  }
  const clientId = connection.state.kind === "authenticating" ? connection.state.connect.clientId : "";
  takeStep(broker, connection, exchange, packet, { clientId }, nowMs);
}

/** AUTH of a connected client: it authenticates anew (§4.12.1). */
export function onAuth(broker: Broker, connection: Connection, packet: Auth, nowMs: number): void {
  if (!isConnected(connection)) return;
  const { session } = connection.state;
  const who = { clientId: session.clientId, ...(session.username !== undefined && { username: session.username }) };
  if (connection.authenticationMethod === undefined) {
    broker.onViolation(connection, protocolError("AUTH without a method in CONNECT", "MQTT-4.12.0-7"), nowMs);
    return;
  }
  if (connection.reauthentication !== undefined) {
    takeStep(broker, connection, connection.reauthentication, packet, who, nowMs);
    return;
  }
  const violation =
    packet.reasonCode === reasonCode.reAuthenticate
      ? judgeMethod(connection, packet)
      : protocolError("AUTH that does not start a re-authentication", "MQTT-4.12.1-1");
  if (violation !== undefined) {
    broker.onViolation(connection, violation, nowMs);
    return;
  }
  connection.reauthentication = { turn: { kind: "authenticator" }, state: undefined };
  ask(broker, connection, connection.reauthentication, packet, who);
}

interface Who {
  readonly clientId: string;
  readonly username?: string;
}

function takeStep(
  broker: Broker,
  connection: Connection,
  exchange: Exchange,
  packet: Auth,
  who: Who,
  nowMs: number,
): void {
  const violation = judgeStep(connection, exchange, packet);
  if (violation !== undefined) {
    broker.onViolation(connection, violation, nowMs);
    return;
  }
  exchange.turn = { kind: "authenticator" };
  ask(broker, connection, exchange, packet, who);
}

function judgeStep(connection: Connection, exchange: Exchange, packet: Auth): Violation | undefined {
  if (exchange.turn.kind !== "client") return protocolError("AUTH out of turn");
  if (packet.reasonCode !== reasonCode.continueAuthentication) {
    return protocolError("AUTH that does not go on", "MQTT-4.12.0-3");
  }
  return judgeMethod(connection, packet);
}

/** One method for the whole connection [MQTT-4.12.0-5, MQTT-4.12.1-1]. */
function judgeMethod(connection: Connection, packet: Auth): Violation | undefined {
  if (packet.properties?.authenticationMethod === connection.authenticationMethod) return undefined;
  return protocolError("AUTH with another method than CONNECT", "MQTT-4.12.0-5");
}

function ask(broker: Broker, connection: Connection, exchange: Exchange, packet: Auth, who: Who): void {
  const data = packet.properties?.authenticationData;
  broker.effects.exchange(connection, {
    ...who,
    method: connection.authenticationMethod ?? "",
    ...(data !== undefined && { data }),
    ...(exchange.state !== undefined && { state: exchange.state }),
  });
}

/** The answer to a step. The client may have gone meanwhile: then there is nothing to do. */
export function onExchangeVerdict(
  broker: Broker,
  connection: Connection,
  verdict: ExchangeVerdict,
  nowMs: number,
): void {
  const { state } = connection;
  if (state.kind === "authenticating" && state.exchange !== undefined) {
    onFirstVerdict(broker, connection, state.exchange, state.connect, verdict, nowMs);
  } else if (isConnected(connection) && connection.reauthentication !== undefined) {
    onLaterVerdict(broker, connection, connection.reauthentication, verdict, nowMs);
  }
}

function onFirstVerdict(
  broker: Broker,
  connection: Connection,
  exchange: Exchange,
  connect: Connect,
  verdict: ExchangeVerdict,
  nowMs: number,
): void {
  switch (verdict.kind) {
    case "continue":
      goOn(broker, connection, exchange, verdict, nowMs);
      return;
    case "allow":
      broker.onAuthVerdict(connection, toAuthVerdict(verdict), nowMs); // the rest of CONNECT
      return;
    case "refuse": {
      // [MQTT-4.12.0-4]
      const violation = refusedInPrivate(verdict.reasonCode, verdict.detail);
      refuseConnection(broker, connection, violation, connect.clientId);
      return;
    }
  }
}

const toAuthVerdict = ({ username, data }: Extract<ExchangeVerdict, { kind: "allow" }>): AuthVerdict => ({
  kind: "allow",
  ...(username !== undefined && { username }),
  ...(data !== undefined && { authenticationData: data }),
});

function onLaterVerdict(
  broker: Broker,
  connection: Connection,
  exchange: Exchange,
  verdict: ExchangeVerdict,
  nowMs: number,
): void {
  switch (verdict.kind) {
    case "continue":
      goOn(broker, connection, exchange, verdict, nowMs);
      return;
    case "allow":
      connection.reauthentication = undefined;
      sendAuth(broker, connection, reasonCode.success, verdict.data);
      return;
    case "refuse":
      // [MQTT-4.12.1-2]
      endConnection(broker, connection, refusedInPrivate(verdict.reasonCode, verdict.detail), nowMs);
      return;
  }
}

function goOn(
  broker: Broker,
  connection: Connection,
  exchange: Exchange,
  { data, state }: Extract<ExchangeVerdict, { kind: "continue" }>,
  nowMs: number,
): void {
  exchange.state = state;
  exchange.turn = { kind: "client", deadlineMs: nowMs + broker.limits.connectTimeoutMs };
  sendAuth(broker, connection, reasonCode.continueAuthentication, data); // [MQTT-4.12.0-2]
  broker.effects.awaitAuth(connection);
}

function sendAuth(broker: Broker, connection: Connection, code: ReasonCode, data: Uint8Array | undefined): void {
  const { authenticationMethod } = connection;
  broker.effects.send(
    connection,
    {
      kind: "auth",
      reasonCode: code,
      properties: {
        ...(authenticationMethod !== undefined && { authenticationMethod }),
        ...(data !== undefined && { authenticationData: data }),
      },
    },
    "at-once",
  );
}

/** When the client must have said its next AUTH, if it is its turn (epoch ms). */
export function authDeadlineMs(connection: Connection): number | undefined {
  const { state, reauthentication } = connection;
  const exchange = state.kind === "authenticating" ? state.exchange : reauthentication;
  return exchange?.turn.kind === "client" ? exchange.turn.deadlineMs : undefined;
}
