import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { Result, TopicFilter, TopicName } from "../../../src/core/brand.ts";
import { defaultLimits } from "../../../src/core/limits.ts";
import { reasonCode } from "../../../src/core/reason-code.ts";
import {
  compareTopicNames,
  filterCovers,
  filtersOverlap,
  matches,
  parseSubscriptionFilter,
  parseTopicFilter,
  parseTopicName,
  utf8Length,
} from "../../../src/core/topic.ts";
import type { Violation } from "../../../src/core/violation.ts";

const limits = { ...defaultLimits, maximumTopicBytes: 40, maximumTopicLevels: 5 };
const topicName = (raw: string): TopicName => raw as TopicName;
const topicFilter = (raw: string): TopicFilter => raw as TopicFilter;
const doesMatch = (filter: string, name: string): boolean => matches(topicFilter(filter), topicName(name));

const parseName = (raw: string) => parseTopicName(raw, limits);
const parseFilter = (raw: string) => parseTopicFilter(raw, limits);
const parseSubscription = (raw: string) => parseSubscriptionFilter(raw, limits);

function faultOf(result: Result<unknown, Violation>): Violation {
  if (result.ok) throw new Error("was accepted");
  return result.error;
}

describe("parseTopicName", () => {
  test.each(["a", "/", "//", "/news/eu", "a//b", "a b", "$SYS/x", "ä/€/😀", "a\u0001"])("takes %j", (raw) => {
    expect(parseName(raw)).toEqual({ ok: true, value: raw });
  });

  test("[MQTT-4.7.3-1] an empty topic name is refused", () => {
    expect(faultOf(parseName(""))).toMatchObject({ clause: "MQTT-4.7.3-1", reasonCode: 0x90 });
  });

  test.each(["+", "#", "a/+", "a/#", "a+b", "#a"])("[MQTT-3.3.2-2] the wildcards of %j are refused", (raw) => {
    expect(faultOf(parseName(raw))).toMatchObject({ clause: "MQTT-3.3.2-2", reasonCode: reasonCode.topicNameInvalid });
  });

  test("[MQTT-4.7.3-2] U+0000 is refused", () => {
    expect(faultOf(parseName("a\u0000b"))).toMatchObject({ clause: "MQTT-4.7.3-2", reasonCode: 0x90 });
  });

  test.each(["a\ud800", "\udc00a", "\ude00\ud83d"])("[MQTT-1.5.4-1] a lone surrogate is refused: %j", (raw) => {
    expect(faultOf(parseName(raw))).toMatchObject({ clause: "MQTT-1.5.4-1" });
  });

  test("the length limit counts UTF-8 bytes", () => {
    expect(parseName("a".repeat(40)).ok).toBe(true);
    expect(parseName("😀".repeat(10)).ok).toBe(true);
    expect(faultOf(parseName("😀".repeat(10) + "a"))).toMatchObject({ limit: "maximumTopicBytes", reasonCode: 0x90 });
  });

  test("the level limit counts empty levels", () => {
    expect(parseName("////").ok).toBe(true);
    expect(faultOf(parseName("/////"))).toMatchObject({ limit: "maximumTopicLevels", reasonCode: 0x90 });
  });
});

describe("parseTopicFilter", () => {
  test.each(["a", "#", "+", "+/+", "/+", "+/", "a/#", "/#", "+/#", "a/+/b", "//#", "$SYS/#"])("takes %j", (raw) => {
    expect(parseFilter(raw)).toEqual({ ok: true, value: raw });
  });

  test.each(["#/", "a#", "a/#/b", "a/b#", "##", "#/a", "+#"])("[MQTT-4.7.1-1] %j is refused", (raw) => {
    expect(faultOf(parseFilter(raw))).toMatchObject({ reasonCode: reasonCode.topicFilterInvalid });
  });

  test.each(["a+", "+a", "a/+b", "++", "a/b+/c"])("[MQTT-4.7.1-2] %j is refused", (raw) => {
    expect(faultOf(parseFilter(raw))).toMatchObject({
      clause: "MQTT-4.7.1-2",
      reasonCode: reasonCode.topicFilterInvalid,
    });
  });

  test("[MQTT-4.7.3-1] an empty filter is refused", () => {
    expect(faultOf(parseFilter(""))).toMatchObject({ clause: "MQTT-4.7.3-1", reasonCode: 0x8f });
  });

  test.each(["a\u0000", "\ud800/#", "a".repeat(41), "/////", "$share/g/a", "$share"])("%j is refused", (raw) => {
    expect(faultOf(parseFilter(raw)).reasonCode).toBe(0x8f);
  });
});

describe("parseSubscriptionFilter", () => {
  test("a plain filter has no share name", () => {
    expect(parseSubscription("a/+")).toEqual({ ok: true, value: { topicFilter: "a/+" } });
    expect(parseSubscription("$shared/a")).toEqual({ ok: true, value: { topicFilter: "$shared/a" } });
  });

  test("a shared filter is told apart", () => {
    expect(parseSubscription("$share/g/a/+")).toEqual({ ok: true, value: { topicFilter: "a/+", shareName: "g" } });
    expect(parseSubscription("$share/g//a")).toEqual({ ok: true, value: { topicFilter: "/a", shareName: "g" } });
    expect(parseSubscription("$share/$g/#")).toEqual({ ok: true, value: { topicFilter: "#", shareName: "$g" } });
  });

  test.each(["$share", "$share/", "$share//", "$share//a"])("[MQTT-4.8.2-1] %j has no share name", (raw) => {
    expect(faultOf(parseSubscription(raw))).toMatchObject({ clause: "MQTT-4.8.2-1", reasonCode: 0x8f });
  });

  test.each(["$share/x", "$share/+/a", "$share/#/a", "$share/a#b/c"])("[MQTT-4.8.2-2] %j is refused", (raw) => {
    expect(faultOf(parseSubscription(raw))).toMatchObject({ clause: "MQTT-4.8.2-2", reasonCode: 0x8f });
  });

  test.each(["$share/g/", "$share/g/a#", "$share/g/$share/h/a", "$share/g\u0000/a", "$share/\ud800/a"])(
    "%j is refused",
    (raw) => {
      expect(faultOf(parseSubscription(raw)).reasonCode).toBe(0x8f);
    },
  );

  test("the length limit counts the prefix, the level limit does not", () => {
    expect(faultOf(parseSubscription(`$share/${"g".repeat(40)}/a`)).limit).toBe("maximumTopicBytes");
    expect(parseSubscription("$share/g/a/b/c/d/e").ok).toBe(true);
  });
});

describe("matches", () => {
  test.each([
    ["a", "a"],
    ["a/#", "a"],
    ["a/#", "a/"],
    ["a/#", "a/b/c"],
    ["#", "a/b"],
    ["#", "/"],
    ["+", "a"],
    ["+/+", "/a"],
    ["/+", "/a"],
    ["/+", "/"],
    ["+/", "a/"],
    ["/news/+/sport", "/news/eu/sport"],
    ["a/+/c", "a//c"],
    ["a//c", "a//c"],
    ["+/a/#", "x/a"],
    ["$SYS/#", "$SYS/broker/x"],
    ["$SYS/+", "$SYS/x"],
    ["$SYS", "$SYS"],
    ["a/+", "a/$b"],
  ])("%s matches %s", (filter, name) => {
    expect(doesMatch(filter, name)).toBe(true);
  });

  test.each([
    ["a", "b"],
    ["a", "a/b"],
    ["a", "ab"],
    ["ab", "a"],
    ["a/b", "a"],
    ["a/#", "ab"],
    ["a/#", "ab/c"],
    ["+", "a/b"],
    ["+", "/a"],
    ["+/+", "a"],
    ["a/+", "a"],
    ["a/+/#", "a"],
    ["a/", "a"],
    ["a", "a/"],
    ["a", "A"],
  ])("%s does not match %s", (filter, name) => {
    expect(doesMatch(filter, name)).toBe(false);
  });

  test("[MQTT-4.7.3-4] nothing is normalised: é as one character and as two are different topics", () => {
    expect(doesMatch("\u00e9", "e\u0301")).toBe(false);
  });

  test.each(["#", "+", "+/#", "+/x"])("[MQTT-4.7.2-1] %s sees no topic that starts with $", (filter) => {
    expect(doesMatch(filter, "$SYS")).toBe(false);
    expect(doesMatch(filter, "$SYS/x")).toBe(false);
  });
});

// Few levels and few words, so that filters meet; `z` is in no filter, so that a literal never stands for all.
const word = fc.constantFrom("", "a", "b", "$s");
const nameWord = fc.constantFrom("", "a", "b", "$s", "z");
const filterArb = fc
  .tuple(fc.array(fc.oneof(word, fc.constant("+")), { maxLength: 3 }), fc.boolean())
  .map(([levels, isOpen]) => (isOpen ? [...levels, "#"] : levels).join("/"))
  .filter((filter) => filter !== "")
  .map(topicFilter);
const nameArb = fc
  .array(nameWord, { minLength: 1, maxLength: 4 })
  .map((levels) => levels.join("/"))
  .filter((name) => name !== "")
  .map(topicName);

function allNames(): TopicName[] {
  let level = ["", "a", "b", "$s", "z"];
  const names = [...level];
  for (let depth = 2; depth <= 5; depth += 1) {
    level = level.flatMap((name) => ["", "a", "b", "$s", "z"].map((next) => `${name}/${next}`));
    names.push(...level);
  }
  return names.filter((name) => name !== "").map(topicName);
}

function slowMatches(filter: string, name: string): boolean {
  const wanted = filter.split("/");
  const levels = name.split("/");
  if (name.startsWith("$") && (wanted[0] === "#" || wanted[0] === "+")) return false;
  for (const [at, level] of wanted.entries()) {
    if (level === "#") return true;
    if (at >= levels.length || (level !== "+" && level !== levels[at])) return false;
  }
  return wanted.length === levels.length;
}

describe("against a plain reading of the rules", () => {
  const names = allNames();

  test("matches", () => {
    fc.assert(
      fc.property(filterArb, nameArb, (filter, name) => {
        expect(matches(filter, name)).toBe(slowMatches(filter, name));
      }),
      { numRuns: 3000 },
    );
  });

  test("two filters overlap exactly where some topic name is matched by both", () => {
    fc.assert(
      fc.property(filterArb, filterArb, (a, b) => {
        const isShared = names.some((name) => matches(a, name) && matches(b, name));
        expect(filtersOverlap(a, b)).toBe(isShared);
        expect(filtersOverlap(b, a)).toBe(isShared);
      }),
      { numRuns: 400 },
    );
  });

  test("a filter covers another exactly where it matches all that the other does", () => {
    fc.assert(
      fc.property(filterArb, filterArb, (broad, narrow) => {
        const isCovered = names.every((name) => !matches(narrow, name) || matches(broad, name));
        expect(filterCovers(broad, narrow)).toBe(isCovered);
      }),
      { numRuns: 400 },
    );
  });

  test.each([
    ["/#", "+", false],
    ["/#", "/+", true],
    ["a/#", "a", true],
    ["#", "$SYS/#", false],
  ])("%s and %s overlap: %s", (a, b, isShared) => {
    expect(filtersOverlap(topicFilter(a), topicFilter(b))).toBe(isShared);
  });

  test.each([
    ["+/#", "#", true],
    ["/+/#", "/#", true],
    ["a/+/#", "a/#", false],
    ["#", "$SYS/#", false],
    ["a/#", "a", true],
  ])("%s covers %s: %s", (broad, narrow, isCovered) => {
    expect(filterCovers(topicFilter(broad), topicFilter(narrow))).toBe(isCovered);
  });
});

describe("order and length", () => {
  const text = fc.string({ unit: "binary" });

  test("topic names are ordered as their UTF-8 bytes are", () => {
    expect(compareTopicNames("\uffff", "😀")).toBeLessThan(0);
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(Math.sign(compareTopicNames(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
    );
  });

  test("the UTF-8 length is that of the encoder", () => {
    fc.assert(
      fc.property(text, (a) => {
        expect(utf8Length(a)).toBe(Buffer.byteLength(a));
      }),
    );
  });
});
