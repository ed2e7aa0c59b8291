// Random packets for the property tests of the codec.

import * as fc from "fast-check";
import type { PacketId, TopicName } from "../../../src/core/brand.ts";
import type { Message, MessageProperties, Publish } from "../../../src/core/packet.ts";
import type { PublishProperties } from "../../../src/codec/publish-bytes.ts";

export const version = fc.constantFrom(3 as const, 4 as const, 5 as const);
export const qos = fc.constantFrom(0 as const, 1 as const, 2 as const);
export const packetId = fc.integer({ min: 1, max: 0xffff }).map((id) => id as PacketId);
/** Well-formed UTF-8 without U+0000, of one to four bytes a character. */
export const text = fc
  .string({ unit: "binary", maxLength: 40 })
  .map((string) => string.toWellFormed().replaceAll("\u0000", "\ufeff"));
/** Across the sizes at which the remaining length takes another byte. */
export const payload = fc.oneof(
  { arbitrary: fc.uint8Array({ maxLength: 40 }), weight: 5 },
  {
    arbitrary: fc.constantFrom(100, 127, 128, 16_370, 16_384, 70_000).map((size) => new Uint8Array(size).fill(size)),
    weight: 1,
  },
);

/** Names come once and are no integers: `mqtt-packet` would gather and reorder them. */
const userProperties = fc
  .uniqueArray(fc.tuple(text, text), { minLength: 1, maxLength: 3, selector: ([name]) => name })
  .map((pairs) => pairs.map(([name, value]) => [`n${name}`, value] as const));

/** A topic name has no wildcard [MQTT-3.3.2-14] and is not empty [MQTT-4.7.3-1]. */
const responseTopic = text.map((name) => `r${name.replaceAll(/[+#]/gu, "_")}`);

const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });

const messagePropertyModel = {
  payloadFormatIndicator: fc.constantFrom(0 as const, 1 as const),
  messageExpiryIntervalSec: uint32,
  contentType: text,
  responseTopic,
  correlationData: fc.uint8Array({ maxLength: 9 }),
  userProperties,
};

export const messageProperties: fc.Arbitrary<MessageProperties> = fc.record(messagePropertyModel, { requiredKeys: [] });

export const publishProperties: fc.Arbitrary<PublishProperties> = fc.record(
  {
    ...messagePropertyModel,
    topicAlias: fc.integer({ min: 1, max: 0xffff }),
    subscriptionIdentifiers: fc.array(fc.integer({ min: 1, max: 0x0fff_ffff }), { minLength: 1, maxLength: 3 }),
  },
  { requiredKeys: [] },
);

export const publish: fc.Arbitrary<Publish> = fc
  .record({
    qos,
    dup: fc.boolean(),
    retain: fc.boolean(),
    topicName: text,
    packetId,
    payload,
    properties: publishProperties,
  })
  .map(({ packetId: id, properties, ...rest }) => ({
    kind: "publish",
    ...rest,
    dup: rest.qos > 0 && rest.dup,
    ...(rest.qos === 0 ? undefined : { packetId: id }),
    ...(Object.keys(properties).length === 0 ? undefined : { properties }),
  }));

export const message: fc.Arbitrary<Message> = fc
  .record({ topicName: text, payload, qos, retain: fc.boolean(), properties: messageProperties })
  .map((each) => ({ ...each, topicName: each.topicName as TopicName }));

/** Cuts bytes into frames. */
export const frames = (bytes: Uint8Array): fc.Arbitrary<Uint8Array[]> =>
  fc.array(fc.integer({ min: 0, max: bytes.length }), { maxLength: 8 }).map((cuts) => {
    const edges = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
    return edges.slice(1).map((end, index) => bytes.slice(edges[index], end));
  });
