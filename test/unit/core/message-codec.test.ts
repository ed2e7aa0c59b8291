import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { TopicName } from "../../../src/core/brand.ts";
import { packMessage, unpackMessage } from "../../../src/core/message-codec.ts";
import type { Message, MessageProperties, QoS } from "../../../src/core/packet.ts";

const text = fc.string({ unit: "binary" });
const bytes = fc.uint8Array({ maxLength: 300 });

const properties: fc.Arbitrary<MessageProperties> = fc.record(
  {
    payloadFormatIndicator: fc.constantFrom(0, 1),
    messageExpiryIntervalSec: fc.integer({ min: 0, max: 0xffff_ffff }),
    contentType: text,
    responseTopic: text,
    correlationData: bytes,
    userProperties: fc.array(fc.tuple(text, text), { maxLength: 4 }),
  },
  { noNullPrototype: true, requiredKeys: [] },
);

const messages: fc.Arbitrary<Message> = fc.record(
  {
    topicName: text.map((name) => name as TopicName),
    payload: bytes,
    qos: fc.constantFrom<QoS>(0, 1, 2),
    retain: fc.boolean(),
    properties: properties.filter((some) => Object.keys(some).length > 0),
    expiresAtMs: fc.integer({ min: 0, max: 2 ** 50 }),
  },
  { noNullPrototype: true, requiredKeys: ["topicName", "payload", "qos", "retain"] },
);

describe("the packed form of a message", () => {
  test("keeps every field and property, present or absent", () => {
    fc.assert(
      fc.property(messages, (message) => {
        expect(unpackMessage(packMessage(message))).toStrictEqual(message);
      }),
    );
  });

  test("[MQTT-3.3.2-18] keeps the order of user properties, also of repeated names", () => {
    const message = {
      topicName: "t" as TopicName,
      payload: new Uint8Array(),
      qos: 1 as const,
      retain: false,
      properties: {
        userProperties: [
          ["b", "1"],
          ["a", "2"],
          ["b", "3"],
        ] as const,
      },
    };
    expect(unpackMessage(packMessage(message)).properties?.userProperties).toEqual([
      ["b", "1"],
      ["a", "2"],
      ["b", "3"],
    ]);
  });

  test("is these bytes in version 1", () => {
    const packed = packMessage({
      topicName: "a/b" as TopicName,
      payload: Uint8Array.of(1, 2),
      qos: 1,
      retain: true,
      properties: { payloadFormatIndicator: 1, contentType: "x" },
      expiresAtMs: 300,
    });
    // version, topic, flags (QoS 1, retain, properties, expiry), expiry, property flags, content type, payload
    expect([...packed]).toEqual([1, 3, 0x61, 0x2f, 0x62, 0x1d, 0xac, 2, 0x0b, 1, 0x78, 2, 1, 2]);
  });

  test("of another version is refused, and says which", () => {
    expect(() => unpackMessage(Uint8Array.of(2, 0, 0, 0))).toThrow("format version 2, this code reads version 1");
  });

  test("that ends too early is a fault", () => {
    const packed = packMessage({ topicName: "t" as TopicName, payload: new Uint8Array(9), qos: 0, retain: false });
    expect(() => unpackMessage(packed.subarray(0, packed.length - 1))).toThrow("end too early");
  });
});
