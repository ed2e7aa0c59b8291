// Topic names found by their bytes: the same text as decoded anew, whatever was seen before.

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { topicText } from "../../../src/codec/topic-texts.ts";
import { parseUtf8 } from "../../../src/codec/utf8.ts";

const encoder = new TextEncoder();

/** Behind something and before something else, as in a packet. */
function within(bytes: Uint8Array): string | undefined {
  const packet = new Uint8Array(bytes.length + 4).fill(0x2f);
  packet.set(bytes, 2);
  return topicText(packet, 2, 2 + bytes.length);
}

describe("the text of a topic name's bytes", () => {
  test("is that of the bytes, the first time and the second", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.string({ unit: "binary", maxLength: 150 }), (raw, text) => {
        for (const bytes of [raw, encoder.encode(text)]) {
          const expected = parseUtf8(bytes);
          expect(within(bytes)).toBe(expected);
          expect(within(bytes)).toBe(expected);
        }
      }),
    );
  });

  test("is its own, also where more names are in use than are remembered", () => {
    const names = Array.from({ length: 20_000 }, (_, i) => `devices/${i}/state`);
    for (const name of [...names, ...names]) expect(within(encoder.encode(name))).toBe(name);
  });

  test("does not follow the bytes when their buffer is used again", () => {
    const packet = encoder.encode("a/b");
    expect(topicText(packet, 0, 3)).toBe("a/b");
    packet.set(encoder.encode("a/c"));
    expect(topicText(packet, 0, 3)).toBe("a/c");
    packet.set(encoder.encode("a/b"));
    expect(topicText(packet, 0, 3)).toBe("a/b");
  });

  test("[MQTT-1.5.4-1, MQTT-1.5.4-2] is none for ill-formed UTF-8 and U+0000, each time", () => {
    for (const bad of [Uint8Array.of(0xff), Uint8Array.of(0x61, 0), Uint8Array.of(0xed, 0xa0, 0x80)]) {
      expect(within(bad)).toBeUndefined();
      expect(within(bad)).toBeUndefined();
    }
  });
});
