// One row of each kind, with every field and with the least: what the stores must give back, also from a database of
// an older schema.

import type { ClientId, Position, SessionNumber, TopicFilter, TopicName } from "../../../src/core/brand.ts";
import type { IdempotencyRow } from "../../../src/core/idempotency.ts";
import type { MessageProperties } from "../../../src/core/packet.ts";
import type { StoredReplay } from "../../../src/core/replay.ts";
import type { StoredRetained } from "../../../src/core/retained-row.ts";
import type { StoredSession, StoredSubscription } from "../../../src/core/session-table.ts";
import type { StoredWill } from "../../../src/core/will.ts";

export const position = (number: number): Position => number as Position;
export const sessionNumber = (number: number): SessionNumber => number as SessionNumber;

export const everyProperty: MessageProperties = {
  payloadFormatIndicator: 1,
  messageExpiryIntervalSec: 3600,
  contentType: "text/plain",
  responseTopic: "answers/ü",
  correlationData: Uint8Array.of(0, 255),
  userProperties: [
    ["b", "1"],
    ["a", "2"],
    ["b", "3"],
  ],
};

export const fullSession: StoredSession = {
  clientId: "sensor-ü" as ClientId,
  number: sessionNumber(200),
  protocolVersion: 5,
  username: "alice",
  expiryIntervalSec: 0xffff_ffff,
  expiresAtMs: 1_790_000_000_000,
  receiveMaximum: 65_535,
  createdAtMs: 1_780_000_000_000,
  nextSubscriptionNumber: 12,
};

export const leastSession: StoredSession = {
  clientId: "x" as ClientId,
  number: sessionNumber(1),
  protocolVersion: 3,
  expiryIntervalSec: 1,
  receiveMaximum: 32,
  createdAtMs: 1_780_000_000_000,
  nextSubscriptionNumber: 1,
};

export const fullSubscription: StoredSubscription = {
  filter: "$share/group/a/+/#",
  number: 11,
  qos: 2,
  noLocal: true,
  retainAsPublished: true,
  retainHandling: 2,
  subscriptionIdentifier: 268_435_455,
};

export const leastSubscription: StoredSubscription = {
  filter: "/news/+/sport",
  number: 1,
  qos: 0,
  noLocal: false,
  retainAsPublished: false,
  retainHandling: 0,
};

export const fullRetained: StoredRetained = {
  topicName: "home/kitchen/temperature" as TopicName,
  version: 1_780_000_000_000 * 1024 + 3,
  qos: 2,
  payload: Uint8Array.of(50, 49),
  properties: everyProperty,
  publishedAtMs: 1_780_000_000_000,
  expiresAtMs: 1_780_003_600_000,
};

export const leastRetained: StoredRetained = {
  topicName: "/" as TopicName,
  version: 1,
  qos: 0,
  payload: Uint8Array.of(1),
  publishedAtMs: 0,
};

export const fullWill: StoredWill = {
  connection: 1_780_000_000_000 * 1024 + 7,
  clientId: "sensor-ü",
  sessionNumber: 200,
  username: "",
  will: {
    topicName: "gone/ü",
    payload: Uint8Array.of(98, 121, 101),
    qos: 2,
    retain: true,
    properties: everyProperty,
    willDelayIntervalSec: 30,
  },
  dueAtMs: 1_780_000_030_000,
};

export const leastWill: StoredWill = {
  connection: 1,
  clientId: "",
  sessionNumber: 0,
  will: { topicName: "w", payload: new Uint8Array(0), qos: 0, retain: false },
};

export const fullKey: IdempotencyRow = {
  key: 'token "ü" 1',
  fingerprint: Uint8Array.of(0, 255),
  answerId: "0123456789ABCDEF0123456789ABCDEF",
  expiresAtMs: 1_790_000_000_000,
  outcomes: [
    { kind: "accepted" },
    { kind: "no-matching-subscribers" },
    { kind: "refused", reasonCode: 0x97, detail: "full" },
  ],
};

export const leastKey: IdempotencyRow = { key: "", fingerprint: new Uint8Array(0), answerId: "", expiresAtMs: 1 };

export const fullReplay: StoredReplay = {
  key: "2:$share/group/a/+/#",
  filter: "$share/group/a/+/#",
  topicFilter: "a/+/#" as TopicFilter,
  owner: 2,
  qos: 2,
  subscriptionIdentifier: 1,
  notAfterVersion: 1_780_000_000_000 * 1024,
  lastTopic: "a/b/ü" as TopicName,
};

export const leastReplay: StoredReplay = {
  key: "0:#",
  filter: "#",
  topicFilter: "#" as TopicFilter,
  owner: 0,
  qos: 1,
  notAfterVersion: 0,
  lastTopic: undefined,
};
