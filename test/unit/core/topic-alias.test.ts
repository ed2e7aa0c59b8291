import { describe, expect, test } from "vitest";
import type { TopicName } from "../../../src/core/brand.ts";
import { InboundAliases, OutboundAliases } from "../../../src/core/topic-alias.ts";

const name = (text: string): TopicName => text as TopicName;

describe("inbound", () => {
  test("[MQTT-3.3.2-8] [MQTT-3.3.2-9] judges by the maximum alone", () => {
    const aliases = new InboundAliases(2);
    expect([0, 1, 2, 3, 65_535].map((alias) => aliases.judge(alias)?.reasonCode)).toEqual([
      0x94,
      undefined,
      undefined,
      0x94,
      0x94,
    ]);
  });

  test("knows what was set last, before a save and after it", () => {
    const aliases = new InboundAliases(2);
    expect(aliases.get(1)).toMatchObject({ ok: false, error: { reasonCode: 0x82 } });
    aliases.set(1, name("a"));
    aliases.set(2, name("b"));
    aliases.set(1, name("c"));
    for (const one of [aliases, new InboundAliases(2, aliases.entries())]) {
      expect([one.get(1), one.get(2)]).toEqual([
        { ok: true, value: "c" },
        { ok: true, value: "b" },
      ]);
    }
  });
});

describe("outbound", () => {
  test("the first use names topic and alias, later ones the alias", () => {
    const aliases = new OutboundAliases(2);
    expect(aliases.known(name("topic"))).toBeUndefined();
    expect(aliases.assign(name("topic"))).toEqual({ topicAlias: 1, isTopicKnown: false });
    expect(aliases.known(name("topic"))).toEqual({ topicAlias: 1, isTopicKnown: true });
    expect(aliases.assign(name("other"))).toEqual({ topicAlias: 2, isTopicKnown: false });
  });

  test("is full at the maximum, and has none for names that are as short as an alias", () => {
    const aliases = new OutboundAliases(2);
    expect(["abc", "abcd", "ää", ""].map((text) => aliases.canAssign(name(text)))).toEqual([false, true, true, false]);
    for (const text of ["first", "second"]) aliases.assign(name(text));
    expect(aliases.canAssign(name("third"))).toBe(false);
  });

  test("comes back from a save with the same numbers", () => {
    const aliases = new OutboundAliases(3);
    for (const text of ["first", "second"]) aliases.assign(name(text));
    const back = new OutboundAliases(aliases.maximum, aliases.topicNames);
    expect(back.known(name("second"))).toEqual({ topicAlias: 2, isTopicKnown: true });
    expect(back.assign(name("third"))).toEqual({ topicAlias: 3, isTopicKnown: false });
    expect(back.canAssign(name("fourth"))).toBe(false);
  });
});
