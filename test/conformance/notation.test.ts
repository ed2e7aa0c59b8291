// The notation of bytes vouches for every dialogue, so it is tested by itself.

import { describe, expect, test } from "vitest";
import { describeItems, matchBytes, parseBytes, toBytes, toHex, type Captures, type Version } from "./notation.ts";

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
  });

  test("a CONNECT of 128 bytes or more has a remaining length of two bytes", () => {
    expect(bytes("CONNECT 02 003c 0080 'x'*128").slice(0, 8)).toBe("10 8c 01");
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

  test("what is not in the notation is quoted", () => {
    expect(() => bytes("30 0g")).toThrow("0g");
  });

  test("items are described as a reader would write them", () => {
    expect(describeItems(parseBytes("62/6a .. $p 'a'", { version: 4, ids: {} }))).toBe("62/6a .. $p 61");
  });
});
