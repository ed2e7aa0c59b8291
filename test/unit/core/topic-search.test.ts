import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { TopicFilter, TopicName } from "../../../src/core/brand.ts";
import { justAfter, searchFor } from "../../../src/core/topic-search.ts";
import { compareTopicNames, matches } from "../../../src/core/topic.ts";

const topicFilter = (raw: string): TopicFilter => raw as TopicFilter;

describe("where the next match can be", () => {
  test.each([
    ["a/#", "", "a"],
    ["a/#", "a-b", "a/"],
    ["a/#", "a0", undefined],
    ["a/b", "a/b/c", undefined],
    ["a/+/c", "a/x/b", "a/x/c"],
    ["a/+/c", "a/x/c", "a/x/c"],
    ["a/+/c", "a/x/d", "a/x0"],
    ["a/+/c", "a/x", justAfter("a/x")],
    ["+/b/#", "a/b-c", "a/b/"],
    ["+/b", "a/b/c", "a0"],
    ["#", "$SYS/x", "%"],
    ["+/x", "$", "%"],
    ["$SYS/+/x", "$SYS", "$SYS/"],
    ["/+/x", "", "/"],
  ])("%s from %j: %j", (filter, from, next) => {
    expect(searchFor(topicFilter(filter))(from)).toBe(next);
  });

  // Characters around `/` in the order, and `$`.
  const word = fc.string({ unit: fc.constantFrom("a", "b", "-", "0", "$", "😀", "\uffff"), maxLength: 2 });
  const name = fc.array(word, { minLength: 1, maxLength: 4 }).map((levels) => levels.join("/"));
  const part = fc.oneof(fc.constantFrom("a", "b", "", "$"), fc.constant("+"));
  const filter = fc
    .tuple(fc.array(part, { maxLength: 3 }), fc.boolean())
    .map(([levels, isOpen]) => topicFilter((isOpen ? [...levels, "#"] : levels).join("/")));

  test("no topic that the filter matches is jumped over", () => {
    fc.assert(
      fc.property(filter, name, fc.array(name, { minLength: 30, maxLength: 30 }), (aFilter, from, names) => {
        fc.pre(aFilter !== "");
        const next = searchFor(aFilter)(from);
        const wanted = names.filter((each) => each !== "" && matches(aFilter, each as TopicName));
        const later = wanted.filter((each) => compareTopicNames(each, from) >= 0);
        const isGone = (each: string): boolean => next === undefined || compareTopicNames(each, next) < 0;
        expect(later.filter(isGone)).toEqual([]);
        expect(next === undefined || compareTopicNames(next, from) >= 0).toBe(true);
        expect(next === from).toBe(from === "" ? next === "" : matches(aFilter, from as TopicName));
      }),
      { numRuns: 2000 },
    );
  });
});
