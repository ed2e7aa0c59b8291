// Every property of MQTT 5 in every packet that a client sends: allowed, or which code refuses it (§2.2.2.2 and each
// property's paragraph); twice; and the edges of its range. Written from the standard's table 2-4, not from the codec's.

import { describe, expect, test } from "vitest";
import { bytes, decodeOne, packet, variableByteInteger } from "./wire.ts";

type Part = Parameters<typeof packet>[1];

const sized = (list: Uint8Array): Uint8Array => bytes(variableByteInteger(list.length), list);

/** Each packet around a list of properties, well-formed but for them. */
const packets = {
  CONNECT: (list) => packet(0x10, "MQTT", 5, 0x02, [0, 60], sized(list), "c"),
  will: (list) => packet(0x10, "MQTT", 5, 0x06, [0, 60], 0, "c", sized(list), "w", [0, 0]),
  PUBLISH: (list) => packet(0x30, "t", sized(list)),
  PUBACK: (list) => packet(0x40, [0, 1], 0, sized(list)),
  PUBREC: (list) => packet(0x50, [0, 1], 0, sized(list)),
  PUBREL: (list) => packet(0x62, [0, 1], 0, sized(list)),
  PUBCOMP: (list) => packet(0x70, [0, 1], 0, sized(list)),
  SUBSCRIBE: (list) => packet(0x82, [0, 1], sized(list), "f", 0),
  UNSUBSCRIBE: (list) => packet(0xa2, [0, 1], sized(list), "f"),
  DISCONNECT: (list) => packet(0xe0, 0, sized(list)),
  AUTH: (list) => packet(0xf0, 0x18, sized(list)),
} as const satisfies { readonly [name: string]: (list: Uint8Array) => Uint8Array };
type PacketName = keyof typeof packets;
const everyPacket = Object.keys(packets) as PacketName[];
const acknowledgements = ["PUBACK", "PUBREC", "PUBREL", "PUBCOMP"] as const;

/** What must stand beside: AUTH has a method always, authentication data only beside one. */
const method = bytes(0x15, "m");

function beside(name: PacketName, id: number): Uint8Array {
  const needsMethod = name === "AUTH" || (name === "CONNECT" && id === 0x16);
  return needsMethod && id !== 0x15 ? method : new Uint8Array(0);
}

const decode = (name: PacketName, id: number, ...list: Part[]) =>
  decodeOne(name === "CONNECT" || name === "will" ? undefined : 5, packets[name](bytes(beside(name, id), ...list)));

const kindOf = (name: PacketName): string => (name === "will" ? "connect" : name.toLowerCase());
const refusal = (reasonCode: number, clause?: string) => ({
  kind: "violation",
  reasonCode,
  ...(clause === undefined ? undefined : { clause }),
});

interface Row {
  readonly id: number;
  readonly name: string;
  /** A value that is allowed. */
  readonly value: Part;
  readonly packets: readonly PacketName[];
  /** Where table 2-4 has it and a client may not send it. */
  readonly serverOnly?: { readonly packet: PacketName; readonly clause?: string };
  readonly mayRepeat?: true;
  /** Values at the edges of what is allowed, and those beyond with the code and the statement. */
  readonly allowed?: readonly Part[];
  readonly refused?: readonly (readonly [value: Part, reasonCode: number, clause?: string])[];
}

const bit = { allowed: [0, 1], refused: [[2, 0x82] as const, [0xff, 0x82] as const] };
const text = {
  value: "x",
  allowed: ["", "x".repeat(300), "\ufeffé€😀"],
  refused: [
    [[0, 1, 0xff], 0x81, "MQTT-1.5.4-1"] as const,
    [[0, 3, 0xed, 0xa0, 0x80], 0x81, "MQTT-1.5.4-1"] as const,
    [[0, 1, 0], 0x81] as const,
    [[0, 9, 97], 0x81] as const,
  ],
};
const binary = {
  value: [0, 1, 7],
  allowed: [
    [0, 0],
    [0, 2, 0, 0xff],
  ],
  refused: [[[0, 9, 7], 0x81] as const],
};
const uint32 = {
  value: [0, 0, 0, 9],
  allowed: [
    [0, 0, 0, 0],
    [255, 255, 255, 255],
  ],
  refused: [[[0, 0, 9], 0x81] as const],
};

const rows: readonly Row[] = [
  { id: 0x01, name: "Payload Format Indicator", value: 1, packets: ["PUBLISH", "will"], ...bit },
  { id: 0x02, name: "Message Expiry Interval", packets: ["PUBLISH", "will"], ...uint32 },
  { id: 0x03, name: "Content Type", packets: ["PUBLISH", "will"], ...text },
  {
    id: 0x08,
    name: "Response Topic",
    packets: ["PUBLISH", "will"],
    ...text,
    allowed: ["x", "/", "\ufeff€/$"],
    refused: [
      ...text.refused,
      ["", 0x82, "MQTT-4.7.3-1"],
      ["a/+", 0x82, "MQTT-3.3.2-14"],
      ["#", 0x82, "MQTT-3.3.2-14"],
      ["a+b", 0x82, "MQTT-3.3.2-14"],
    ],
  },
  { id: 0x09, name: "Correlation Data", packets: ["PUBLISH", "will"], ...binary },
  {
    id: 0x0b,
    name: "Subscription Identifier",
    value: 1,
    packets: ["SUBSCRIBE"],
    serverOnly: { packet: "PUBLISH", clause: "MQTT-3.3.4-6" },
    allowed: [1, 127, [0x80, 0x01], [0xff, 0xff, 0xff, 0x7f]],
    refused: [
      [0, 0x82],
      [[0x81, 0x00], 0x81, "MQTT-1.5.5-1"],
      [[0x80, 0x80, 0x80, 0x80, 0x01], 0x81, "MQTT-1.5.5-1"],
    ],
  },
  { id: 0x11, name: "Session Expiry Interval", packets: ["CONNECT", "DISCONNECT"], ...uint32 },
  { id: 0x12, name: "Assigned Client Identifier", value: "x", packets: [] },
  { id: 0x13, name: "Server Keep Alive", value: [0, 9], packets: [] },
  { id: 0x15, name: "Authentication Method", packets: ["CONNECT", "AUTH"], ...text },
  { id: 0x16, name: "Authentication Data", packets: ["CONNECT", "AUTH"], ...binary },
  { id: 0x17, name: "Request Problem Information", value: 1, packets: ["CONNECT"], ...bit },
  { id: 0x18, name: "Will Delay Interval", packets: ["will"], ...uint32 },
  { id: 0x19, name: "Request Response Information", value: 1, packets: ["CONNECT"], ...bit },
  { id: 0x1a, name: "Response Information", value: "x", packets: [] },
  { id: 0x1c, name: "Server Reference", value: "x", packets: [], serverOnly: { packet: "DISCONNECT" } },
  { id: 0x1f, name: "Reason String", packets: [...acknowledgements, "DISCONNECT", "AUTH"], ...text },
  {
    id: 0x21,
    name: "Receive Maximum",
    value: [0, 9],
    packets: ["CONNECT"],
    allowed: [
      [0, 1],
      [255, 255],
    ],
    refused: [
      [[0, 0], 0x82],
      [[0], 0x81],
    ],
  },
  {
    id: 0x22,
    name: "Topic Alias Maximum",
    value: [0, 9],
    packets: ["CONNECT"],
    allowed: [
      [0, 0],
      [255, 255],
    ],
    refused: [[[0], 0x81]],
  },
  {
    id: 0x23,
    name: "Topic Alias",
    value: [0, 9],
    packets: ["PUBLISH"],
    allowed: [
      [0, 1],
      [255, 255],
    ],
    refused: [
      [[0, 0], 0x94, "MQTT-3.3.2-8"],
      [[0], 0x81],
    ],
  },
  { id: 0x24, name: "Maximum QoS", value: 1, packets: [] },
  { id: 0x25, name: "Retain Available", value: 1, packets: [] },
  {
    id: 0x26,
    name: "User Property",
    value: bytes("n", "v"),
    packets: everyPacket,
    mayRepeat: true,
    allowed: [bytes("", ""), bytes("n".repeat(200), "é")],
    refused: [
      ["n", 0x81],
      [bytes("n", [0, 1, 0xff]), 0x81, "MQTT-1.5.4-1"],
      [bytes([0, 1, 0xff], "v"), 0x81, "MQTT-1.5.4-1"],
      [bytes("n", [0, 1, 0]), 0x81],
    ],
  },
  {
    id: 0x27,
    name: "Maximum Packet Size",
    value: [0, 0, 1, 0],
    packets: ["CONNECT"],
    allowed: [
      [0, 0, 0, 1],
      [255, 255, 255, 255],
    ],
    refused: [[[0, 0, 0, 0], 0x82]],
  },
  { id: 0x28, name: "Wildcard Subscription Available", value: 1, packets: [] },
  { id: 0x29, name: "Subscription Identifier Available", value: 1, packets: [] },
  { id: 0x2a, name: "Shared Subscription Available", value: 1, packets: [] },
];

/** What becomes of a property in a packet. */
function expectedOf(row: Row, name: PacketName) {
  if (row.packets.includes(name)) return { kind: kindOf(name) };
  return row.serverOnly?.packet === name ? refusal(0x82, row.serverOnly.clause) : refusal(0x81); // §2.2.2.2
}

describe.each(rows)("$name", (row) => {
  const { id, value } = row;

  test.each(everyPacket)("in %s", (name) => {
    expect(decode(name, id, id, value)).toMatchObject(expectedOf(row, name));
  });

  test.each(row.packets)("twice in %s", (name) => {
    const expected = row.mayRepeat ? { kind: kindOf(name) } : refusal(0x82);
    expect(decode(name, id, id, value, id, value)).toMatchObject(expected);
    // The second one is found even where the first has the value of an absent one.
    const first = row.allowed?.[0] ?? value;
    expect(decode(name, id, id, first, id, value)).toMatchObject(expected);
  });

  test.each(row.packets)("the edges of its range in %s", (name) => {
    for (const each of row.allowed ?? []) expect(decode(name, id, id, each)).toMatchObject({ kind: kindOf(name) });
    for (const [each, reasonCode, clause] of row.refused ?? []) {
      expect(decode(name, id, id, each)).toMatchObject(refusal(reasonCode, clause));
    }
  });
});

describe("identifiers that do not exist", () => {
  test.each(everyPacket)("in %s", (name) => {
    const known = new Set(rows.map((row) => row.id));
    const unknown = Array.from({ length: 0x80 }, (_, id) => id).filter((id) => !known.has(id));
    for (const id of unknown) expect(decode(name, id, id, [0, 0])).toMatchObject(refusal(0x81)); // §2.2.2.2
    expect(decode(name, 0x80, [0x80, 0x01], 0)).toMatchObject(refusal(0x81));
    expect(decode(name, 0x26, [0xa6, 0x00], bytes("n", "v"))).toMatchObject(refusal(0x81, "MQTT-1.5.5-1"));
  });
});

describe("more than one", () => {
  test("of different kinds, in any order (§2.2.2.2)", () => {
    const list = [bytes(0x23, [0, 1]), bytes(0x26, "a", "1"), bytes(0x01, 1), bytes(0x26, "b", "2")];
    const expected = { topicAlias: 1, payloadFormatIndicator: 1 };
    expect(decode("PUBLISH", 0, ...list)).toMatchObject({
      properties: {
        ...expected,
        userProperties: [
          ["a", "1"],
          ["b", "2"],
        ],
      },
    });
    expect(decode("PUBLISH", 0, ...list.toReversed())).toMatchObject({
      properties: {
        ...expected,
        userProperties: [
          ["b", "2"],
          ["a", "1"],
        ],
      },
    });
  });

  test("authentication data needs a method in CONNECT (§3.1.2.11.10)", () => {
    expect(decode("CONNECT", 0, 0x16, [0, 1, 7])).toMatchObject(refusal(0x82));
    expect(decode("CONNECT", 0, 0x16, [0, 1, 7], 0x15, "m")).toMatchObject({ kind: "connect" });
  });
});
