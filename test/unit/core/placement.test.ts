import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { ClientId, TopicFilter, TopicName } from "../../../src/core/brand.ts";
import {
  murmur3,
  ownerOfTopic,
  ownersOfFilter,
  shardOfClient,
  subtreeOf,
  type Layout,
} from "../../../src/core/placement.ts";
import { matches } from "../../../src/core/topic.ts";

const plain: Layout = { number: 1, shards: 3, subtreeDepth: 1, depthByPrefix: [], hashSeed: 0 };
const topicName = (raw: string): TopicName => raw as TopicName;
const topicFilter = (raw: string): TopicFilter => raw as TopicFilter;
const owner = (raw: string, layout = plain): number => ownerOfTopic(topicName(raw), layout);
const owners = (raw: string, layout = plain): number[] => ownersOfFilter(topicFilter(raw), layout);
/** The owners of 500 topics. */
const placed = (layout: Layout): number[] => Array.from({ length: 500 }, (_, each) => owner(`t${each}`, layout));
const join = (levels: string[]): string => levels.join("/");

describe("subtrees", () => {
  test.each([
    ["a", "a"],
    ["a/b/c", "a"],
    ["/news/eu", "/news"],
    ["/news", "/news"],
    ["/", "/"],
    ["//a", "/"],
    ["a//b", "a"],
    ["$SYS/broker/x", "$SYS"],
  ])("%s is of %s", (name, subtree) => {
    expect(subtreeOf(topicName(name), plain)).toBe(subtree);
  });

  test.each([
    ["a", "a"],
    ["a/b/c", "a/b"],
    ["/news/eu/de", "/news/eu"],
    ["a//b", "a/"],
    ["//a/b", "//a"],
  ])("at depth 2 %s is of %s", (name, subtree) => {
    expect(subtreeOf(topicName(name), { ...plain, subtreeDepth: 2 })).toBe(subtree);
  });

  test("the longest prefix that fits sets the depth, by whole levels", () => {
    const layout = {
      ...plain,
      depthByPrefix: [
        { prefix: "app", depth: 2 },
        { prefix: "app/eu", depth: 4 },
      ],
    };
    const subtrees = ["app", "app/us/x/y", "app/eu/x/y/z", "apple/x", "app/eur/x"];
    expect(subtrees.map((each) => subtreeOf(topicName(each), layout))).toEqual([
      "app",
      "app/us",
      "app/eu/x/y",
      "apple",
      "app/eur",
    ]);
  });
});

describe("owners", () => {
  test("MurmurHash3 gives its published values", () => {
    expect(murmur3("", 0)).toBe(0);
    expect(murmur3("", 1)).toBe(0x514e28b7);
    expect(murmur3("", 0xffffffff)).toBe(0x81f16f39);
    expect(murmur3("a", 0x9747b28c)).toBe(0x7fa09ea6);
    expect(murmur3("aaaa", 0x9747b28c)).toBe(0x5a97808a);
    expect(murmur3("abc", 0)).toBe(0xb3dd93fa);
    expect(murmur3("Hello, world!", 0x9747b28c)).toBe(0x24884cba);
    expect(murmur3("ππππππππ", 0x9747b28c)).toBe(0xd58063c1);
    expect(murmur3("The quick brown fox jumps over the lazy dog", 0x9747b28c)).toBe(0x2fa826cd);
  });

  test("placement never changes: these are for ever", () => {
    const names = ["a", "b", "c", "devices", "/news", "$SYS", "ä", "😀"];
    const seven = { ...plain, shards: 7, hashSeed: 42 };
    expect(names.map((each) => owner(each))).toEqual([2, 1, 1, 2, 2, 1, 0, 1]);
    expect(names.map((each) => owner(each, seven))).toEqual([4, 2, 2, 3, 1, 3, 5, 0]);
    expect(names.map((each) => shardOfClient(each as ClientId, seven))).toEqual([4, 2, 2, 3, 1, 3, 5, 0]);
  });

  test("topics of one subtree have one owner", () => {
    expect(owner("a/b/c")).toBe(owner("a"));
    expect(owner("/news/eu")).toBe(owner("/news/us/x"));
  });

  test("keys spread evenly", () => {
    const layout = { ...plain, shards: 8 };
    const counts = Array.from({ length: 8 }, () => 0);
    for (let each = 0; each < 8000; each += 1) {
      const shard = owner(`device-${each}`, layout);
      counts[shard] = (counts[shard] ?? 0) + 1;
    }
    expect(Math.min(...counts)).toBeGreaterThan(880);
    expect(Math.max(...counts)).toBeLessThan(1120);
  });

  test("one shard more takes keys and moves none between the others", () => {
    const [before, after] = [5, 6].map((shards) => placed({ ...plain, shards }));
    const moved = after?.filter((shard, each) => shard !== before?.[each]);
    expect(new Set(moved)).toEqual(new Set([5]));
  });

  test("another seed places otherwise", () => {
    const [one, other] = [1, 2].map((hashSeed) => placed({ ...plain, hashSeed }));
    expect(one).not.toEqual(other);
  });
});

describe("owners of a filter", () => {
  const all = [0, 1, 2];

  test("literal subtree levels lead to one owner", () => {
    for (const filter of ["a", "a/#", "a/+", "a/b/#", "a/+/c"]) expect(owners(filter)).toEqual([owner("a")]);
    for (const filter of ["/news/#", "/news/+/sport"]) expect(owners(filter)).toEqual([owner("/news")]);
  });

  test("a wildcard among the subtree levels leads to every owner", () => {
    for (const filter of ["#", "+", "+/a", "/+", "/#", "/+/x"]) expect(owners(filter)).toEqual(all);
  });

  test("at depth 2 a/# matches several subtrees, a/b/# one, and a is one topic", () => {
    const layout = { ...plain, subtreeDepth: 2 };
    for (const filter of ["a/#", "a/+", "a/+/c", "/news/#"]) expect(owners(filter, layout)).toEqual(all);
    expect(owners("a/b/#", layout)).toEqual([owner("a/b", layout)]);
    expect(owners("a", layout)).toEqual([owner("a", layout)]);
  });

  test("a deeper prefix below the filter adds its owners", () => {
    const layout = { ...plain, depthByPrefix: [{ prefix: "a/b", depth: 3 }] };
    for (const filter of ["a/#", "a/+/z", "a/b/#"]) expect(owners(filter, layout)).toEqual(all);
    expect(owners("a/c/#", layout)).toEqual([owner("a/c", layout)]);
    expect(owners("a/b/c/#", layout)).toEqual([owner("a/b/c", layout)]);
  });

  test("every topic that a filter matches is owned by one of its owners", () => {
    const level = fc.constantFrom("", "a", "b", "$s");
    const name = fc.array(level, { minLength: 1, maxLength: 5 }).map(join);
    const filter = fc
      .tuple(fc.array(fc.oneof(level, level, fc.constant("+")), { maxLength: 4 }), fc.boolean())
      .map(([levels, isOpen]) => join(isOpen ? [...levels, "#"] : levels));
    const layout = fc.record({
      number: fc.constant(1),
      shards: fc.integer({ min: 1, max: 9 }),
      subtreeDepth: fc.integer({ min: 1, max: 3 }),
      depthByPrefix: fc.array(
        fc.record({
          prefix: fc.array(level, { minLength: 1, maxLength: 3 }).map(join),
          depth: fc.integer({ min: 1, max: 4 }),
        }),
        { maxLength: 3 },
      ),
      hashSeed: fc.nat(),
    });
    fc.assert(
      fc.property(filter, fc.array(name, { minLength: 20, maxLength: 20 }), layout, (aFilter, names, aLayout) => {
        fc.pre(aFilter !== "");
        const found = owners(aFilter, aLayout);
        for (const each of names) {
          if (each === "" || !matches(topicFilter(aFilter), topicName(each))) continue;
          expect(found).toContain(owner(each, aLayout));
        }
      }),
      { numRuns: 1500 },
    );
  });
});
