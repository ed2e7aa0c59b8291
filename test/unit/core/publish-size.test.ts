// How large a PUBLISH is, said without encoding it: held to the bytes of the encoder.

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PublishEncoder, type PublishHeader } from "../../../src/codec/publish-encoder.ts";
import type { TopicName } from "../../../src/core/brand.ts";
import type { Message } from "../../../src/core/packet.ts";
import { publishSize, publishSizeBound, type AliasForm } from "../../../src/core/publish-size.ts";
import { message, qos } from "../codec/arbitraries.ts";

const nowMs = 1_000_000;
const plain: Message = { topicName: "a" as TopicName, payload: Uint8Array.of(7), qos: 1, retain: false };

const aliasForm = fc.constantFrom<AliasForm>("none", "first", "known");
/** On both sides of every length of a variable byte integer. */
const identifiers = fc.array(
  fc.oneof(
    fc.constantFrom(1, 0x7f, 0x80, 0x3fff, 0x4000, 0x1f_ffff, 0x20_0000, 0x0fff_ffff),
    fc.integer({ min: 1, max: 300 }),
  ),
  { maxLength: 40 },
);
const anyMessage = fc
  .tuple(message, fc.option(fc.integer({ min: 1, max: 2_000_000 }), { nil: undefined }))
  .map(([each, afterMs]): Message => (afterMs === undefined ? each : { ...each, expiresAtMs: nowMs + afterMs }));

const headerOf = (form: AliasForm): Pick<PublishHeader, "topicAlias" | "isTopicKnown"> =>
  form === "none" ? {} : { topicAlias: 9, isTopicKnown: form === "known" };

describe("the size of a PUBLISH", () => {
  test("by hand: fixed header 2, topic 3, packet identifier 2, properties 1, payload 1", () => {
    expect(publishSize(plain, 1, [], "none")).toBe(9);
    expect(publishSize(plain, 0, [], "none")).toBe(7);
    expect(publishSize(plain, 1, [1, 128], "first")).toBe(9 + 2 + 3 + 3);
    expect(publishSize(plain, 1, [1, 128], "known")).toBe(9 + 2 + 3 + 3 - 1);
  });

  test("counts bytes of UTF-8: one to four a character", () => {
    const spelt: Message = {
      ...plain,
      topicName: "aé€𝄞" as TopicName,
      properties: { contentType: "é", responseTopic: "€", userProperties: [["𝄞", ""]] },
    };
    const properties = 3 + 2 + (3 + 3) + (5 + 4);
    expect(publishSize(spelt, 0, [], "none")).toBe(2 + (2 + 10) + 1 + properties + 1);
  });

  test("is the encoder's, and within the bound", () => {
    fc.assert(
      fc.property(anyMessage, qos, identifiers, aliasForm, (sent, level, ids, form) => {
        const header: PublishHeader = {
          version: 5,
          qos: level,
          retain: false,
          dup: false,
          packetId: 1,
          subscriptionIdentifiers: ids,
          nowMs,
          ...headerOf(form),
        };
        const { length } = new PublishEncoder().encode(sent, header);
        expect(publishSize(sent, level, ids, form)).toBe(length);
        expect(publishSizeBound(sent, ids)).toBeGreaterThanOrEqual(length);
      }),
      { numRuns: 500 },
    );
  });

  test("across the lengths of the remaining length", () => {
    for (const edge of [0x7f, 0x3fff, 0x1f_ffff]) {
      for (const size of [edge - 6, edge - 5, edge - 4, edge - 3]) {
        const sent: Message = { ...plain, payload: new Uint8Array(size) };
        const header: PublishHeader = { version: 5, qos: 0, retain: false, dup: false, nowMs };
        expect(publishSize(sent, 0, [], "none")).toBe(new PublishEncoder().encode(sent, header).length);
      }
    }
  });

  test("the bound stays near: three bytes for each unit of text, and a few", () => {
    const long: Message = { ...plain, topicName: "€".repeat(100) as TopicName, payload: new Uint8Array(1000) };
    const exact = publishSize(long, 1, [], "first");
    expect(publishSizeBound(long, []) - exact).toBeLessThanOrEqual(6);
  });

  test("the bound is reached where every length and character takes the most bytes", () => {
    const most: Message = {
      ...plain,
      topicName: "€".repeat(100) as TopicName,
      properties: { userProperties: Array.from({ length: 35 }, () => ["€".repeat(20_000), "€"] as const) },
    };
    expect(publishSizeBound(most, [0x0fff_ffff])).toBe(publishSize(most, 1, [0x0fff_ffff], "first"));
  });
});
