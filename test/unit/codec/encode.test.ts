// Server packets as bytes: by hand, and held to `mqtt-packet`.

import { Buffer } from "node:buffer";
import * as fc from "fast-check";
import type { IConnackPacket } from "mqtt-packet";
import { describe, expect, test } from "vitest";
import type { PacketId } from "../../../src/core/brand.ts";
import type { Acknowledgement, ServerPacket } from "../../../src/core/packet.ts";
import { encodePacket } from "../../../src/codec/encode.ts";
import { packetId, publish, text, version } from "./arbitraries.ts";
import { referenceDecode, referenceEncode, toReference } from "./reference.ts";
import { bytes, everyVersion, hex, packet, variableByteInteger } from "./wire.ts";

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
      expect(encodePacket(refused, 5)).toEqual(Uint8Array.of(first, 3, 0x12, 0x34, 0x92));
      expect(encodePacket({ ...refused, properties: { userProperties: [["a", "b"]] } }, 5)).toEqual(
        packet(first, [0x12, 0x34], 0x92, 7, 0x26, "a", "b"),
      );
      expect(encodePacket({ ...refused, properties: { userProperties: [] } }, 5).length).toBe(5);
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

  test("acknowledgements of success, and all of MQTT 3", () => {
    const kind = fc.constantFrom<Acknowledgement["kind"]>("puback", "pubrec", "pubrel", "pubcomp");
    fc.assert(
      fc.property(version, kind, packetId, fc.boolean(), (protocolVersion, cmd, messageId, isRefused) => {
        const code = isRefused && protocolVersion !== 5 ? 0x92 : 0x00;
        const ours = encodePacket({ kind: cmd, packetId: messageId, reasonCode: code }, protocolVersion);
        expect(ours).toEqual(referenceEncode({ cmd, messageId, reasonCode: code }, protocolVersion));
      }),
    );
  });

  test("CONNACK", () => {
    const properties = fc.record(
      {
        receiveMaximum: fc.integer({ min: 1, max: 0xffff }),
        maximumPacketSize: fc.integer({ min: 1, max: 0xffff_ffff }),
        assignedClientIdentifier: text,
        retainAvailable: fc.boolean(),
        responseInformation: text,
        authenticationData: fc.uint8Array({ maxLength: 300 }),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(version, fc.boolean(), fc.constantFrom(0, 5), properties, (level, sessionPresent, code, given) => {
        const { authenticationData, ...rest } = given;
        const known = { ...rest, ...(authenticationData && { authenticationData: Buffer.from(authenticationData) }) };
        const reference: IConnackPacket = {
          cmd: "connack",
          sessionPresent: level !== 3 && sessionPresent,
          ...(level === 5 ? { reasonCode: code, properties: known } : { returnCode: code }),
        };
        const ours = { ...rest, ...(authenticationData && { authenticationData }) };
        const connack: ServerPacket = { kind: "connack", sessionPresent, code: code as 0, properties: ours };
        expect(hex(encodePacket(connack, level))).toBe(hex(referenceEncode(reference, level)));
      }),
      { numRuns: 300 },
    );
  });

  test("PINGRESP", () => {
    expect(encodePacket({ kind: "pingresp" }, 4)).toEqual(referenceEncode({ cmd: "pingresp" }, 4));
  });
});

describe("MQTT 5: every property that a server may send", () => {
  const userProperties = [
    ["k", "1"],
    ["k", "2"],
    ["a", ""],
  ] as const;
  const userBytes = bytes(0x26, "k", "1", 0x26, "k", "2", 0x26, "a", "");
  const reason = { reasonString: "é", userProperties };
  const reasonBytes = bytes(0x1f, "é", userBytes);
  const limits = { receiveMaximum: 0x2000, maximumPacketSize: 0x10_0000, topicAliasMaximum: 16 };
  const limitBytes = bytes([0x21, 0x20, 0], [0x27, 0, 0x10, 0, 0], [0x22, 0, 16]);

  test("CONNACK of the defaults", () => {
    expect(encodePacket({ kind: "connack", sessionPresent: false, code: 0, properties: limits }, 5)).toEqual(
      bytes([0x20, 14, 0, 0, 11], limitBytes),
    );
  });

  test("CONNACK: in the order in which the properties are given", () => {
    const connack: ServerPacket = {
      kind: "connack",
      sessionPresent: true,
      code: 0,
      properties: {
        ...limits,
        maximumQos: 0,
        retainAvailable: false,
        wildcardSubscriptionAvailable: false,
        subscriptionIdentifiersAvailable: false,
        sharedSubscriptionAvailable: false,
        sessionExpiryIntervalSec: 0xffff_ffff,
        assignedClientIdentifier: "id",
        serverKeepAliveSec: 0xfffe,
        responseInformation: "r/",
        authenticationMethod: "m",
        authenticationData: Uint8Array.of(0, 0xff),
        ...reason,
      },
    };
    const list = bytes(
      limitBytes,
      [0x24, 0, 0x25, 0, 0x28, 0, 0x29, 0, 0x2a, 0],
      [0x11, 0xff, 0xff, 0xff, 0xff],
      0x12,
      "id",
      [0x13, 0xff, 0xfe],
      0x1a,
      "r/",
      0x15,
      "m",
      [0x16, 0, 2, 0, 0xff],
      reasonBytes,
    );
    expect(encodePacket(connack, 5)).toEqual(packet(0x20, 1, 0, list.length, list));
  });

  test("CONNACK: a refusal with a server reference", () => {
    const properties = { serverReference: "other.example:1883", reasonString: "moved" };
    const list = bytes(0x1c, "other.example:1883", 0x1f, "moved");
    expect(encodePacket({ kind: "connack", sessionPresent: false, code: 0x9d, properties }, 5)).toEqual(
      packet(0x20, 0, 0x9d, list.length, list),
    );
  });

  test("CONNACK: zero, false and nothing are values too, and what is undefined is none", () => {
    const properties = {
      topicAliasMaximum: 0,
      sessionExpiryIntervalSec: 0,
      serverKeepAliveSec: 0,
      responseInformation: "",
      authenticationData: new Uint8Array(0),
      userProperties: [],
    };
    const list = bytes([0x22, 0, 0], [0x11, 0, 0, 0, 0], [0x13, 0, 0], 0x1a, "", [0x16, 0, 0]);
    expect(encodePacket({ kind: "connack", sessionPresent: false, code: 0, properties }, 5)).toEqual(
      packet(0x20, 0, 0, list.length, list),
    );
  });

  test("PUBACK, PUBREC, PUBREL, PUBCOMP: success with properties says its code", () => {
    for (const [kind, first] of [
      ["puback", 0x40],
      ["pubrec", 0x50],
      ["pubrel", 0x62],
      ["pubcomp", 0x70],
    ] as const) {
      for (const code of [0, 0x92] as const) {
        const acknowledgement: ServerPacket = { kind, packetId: id, reasonCode: code, properties: reason };
        expect(encodePacket(acknowledgement, 5)).toEqual(
          packet(first, [0x12, 0x34], code, reasonBytes.length, reasonBytes),
        );
        expect(encodePacket(acknowledgement, 4)).toEqual(Uint8Array.of(first, 2, 0x12, 0x34));
      }
    }
  });

  test("SUBACK and UNSUBACK: the properties stand before the codes", () => {
    const suback: ServerPacket = { kind: "suback", packetId: id, reasonCodes: [2, 0x9e], properties: reason };
    const list = [reasonBytes.length, ...reasonBytes];
    expect(encodePacket(suback, 5)).toEqual(packet(0x90, [0x12, 0x34], list, [2, 0x9e]));
    expect(encodePacket(suback, 4)).toEqual(packet(0x90, [0x12, 0x34], [2, 0x80]));
    const unsuback: ServerPacket = { kind: "unsuback", packetId: id, reasonCodes: [0, 0x8f], properties: reason };
    expect(encodePacket(unsuback, 5)).toEqual(packet(0xb0, [0x12, 0x34], list, [0, 0x8f]));
    expect(encodePacket(unsuback, 4)).toEqual(packet(0xb0, [0x12, 0x34]));
  });

  test("DISCONNECT", () => {
    const properties = { serverReference: "b", ...reason };
    const list = bytes(0x1c, "b", reasonBytes);
    expect(encodePacket({ kind: "disconnect", reasonCode: 0x9c, properties }, 5)).toEqual(
      packet(0xe0, 0x9c, list.length, list),
    );
  });

  test("AUTH", () => {
    const method = { authenticationMethod: "m" };
    expect(encodePacket({ kind: "auth", reasonCode: 0x00, properties: method }, 5)).toEqual(
      packet(0xf0, 0, 4, 0x15, "m"),
    );
    const properties = { ...method, authenticationData: new Uint8Array(200).fill(7), ...reason };
    const list = bytes(0x15, "m", [0x16, 0, 200], properties.authenticationData, reasonBytes);
    expect(encodePacket({ kind: "auth", reasonCode: 0x18, properties }, 5)).toEqual(
      packet(0xf0, 0x18, variableByteInteger(list.length), list),
    );
    expect(() => encodePacket({ kind: "auth", reasonCode: 0x18, properties }, 4)).toThrow(Error);
  });
});

describe("what we encode is what mqtt-packet reads", () => {
  const read = (sent: ServerPacket) => referenceDecode(encodePacket(sent, 5), 5);

  test("acknowledgements with a code alone", () => {
    for (const kind of ["puback", "pubrec"] as const) {
      for (const code of [0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99] as const) {
        expect(read({ kind, packetId: id, reasonCode: code })).toMatchObject({ messageId: id, reasonCode: code });
      }
    }
    for (const kind of ["pubrel", "pubcomp"] as const) {
      expect(read({ kind, packetId: id, reasonCode: 0x92 })).toMatchObject({ messageId: id, reasonCode: 0x92 });
    }
  });

  test("every code of a server's DISCONNECT", () => {
    const codes = [
      0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8b, 0x8d, 0x8e, 0x8f, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a,
      0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2,
    ] as const;
    for (const code of codes) {
      expect(encodePacket({ kind: "disconnect", reasonCode: code }, 5)).toEqual(Uint8Array.of(0xe0, 2, code, 0));
      expect(read({ kind: "disconnect", reasonCode: code })).toMatchObject({ reasonCode: code });
    }
  });
});
