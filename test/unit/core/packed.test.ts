import { describe, expect, test } from "vitest";
import { PackedReader, PackedWriter } from "../../../src/core/packed.ts";

describe("packed strings", () => {
  const lengths = [0, 1, 126, 127, 128, 129, 255, 256, 16_383, 16_384];
  const texts = lengths.flatMap((length) => {
    const ascii = "a".repeat(length);
    return length === 0 ? [ascii] : [ascii, `é${ascii.slice(1)}`, `${ascii.slice(1)}é`, `${ascii.slice(1)}\u0080`];
  });

  test.each(texts.map((text) => ({ text, begins: text.slice(0, 4), ends: text.slice(-4), length: text.length })))(
    "are UTF-8 behind their length in bytes: $length characters, $begins…$ends",
    ({ text }) => {
      const utf8 = new TextEncoder().encode(text);
      const packed = new PackedWriter(1).byte(7).string(text).byte(9).finish();
      expect(packed).toEqual(new PackedWriter().byte(7).uint(utf8.length).raw(utf8).byte(9).finish());
      const reader = new PackedReader(packed);
      expect([reader.byte(), reader.string(), reader.byte(), reader.atEnd]).toEqual([7, text, 9, true]);
    },
  );
});
