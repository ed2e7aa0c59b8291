// One message to many subscribers: what is patched into a remembered encoding equals an encoding of its own.

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { PacketId, TopicName } from "../../../src/core/brand.ts";
import type { Message, Publish } from "../../../src/core/packet.ts";
import { encodePacket } from "../../../src/codec/encode.ts";
import { PublishEncoder, type PublishHeader } from "../../../src/codec/publish-encoder.ts";
import { message, packetId, qos, version } from "./arbitraries.ts";
import { bytes, hex, packet } from "./wire.ts";

const nowMs = 1_000_000;
const plain: Message = { topicName: "a" as TopicName, payload: Uint8Array.of(7), qos: 1, retain: false };
const header: PublishHeader = { version: 4, qos: 1, retain: false, dup: false, packetId: 1, nowMs };

const copyOf = (encoder: PublishEncoder, sent: Message, with_: PublishHeader) =>
  new Uint8Array(encoder.encode(sent, with_));

const expiringIn = (seconds: number) => packet(0x32, "a", [0, 1], 9, [0x02, 0, 0, 0, seconds], bytes(0x03, "c"), 7);

describe("a remembered encoding", () => {
  test("is the same buffer, with another packet identifier in it", () => {
    const encoder = new PublishEncoder();
    const first = encoder.encode(plain, header);
    expect(first).toEqual(packet(0x32, "a", [0, 1], 7));
    const second = encoder.encode(plain, { ...header, packetId: 0xfffe });
    expect(second).toBe(first);
    expect(second).toEqual(packet(0x32, "a", [0xff, 0xfe], 7));
  });

  test("serves MQTT 3.1 and 3.1.1, QoS 1 and 2, RETAIN and DUP alike", () => {
    const encoder = new PublishEncoder();
    const first = encoder.encode(plain, header);
    const other = encoder.encode(plain, { ...header, version: 3, qos: 2, retain: true, dup: true });
    expect(other).toBe(first);
    expect(other).toEqual(packet(0x3d, "a", [0, 1], 7));
  });

  test("ends with its message", () => {
    const encoder = new PublishEncoder();
    encoder.encode(plain, header);
    expect(encoder.encode({ ...plain, payload: Uint8Array.of(8) }, header)).toEqual(packet(0x32, "a", [0, 1], 8));
    const longer = { ...plain, topicName: "a/é" as TopicName, payload: Uint8Array.of(8, 9) };
    expect(encoder.encode(longer, header)).toEqual(packet(0x32, "a/é", [0, 1], 8, 9));
  });

  test("leaves its buffer to the next message of the same length, where it is small", () => {
    const encoder = new PublishEncoder();
    const first = encoder.encode(plain, header);
    expect(encoder.encode({ ...plain, payload: Uint8Array.of(8) }, header)).toBe(first);
    const large = { ...plain, payload: new Uint8Array(5_000) };
    const before = encoder.encode(large, header);
    expect(encoder.encode({ ...large }, header)).not.toBe(before);
  });

  test("in two forms has two buffers", () => {
    const encoder = new PublishEncoder();
    encoder.encode(plain, { ...header, qos: 0 });
    const first = encoder.encode({ ...plain }, { ...header, qos: 0 });
    const second = encoder.encode({ ...plain }, { ...header, version: 5, qos: 0 });
    expect(second).not.toBe(first);
  });
});

describe("MQTT 5", () => {
  const five: PublishHeader = { ...header, version: 5 };

  test("subscription identifiers, MQTT 3 without", () => {
    const encoder = new PublishEncoder();
    expect(copyOf(encoder, plain, { ...five, subscriptionIdentifiers: [1, 200] })).toEqual(
      packet(0x32, "a", [0, 1], 5, [0x0b, 1], [0x0b, 0xc8, 0x01], 7),
    );
    expect(copyOf(encoder, plain, { ...five, subscriptionIdentifiers: [2] })).toEqual(
      packet(0x32, "a", [0, 1], 2, [0x0b, 2], 7),
    );
    expect(copyOf(encoder, plain, five)).toEqual(packet(0x32, "a", [0, 1], 0, 7));
    expect(copyOf(encoder, plain, { ...header, subscriptionIdentifiers: [2] })).toEqual(packet(0x32, "a", [0, 1], 7));
  });

  test("the caller may change its list of subscription identifiers", () => {
    const encoder = new PublishEncoder();
    const identifiers = [1];
    encoder.encode(plain, { ...five, subscriptionIdentifiers: identifiers });
    identifiers[0] = 2;
    expect(copyOf(encoder, plain, { ...five, subscriptionIdentifiers: identifiers })).toEqual(
      packet(0x32, "a", [0, 1], 2, [0x0b, 2], 7),
    );
  });

  test("[MQTT-3.3.2-6] Message Expiry Interval counts down by whole seconds of waiting", () => {
    const encoder = new PublishEncoder();
    const expiring: Message = {
      ...plain,
      properties: { messageExpiryIntervalSec: 10, contentType: "c" },
      expiresAtMs: nowMs + 10_000,
    };
    const at = (ms: number) => copyOf(encoder, expiring, { ...five, nowMs: ms });
    expect(at(nowMs)).toEqual(expiringIn(10));
    expect(at(nowMs + 999)).toEqual(expiringIn(10));
    expect(at(nowMs + 3_000)).toEqual(expiringIn(7));
    expect(at(nowMs + 20_000)).toEqual(expiringIn(0));
  });
});

describe("topic alias", () => {
  const five: PublishHeader = { ...header, version: 5 };
  const named: PublishHeader = { ...five, topicAlias: 0x0102 };
  const known: PublishHeader = { ...named, isTopicKnown: true };

  test("[MQTT-3.3.2-12] stands beside the topic name, then in its place", () => {
    const encoder = new PublishEncoder();
    expect(copyOf(encoder, plain, named)).toEqual(packet(0x32, "a", [0, 1], 3, [0x23, 1, 2], 7));
    expect(copyOf(encoder, plain, known)).toEqual(packet(0x32, "", [0, 1], 3, [0x23, 1, 2], 7));
    expect(copyOf(encoder, plain, { ...known, qos: 0 })).toEqual(packet(0x30, "", 3, [0x23, 1, 2], 7));
  });

  test("is the last property, whatever others there are", () => {
    const encoder = new PublishEncoder();
    const full: Message = {
      ...plain,
      properties: {
        payloadFormatIndicator: 1,
        contentType: "c",
        responseTopic: "r",
        correlationData: Uint8Array.of(9),
        userProperties: [["n", "v"]],
      },
      expiresAtMs: nowMs + 5_000,
    };
    const list = bytes(
      [0x02, 0, 0, 0, 5],
      [0x01, 1],
      0x03,
      "c",
      0x08,
      "r",
      [0x09, 0, 1, 9],
      0x26,
      "n",
      "v",
      [0x0b, 1],
      [0x0b, 0x80, 0x01],
      [0x23, 1, 2],
    );
    const sent = copyOf(encoder, full, { ...known, subscriptionIdentifiers: [1, 128] });
    expect(sent).toEqual(packet(0x32, "", [0, 1], list.length, list, 7));
  });

  test("of another receiver is patched into the same buffer", () => {
    const encoder = new PublishEncoder();
    for (const each of [named, known]) {
      const first = encoder.encode(plain, each);
      const second = encoder.encode(plain, { ...each, topicAlias: 0xfffe, packetId: 3 });
      expect(second).toBe(first);
      const topicName = each === known ? "" : "a";
      expect(second).toEqual(packet(0x32, topicName, [0, 3], 3, [0x23, 0xff, 0xfe], 7));
    }
  });

  test("[MQTT-3.3.2-8] 0 is none, and then the topic name is sent", () => {
    const encoder = new PublishEncoder();
    const first = encoder.encode(plain, five);
    expect(encoder.encode(plain, { ...five, topicAlias: 0 })).toBe(first);
    expect(encoder.encode(plain, { ...five, topicAlias: 0, isTopicKnown: true })).toBe(first);
    expect(first).toEqual(packet(0x32, "a", [0, 1], 0, 7));
  });

  test("MQTT 3 has none", () => {
    const encoder = new PublishEncoder();
    const first = encoder.encode(plain, header);
    expect(encoder.encode(plain, { ...known, version: 4 })).toBe(first);
    expect(first).toEqual(packet(0x32, "a", [0, 1], 7));
  });

  test("the publisher's own alias and identifiers stay behind", () => {
    const encoder = new PublishEncoder();
    const properties: Publish["properties"] = { topicAlias: 5, subscriptionIdentifiers: [6] };
    expect(copyOf(encoder, { ...plain, properties }, five)).toEqual(packet(0x32, "a", [0, 1], 0, 7));
    expect(copyOf(encoder, { ...plain, properties }, named)).toEqual(packet(0x32, "a", [0, 1], 3, [0x23, 1, 2], 7));
  });
});

describe("whatever was encoded before", () => {
  const anyHeader = fc
    .record({
      version,
      qos,
      retain: fc.boolean(),
      dup: fc.boolean(),
      packetId,
      subscriptionIdentifiers: fc.array(fc.integer({ min: 1, max: 300 }), { maxLength: 2 }),
      topicAlias: fc.constantFrom(0, 1, 0xfffe),
      isTopicKnown: fc.boolean(),
      nowMs: fc.integer({ min: nowMs, max: nowMs + 1_000_000 }),
    })
    .map((each) => ({ ...each, dup: each.qos > 0 && each.dup }));
  const expiring = fc
    .tuple(message, fc.option(fc.integer({ min: 1, max: 2_000_000 }), { nil: undefined }))
    .map(([each, afterMs]): Message => (afterMs === undefined ? each : { ...each, expiresAtMs: nowMs + afterMs }));
  const deliveries = fc.array(fc.tuple(fc.nat(2), anyHeader), { minLength: 1, maxLength: 40 });

  test("the bytes are those of the packet alone", () => {
    fc.assert(
      fc.property(fc.tuple(expiring, expiring, expiring), deliveries, (messages, sent) => {
        const encoder = new PublishEncoder();
        for (const [which, each] of sent) {
          const delivered = messages[which] ?? plain;
          const ours = encoder.encode(delivered, each);
          expect(hex(ours)).toBe(hex(encodePacket(alone(delivered, each), each.version)));
        }
      }),
      { numRuns: 200 },
    );
  });
});

function alone(sent: Message, { packetId: id, ...each }: PublishHeader & { readonly packetId: PacketId }): Publish {
  const { topicName, payload, expiresAtMs } = sent;
  const topicAlias = each.version === 5 ? (each.topicAlias ?? 0) : 0;
  const leftSec = (at: number): number => Math.max(0, Math.ceil((at - each.nowMs) / 1000));
  return {
    kind: "publish",
    qos: each.qos,
    retain: each.retain,
    dup: each.dup,
    topicName: topicAlias !== 0 && each.isTopicKnown === true ? "" : topicName,
    payload,
    ...(each.qos === 0 ? undefined : { packetId: id }),
    properties: {
      ...sent.properties,
      ...(expiresAtMs === undefined ? undefined : { messageExpiryIntervalSec: leftSec(expiresAtMs) }),
      subscriptionIdentifiers: each.subscriptionIdentifiers ?? [],
      ...(topicAlias === 0 ? undefined : { topicAlias }),
    },
  };
}
