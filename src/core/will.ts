// Wills (§3.1.2.5): a row from CONNECT on, so that a crash of the shard does not lose them.

import { parseTopicName } from "./topic.ts";
import type { Broker } from "./broker.ts";
import type { Connection } from "./connection.ts";
import type { Message, Will } from "./packet.ts";
import type { Session } from "./session.ts";

export interface StoredWill {
  /** Id of the connection that brought it. */
  readonly connection: number;
  readonly clientId: string;
  readonly sessionNumber: number;
  readonly username?: string;
  readonly will: Will;
  /** Set once the connection is lost: when it is to be published (epoch ms). */
  readonly dueAtMs?: number;
}

export interface WillStore {
  all(): StoredWill[];
  get(connection: number): StoredWill | undefined;
  put(connection: number, will: StoredWill): void;
  delete(connection: number): void;
}

/** CONNECT brought a will [MQTT-3.1.2-7, MQTT-3.1.2-8 v3.1.1]. */
export function storeWill(broker: Broker, connection: Connection, session: Session, will: Will): void {
  connection.hasWill = true;
  broker.wills.put(connection.id, {
    connection: connection.id,
    clientId: session.clientId,
    sessionNumber: session.number,
    will,
    ...(session.username !== undefined && { username: session.username }),
  });
  broker.effects.needsFlush();
}

/** DISCONNECT came: the will is discarded unpublished [MQTT-3.1.2-10 v3.1.1, MQTT-3.14.4-3]. */
export function discardWill(broker: Broker, connection: Connection): void {
  if (!connection.hasWill) return;
  connection.hasWill = false;
  broker.wills.delete(connection.id);
  broker.effects.needsFlush();
}

/** The connection ended without DISCONNECT [MQTT-3.1.2-8]: at once, or after the Will Delay Interval where the session lives on. */
export function releaseWill(broker: Broker, connection: Connection, session: Session, nowMs: number): void {
  if (!connection.hasWill) return;
  connection.hasWill = false;
  const stored = broker.wills.get(connection.id);
  if (stored === undefined) return;
  const delaySec = willDelaySec(stored.will, session);
  if (delaySec === 0) publishWill(broker, stored, nowMs);
  else delayWill(broker, stored, nowMs + delaySec * 1000);
}

/** Never beyond the end of the session [MQTT-3.1.3-9]. */
export function willDelaySec({ willDelayIntervalSec }: Will, session: Session | undefined): number {
  const lifeSec = session?.kind === "stored" ? session.expiryIntervalSec : 0;
  return Math.min(willDelayIntervalSec ?? 0, lifeSec);
}

export function delayWill(broker: Broker, stored: StoredWill, dueAtMs: number): void {
  const delayed = { ...stored, dueAtMs };
  broker.wills.put(stored.connection, delayed);
  broker.delayedWills.set(delayed);
  broker.effects.wakeAt(dueAtMs, "seconds");
  broker.effects.needsFlush();
}

/** The client is back in time: the delayed will is not sent [MQTT-3.1.3-9]. */
export function cancelDelayedWills(broker: Broker, clientId: string): void {
  for (const stored of broker.delayedWills.of(clientId)) {
    broker.delayedWills.delete(stored.connection);
    broker.wills.delete(stored.connection);
    broker.effects.needsFlush();
  }
}

/** The session ended before the delay was over: its wills go out now [MQTT-3.1.3-9]. */
export function publishDelayedWillsOf(broker: Broker, clientId: string, nowMs: number): void {
  for (const stored of broker.delayedWills.of(clientId)) publishWill(broker, stored, nowMs);
}

export function publishDueWills(broker: Broker, nowMs: number): void {
  for (const stored of broker.delayedWills.all()) {
    const dueAtMs = stored.dueAtMs ?? 0;
    if (dueAtMs <= nowMs) publishWill(broker, stored, nowMs);
    else broker.effects.wakeAt(dueAtMs, "seconds");
  }
}

/** A will that nobody took is tried again after so long. */
const willRetryMs = 60_000;

/**
 * The row goes with the commit that holds what the will became. Of QoS 2 that is the one that hands it over, whoever owns
 * its topic: it comes once. Of QoS 0 and 1 it is the one after the answer: never lost, and after a crash at worst repeated.
 * Until then the row says that it is due, for its client may be back before it is published again.
 */
function publishWill(broker: Broker, stored: StoredWill, nowMs: number): void {
  broker.delayedWills.delete(stored.connection);
  const topicName = parseTopicName(stored.will.topicName, broker.limits);
  if (!topicName.ok) throw new Error("a stored will has an invalid topic name");
  const { will } = stored;
  const expirySec = will.properties?.messageExpiryIntervalSec;
  const message: Message = {
    topicName: topicName.value,
    payload: will.payload,
    qos: will.qos,
    retain: will.retain,
    ...(will.properties && { properties: will.properties }),
    ...(expirySec !== undefined && { expiresAtMs: nowMs + expirySec * 1000 }),
  };
  if (will.qos === 2) forgetWill(broker, stored);
  let isAnswered = false;
  broker.publish(message, { session: stored.sessionNumber }, (verdict) => {
    isAnswered = true;
    // Its topic's shard is away or has no room: later. Over a limit of the broker's own it is refused like any message.
    if (verdict.kind === "refused" && verdict.violation.limit === undefined) {
      delayWill(broker, takenBackByNobody(stored), broker.nowMs + willRetryMs);
      return;
    }
    broker.counters.willsPublished += 1;
    if (will.qos < 2) forgetWill(broker, stored);
  });
  if (isAnswered || will.qos === 2) return;
  broker.wills.put(stored.connection, { ...takenBackByNobody(stored), dueAtMs: nowMs });
  broker.effects.needsFlush();
}

/** It is due: that its client comes back does not cancel it any more. */
const takenBackByNobody = (stored: StoredWill): StoredWill => ({ ...stored, clientId: "" });

function forgetWill(broker: Broker, { connection }: StoredWill): void {
  broker.wills.delete(connection);
  broker.effects.needsFlush();
}
