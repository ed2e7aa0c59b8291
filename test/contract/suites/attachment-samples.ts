// Connections as an idle save keeps them, with every field at least once: an ephemeral session and a stored one.

import type { ClientId, PacketId, Position, TopicFilter, TopicName } from "../../../src/core/brand.ts";
import type { AttachmentHead, SavedConnection } from "../../../src/objects/attachment.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const packetId = (id: number): PacketId => id as PacketId;
const position = (at: number): Position => at as Position;
const topicName = (text: string): TopicName => text as TopicName;

const topicFilter = (text: string): TopicFilter => text as TopicFilter;

const connectedAtMs = 1_700_000_000_123;

export const head: AttachmentHead = {
  isDirty: false,
  hasOverflow: false,
  isRelayBehind: false,
  lastSeenMs: 1_700_000_000_456.5,
};

export const ephemeral = {
  partial: Uint8Array.of(0x30, 0xff),
  snapshot: {
    id: connectedAtMs * 1024 + 7,
    protocolVersion: 4,
    keepAliveSec: 60,
    connectedAtMs,
    hasWill: true,
    leaseSec: 300,
    clientId: "éphémère" as ClientId,
    username: "alice",
    windowSize: 32,
    outbound: {
      kind: "ephemeral",
      lastPacketId: 65_535,
      nextSubscriptionNumber: 4,
      inFlight: [
        { packetId: packetId(1), position: undefined, qos: 1, phase: "sent" },
        { packetId: packetId(65_535), position: undefined, qos: 2, phase: "released" },
        {
          packetId: packetId(3),
          position: undefined,
          qos: 1,
          phase: "sent",
          handed: {
            filter: "$share/g/t/#",
            position: position(12),
            message: { topicName: topicName("t/1"), payload: bytes("handed"), qos: 1, retain: false },
          },
        },
      ],
      inbound: [packetId(5), packetId(6)],
      subscriptions: [
        {
          filter: "t/+",
          number: 1,
          qos: 2,
          retainHandling: 2,
          noLocal: true,
          retainAsPublished: true,
          subscriptionIdentifier: 268_435_455,
        },
        { filter: "$share/g/t/#", number: 3, qos: 0, retainHandling: 0, noLocal: false, retainAsPublished: false },
      ],
      queue: [
        {
          qos: 2,
          retain: true,
          subscriptionIdentifiers: [1, 200],
          message: {
            topicName: topicName("t/2"),
            payload: new Uint8Array(),
            qos: 2,
            retain: true,
            properties: {
              payloadFormatIndicator: 1,
              messageExpiryIntervalSec: 60,
              contentType: "text/plain",
              responseTopic: "answers",
              correlationData: Uint8Array.of(0, 255),
              userProperties: [
                ["a", "1"],
                ["a", "2"],
              ],
            },
            expiresAtMs: connectedAtMs + 60_000,
          },
        },
        {
          qos: 1,
          retain: false,
          subscriptionIdentifiers: undefined,
          message: { topicName: topicName("t/3"), payload: bytes("waits"), qos: 1, retain: false },
        },
      ],
    },
    replays: [
      {
        key: "0 t/+",
        filter: "t/+",
        topicFilter: topicFilter("t/+"),
        owner: 2,
        qos: 1,
        subscriptionIdentifier: 9,
        notAfterVersion: 77,
        lastTopic: topicName("t/1"),
      },
    ],
  },
} as const satisfies SavedConnection;

export const stored = {
  partial: new Uint8Array(),
  snapshot: {
    id: 1,
    protocolVersion: 3,
    keepAliveSec: 0,
    connectedAtMs,
    hasWill: false,
    clientId: "stored" as ClientId,
    windowSize: 1,
    outbound: {
      kind: "stored",
      cursor: position(300),
      resendTo: position(0),
      inFlight: [{ packetId: packetId(301), position: position(300), qos: 2, phase: "sent" }],
    },
    replays: [
      {
        key: "1 #",
        filter: "#",
        topicFilter: topicFilter("#"),
        owner: 1,
        qos: 0,
        notAfterVersion: 0,
        lastTopic: undefined,
      },
    ],
  },
} as const satisfies SavedConnection;

export const attachmentSamples = { ephemeral, stored };
