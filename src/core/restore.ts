// Coming back: after hibernation (sockets kept, memory gone) and after a crash (sockets gone too).

import type { ClientId, PacketId, Position, SessionNumber, TopicFilter, TopicName } from "./brand.ts";
import type { Broker, Stores } from "./broker.ts";
import type { Connection } from "./connection.ts";
import { sessionOver, setExpiry } from "./disconnect.ts";
import { EphemeralOutbound, type QueuedMessage } from "./outbound-ephemeral.ts";
import { StoredOutbound, type StoredOutboundState } from "./outbound-stored.ts";
import type { Message, ProtocolVersion } from "./packet.ts";
import type { ReplayJob } from "./replay.ts";
import type { Online, Session } from "./session.ts";
import { topicFilterOf, type StoredSession, type StoredSubscription } from "./session-table.ts";
import { PositionRanges } from "./position-ranges.ts";
import { addToIndex } from "./subscription-index.ts";
import type { Subscription } from "./subscription.ts";
import { InboundAliases, OutboundAliases } from "./topic-alias.ts";
import { routeOf } from "./topic-port.ts";
import { delayWill, willDelaySec, type StoredWill } from "./will.ts";
import type { InFlight } from "./window.ts";

/** A message in flight; where a shared group handed it over, with what the group would get back. */
export type SavedInFlight = Omit<InFlight, "handed"> & {
  readonly handed?: { readonly filter: string; readonly message: Message; readonly position: Position | undefined };
};

/** What an MQTT 5 client and the server hold each other to on one connection. */
export interface SavedTerms {
  readonly maximumPacketSize?: number;
  readonly wantsProblemInformation: boolean;
  readonly authenticationMethod?: string;
  readonly inboundAliases: readonly (readonly [alias: number, topicName: TopicName])[];
  readonly outboundAliasMaximum: number;
  /** In the order of their aliases. */
  readonly outboundAliases: readonly TopicName[];
  /** Absent: none. */
  readonly unansweredQos2?: number;
}

/** What an idle save keeps of a connection: everything that storage does not have. */
export interface ConnectionSnapshot {
  readonly id: number;
  readonly protocolVersion: ProtocolVersion;
  readonly keepAliveSec: number;
  readonly connectedAtMs: number;
  readonly hasWill: boolean;
  /** Of an MQTT 5 connection. */
  readonly terms?: SavedTerms;
  readonly leaseSec?: number;
  readonly clientId: ClientId;
  readonly username?: string;
  readonly windowSize: number;
  readonly outbound:
    | ({ readonly kind: "stored" } & StoredOutboundState)
    | {
        readonly kind: "ephemeral";
        readonly inFlight: readonly SavedInFlight[];
        readonly lastPacketId: number;
        readonly queue: readonly QueuedMessage[];
        readonly inbound: readonly PacketId[];
        readonly nextSubscriptionNumber: number;
        readonly subscriptions: readonly StoredSubscription[];
      };
  /** Also those that have a row: a wake for an acknowledgement goes on with them. */
  readonly replays: readonly Omit<ReplayJob, "waiting">[];
}

export function snapshotOf(connection: Connection): ConnectionSnapshot | undefined {
  if (connection.state.kind !== "connected") return undefined;
  const { session } = connection.state;
  const { online } = session;
  if (online === undefined) return undefined;
  const { outbound } = online;
  return {
    id: connection.id,
    protocolVersion: connection.protocolVersion,
    keepAliveSec: connection.keepAliveSec,
    connectedAtMs: connection.connectedAtMs,
    hasWill: connection.hasWill,
    ...(connection.protocolVersion === 5 && { terms: termsOf(connection, online) }),
    clientId: session.clientId,
    windowSize: outbound.window.size,
    outbound:
      outbound.kind === "stored"
        ? { kind: "stored", ...outbound.state }
        : {
            kind: "ephemeral",
            inFlight: [...outbound.window.entries()].map(toSaved),
            lastPacketId: outbound.lastPacketId,
            queue: outbound.queue,
            inbound: [...online.inbound],
            nextSubscriptionNumber: session.nextSubscriptionNumber,
            subscriptions: [...session.subscriptions.values()],
          },
    replays: [...session.replays.values()],
    ...(session.username !== undefined && { username: session.username }),
    ...(connection.leaseSec !== undefined && { leaseSec: connection.leaseSec }),
  };
}

function termsOf(connection: Connection, { unansweredQos2 }: Online): SavedTerms {
  const { maximumPacketSize, wantsProblemInformation, authenticationMethod } = connection;
  return {
    wantsProblemInformation,
    inboundAliases: connection.inboundAliases?.entries() ?? [],
    outboundAliasMaximum: connection.outboundAliases?.maximum ?? 0,
    outboundAliases: connection.outboundAliases?.topicNames ?? [],
    ...(maximumPacketSize !== undefined && { maximumPacketSize }),
    ...(authenticationMethod !== undefined && { authenticationMethod }),
    ...(unansweredQos2 > 0 && { unansweredQos2 }),
  };
}

function restoreTerms(broker: Broker, connection: Connection, terms: SavedTerms | undefined): void {
  if (terms === undefined) return;
  const { inboundAliases, outboundAliases, outboundAliasMaximum } = terms;
  connection.maximumPacketSize = terms.maximumPacketSize;
  connection.wantsProblemInformation = terms.wantsProblemInformation;
  connection.authenticationMethod = terms.authenticationMethod;
  if (inboundAliases.length > 0) {
    connection.inboundAliases = new InboundAliases(broker.limits.topicAliasMaximum, inboundAliases);
  }
  if (outboundAliasMaximum > 0) {
    connection.outboundAliases = new OutboundAliases(outboundAliasMaximum, outboundAliases);
  }
}

function toSaved({ handed, ...entry }: InFlight): SavedInFlight {
  if (handed === undefined) return entry;
  const { group, message, position } = handed;
  return { ...entry, handed: { filter: group.filter, message, position } };
}

/** Its group exists: the session's subscriptions came back first. */
function fromSaved(broker: Broker, { handed, ...entry }: SavedInFlight): InFlight {
  const group = handed && broker.groups.find(handed.filter);
  if (handed === undefined || group === undefined) return entry;
  const { message, position } = handed;
  group.onRestored(position, message);
  return { ...entry, handed: { group, message, position } };
}

/** Brings one connection back without touching any other. `false`: its session is gone or taken, the socket must close. */
export function restoreConnection(
  broker: Broker,
  stores: Stores,
  connection: Connection,
  snapshot: ConnectionSnapshot,
): boolean {
  // Another connection has the session: this one was closed, and its socket has not noticed.
  if (broker.sessions.get(snapshot.clientId)?.online !== undefined) return false;
  const session =
    snapshot.outbound.kind === "stored"
      ? findStored(broker, stores, snapshot.clientId)
      : restoreEphemeral(broker, snapshot, snapshot.outbound);
  if (session === undefined) return false;
  connection.protocolVersion = snapshot.protocolVersion;
  connection.keepAliveSec = snapshot.keepAliveSec;
  restoreTerms(broker, connection, snapshot.terms);
  connection.connectedAtMs = snapshot.connectedAtMs;
  connection.hasWill = snapshot.hasWill;
  connection.leaseSec = snapshot.leaseSec;
  connection.access = broker.options.accessFor(session.username, session.clientId);
  connection.state = { kind: "connected", session };
  session.online = restoreOnline(broker, session, connection, snapshot);
  for (const job of snapshot.replays) session.replays.set(job.key, { ...job, waiting: false });
  return true;
}

function restoreOnline(broker: Broker, session: Session, connection: Connection, snapshot: ConnectionSnapshot): Online {
  const { outbound: state, windowSize } = snapshot;
  const unansweredQos2 = snapshot.terms?.unansweredQos2 ?? 0;
  if (state.kind === "stored") {
    const progress = broker.progress.get(session.number);
    const outbound = new StoredOutbound(broker, session, connection, windowSize, progress);
    outbound.restore(state);
    return { connection, outbound, inbound: new Set(progress.inbound), unansweredQos1: 0, unansweredQos2 };
  }
  const outbound = new EphemeralOutbound(broker, connection, windowSize);
  const inFlight = state.inFlight.map((entry) => fromSaved(broker, entry));
  outbound.restore(inFlight, state.lastPacketId, state.queue);
  return { connection, outbound, inbound: new Set(state.inbound), unansweredQos1: 0, unansweredQos2 };
}

function restoreEphemeral(
  broker: Broker,
  snapshot: ConnectionSnapshot,
  state: Extract<ConnectionSnapshot["outbound"], { kind: "ephemeral" }>,
): Session {
  const session: Session = {
    clientId: snapshot.clientId,
    number: snapshot.id as SessionNumber,
    kind: "ephemeral",
    protocolVersion: snapshot.protocolVersion,
    username: snapshot.username,
    expiryIntervalSec: 0,
    receiveMaximum: snapshot.windowSize,
    createdAtMs: snapshot.connectedAtMs,
    online: undefined,
    expiresAtMs: undefined,
    subscriptions: new Map(),
    nextSubscriptionNumber: state.nextSubscriptionNumber,
    replays: new Map(),
  };
  broker.sessions.add(session);
  for (const row of state.subscriptions) index(broker, session, row);
  return session;
}

function findStored(broker: Broker, stores: Stores, clientId: ClientId): Session | undefined {
  const known = broker.sessions.get(clientId);
  if (known !== undefined) return known;
  const row = stores.sessions.session(clientId);
  return row && addStored(broker, row);
}

function addStored(broker: Broker, row: StoredSession): Session {
  const session: Session = {
    clientId: row.clientId,
    number: row.number,
    kind: "stored",
    protocolVersion: row.protocolVersion,
    username: row.username,
    expiryIntervalSec: row.expiryIntervalSec,
    receiveMaximum: row.receiveMaximum,
    createdAtMs: row.createdAtMs,
    online: undefined,
    expiresAtMs: row.expiresAtMs,
    subscriptions: new Map(),
    nextSubscriptionNumber: row.nextSubscriptionNumber,
    replays: new Map(),
  };
  broker.sessions.add(session);
  return session;
}

function index(broker: Broker, session: Session, row: StoredSubscription): void {
  const parts: { topicFilter: TopicFilter; shareName?: string } = topicFilterOf(row.filter);
  const subscription: Subscription = { ...row, ...parts };
  addToIndex(broker, session, subscription);
  broker.topics.restore(routeOf(session, subscription));
}

/**
 * Reads every stored session. Those that are known already stay as they are. Before the sockets come back: that is one
 * query, and not one for each of them.
 */
export function loadSessions(broker: Broker, stores: Stores): void {
  for (const row of stores.sessions.sessions()) {
    if (broker.sessions.get(row.clientId) === undefined) addStored(broker, row);
  }
}

/** Once every socket that lives is back: the subscriptions and replays of stored sessions, and what is made of them. */
export function loadSubscriptions(broker: Broker, stores: Stores): void {
  broker.groups.load();
  // One query: with one per session the first PUBLISH after a sleep would wait for thousands.
  for (const [number, subscription] of stores.sessions.allSubscriptions()) {
    const session = broker.sessions.byNumber(number);
    if (session !== undefined) index(broker, session, subscription);
  }
  for (const [number, job] of stores.replays.all()) {
    const session = broker.sessions.byNumber(number);
    if (session?.online === undefined) session?.replays.set(job.key, { ...job, waiting: false });
  }
  broker.isWhole = true;
  broker.routes.load();
  broker.groups.onWhole();
  broker.log.recover(
    (number) => {
      const ofGroup = broker.groups.acknowledgedTo(number);
      if (ofGroup !== undefined) return ofGroup as Position;
      if (broker.sessions.byNumber(number) === undefined) return undefined;
      return broker.progress.get(number).acknowledgedTo;
    },
    (number) => broker.progress.get(number).acknowledged,
  );
}

/**
 * A crash left the session open: what was sent since its progress was saved is not known, but it was no more than was
 * reserved, and nothing that comes from now on (design §4.6). The first release reserved nothing: of what it left, the
 * last window counts as sent. False where the session was closed in order.
 */
function settleProgress(broker: Broker, session: Session): boolean {
  const { reservedTo, ...progress } = broker.progress.get(session.number);
  if (!progress.open) return false;
  const done = new PositionRanges(progress.acknowledged);
  let sentTo = progress.acknowledgedTo;
  for (let left = session.receiveMaximum; left > 0; left -= 1) {
    const entry = broker.log.nextOutside(session.number, sentTo, done);
    if (entry === undefined) break;
    sentTo = entry.position;
  }
  sentTo = Math.max(sentTo, progress.sentTo, Math.min(reservedTo ?? 0, broker.log.end)) as Position;
  broker.progress.set(session.number, { ...progress, sentTo, open: false });
  return true;
}

/** The grace time after a crash, or the will's own delay where that is longer [MQTT-3.1.3-9]. */
function graceMs(broker: Broker, { clientId, will }: StoredWill): number {
  const session = broker.sessions.get(clientId as ClientId);
  return Math.max(broker.limits.willGraceMs, willDelaySec(will, session) * 1000);
}

function recoverWills(broker: Broker, stores: Stores, nowMs: number): void {
  for (const stored of stores.wills.all()) {
    if (broker.connections.has(stored.connection)) continue;
    if (stored.dueAtMs === undefined) {
      delayWill(broker, stored, nowMs + graceMs(broker, stored));
    } else {
      broker.delayedWills.set(stored);
      broker.effects.wakeAt(stored.dueAtMs, "seconds"); // it was on its way, or its alarm is set already
    }
  }
}

/** The layout has changed: clients may come back from now on, so each will waits at least the grace time. */
export function reviveWills(broker: Broker, stores: Stores, nowMs: number): void {
  const stored = stores.wills.all().map((will) => [will.connection, will] as const);
  for (const [, will] of Array.from(broker.wills.overlay(stored))) {
    delayWill(broker, will, Math.max(will.dueAtMs ?? 0, nowMs + graceMs(broker, will)));
  }
}

/**
 * Once every socket that lives is back: what a crash left open. Stored sessions without a connection start to expire
 * (those with expiry 0 end, as the standard has it); wills without a connection wait out the grace time.
 */
export function recover(broker: Broker, stores: Stores, nowMs: number): void {
  broker.nowMs = nowMs;
  let isCrashed = false;
  for (const session of broker.sessions.all()) {
    if (session.online !== undefined || session.expiresAtMs !== undefined) continue;
    if (settleProgress(broker, session)) isCrashed = true;
    if (session.expiryIntervalSec === 0) sessionOver(broker, session, nowMs);
    else setExpiry(broker, session, nowMs);
  }
  // A subscription may be stored here that its owners never heard of.
  if (isCrashed) broker.routes.restate();
  // While the layout changes nobody can come back: what is due then waits for the end of it.
  if (broker.stage === undefined) recoverWills(broker, stores, nowMs);
  // When the last round was is not known; the alarm that has just gone off may be the next one's.
  if (broker.sysSubscriptions > 0) broker.nextSysMs = nowMs;
  broker.retained.expiry.onWhole();
  if (broker.isDirty) broker.effects.needsFlush();
}
