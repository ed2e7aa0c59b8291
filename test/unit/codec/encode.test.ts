// Server packets as bytes: by hand, and held to `mqtt-packet`.

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { PacketId } from "../../../src/core/brand.ts";
import type { Acknowledgement, ServerPacket } from "../../../src/core/packet.ts";
import { encodePacket } from "../../../src/codec/encode.ts";
import { packetId, publish, version } from "./arbitraries.ts";
import { referenceEncode, toReference } from "./reference.ts";
import { bytes, everyVersion, hex, packet } from "./wire.ts";

const id = 0x1234 as PacketId;

describe("by hand", () => {
  test("CONNACK", () => {
    const accepted: ServerPacket = { kind: "connack", sessionPresent: true, code: 0 };
    expect(encodePacket(accepted, 4)).toEqual(Uint8Array.of(0x20, 2, 1, 0));
    expect(encodePacket(accepted, 5)).toEqual(Uint8Array.of(0x20, 3, 1, 0, 0));
    expect(encodePacket({ kind: "connack", sessionPresent: false, code: 5 }, 4)).toEqual(Uint8Array.of(0x20, 2, 0, 5));
  });

  test("MQTT 3.1 has no Session Present", () => {
    expect(encodePacket({ kind: "connack", sessionPresent: true, code: 0 }, 3)).toEqual(Uint8Array.of(0x20, 2, 0, 0));
  });

  test("CONNACK with properties, which MQTT 3 leaves out", () => {
    const connack: ServerPacket = {
      kind: "connack",
      sessionPresent: false,
      code: 0,
      properties: {
        receiveMaximum: 32,
        maximumQos: 1,
        retainAvailable: false,
        assignedClientIdentifier: "x",
        serverKeepAliveSec: 60,
        userProperties: [
          ["__proto__", "1"],
          ["a", "2"],
          ["a", "3"],
        ],
        authenticationData: Uint8Array.of(9),
      },
    };
    const list = bytes(
      [0x21, 0, 32],
      [0x24, 1],
      [0x25, 0],
      0x12,
      "x",
      [0x13, 0, 60],
      0x26,
      "__proto__",
      "1",
      0x26,
      "a",
      "2",
      0x26,
      "a",
      "3",
      [0x16, 0, 1, 9],
    );
    expect(encodePacket(connack, 5)).toEqual(packet(0x20, 0, 0, list.length, list));
    expect(encodePacket(connack, 4)).toEqual(Uint8Array.of(0x20, 2, 0, 0));
  });

  test("SUBACK: MQTT 3 knows one refusal", () => {
    const suback: ServerPacket = { kind: "suback", packetId: id, reasonCodes: [0, 1, 2, 0x87] };
    expect(encodePacket(suback, 4)).toEqual(packet(0x90, [0x12, 0x34], [0, 1, 2, 0x80]));
    expect(encodePacket(suback, 5)).toEqual(packet(0x90, [0x12, 0x34], 0, [0, 1, 2, 0x87]));
  });

  test("UNSUBACK: MQTT 3 has no codes", () => {
    const unsuback: ServerPacket = { kind: "unsuback", packetId: id, reasonCodes: [0, 0x11] };
    expect(encodePacket(unsuback, 3)).toEqual(packet(0xb0, [0x12, 0x34]));
    expect(encodePacket(unsuback, 5)).toEqual(packet(0xb0, [0x12, 0x34], 0, [0, 0x11]));
  });

  test("PINGRESP, DISCONNECT, AUTH", () => {
    expect(encodePacket({ kind: "pingresp" }, 4)).toEqual(Uint8Array.of(0xd0, 0));
    expect(encodePacket({ kind: "disconnect", reasonCode: 0x8e }, 5)).toEqual(Uint8Array.of(0xe0, 2, 0x8e, 0));
    expect(encodePacket({ kind: "disconnect", reasonCode: 0x8e, properties: { reasonString: "r" } }, 5)).toEqual(
      packet(0xe0, 0x8e, 4, 0x1f, "r"),
    );
    expect(encodePacket({ kind: "disconnect", reasonCode: 0x8e }, 4)).toEqual(Uint8Array.of(0xe0, 0));
    expect(encodePacket({ kind: "auth", reasonCode: 0x18, properties: { authenticationMethod: "m" } }, 5)).toEqual(
      packet(0xf0, 0x18, 4, 0x15, "m"),
    );
  });

  test("acknowledgements: [MQTT-3.6.1-1] PUBREL has flags 2", () => {
    for (const [kind, first] of [
      ["puback", 0x40],
      ["pubrec", 0x50],
      ["pubrel", 0x62],
      ["pubcomp", 0x70],
    ] as const) {
      for (const protocolVersion of everyVersion) {
        expect(encodePacket({ kind, packetId: id }, protocolVersion)).toEqual(Uint8Array.of(first, 2, 0x12, 0x34));
      }
      const refused: Acknowledgement = { kind, packetId: id, reasonCode: 0x92 };
      expect(encodePacket(refused, 4)).toEqual(Uint8Array.of(first, 2, 0x12, 0x34));
      expect(encodePacket(refused, 5)).toEqual(Uint8Array.of(first, 4, 0x12, 0x34, 0x92, 0));
      expect(encodePacket({ ...refused, properties: { userProperties: [["a", "b"]] } }, 5)).toEqual(
        packet(first, [0x12, 0x34], 0x92, 7, 0x26, "a", "b"),
      );
      expect(encodePacket({ ...refused, properties: { userProperties: [] } }, 5).length).toBe(6);
    }
  });

  test("PUBLISH: [MQTT-3.3.2-18] user properties keep their order", () => {
    const packetToSend: ServerPacket = {
      kind: "publish",
      dup: true,
      qos: 1,
      retain: true,
      topicName: "é",
      packetId: id,
      payload: Uint8Array.of(7),
      properties: {
        userProperties: [
          ["b", "1"],
          ["a", "2"],
          ["b", "3"],
        ],
      },
    };
    expect(encodePacket(packetToSend, 4)).toEqual(packet(0x3b, "é", [0x12, 0x34], 7));
    const list = bytes(0x26, "b", "1", 0x26, "a", "2", 0x26, "b", "3");
    expect(encodePacket(packetToSend, 5)).toEqual(packet(0x3b, "é", [0x12, 0x34], list.length, list, 7));
  });

  test("a string that no packet can carry is a bug of the caller", () => {
    const topicName = "x".repeat(65_536);
    const tooLong: ServerPacket = {
      kind: "publish",
      dup: false,
      qos: 0,
      retain: false,
      topicName,
      payload: new Uint8Array(0),
    };
    expect(() => encodePacket(tooLong, 4)).toThrow(RangeError);
    const stillWorks = { ...tooLong, topicName: "t" };
    expect(encodePacket(stillWorks, 4)).toEqual(packet(0x30, "t"));
  });
});

describe("what we encode is byte for byte what mqtt-packet encodes", () => {
  test("PUBLISH", () => {
    fc.assert(
      fc.property(version, publish, (protocolVersion, sent) => {
        expect(hex(encodePacket(sent, protocolVersion))).toBe(hex(referenceEncode(toReference(sent), protocolVersion)));
      }),
      { numRuns: 300 },
    );
  });

  test("acknowledgements", () => {
    const kind = fc.constantFrom<Acknowledgement["kind"]>("puback", "pubrec", "pubrel", "pubcomp");
    const reasonCode = fc.constantFrom(0x00 as const, 0x10 as const, 0x92 as const, 0x97 as const);
    fc.assert(
      fc.property(version, kind, packetId, reasonCode, (protocolVersion, cmd, messageId, code) => {
        const ours = encodePacket({ kind: cmd, packetId: messageId, reasonCode: code }, protocolVersion);
        expect(ours).toEqual(referenceEncode({ cmd, messageId, reasonCode: code }, protocolVersion));
      }),
    );
  });

  test("PINGRESP", () => {
    expect(encodePacket({ kind: "pingresp" }, 4)).toEqual(referenceEncode({ cmd: "pingresp" }, 4));
  });
});
