// Puts the samples of every kind into a database: what a fixture holds.

import type { TopicFilter, TopicName } from "../../../src/core/brand.ts";
import { MessageLog } from "../../../src/core/message-log.ts";
import type { Message } from "../../../src/core/packet.ts";
import { ProgressPages, type Progress } from "../../../src/core/progress.ts";
import type { OpenStores } from "../../../src/storage/stores.ts";
import {
  everyProperty,
  fullKey,
  fullReplay,
  fullRetained,
  fullSession,
  fullSubscription,
  fullWill,
  leastKey,
  leastReplay,
  leastRetained,
  leastSession,
  leastSubscription,
  leastWill,
  position,
  sessionNumber,
} from "./samples.ts";

export const overflowKey = 77;
export const overflowBytes = Uint8Array.of(1, 2, 3);

export const fullMessage: Message = {
  topicName: "a/ü" as TopicName,
  payload: Uint8Array.of(0, 1, 255),
  qos: 2,
  retain: true,
  properties: everyProperty,
  expiresAtMs: 1_790_000_000_000,
};
export const leastMessage: Message = { topicName: "b" as TopicName, payload: new Uint8Array(0), qos: 1, retain: false };

export const fullProgress: Progress = {
  acknowledgedTo: position(1),
  acknowledged: [[position(3), position(3)]],
  sentTo: position(4),
  released: [position(2)],
  inbound: [65_535, 1] as unknown as Progress["inbound"],
  explicitIds: [[9, 4]] as unknown as Progress["explicitIds"],
  open: true,
};

export const groupFilter = "$share/group/a/ü/+";
export const groupNumber = sessionNumber(2 ** 33);

/** What every fixture holds. */
export function writeSamples(stores: OpenStores): void {
  for (const session of [fullSession, leastSession]) stores.sessions.put(session);
  for (const each of [fullSubscription, leastSubscription]) stores.sessions.putSubscription(fullSession.number, each);
  for (const row of [fullRetained, leastRetained]) stores.retained.put(row);
  for (const will of [fullWill, leastWill]) stores.wills.put(will.connection, will);
  for (const job of [fullReplay, leastReplay]) stores.replays.put(fullSession.number, job);
  stores.overflow.put(overflowKey, overflowBytes);
  for (const row of [fullKey, leastKey]) stores.idempotency.put(row.key, row);
  stores.links.put("#" as TopicFilter, 2, 9);
  stores.links.putFloor(2, 8);
  stores.links.putDurableTaken(2, 7);
  stores.links.outbox(1).append(6, overflowBytes);
  stores.groups.put(groupFilter, groupNumber);
  stores.meta.putNumber("next_session_number", 256);
  const log = new MessageLog(stores.log, { maximumLogBytes: 2 ** 30 });
  log.append(fullMessage, [
    { session: fullSession.number, qos: 2, retain: true, subscriptionIdentifiers: [1, 268_435_455] },
    { session: leastSession.number, qos: 1, retain: false },
  ]);
  log.append(leastMessage, [{ session: sessionNumber(2 ** 33), qos: 1, retain: false }]);
  log.flush();
  const pages = new ProgressPages(stores.progress);
  pages.set(fullSession.number, fullProgress);
  pages.flush(log.end, () => true);
}
