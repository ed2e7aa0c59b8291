import { describe, expect, test } from "vitest";
import { encodePacket } from "../../../src/codec/encode.ts";
import { encodeWithin } from "../../../src/codec/encode-within.ts";
import type { PacketId } from "../../../src/core/brand.ts";
import type { ServerPacket } from "../../../src/core/packet.ts";

const packetId = 0x0102 as PacketId;
const reasonString = "because";
/** Property 0x1f, two bytes of length, seven of text. */
const reasonBytes = 10;

type WithProperties = Extract<ServerPacket, { properties?: unknown }>;

const withReason: WithProperties[] = [
  { kind: "connack", sessionPresent: false, code: 0x87, properties: { reasonString, serverReference: "r" } },
  { kind: "puback", packetId, reasonCode: 0x87, properties: { reasonString } },
  { kind: "pubrec", packetId, reasonCode: 0x87, properties: { reasonString } },
  { kind: "disconnect", reasonCode: 0x87, properties: { reasonString } },
];

/** The packet as it is without its Reason String. */
const bare = (packet: WithProperties): ServerPacket => {
  const { reasonString: _, ...properties } = packet.properties as Record<string, unknown>;
  return { ...packet, properties };
};

describe.each(withReason)("$kind with a Reason String", (packet) => {
  const full = encodePacket(packet, 5);
  const short = encodePacket(bare(packet), 5);

  test("[MQTT-3.2.2-19] [MQTT-3.4.2-2] [MQTT-3.5.2-2] [MQTT-3.14.2-3] goes without it where it would be too large", () => {
    expect(full.length - short.length).toBeGreaterThanOrEqual(reasonBytes);
    expect(encodeWithin(packet, 5, full.length)).toEqual(full);
    expect(encodeWithin(packet, 5, full.length - 1)).toEqual(short);
    expect(encodeWithin(packet, 5, short.length)).toEqual(short);
  });

  test("[MQTT-3.1.2-24] is not sent where it is too large even so", () => {
    expect(encodeWithin(packet, 5, short.length - 1)).toBeUndefined();
    expect(encodeWithin(packet, 5, 1)).toBeUndefined();
  });

  test("goes whole to a client that names no size", () => {
    expect(encodeWithin(packet, 5, undefined)).toEqual(full);
  });
});

test("what else a packet says is kept: only the Reason String goes", () => {
  const packet: ServerPacket = {
    kind: "connack",
    sessionPresent: false,
    code: 0x9c,
    properties: { reasonString, serverReference: "r" },
  };
  // 20 len, flags 0, code 9c, properties: 1c 0001 'r'.
  expect(encodeWithin(packet, 5, 9)).toEqual(Uint8Array.from([0x20, 7, 0, 0x9c, 4, 0x1c, 0, 1, 0x72]));
  expect(encodeWithin(packet, 5, 8)).toBeUndefined();
});

test("a packet without a Reason String is sent whole or not at all", () => {
  const packet: ServerPacket = { kind: "suback", packetId, reasonCodes: [0, 1, 2] };
  expect(encodeWithin(packet, 5, 8)).toEqual(Uint8Array.from([0x90, 6, 1, 2, 0, 0, 1, 2]));
  expect(encodeWithin(packet, 5, 7)).toBeUndefined();
  expect(encodeWithin({ kind: "pingresp" }, 5, 1)).toBeUndefined();
});
