// The notation of bytes vouches for every dialogue, so it is tested by itself.

import { describe, expect, test } from "vitest";
import { dialogue } from "./dialogue.ts";
import {
  bodyOf,
  describeItems,
  isReason,
  matchBytes,
  matchStart,
  parseBytes,
  toBytes,
  toHex,
  variableByteInteger,
  type Captures,
  type Version,
} from "./notation.ts";

const bytes = (source: string, version: Version = 4, captures: Captures = new Map()): string =>
  toHex(toBytes(parseBytes(source, { version, ids: { a: "abc" } }), captures));

const matches = (source: string, received: readonly number[], captures: Captures = new Map()): boolean =>
  matchBytes(parseBytes(source, { version: 4, ids: { a: "abc" } }), Uint8Array.from(received), captures);

describe("notation of bytes", () => {
  test("hex digits, text, comments and repetition", () => {
    expect(bytes("30 04 0001 'x' (a comment) ff*2 'é'*2")).toBe("30 04 00 01 78 ff ff c3 a9 c3 a9");
  });

  test("identifiers stand for their three characters, in text and outside", () => {
    expect(bytes("'{a}/' {a}")).toBe("61 62 63 2f 61 62 63");
    expect(() => bytes("'{q}'")).toThrow("no identifier {q}");
  });

  test("CONNECT writes name, level and length of the version, up to a semicolon", () => {
    expect(bytes("CONNECT 02 003c 0000 ; c000")).toBe("10 0c 00 04 4d 51 54 54 04 02 00 3c 00 00 c0 00");
    expect(bytes("CONNECT 02 003c 0000", 3)).toBe("10 0e 00 06 4d 51 49 73 64 70 03 02 00 3c 00 00");
    expect(bytes("CONNECT 02 003c 00 0000", 5)).toBe("10 0d 00 04 4d 51 54 54 05 02 00 3c 00 00 00");
  });

  test("a CONNECT of 128 bytes or more has a remaining length of two bytes", () => {
    expect(bytes("CONNECT 02 003c 0080 'x'*128").slice(0, 8)).toBe("10 8c 01");
  });

  test("the limits are the 11 bytes of properties that the server always tells", () => {
    expect(bytes("20 0e 00 00 0b {limits}", 5)).toBe("20 0e 00 00 0b 21 10 00 27 00 10 00 00 22 00 10");
  });

  test("session present is 0 in MQTT 3.1", () => {
    expect([bytes("{sp}", 3), bytes("{sp}", 4)]).toEqual(["00", "01"]);
  });

  test("a capture keeps the first value and then asks for it", () => {
    const captures: Captures = new Map();
    expect(matches("40 02 $p", [0x40, 2, 1, 2], captures)).toBe(true);
    expect(bytes("50 02 $p", 4, captures)).toBe("50 02 01 02");
    expect(matches("40 02 $p", [0x40, 2, 1, 3], captures)).toBe(false);
  });

  test("a packet identifier of zero is never what was expected", () => {
    expect(matches("40 02 $p", [0x40, 2, 0, 0])).toBe(false);
  });

  test("a pattern matches any byte or one of several, and its length counts", () => {
    expect(matches("62/6a .. 01", [0x6a, 9, 1])).toBe(true);
    expect(matches("62/6a .. 01", [0x63, 9, 1])).toBe(false);
    expect(matches("62/6a", [0x62, 0])).toBe(false);
    expect(() => bytes("..")).toThrow("a pattern cannot be sent");
  });

  test("the start of a packet is its first byte and the start of its body, whatever its remaining length", () => {
    const startsWith = (source: string, received: readonly number[], captures: Captures = new Map()): boolean =>
      matchStart(parseBytes(source, { version: 5, ids: {} }), Uint8Array.from(received), captures);
    expect(startsWith("40 0001 87", [0x40, 3, 0, 1, 0x87])).toBe(true);
    expect(startsWith("40 0001 87", [0x40, 0x84, 0x00, 0, 1, 0x87, 0])).toBe(true);
    expect(startsWith("40 0001 87", [0x40, 2, 0, 1])).toBe(false);
    expect(startsWith("40 0001 87", [0x50, 3, 0, 1, 0x87])).toBe(false);
    expect(startsWith("40 0001 87", [0x40, 3, 0, 1, 0x83])).toBe(false);
    const captures: Captures = new Map();
    expect(startsWith("40 $p 87", [0x40, 3, 0, 7, 0x87], captures)).toBe(true);
    expect(captures.get("p")).toBe(7);
  });

  test("a body is what stands behind a remaining length of one byte or more", () => {
    expect([...bodyOf(Uint8Array.of(0xe0, 1, 0x82))]).toEqual([0x82]);
    expect(bodyOf(Uint8Array.of(0x30, 0x80, 1, ...Array.from({ length: 128 }, () => 9)))).toHaveLength(128);
    expect(bodyOf(Uint8Array.of(0xe0, 0))).toHaveLength(0);
  });

  test("a reason is nothing, an empty list, or a reason string and a server reference behind their length", () => {
    const reasons = [[], [0], [4, 0x1f, 0, 1, 0x78], [7, 0x1c, 0, 1, 0x78, 0x1f, 0, 0]];
    expect(reasons.map((all) => isReason(Uint8Array.from(all)))).toEqual([true, true, true, true]);
    const others = [
      [1],
      [3, 0x1f, 0],
      [4, 0x1f, 0, 2, 0x78],
      [4, 0x1f, 0, 0, 0x78],
      [5, 0x11, 0, 0, 0, 1],
      [3, 0x1f, 0, 0, 0],
    ];
    expect(others.map((all) => isReason(Uint8Array.from(all)))).toEqual(others.map(() => false));
    const long = [0x1f, 0, 197, ...Array.from({ length: 197 }, () => 0x78)];
    expect(isReason(Uint8Array.of(0xc8, 1, ...long))).toBe(true);
    expect(isReason(Uint8Array.of(0xc9, 1, ...long))).toBe(false);
  });

  test("lengths have seven bits in a byte, the lowest first", () => {
    expect([0, 127, 128, 16_384].map(variableByteInteger)).toEqual([[0], [0x7f], [0x80, 1], [0x80, 0x80, 1]]);
  });

  test("what is not in the notation is quoted", () => {
    expect(() => bytes("30 0g")).toThrow("0g");
  });

  test("items are described as a reader would write them", () => {
    expect(describeItems(parseBytes("62/6a .. $p 'a'", { version: 4, ids: {} }))).toBe("62/6a .. $p 61");
  });
});

describe("steps of a dialogue", () => {
  const stepOf = (line: string): unknown => dialogue([], "a sentence", [5], line).lines[0]?.step;

  test("what stands behind the flags of a CONNECT is its properties", () => {
    expect(stepOf("a connects 02")).toEqual({ kind: "connect", flags: "02", properties: "", resumed: false });
    expect(stepOf("a resumes 00 11 00000064 21 0001")).toEqual({
      kind: "connect",
      flags: "00",
      properties: "11 00000064 21 0001",
      resumed: true,
    });
  });

  test("told and refused name a reason code, and <~ the start of a packet", () => {
    expect(stepOf("a told 82")).toEqual({ kind: "told", reasonCode: "82" });
    expect(stepOf("a refused 85")).toEqual({ kind: "refused", reasonCode: "85" });
    expect(stepOf("a <~ 40 0001 87")).toEqual({ kind: "expectStart", bytes: "40 0001 87" });
  });

  test("what is no step is quoted", () => {
    expect(() => stepOf("a tells 82")).toThrow("a tells 82");
  });
});
