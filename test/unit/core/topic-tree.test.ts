import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { TopicFilter, TopicName } from "../../../src/core/brand.ts";
import { TopicTree } from "../../../src/core/topic-tree.ts";
import { matches } from "../../../src/core/topic.ts";

const topicName = (raw: string): TopicName => raw as TopicName;
const topicFilter = (raw: string): TopicFilter => raw as TopicFilter;

function treeOf(...filters: string[]): TopicTree<string> {
  const tree = new TopicTree<string>();
  for (const filter of filters) tree.set(topicFilter(filter), 1, filter);
  return tree;
}

describe("TopicTree", () => {
  test("gives the values of all filters that match", () => {
    const tree = treeOf("a/b", "a/+", "a/#", "#", "+/b", "a", "a/b/#", "b/#", "a/b/c");
    expect(tree.match(topicName("a/b")).toSorted()).toEqual(["#", "+/b", "a/#", "a/+", "a/b", "a/b/#"]);
  });

  test("a/# matches a", () => {
    expect(treeOf("a/#", "a/+").match(topicName("a"))).toEqual(["a/#"]);
  });

  test("[MQTT-4.7.2-1] wildcards in the first level see no topic that starts with $", () => {
    const tree = treeOf("#", "+/x", "+", "$SYS/#", "$SYS/x", "$SYS/+");
    expect(tree.match(topicName("$SYS/x"))).toEqual(["$SYS/x", "$SYS/+", "$SYS/#"]);
    expect(tree.match(topicName("$other"))).toEqual([]);
  });

  test("empty levels count", () => {
    const tree = treeOf("/a", "+/a", "a", "//a", "/+");
    expect(tree.match(topicName("/a")).toSorted()).toEqual(["+/a", "/+", "/a"]);
  });

  test("a value is replaced under the same filter and key", () => {
    const tree = new TopicTree<string>();
    for (const key of [1, 2]) tree.set(topicFilter("a"), key, "old");
    tree.set(topicFilter("a"), 1, "new");
    expect(tree.match(topicName("a"))).toEqual(["new", "old"]);
    expect(tree.size).toBe(2);
  });

  test("keys of one filter come in the order in which they were added", () => {
    const tree = new TopicTree<number>();
    for (const key of [5, 3, 9, 1]) tree.set(topicFilter("a/#"), key, key);
    expect(tree.match(topicName("a"))).toEqual([5, 3, 9, 1]);
  });

  test("the generation rises with each change and with nothing else", () => {
    const tree = treeOf("a");
    const first = tree.generation;
    tree.match(topicName("a"));
    expect(tree.delete(topicFilter("a"), 2)).toBe(false);
    expect(tree.delete(topicFilter("b/c"), 1)).toBe(false);
    expect(tree.delete(topicFilter("a/#"), 1)).toBe(false);
    expect(tree.generation).toBe(first);
    tree.set(topicFilter("a"), 1, "other");
    expect(tree.generation).toBeGreaterThan(first);
    const second = tree.generation;
    tree.delete(topicFilter("a"), 1);
    expect(tree.generation).toBeGreaterThan(second);
  });

  test("hasFilter knows exact filters only", () => {
    const tree = treeOf("a/b/#", "a/+");
    expect(["a/b/#", "a/+", "a/b", "a", "#", "a/#", "a/x"].filter((each) => tree.hasFilter(topicFilter(each)))).toEqual(
      ["a/b/#", "a/+"],
    );
  });

  test("a level named like an object's own property is a level like any other", () => {
    const tree = treeOf("__proto__/constructor");
    expect(tree.match(topicName("__proto__/constructor"))).toHaveLength(1);
    expect(tree.match(topicName("__proto__/toString"))).toEqual([]);
  });

  test("a tree from which everything was removed is as good as new", () => {
    const filters = ["a", "a/b", "a/c/#", "+/+", "#", "a/+/d"];
    const tree = treeOf(...filters);
    for (const filter of filters) expect(tree.delete(topicFilter(filter), 1)).toBe(true);
    expect(tree.size).toBe(0);
    expect(tree.match(topicName("a/b"))).toEqual([]);
    tree.set(topicFilter("a/b"), 7, "again");
    expect(tree.match(topicName("a/b"))).toEqual(["again"]);
  });

  test("does what a list of filters does", () => {
    const level = fc.constantFrom("", "a", "b", "$s");
    const filter = fc
      .tuple(fc.array(fc.oneof(level, fc.constant("+")), { maxLength: 3 }), fc.boolean())
      .map(([levels, isOpen]) => (isOpen ? [...levels, "#"] : levels).join("/"))
      .filter((each) => each !== "");
    const change = fc.record({ filter, key: fc.nat(3), isAdded: fc.boolean() });
    const name = fc
      .array(level, { minLength: 1, maxLength: 4 })
      .map((levels) => levels.join("/"))
      .filter((each) => each !== "");
    fc.assert(
      fc.property(fc.array(change, { maxLength: 40 }), name, (changes, topic) => {
        const tree = new TopicTree<string>();
        const model = new Map<string, TopicFilter>();
        const deletions: { was: boolean; expected: boolean }[] = [];
        for (const { filter: each, key, isAdded } of changes) {
          const id = `${each} ${key}`;
          const wasThere = model.delete(id);
          if (!isAdded) {
            deletions.push({ was: tree.delete(topicFilter(each), key), expected: wasThere });
            continue;
          }
          tree.set(topicFilter(each), key, id);
          model.set(id, topicFilter(each));
        }
        const wanted = [...model].filter(([, each]) => matches(each, topicName(topic))).map(([id]) => id);
        expect(tree.match(topicName(topic)).toSorted()).toEqual(wanted.toSorted());
        expect(tree.size).toBe(model.size);
        expect(deletions.filter(({ was, expected }) => was !== expected)).toEqual([]);
        for (const each of model.values()) expect(tree.hasFilter(each)).toBe(true);
      }),
    );
  });
});
