// PUBLISH and the acknowledgements, by hand-written bytes.

import { describe, expect, test } from "vitest";
import { bytes, decodeOne, everyVersion, packet } from "./wire.ts";

const violation = (reasonCode: number, clause?: string) => ({
  kind: "violation",
  reasonCode,
  ...(clause && { clause }),
});

describe("PUBLISH", () => {
  test("every flag", () => {
    for (const [first, qos, dup, retain] of [
      [0x30, 0, false, false],
      [0x31, 0, false, true],
      [0x33, 1, false, true],
      [0x3a, 1, true, false],
      [0x3d, 2, true, true],
    ] as const) {
      const id = qos === 0 ? [] : [0x12, 0x34];
      expect(decodeOne(4, packet(first, "a/b", id, [7]))).toEqual({
        kind: "publish",
        dup,
        qos,
        retain,
        topicName: "a/b",
        payload: Uint8Array.of(7),
        ...(qos === 0 ? {} : { packetId: 0x1234 }),
      });
    }
  });

  test("[MQTT-3.3.2-1] [MQTT-1.5.4-1] [MQTT-1.5.3-1 v3.1.1] a topic name that is not UTF-8", () => {
    for (const bad of [
      [0xff],
      [0xc0, 0xaf],
      [0xed, 0xa0, 0x80],
      [0xed, 0xbf, 0xbf],
      [0xf4, 0x90, 0x80, 0x80],
      [0xe2, 0x82],
    ]) {
      for (const version of everyVersion) {
        const topic = bytes([0, bad.length], bad);
        expect(decodeOne(version, packet(0x30, topic, 0))).toMatchObject(violation(0x81, "MQTT-1.5.4-1"));
      }
    }
  });

  test("[MQTT-1.5.4-2] [MQTT-1.5.3-2 v3.1.1] a topic name with U+0000", () => {
    expect(decodeOne(4, packet(0x30, "a\u0000b"))).toMatchObject(violation(0x81));
  });

  test("[MQTT-1.5.4-3] [MQTT-1.5.3-3 v3.1.1] U+FEFF is kept wherever it stands", () => {
    expect(decodeOne(4, packet(0x30, "\ufeffa\ufeff"))).toMatchObject({ topicName: "\ufeffa\ufeff" });
    expect(decodeOne(4, packet(0x30, "é/日本/😀"))).toMatchObject({ topicName: "é/日本/😀" });
  });

  test("[MQTT-2.2.1-3] [MQTT-2.3.1-1 v3.1.1] packet identifier 0", () => {
    for (const version of everyVersion) {
      expect(decodeOne(version, packet(0x32, "t", [0, 0], 0))).toMatchObject(violation(0x82, "MQTT-2.2.1-3"));
      expect(decodeOne(version, packet(0x34, "t", [0, 0], 0))).toMatchObject(violation(0x82, "MQTT-2.2.1-3"));
    }
  });

  test("a packet that ends within a field", () => {
    for (const first of [0x30, 0x32]) {
      expect(decodeOne(4, packet(first))).toMatchObject(violation(0x81));
      expect(decodeOne(4, packet(first, 0))).toMatchObject(violation(0x81));
      expect(decodeOne(4, packet(first, [0, 2], [97]))).toMatchObject(violation(0x81));
    }
    expect(decodeOne(4, packet(0x32, "t"))).toMatchObject(violation(0x81));
    expect(decodeOne(4, packet(0x32, "t", 1))).toMatchObject(violation(0x81));
    expect(decodeOne(5, packet(0x30, "t"))).toMatchObject(violation(0x81));
    expect(decodeOne(5, packet(0x30, "t", 5, [1, 0]))).toMatchObject(violation(0x81));
  });

  test("a length that is short of the topic does not read the next packet's bytes", () => {
    const frame = bytes(0x30, 3, [0, 5], 97, 98, 99, 100, 101);
    expect(decodeOne(4, frame)).toMatchObject(violation(0x81));
  });

  test("empty topic and empty payload pass the codec", () => {
    expect(decodeOne(4, packet(0x30, ""))).toMatchObject({ topicName: "", payload: new Uint8Array(0) });
  });

  test("MQTT 5 properties, user properties in their order [MQTT-3.3.2-18]", () => {
    const list = bytes(
      [0x01, 1],
      [0x02, 0xff, 0xff, 0xff, 0xff],
      [0x26],
      "b",
      "1",
      [0x23, 0, 9],
      [0x08],
      "r",
      [0x26],
      "a",
      "2",
      [0x09, 0, 2, 5, 6],
      [0x26],
      "b",
      "",
      [0x03],
      "c",
    );
    expect(decodeOne(5, packet(0x30, "t", list.length, list, [1]))).toEqual({
      kind: "publish",
      dup: false,
      qos: 0,
      retain: false,
      topicName: "t",
      payload: Uint8Array.of(1),
      properties: {
        payloadFormatIndicator: 1,
        messageExpiryIntervalSec: 0xffff_ffff,
        userProperties: [
          ["b", "1"],
          ["a", "2"],
          ["b", ""],
        ],
        topicAlias: 9,
        responseTopic: "r",
        correlationData: Uint8Array.of(5, 6),
        contentType: "c",
      },
    });
  });
});

describe("PUBACK, PUBREC, PUBREL, PUBCOMP", () => {
  const types = [
    [0x40, "puback"],
    [0x50, "pubrec"],
    [0x62, "pubrel"],
    [0x70, "pubcomp"],
  ] as const;

  test("a packet identifier is all of it", () => {
    for (const version of everyVersion) {
      for (const [first, kind] of types) {
        expect(decodeOne(version, packet(first, [0x12, 0x34]))).toEqual({ kind, packetId: 0x1234 });
      }
    }
  });

  test("MQTT 3.1 lets a repeated PUBREL carry DUP", () => {
    expect(decodeOne(3, packet(0x6a, [0, 1]))).toEqual({ kind: "pubrel", packetId: 1 });
  });

  test("another length, and packet identifier 0", () => {
    for (const [first] of types) {
      for (const version of everyVersion) {
        expect(decodeOne(version, packet(first))).toMatchObject(violation(0x81));
        expect(decodeOne(version, packet(first, 1))).toMatchObject(violation(0x81));
        expect(decodeOne(version, packet(first, [0, 0]))).toMatchObject(violation(0x82));
      }
      expect(decodeOne(4, packet(first, [0, 1], 0))).toMatchObject(violation(0x81));
    }
  });

  test("[MQTT-3.4.2-1] [MQTT-3.5.2-1] [MQTT-3.6.2-1] [MQTT-3.7.2-1] a reason code that the packet does not have", () => {
    const ofReceipt = [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99]; // tables 3-4 and 3-5
    const ofRelease = [0x00, 0x92]; // tables 3-6 and 3-7
    for (const [first, kind, codes, clause] of [
      [0x40, "puback", ofReceipt, "MQTT-3.4.2-1"],
      [0x50, "pubrec", ofReceipt, "MQTT-3.5.2-1"],
      [0x62, "pubrel", ofRelease, "MQTT-3.6.2-1"],
      [0x70, "pubcomp", ofRelease, "MQTT-3.7.2-1"],
    ] as const) {
      for (let code = 0; code < 256; code += 1) {
        const expected = codes.some((each) => each === code) ? { kind } : violation(0x82, clause);
        expect(decodeOne(5, packet(first, [0, 1], code))).toMatchObject(expected);
      }
    }
  });

  test("[MQTT-3.4.2-1] [MQTT-3.6.2-1] reason codes of MQTT 5", () => {
    expect(decodeOne(5, packet(0x40, [0, 1], 0x10))).toEqual({ kind: "puback", packetId: 1, reasonCode: 0x10 });
    expect(decodeOne(5, packet(0x40, [0, 1], 0x00, 0))).toEqual({ kind: "puback", packetId: 1 });
    expect(decodeOne(5, packet(0x62, [0, 1], 0x92, 0))).toEqual({ kind: "pubrel", packetId: 1, reasonCode: 0x92 });
    expect(decodeOne(5, packet(0x62, [0, 1], 0x10, 0))).toMatchObject(violation(0x82));
    expect(decodeOne(5, packet(0x40, [0, 1], 0x92, 0))).toMatchObject(violation(0x82));
  });

  test("properties of MQTT 5, and bytes behind them", () => {
    expect(decodeOne(5, packet(0x50, [0, 1], 0x97, 4, 0x1f, "x"))).toEqual({
      kind: "pubrec",
      packetId: 1,
      reasonCode: 0x97,
      properties: { reasonString: "x" },
    });
    expect(decodeOne(5, packet(0x50, [0, 1], 0x97, 0, 0))).toMatchObject(violation(0x81));
  });
});

test("PINGREQ has no body", () => {
  for (const version of everyVersion) {
    expect(decodeOne(version, packet(0xc0))).toEqual({ kind: "pingreq" });
    expect(decodeOne(version, packet(0xc0, 0))).toMatchObject(violation(0x81));
  }
});
