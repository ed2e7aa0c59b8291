// Before a shard's data can move it must come to rest: clients go, what is on its way arrives, and what was to be fetched
// from other shards bit by bit is fetched whole.

import type { Broker } from "./broker.ts";
import { drop, leave, sendDisconnect } from "./disconnect.ts";
import type { Message, QoS } from "./packet.ts";
import { reasonCode } from "./reason-code.ts";
import { endReplay, type ReplayJob } from "./replay.ts";
import type { Session } from "./session.ts";
import { refused } from "./violation.ts";

/**
 * Every connection ends as when the process does: MQTT 5 clients are told 0x8B, wills stay in their rows, stored sessions
 * wait for their clients, the others end.
 */
export function sendAway(broker: Broker, nowMs: number): void {
  broker.nowMs = nowMs;
  const violation = refused(reasonCode.serverShuttingDown, "the layout of the broker changes: come back in a moment");
  for (const connection of Array.from(broker.connections.values())) {
    const { state } = connection;
    if (state.kind === "connected") sendDisconnect(broker, connection, violation);
    drop(broker, connection);
    if (state.kind === "connected") leave(broker, connection, state.session, nowMs);
  }
}

/** The most messages of one page. */
const pageSize = 256;

/**
 * What is left of the replays of stored sessions goes to their queues. Asks for one page of each that is not waiting for
 * one; gives how many there are.
 */
export function materializeReplays(broker: Broker, nowMs: number): number {
  broker.nowMs = nowMs;
  let open = 0;
  for (const session of broker.sessions.all()) {
    if (session.kind !== "stored" || session.online !== undefined) continue;
    for (const job of session.replays.values()) {
      open += 1;
      if (!job.waiting) askPage(broker, session, job);
    }
  }
  return open;
}

function askPage(broker: Broker, session: Session, job: ReplayJob): void {
  job.waiting = true;
  const { owner, topicFilter, lastTopic, notAfterVersion } = job;
  broker.topics.retainedPage(owner, topicFilter, lastTopic, pageSize, notAfterVersion, (page) => {
    job.waiting = false;
    if (page === undefined || session.replays.get(job.key) !== job) return; // asked for again
    for (const message of page.messages) append(broker, session, job, message);
    if (page.next === undefined) endReplay(broker, session, job.key);
    else {
      job.lastTopic = page.next;
      broker.replayRows.put(session.number, job);
    }
    broker.effects.needsFlush();
  });
}

/** Whether the client may have it is asked when it is sent. */
function append(broker: Broker, session: Session, job: ReplayJob, message: Message): void {
  const qos = Math.min(job.qos, message.qos) as QoS;
  if (qos === 0) return; // for who is there
  const { subscriptionIdentifier } = job;
  const recipient = {
    session: session.number,
    qos,
    retain: true, // [MQTT-3.3.1-8]
    ...(subscriptionIdentifier !== undefined && { subscriptionIdentifiers: [subscriptionIdentifier] }),
  };
  broker.log.append(message, [recipient]);
}
