import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { TopicFilter, TopicName } from "../../../src/core/brand.ts";
import { defaultLimits, type Limits } from "../../../src/core/limits.ts";
import type { Message, MessageProperties } from "../../../src/core/packet.ts";
import { reasonCode } from "../../../src/core/reason-code.ts";
import {
  RetainedMessages,
  retainedBytes,
  type RetainedStore,
  type StoredRetained,
} from "../../../src/core/retained.ts";
import { matches } from "../../../src/core/topic.ts";

const topicName = (raw: string): TopicName => raw as TopicName;
const topicFilter = (raw: string): TopicFilter => raw as TopicFilter;
const join = (levels: string[]): string => levels.join("/");
const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

class MemoryStore implements RetainedStore {
  readonly rows = new Map<string, StoredRetained>();
  rowsRead = 0;
  rowsWritten = 0;
  #sorted: string[] | undefined;

  get(name: string): StoredRetained | undefined {
    return this.rows.get(name);
  }

  nextAtOrAfter(name: string, limit: number): StoredRetained[] {
    this.#sorted ??= [...this.rows.keys()].toSorted(byBytes);
    const start = this.#sorted.findIndex((each) => byBytes(each, name) >= 0);
    const names = start === -1 ? [] : this.#sorted.slice(start, start + limit);
    this.rowsRead += names.length;
    return names.map((each) => this.rows.get(each)).filter((row) => row !== undefined);
  }

  put(row: StoredRetained): void {
    this.rowsWritten += 1;
    this.#sorted = undefined;
    this.rows.set(row.topicName, row);
  }

  delete(name: string): void {
    this.rowsWritten += this.rows.delete(name) ? 1 : 0;
    this.#sorted = undefined;
  }

  count(): { count: number; bytes: number } {
    const rows = [...this.rows.values()];
    return { count: rows.length, bytes: rows.reduce((sum, row) => sum + retainedBytes(row), 0) };
  }
}

interface MessageOptions {
  payload?: string;
  expiresAtMs?: number;
  properties?: MessageProperties;
}

function message(name: string, { payload = "x", ...rest }: MessageOptions = {}): Message {
  return { topicName: topicName(name), payload: Buffer.from(payload), qos: 1, retain: true, ...rest };
}

/** Nobody wakes it: what expires without being asked for is in retained-expiry.test.ts. */
function messagesOver(store: MemoryStore, limits: Partial<Limits> = {}): RetainedMessages {
  const meta = { getNumber: () => undefined, putNumber: () => undefined };
  return new RetainedMessages(
    { retained: store, meta },
    {
      limits: { ...defaultLimits, ...limits },
      counters: { retainedExpired: 0 },
      effects: { wakeAt: () => undefined, needsFlush: () => undefined },
    },
  );
}

function setUp(limits: Partial<Limits> = {}) {
  const store = new MemoryStore();
  return { store, retained: messagesOver(store, limits) };
}

function setAll(retained: RetainedMessages, names: readonly string[], nowMs = 1): void {
  for (const name of names) expect(retained.set(message(name), nowMs).ok).toBe(true);
}

/** All topics that a filter finds, page by page. */
function find(retained: RetainedMessages, filter: string, limit = 100, nowMs = 1): string[] {
  const names: string[] = [];
  let after: TopicName | undefined;
  do {
    const page = retained.page(topicFilter(filter), after, limit, nowMs);
    expect(page.messages.length).toBeLessThanOrEqual(limit);
    names.push(...page.messages.map((row) => row.topicName));
    after = page.next;
  } while (after !== undefined);
  return names;
}

describe("set and get", () => {
  test("[MQTT-3.3.1-5] a retained message replaces the one before", () => {
    const { retained } = setUp();
    retained.set(message("a", { payload: "old" }), 1);
    retained.set(message("a", { payload: "new" }), 2);
    expect(retained.get(topicName("a"), 3)).toMatchObject({ payload: Buffer.from("new"), publishedAtMs: 2, qos: 1 });
    expect(retained.count).toBe(1);
  });

  test("[MQTT-3.3.1-6] an empty retained payload removes the stored message", () => {
    const { retained, store } = setUp();
    setAll(retained, ["a", "b"]);
    retained.flush();
    retained.set(message("a", { payload: "" }), 2);
    expect(retained.get(topicName("a"), 2)).toBeUndefined();
    expect(find(retained, "#")).toEqual(["b"]);
    retained.flush();
    expect([...store.rows.keys()]).toEqual(["b"]);
    expect(retained.count).toBe(1);
  });

  test("[MQTT-3.3.1-7] an empty payload is never stored, and where nothing is stored nothing is written", () => {
    const { retained } = setUp();
    expect(retained.set(message("a", { payload: "" }), 1).ok).toBe(true);
    expect(retained.get(topicName("a"), 1)).toBeUndefined();
    expect(retained.isDirty).toBe(false);
  });

  test("nothing is written before the flush, and one row per topic in it", () => {
    const { retained, store } = setUp();
    setAll(retained, ["a", "b", "a", "a"]);
    expect([store.rows.size, retained.isDirty]).toEqual([0, true]);
    retained.flush();
    expect([store.rowsWritten, retained.isDirty]).toEqual([2, false]);
    retained.flush();
    expect(store.rowsWritten).toBe(2);
  });

  test("versions rise with every set, also within one millisecond and after a restart", () => {
    const { retained, store } = setUp();
    setAll(retained, ["a", "b"], 1000);
    retained.flush();
    const restarted = messagesOver(store);
    setAll(restarted, ["c"], 1001);
    const versions = ["a", "b", "c"].map((each) => restarted.get(topicName(each), 1001)?.version ?? 0);
    expect(versions).toEqual([1000 * 1024, 1000 * 1024 + 1, 1001 * 1024]);
    expect(restarted.version).toBe(versions[2]);
  });

  test("versionAt divides what was set before from what is set later, after a restart as well", () => {
    const { retained, store } = setUp();
    setAll(retained, ["a", "b", "c"], 1000);
    retained.flush();
    const restarted = messagesOver(store);
    const bound = restarted.versionAt(1001);
    setAll(restarted, ["b", "d"], 1001);
    const page = restarted.page(topicFilter("#"), undefined, 10, 1001, bound);
    expect(page.messages.map((row) => row.topicName)).toEqual(["a", "c"]);
  });
});

describe("limits", () => {
  test("over maximumRetainedMessages a new topic is refused and nothing is changed", () => {
    const { retained } = setUp({ maximumRetainedMessages: 2 });
    setAll(retained, ["a", "b"]);
    const version = retained.version;
    expect(retained.set(message("c"), 1)).toMatchObject({
      ok: false,
      error: { reasonCode: reasonCode.quotaExceeded, limit: "maximumRetainedMessages" },
    });
    expect([retained.count, retained.version]).toEqual([2, version]);
    expect(find(retained, "#")).toEqual(["a", "b"]);
    setAll(retained, ["a"]);
    retained.set(message("a", { payload: "" }), 1);
    setAll(retained, ["c"]);
  });

  test("over maximumRetainedBytes what grows is refused, what does not is taken", () => {
    const { retained } = setUp({ maximumRetainedBytes: 10 });
    expect(retained.set(message("a", { payload: "123456789" }), 1).ok).toBe(true);
    expect(retained.set(message("b"), 1)).toMatchObject({
      error: { reasonCode: reasonCode.quotaExceeded, limit: "maximumRetainedBytes" },
    });
    expect(retained.set(message("a", { payload: "1234567890" }), 1).ok).toBe(false);
    expect(retained.get(topicName("a"), 1)?.payload.length).toBe(9);
    expect(retained.set(message("a", { payload: "987654321" }), 1).ok).toBe(true);
    expect(retained.set(message("a", { payload: "1" }), 1).ok).toBe(true);
    expect(retained.bytes).toBe(2);
  });

  test("properties and topic names count", () => {
    const { retained } = setUp();
    retained.set(
      message("ä", {
        payload: "12",
        properties: { userProperties: [["k", "v"]], contentType: "t", correlationData: new Uint8Array(5) },
      }),
      1,
    );
    expect(retained.bytes).toBe(2 + 2 + (2 + 16) + 1 + 5);
  });

  test("what is in storage counts after a restart", () => {
    const { retained, store } = setUp();
    setAll(retained, ["a", "b"]);
    retained.flush();
    const restarted = messagesOver(store, { maximumRetainedMessages: 2 });
    expect(restarted.set(message("c"), 1).ok).toBe(false);
    expect([restarted.count, restarted.bytes]).toEqual([2, 4]);
  });
});

describe("expiry", () => {
  test("[MQTT-3.3.2-5] an expired message is not given, and goes", () => {
    const { retained, store } = setUp();
    retained.set(message("a", { expiresAtMs: 100 }), 1);
    setAll(retained, ["b"]);
    retained.flush();
    expect(retained.get(topicName("a"), 99)?.topicName).toBe("a");
    expect(retained.get(topicName("a"), 100)).toBeUndefined();
    expect([retained.isDirty, retained.count]).toEqual([true, 1]);
    retained.flush();
    expect([...store.rows.keys()]).toEqual(["b"]);
  });

  test("a page passes over expired messages and removes each once", () => {
    const { retained, store } = setUp();
    for (const each of ["a/1", "a/2", "a/3"]) retained.set(message(each, { expiresAtMs: 100 }), 1);
    setAll(retained, ["a/4"]);
    retained.flush();
    expect(find(retained, "a/#", 10, 200)).toEqual(["a/4"]);
    expect(find(retained, "a/#", 10, 200)).toEqual(["a/4"]);
    expect(retained.page(topicFilter("a/1"), undefined, 1, 200).messages).toEqual([]);
    expect([retained.count, retained.bytes]).toEqual([1, 4]);
    retained.flush();
    expect([...store.rows.keys()]).toEqual(["a/4"]);
  });
});

describe("pages", () => {
  test("a filter without wildcards gives its one topic", () => {
    const { retained } = setUp();
    setAll(retained, ["a/b", "a/b/c"]);
    expect(retained.page(topicFilter("a/b"), undefined, 1, 1)).toMatchObject({
      messages: [{ topicName: "a/b" }],
      next: undefined,
    });
    expect(find(retained, "a/c")).toEqual([]);
  });

  test("storage and pending changes are one run", () => {
    const { retained } = setUp();
    setAll(retained, ["a/1", "a/3", "a/5"]);
    retained.flush();
    setAll(retained, ["a/2", "a/3", "a/4", "a/6"]);
    retained.set(message("a/5", { payload: "" }), 1);
    expect(find(retained, "a/#", 2)).toEqual(["a/1", "a/2", "a/3", "a/4", "a/6"]);
  });

  test("what is set or removed between two pages is seen", () => {
    const { retained } = setUp();
    setAll(retained, ["a/1", "a/2", "a/4"]);
    const first = retained.page(topicFilter("a/+"), undefined, 1, 1);
    expect(first.next).toBe("a/1");
    setAll(retained, ["a/3"]);
    retained.set(message("a/2", { payload: "" }), 1);
    retained.flush();
    const second = retained.page(topicFilter("a/+"), first.next, 9, 1);
    expect(second.messages.map((row) => row.topicName)).toEqual(["a/3", "a/4"]);
  });

  test("topics come in the order of their UTF-8 bytes, astral characters last", () => {
    const { retained } = setUp();
    setAll(retained, ["😀", "\uffff", "a", "/"]);
    expect(find(retained, "#", 1)).toEqual(["/", "a", "\uffff", "😀"]);
    retained.flush();
    setAll(retained, ["\ue000", "😁"]);
    expect(find(retained, "#", 1)).toEqual(["/", "a", "\ue000", "\uffff", "😀", "😁"]);
  });

  test("values younger than the bound are passed over", () => {
    const { retained } = setUp();
    setAll(retained, ["a", "b"], 1);
    setAll(retained, ["a"], 9);
    const page = retained.page(topicFilter("+"), undefined, 9, 9, 2 * 1024);
    expect(page.messages.map((row) => row.topicName)).toEqual(["b"]);
  });

  test("a walk reads what it needs, not the table", () => {
    const { retained, store } = setUp();
    setAll(
      retained,
      Array.from({ length: 2000 }, (_, each) => `z/${each}`),
    );
    setAll(retained, ["a/1/c", "a/2/c", "b"]);
    setAll(
      retained,
      Array.from({ length: 500 }, (_, each) => `a/1/x/${each}`),
    );
    retained.flush();
    expect(find(retained, "a/+/c")).toEqual(["a/1/c", "a/2/c"]);
    expect(find(retained, "b/#")).toEqual(["b"]);
    expect(find(retained, "+")).toEqual(["b"]);
    expect(store.rowsRead).toBeLessThan(40);
  });

  test("a page that finds nothing looks at a bounded number of rows and says where to go on", () => {
    const { retained, store } = setUp();
    setAll(
      retained,
      Array.from({ length: 3000 }, (_, each) => `d${each}/state`),
    );
    setAll(retained, ["e/alarm"]);
    retained.flush();
    const page = retained.page(topicFilter("+/alarm"), undefined, 10, 1);
    expect(page.messages).toEqual([]);
    expect(page.next).toBeDefined();
    expect(store.rowsRead).toBeLessThan(1100);
    expect(find(retained, "+/alarm")).toEqual(["e/alarm"]);
  });

  test("a page of large messages ends early", () => {
    const { retained } = setUp();
    const payload = "x".repeat(400_000);
    for (let each = 0; each < 6; each += 1) retained.set(message(`a/${each}`, { payload }), 1);
    expect(retained.page(topicFilter("a/#"), undefined, 100, 1).messages).toHaveLength(3);
    expect(find(retained, "a/#")).toHaveLength(6);
  });

  test("pages together give exactly what the filter matches, each once, in order", () => {
    const word = fc.string({ unit: fc.constantFrom("a", "b", "-", "0", "$", "😀", "\uffff"), maxLength: 2 });
    const name = fc
      .array(fc.oneof(word, fc.constantFrom("a", "b")), { minLength: 1, maxLength: 4 })
      .map(join)
      .filter((each) => each !== "");
    const filter = fc
      .tuple(fc.array(fc.constantFrom("a", "b", "", "$", "+", "+"), { maxLength: 3 }), fc.boolean())
      .map(([levels, isOpen]) => join(isOpen ? [...levels, "#"] : levels))
      .filter((each) => each !== "");
    const step = fc.oneof(
      { weight: 8, arbitrary: fc.record({ name, payload: fc.constantFrom("x", "yy", "") }) },
      { weight: 1, arbitrary: fc.constant("flush" as const) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), filter, fc.integer({ min: 1, max: 5 }), (steps, wanted, limit) => {
        const { retained, store } = setUp();
        const model = new Map<string, string>();
        for (const each of steps) {
          if (each === "flush") {
            retained.flush();
            continue;
          }
          retained.set(message(each.name, { payload: each.payload }), 1);
          if (each.payload === "") model.delete(each.name);
          else model.set(each.name, each.payload);
        }
        const expected = [...model.keys()].filter((each) => matches(topicFilter(wanted), topicName(each)));
        expect(find(retained, wanted, limit)).toEqual(expected.toSorted(byBytes));
        retained.flush();
        expect(find(retained, wanted, limit)).toEqual(expected.toSorted(byBytes));
        expect(store.count()).toEqual({ count: retained.count, bytes: retained.bytes });
      }),
      { numRuns: 500 },
    );
  });
});

/** A page, and what it should hold: as much as it has of all that is left, and all of it where it is the last. */
function pageAndModel(
  retained: RetainedMessages,
  model: ReadonlySet<string>,
  { filter, after, limit }: { filter: string; after: string | undefined; limit: number },
) {
  const page = retained.page(topicFilter(filter), after === undefined ? undefined : topicName(after), limit, 1);
  const left = [...model]
    .filter((one) => matches(topicFilter(filter), topicName(one)))
    .filter((one) => after === undefined || byBytes(one, after) > 0)
    .toSorted(byBytes);
  return {
    found: page.messages.map((row) => row.topicName),
    expected: left.slice(0, page.next === undefined ? left.length : page.messages.length),
  };
}

describe("what a filter found is kept until a retained message changes", () => {
  const many = Array.from({ length: 700 }, (_, each) => `a/${each}`);

  test("so the next subscriber costs no row, whatever its pages", () => {
    const { retained, store } = setUp();
    setAll(retained, [...many, "b"]);
    retained.flush();
    const first = find(retained, "a/#", 256);
    const before = store.rowsRead;
    expect(find(retained, "a/#", 7)).toEqual(first);
    expect(first).toEqual(many.toSorted(byBytes));
    expect(store.rowsRead).toBe(before);
  });

  test("two subscribers read it side by side, each in its own steps", () => {
    const { retained } = setUp();
    setAll(retained, many);
    retained.flush();
    const found: string[][] = [[], []];
    const at: (TopicName | undefined)[] = [undefined, undefined];
    for (let isMore = true; isMore;) {
      isMore = false;
      for (const [index, limit] of [3, 250].entries()) {
        if (found[index]?.length === many.length) continue;
        const page = retained.page(topicFilter("a/#"), at[index], limit, 1);
        found[index]?.push(...page.messages.map((row) => row.topicName));
        at[index] = page.next;
        isMore = true;
      }
    }
    expect(found).toEqual([many.toSorted(byBytes), many.toSorted(byBytes)]);
  });

  test("a change in between is seen by who goes on, and by who begins", () => {
    const { retained } = setUp();
    setAll(retained, many);
    retained.flush();
    const page = retained.page(topicFilter("a/#"), undefined, 256, 1);
    retained.set(message("a/999", { payload: "" }), 2);
    setAll(retained, ["a/9990"], 2);
    retained.flush();
    const rest = retained.page(topicFilter("a/#"), page.next, 1_000, 2).messages.map((row) => row.topicName);
    expect(rest.at(-1)).toBe("a/9990");
    retained.set(message("a/1", { payload: "new" }), 3);
    retained.flush();
    expect(retained.page(topicFilter("a/#"), undefined, 9, 3, 2 * 1024).messages[1]?.topicName).toBe("a/10");
    expect(retained.page(topicFilter("a/#"), undefined, 9, 3).messages[1]).toMatchObject({ topicName: "a/1" });
    expect(find(retained, "a/#", 100, 3)).toHaveLength(701);
  });

  test("but not a message that ends by time [MQTT-3.3.2-5]", () => {
    const { retained } = setUp();
    setAll(retained, ["a/1"]);
    retained.set(message("a/2", { expiresAtMs: 10 }), 1);
    retained.flush();
    expect(find(retained, "a/#", 100, 9)).toEqual(["a/1", "a/2"]);
    expect(find(retained, "a/#", 100, 11)).toEqual(["a/1"]);
  });

  test("nor more of them than a shard has memory for", () => {
    const { retained, store } = setUp();
    const payload = "x".repeat(50_000);
    const names = Array.from({ length: 200 }, (_, each) => `a/${each + 100}`);
    for (const name of names) retained.set(message(name, { payload }), 1);
    retained.flush();
    expect(find(retained, "a/#", 10)).toEqual(names);
    const before = store.rowsRead;
    expect(find(retained, "a/#", 10)).toEqual(names);
    expect(store.rowsRead).toBeGreaterThan(before);
  });

  test("whatever changes, is asked for and is flushed in between", () => {
    const name = fc.tuple(fc.constantFrom("a", "b"), fc.nat(9)).map(([level, each]) => `${level}/${each}`);
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ name, payload: fc.constantFrom("x", "yy", "") }) },
      { weight: 3, arbitrary: fc.constant("flush" as const) },
      {
        weight: 6,
        arbitrary: fc.record({
          filter: fc.constantFrom("a/#", "#", "+/3", "b/+"),
          after: fc.option(name, { nil: undefined }),
          limit: fc.integer({ min: 1, max: 8 }),
        }),
      },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { retained } = setUp();
        const model = new Set<string>();
        const pages = steps.flatMap((each) => {
          if (each === "flush") retained.flush();
          if (each === "flush") return [];
          if ("filter" in each) return [pageAndModel(retained, model, each)];
          retained.set(message(each.name, { payload: each.payload }), 1);
          if (each.payload === "") model.delete(each.name);
          else model.add(each.name);
          return [];
        });
        for (const { found, expected } of pages) expect(found).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });
});
