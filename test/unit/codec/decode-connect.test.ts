// CONNECT, by hand-written bytes.

import { Buffer } from "node:buffer";
import * as fc from "fast-check";
import type { IConnectPacket } from "mqtt-packet";
import { describe, expect, test } from "vitest";
import { qos, text, version } from "./arbitraries.ts";
import { referenceDecode, referenceEncode } from "./reference.ts";
import { bytes, decodeOne, packet } from "./wire.ts";

const violation = (reasonCode: number, clause?: string) => ({
  kind: "violation",
  reasonCode,
  ...(clause && { clause }),
});
const keepAlive = [0, 60];
const connect3 = (flags: number, ...payload: Parameters<typeof packet>[1][]) =>
  decodeOne(undefined, packet(0x10, "MQIsdp", 3, flags, keepAlive, ...payload));
const connect4 = (flags: number, ...payload: Parameters<typeof packet>[1][]) =>
  decodeOne(undefined, packet(0x10, "MQTT", 4, flags, keepAlive, ...payload));
const connect5 = (flags: number, ...payload: Parameters<typeof packet>[1][]) =>
  decodeOne(undefined, packet(0x10, "MQTT", 5, flags, keepAlive, ...payload));

const named = (name: string, level: number) => decodeOne(undefined, packet(0x10, name, level, 0x02, keepAlive, "c"));

describe("what a CONNECT says", () => {
  test("the least", () => {
    expect(connect4(0x00, "c")).toEqual({
      kind: "connect",
      protocolVersion: 4,
      clientId: "c",
      cleanStart: false,
      keepAliveSec: 60,
    });
  });

  test("everything, in MQTT 3.1, 3.1.1 and 5", () => {
    const rest = {
      clientId: "c",
      cleanStart: true,
      keepAliveSec: 60,
      will: { topicName: "w", payload: Uint8Array.of(0, 255), qos: 2, retain: true },
      username: "u",
      password: Uint8Array.of(1),
    };
    const payload = ["w", [0, 2, 0, 255], "u", [0, 1, 1]] as const;
    expect(connect3(0xf6, "c", ...payload)).toEqual({ kind: "connect", protocolVersion: 3, ...rest });
    expect(connect4(0xf6, "c", ...payload)).toEqual({ kind: "connect", protocolVersion: 4, ...rest });
    expect(connect5(0xf6, 0, "c", 0, ...payload)).toEqual({ kind: "connect", protocolVersion: 5, ...rest });
  });

  test("empty strings and an empty will", () => {
    expect(connect4(0xc6, "", "w", [0, 0], "", [0, 0])).toMatchObject({
      clientId: "",
      will: { payload: new Uint8Array(0) },
      username: "",
      password: new Uint8Array(0),
    });
  });

  test("MQTT 5 properties of the packet and of the will", () => {
    const own = bytes(
      [0x11, 0, 0, 0, 5],
      [0x21, 0, 9],
      [0x27, 0, 1, 0, 0],
      [0x22, 0, 3],
      [0x19, 1],
      [0x17, 0],
      [0x26],
      "k",
      "v",
      [0x15],
      "m",
      [0x16, 0, 1, 7],
    );
    const will = bytes([0x18, 0, 0, 0, 4], [0x01, 1], [0x02, 0, 0, 0, 3]);
    expect(connect5(0x06, own.length, own, "c", will.length, will, "w", [0, 0])).toMatchObject({
      properties: {
        sessionExpiryIntervalSec: 5,
        receiveMaximum: 9,
        maximumPacketSize: 65_536,
        topicAliasMaximum: 3,
        requestResponseInformation: true,
        requestProblemInformation: false,
        userProperties: [["k", "v"]],
        authenticationMethod: "m",
        authenticationData: Uint8Array.of(7),
      },
      will: { willDelayIntervalSec: 4, properties: { payloadFormatIndicator: 1, messageExpiryIntervalSec: 3 } },
    });
  });

  test("will payload and password are copies", () => {
    const frame = packet(0x10, "MQTT", 4, 0xc4, keepAlive, "c", "w", [0, 1, 1], "u", [0, 1, 2]);
    const connect = decodeOne(undefined, frame);
    frame.fill(0);
    expect(connect).toMatchObject({ will: { payload: Uint8Array.of(1) }, password: Uint8Array.of(2) });
  });
});

describe("protocol name and level", () => {
  test("[MQTT-3.1.2-2] an unknown level is refused with 0x84", () => {
    for (const [name, level] of [
      ["MQTT", 3],
      ["MQTT", 6],
      ["MQTT", 0],
      ["MQIsdp", 4],
      ["MQIsdp", 5],
      ["MQTT", 0x84],
      ["MQIsdp", 0x83],
    ] as const) {
      expect(named(name, level)).toMatchObject(violation(0x84, "MQTT-3.1.2-2"));
    }
  });

  test("[MQTT-3.1.2-2] whatever follows the unknown level", () => {
    expect(decodeOne(undefined, packet(0x10, "MQTT", 9))).toMatchObject(violation(0x84));
  });

  test("[MQTT-3.1.2-1] another name", () => {
    for (const name of ["", "mqtt", "MQTTX", "HTTP", "toString", "__proto__"]) {
      expect(named(name, 4)).toMatchObject(violation(0x82, "MQTT-3.1.2-1"));
    }
  });
});

describe("flags", () => {
  test("[MQTT-3.1.2-3] the reserved flag", () => {
    expect(connect4(0x03, "c")).toMatchObject(violation(0x81, "MQTT-3.1.2-3"));
    expect(connect5(0x03, 0, "c")).toMatchObject(violation(0x81, "MQTT-3.1.2-3"));
  });

  test("[MQTT-3.1.2-11] [MQTT-3.1.2-13 v3.1.1] will QoS without a will", () => {
    for (const flags of [0x0a, 0x12]) {
      expect(connect4(flags, "c")).toMatchObject(violation(0x81, "MQTT-3.1.2-11"));
      expect(connect5(flags, 0, "c")).toMatchObject(violation(0x81, "MQTT-3.1.2-11"));
    }
  });

  test("[MQTT-3.1.2-13] [MQTT-3.1.2-15 v3.1.1] will retain without a will", () => {
    expect(connect4(0x22, "c")).toMatchObject(violation(0x81, "MQTT-3.1.2-13"));
  });

  test("[MQTT-3.1.2-12] [MQTT-3.1.2-14 v3.1.1] will QoS 3", () => {
    expect(connect4(0x1e, "c", "w", [0, 0])).toMatchObject(violation(0x81, "MQTT-3.1.2-12"));
    expect(connect3(0x1e, "c", "w", [0, 0])).toMatchObject(violation(0x81, "MQTT-3.1.2-12"));
  });

  test("[MQTT-3.1.2-22 v3.1.1] a password needs a user name, but not in MQTT 5", () => {
    expect(connect4(0x42, "c", [0, 1, 9])).toMatchObject(violation(0x81, "MQTT-3.1.2-22 v3.1.1"));
    expect(connect3(0x42, "c", [0, 1, 9])).toMatchObject(violation(0x81));
    expect(connect5(0x42, 0, "c", [0, 1, 9])).toMatchObject({ kind: "connect", password: Uint8Array.of(9) });
  });
});

describe("what MQTT 3.1 tolerates", () => {
  test("the unused flag, and will QoS and will retain without a will", () => {
    expect(connect3(0x3b, "c")).toEqual({
      kind: "connect",
      protocolVersion: 3,
      clientId: "c",
      cleanStart: true,
      keepAliveSec: 60,
    });
  });

  test("user name and password flags without the fields", () => {
    expect(connect3(0xc2, "c")).not.toHaveProperty("username");
    expect(connect3(0xc2, "c")).toMatchObject({ kind: "connect" });
    expect(connect3(0xc2, "c", "u")).toMatchObject({ kind: "connect", username: "u" });
    expect(connect4(0xc2, "c", "u")).toMatchObject(violation(0x81));
  });
});

describe("fields", () => {
  test("[MQTT-3.1.3-4] strings are UTF-8", () => {
    const bad = [0, 1, 0xff];
    expect(connect4(0x02, bad)).toMatchObject(violation(0x81, "MQTT-1.5.4-1"));
    expect(connect4(0x06, "c", bad, [0, 0])).toMatchObject(violation(0x81, "MQTT-1.5.4-1"));
    expect(connect4(0x82, "c", bad)).toMatchObject(violation(0x81, "MQTT-1.5.4-1"));
    expect(connect4(0x82, "c", "a\u0000")).toMatchObject(violation(0x81));
  });

  test("the packet ends with its last field, and not before", () => {
    expect(connect4(0x02, "c", 0)).toMatchObject(violation(0x81));
    expect(connect4(0xc6, "c", "w", [0, 2, 1])).toMatchObject(violation(0x81));
    const whole = bytes("MQTT", 5, 0xc6, keepAlive, 0, "c", 0, "w", [0, 1, 1], "u", [0, 1, 1]);
    for (let cut = 0; cut < whole.length; cut += 1) {
      expect(decodeOne(undefined, packet(0x10, whole.slice(0, cut)))).toMatchObject(violation(0x81));
    }
  });
});

describe("what we read is what mqtt-packet reads", () => {
  const few = fc.uint8Array({ maxLength: 9 });
  const will = fc.record({ topic: text, payload: few, qos, retain: fc.boolean() });
  const fields = fc.record({
    clientId: text,
    clean: fc.boolean(),
    keepalive: fc.integer({ min: 0, max: 0xffff }),
    will: fc.option(will, { nil: undefined }),
    credentials: fc.option(fc.tuple(text, fc.option(few, { nil: undefined })), { nil: undefined }),
  });

  const written = (
    level: 3 | 4 | 5,
    { credentials, will: left, ...rest }: FieldsOf<typeof fields>,
  ): IConnectPacket => ({
    cmd: "connect",
    protocolId: level === 3 ? "MQIsdp" : "MQTT",
    protocolVersion: level,
    ...rest,
    // The library takes no empty name or topic, and an id without a character only with a clean start.
    clientId: `c${rest.clientId}`,
    ...(left && { will: { ...left, topic: `w${left.topic}`, payload: Buffer.from(left.payload) } }),
    ...(credentials && { username: `u${credentials[0]}` }),
    ...(credentials?.[1] && { password: Buffer.from(credentials[1]) }),
  });

  test("for every CONNECT without properties", () => {
    fc.assert(
      fc.property(version, fields, (level, drawn) => {
        const frame = referenceEncode(written(level, drawn), level);
        const reference = referenceDecode(frame, level) as IConnectPacket;
        expect(decodeOne(undefined, frame)).toEqual({
          kind: "connect",
          protocolVersion: level,
          clientId: reference.clientId,
          cleanStart: reference.clean,
          keepAliveSec: reference.keepalive,
          ...(reference.will && {
            will: {
              topicName: reference.will.topic,
              payload: new Uint8Array(reference.will.payload as Uint8Array),
              qos: reference.will.qos,
              retain: reference.will.retain,
            },
          }),
          ...(reference.username !== undefined && { username: reference.username }),
          ...(reference.password !== undefined && { password: new Uint8Array(reference.password) }),
        });
      }),
      { numRuns: 300 },
    );
  });
});

type FieldsOf<T> = T extends fc.Arbitrary<infer Value> ? Value : never;
