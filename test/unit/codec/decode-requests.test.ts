// SUBSCRIBE, UNSUBSCRIBE, DISCONNECT and AUTH, by hand-written bytes.

import { describe, expect, test } from "vitest";
import { bytes, decodeOne, everyVersion, packet } from "./wire.ts";

const violation = (reasonCode: number, clause?: string) => ({
  kind: "violation",
  reasonCode,
  ...(clause && { clause }),
});
/** An empty list of properties, where the version has them. */
const properties = (version: number): number[] => (version === 5 ? [0] : []);
const plain = { noLocal: false, retainAsPublished: false, retainHandling: 0 };

/** A PUBLISH with these properties. */
const publish = (...list: Parameters<typeof packet>[1][]) => {
  const body = bytes(...list);
  return decodeOne(5, packet(0x30, "t", body.length, body));
};

describe("SUBSCRIBE", () => {
  test("several filters in their order", () => {
    for (const version of everyVersion) {
      expect(
        decodeOne(version, packet(0x82, [0, 9], properties(version), "a/#", 1, "+/b", 0, "$share/g/c", 2)),
      ).toEqual({
        kind: "subscribe",
        packetId: 9,
        subscriptions: [
          { topicFilter: "a/#", qos: 1, ...plain },
          { topicFilter: "+/b", qos: 0, ...plain },
          { topicFilter: "$share/g/c", qos: 2, ...plain },
        ],
      });
    }
  });

  test("MQTT 5 options and subscription identifier", () => {
    expect(decodeOne(5, packet(0x82, [0, 9], 3, [0x0b, 0x80, 0x01], "a", 0x2d))).toEqual({
      kind: "subscribe",
      packetId: 9,
      subscriptions: [{ topicFilter: "a", qos: 1, noLocal: true, retainAsPublished: true, retainHandling: 2 }],
      properties: { subscriptionIdentifier: 128 },
    });
  });

  test("MQTT 3.1 lets a repeat carry DUP", () => {
    const frame = packet(0x8a, [0, 9], "a", 1);
    expect(decodeOne(3, frame)).toMatchObject({ kind: "subscribe", packetId: 9 });
    expect(frame[0]).toBe(0x8a);
  });

  test("[MQTT-3.8.3-2] [MQTT-3.8.3-3 v3.1.1] without a filter", () => {
    for (const version of everyVersion) {
      expect(decodeOne(version, packet(0x82, [0, 9], properties(version)))).toMatchObject(
        violation(0x82, "MQTT-3.8.3-2"),
      );
    }
  });

  test("[MQTT-3.8.3-5] [MQTT-3-8.3-4 v3.1.1] reserved bits", () => {
    for (const version of everyVersion) {
      for (const options of [0x40, 0x80, 0xc0]) {
        expect(decodeOne(version, packet(0x82, [0, 9], properties(version), "a", options))).toMatchObject(
          violation(0x81, "MQTT-3.8.3-5"),
        );
      }
    }
    for (const options of [0x04, 0x08, 0x10, 0x20]) {
      expect(decodeOne(4, packet(0x82, [0, 9], "a", options))).toMatchObject(violation(0x81, "MQTT-3.8.3-5"));
      expect(decodeOne(5, packet(0x82, [0, 9], 0, "a", options))).toMatchObject({ kind: "subscribe" });
    }
  });

  test("[MQTT-3-8.3-4 v3.1.1] QoS 3 is malformed, and a protocol error in MQTT 5 (§3.8.3.1)", () => {
    expect(decodeOne(3, packet(0x82, [0, 9], "a", 3))).toMatchObject(violation(0x81, "MQTT-3-8.3-4 v3.1.1"));
    expect(decodeOne(4, packet(0x82, [0, 9], "a", 3))).toMatchObject(violation(0x81, "MQTT-3-8.3-4 v3.1.1"));
    expect(decodeOne(5, packet(0x82, [0, 9], 0, "a", 3))).toMatchObject(violation(0x82));
  });

  test("retain handling 3 is a protocol error (§3.8.3.1)", () => {
    expect(decodeOne(5, packet(0x82, [0, 9], 0, "a", 0x30))).toMatchObject(violation(0x82));
  });

  test("[MQTT-3.8.3-4] no local on a shared subscription", () => {
    const ofFilters = (...list: Parameters<typeof packet>[1][]) => decodeOne(5, packet(0x82, [0, 9], 0, ...list));
    expect(ofFilters("$share/g/a", 0x04)).toMatchObject(violation(0x82, "MQTT-3.8.3-4"));
    expect(ofFilters("a", 0x05, "$share/g/a", 0x06)).toMatchObject(violation(0x82, "MQTT-3.8.3-4"));
    expect(ofFilters("$shared/g/a", 0x04, "a/$share/g", 0x04)).toMatchObject({ kind: "subscribe" });
  });

  test("[MQTT-4.7.3-1] an empty filter, in UNSUBSCRIBE too", () => {
    for (const version of everyVersion) {
      const head = [0, 9, ...properties(version)];
      expect(decodeOne(version, packet(0x82, head, "a", 0, "", 0))).toMatchObject(violation(0x81, "MQTT-4.7.3-1"));
      expect(decodeOne(version, packet(0xa2, head, "a", ""))).toMatchObject(violation(0x81, "MQTT-4.7.3-1"));
    }
  });

  test("[MQTT-3.8.3-1] filters are UTF-8", () => {
    expect(decodeOne(4, packet(0x82, [0, 9], "ok", 0, [0, 1, 0xff], 0))).toMatchObject(violation(0x81, "MQTT-1.5.4-1"));
  });

  test("[MQTT-2.2.1-3] packet identifier 0", () => {
    for (const version of everyVersion) {
      expect(decodeOne(version, packet(0x82, [0, 0], properties(version), "a", 0))).toMatchObject(
        violation(0x82, "MQTT-2.2.1-3"),
      );
    }
  });

  test("the packet ends within a field", () => {
    const whole = bytes([0, 9], "a", 0, "b", 1);
    for (const cut of [0, 1, 3, 4, 5, 7, 8, 9]) {
      expect(decodeOne(4, packet(0x82, whole.slice(0, cut)))).toMatchObject(violation(0x81));
    }
  });
});

describe("UNSUBSCRIBE", () => {
  test("several filters in their order", () => {
    for (const version of everyVersion) {
      expect(decodeOne(version, packet(0xa2, [0, 9], properties(version), "a/#", "b"))).toEqual({
        kind: "unsubscribe",
        packetId: 9,
        topicFilters: ["a/#", "b"],
      });
    }
  });

  test("[MQTT-3.10.3-2] without a filter", () => {
    for (const version of everyVersion) {
      expect(decodeOne(version, packet(0xa2, [0, 9], properties(version)))).toMatchObject(
        violation(0x82, "MQTT-3.10.3-2"),
      );
    }
  });

  test("[MQTT-3.10.3-1] filters are UTF-8", () => {
    expect(decodeOne(4, packet(0xa2, [0, 9], [0, 1, 0xff]))).toMatchObject(violation(0x81, "MQTT-1.5.4-1"));
  });

  test("packet identifier 0, and a packet that ends within a field", () => {
    expect(decodeOne(4, packet(0xa2, [0, 0], "a"))).toMatchObject(violation(0x82));
    expect(decodeOne(4, packet(0xa2, [0, 9], "a", 0))).toMatchObject(violation(0x81));
  });
});

describe("DISCONNECT", () => {
  test("says nothing in MQTT 3", () => {
    expect(decodeOne(4, packet(0xe0))).toEqual({ kind: "disconnect" });
    expect(decodeOne(4, packet(0xe0, 0))).toMatchObject(violation(0x81));
  });

  test("reason code and properties of MQTT 5 may be left out", () => {
    expect(decodeOne(5, packet(0xe0))).toEqual({ kind: "disconnect" });
    expect(decodeOne(5, packet(0xe0, 0x04))).toEqual({ kind: "disconnect", reasonCode: 4 });
    expect(decodeOne(5, packet(0xe0, 0x00, 5, [0x11, 0, 0, 0, 7]))).toEqual({
      kind: "disconnect",
      properties: { sessionExpiryIntervalSec: 7 },
    });
  });

  test("[MQTT-3.14.2-1] a reason code that clients do not send", () => {
    const ofClients = [0, 4, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99]; // table 3-10
    for (let code = 0; code < 256; code += 1) {
      const expected = ofClients.includes(code) ? { kind: "disconnect" } : violation(0x82, "MQTT-3.14.2-1");
      expect(decodeOne(5, packet(0xe0, code))).toMatchObject(expected);
      expect(decodeOne(5, packet(0xe0, code, 0))).toMatchObject(expected);
    }
  });
});

describe("AUTH", () => {
  test("method and data", () => {
    expect(decodeOne(5, packet(0xf0, 0x18, 8, 0x15, "m", [0x16, 0, 1, 7]))).toEqual({
      kind: "auth",
      reasonCode: 0x18,
      properties: { authenticationMethod: "m", authenticationData: Uint8Array.of(7) },
    });
  });

  test("[MQTT-3.15.2-1] a reason code that clients do not send", () => {
    expect(decodeOne(5, packet(0xf0))).toMatchObject(violation(0x82, "MQTT-3.15.2-1"));
    for (const code of [0x00, 0x01, 0x17, 0x1a, 0x80, 0x8c]) {
      expect(decodeOne(5, packet(0xf0, code, 3, 0x15, "m"))).toMatchObject(violation(0x82, "MQTT-3.15.2-1"));
    }
  });

  test("[MQTT-4.12.0-5] without a method", () => {
    expect(decodeOne(5, packet(0xf0, 0x18, 0))).toMatchObject(violation(0x82, "MQTT-4.12.0-5"));
    expect(decodeOne(5, packet(0xf0, 0x19, 4, [0x16, 0, 1, 7]))).toMatchObject(violation(0x82, "MQTT-4.12.0-5"));
    expect(decodeOne(5, packet(0xf0, 0x19, 3, 0x15, ""))).toMatchObject({ reasonCode: 0x19 });
  });

  test("ends within a field, or behind it", () => {
    expect(decodeOne(5, packet(0xf0, 0x18))).toMatchObject(violation(0x81));
    expect(decodeOne(5, packet(0xf0, 0x18, 5, 0x15, "m"))).toMatchObject(violation(0x81));
    expect(decodeOne(5, packet(0xf0, 0x18, 4, 0x15, "m", 0))).toMatchObject(violation(0x81));
  });
});

describe("MQTT 5 properties", () => {
  test("a property that passes the list's length, and a list that passes the packet's", () => {
    expect(decodeOne(5, packet(0x30, "t", 2, [0x02, 0, 0, 0, 1], [9, 9]))).toMatchObject(violation(0x81));
    expect(decodeOne(5, packet(0x30, "t", 9, [0x01, 1]))).toMatchObject(violation(0x81));
  });

  test("[MQTT-1.5.5-1] the list's length takes no more bytes than it needs", () => {
    expect(decodeOne(5, packet(0x30, "t", [0x80, 0x00]))).toMatchObject(violation(0x81, "MQTT-1.5.5-1"));
    expect(decodeOne(5, packet(0x30, "t", [0x80, 0x80, 0x80, 0x80, 0x01]))).toMatchObject(violation(0x81));
  });

  test("strings are UTF-8", () => {
    expect(publish([0x03, 0, 1, 0xff])).toMatchObject(violation(0x81, "MQTT-1.5.4-1"));
    expect(publish([0x26, 0, 1, 97, 0, 1, 0])).toMatchObject(violation(0x81));
  });
});
