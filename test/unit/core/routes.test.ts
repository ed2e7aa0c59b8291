import { describe, expect, test } from "vitest";
import type { TopicFilter, TopicName } from "../../../src/core/brand.ts";
import { RouteRegistrations, RouteTable, type RoutePort } from "../../../src/core/routes.ts";

const filter = (text: string): TopicFilter => text as TopicFilter;
const topic = (text: string): TopicName => text as TopicName;

class MemoryRoutes implements RoutePort {
  readonly rows = new Map<string, number>();
  readonly floors = new Map<number, number>();
  written = 0;

  put(route: TopicFilter, shard: number, registration: number): void {
    this.rows.set(`${shard} ${route}`, registration);
    this.written += 1;
  }

  delete(route: TopicFilter, shard: number): void {
    this.rows.delete(`${shard} ${route}`);
    this.written += 1;
  }

  putFloor(shard: number, registration: number): void {
    this.floors.set(shard, registration);
    this.written += 1;
  }

  open(): RouteTable {
    const rows = [...this.rows].map(([key, registration]) => {
      const at = key.indexOf(" ");
      return { shard: Number(key.slice(0, at)), filter: filter(key.slice(at + 1)), registration };
    });
    return new RouteTable(rows, this.floors);
  }
}

const add = (text: string, registration: number) => ({ kind: "route-add", filter: text, registration }) as const;
const remove = (text: string, registration: number) => ({ kind: "route-remove", filter: text, registration }) as const;
const set = (filters: string[], registration: number, last = true) =>
  ({ kind: "route-set", filters, registration, last }) as const;
const shardsOf = (table: RouteTable, name: string): number[] => [...table.match(topic(name))].toSorted((a, b) => a - b);

describe("an owner's routes", () => {
  test("name each shard once, however many of its filters match", () => {
    const table = new RouteTable([], []);
    table.onEntry(1, add("a/#", 1));
    table.onEntry(1, add("a/+", 2));
    table.onEntry(2, add("a/b", 1));
    table.onEntry(3, add("b", 1));
    expect(shardsOf(table, "a/b")).toEqual([1, 2]);
  });

  test("go with a remove, and survive one that is older than they are", () => {
    const table = new RouteTable([], []);
    table.onEntry(1, add("a", 5));
    table.onEntry(1, remove("a", 4));
    expect(shardsOf(table, "a")).toEqual([1]);
    table.onEntry(1, remove("a", 6));
    expect(shardsOf(table, "a")).toEqual([]);
  });

  test("of another shard are not touched by a remove", () => {
    const table = new RouteTable([], []);
    table.onEntry(1, add("a", 5));
    table.onEntry(2, remove("a", 6));
    expect(shardsOf(table, "a")).toEqual([1]);
  });

  test("that a full set does not name end with its last part and not before", () => {
    const table = new RouteTable([], []);
    for (const [at, text] of ["a", "b", "c"].entries()) table.onEntry(1, add(text, at));
    table.onEntry(2, add("a", 1));
    table.onEntry(1, set(["b"], 9, false));
    expect(shardsOf(table, "a")).toEqual([1, 2]);
    table.onEntry(1, set(["c", "d"], 9));
    expect(["a", "b", "c", "d"].map((text) => shardsOf(table, text))).toEqual([[2], [1], [1], [1]]);
  });

  test("are the same after a restart of the owner", () => {
    const rows = new MemoryRoutes();
    const table = rows.open();
    table.onEntry(1, add("a/#", 1));
    table.onEntry(2, add("b", 1));
    table.onEntry(2, remove("b", 2));
    table.flush(rows);
    expect(shardsOf(rows.open(), "a/x")).toEqual([1]);
    expect(rows.open().size).toBe(1);
  });

  test("are not ended by a late remove or set of a shard's earlier life, also after a restart of the owner", () => {
    const rows = new MemoryRoutes();
    const table = rows.open();
    table.onEntry(1, add("a", 1));
    table.onEntry(1, set(["a"], 100));
    table.flush(rows);
    const restarted = rows.open();
    restarted.onEntry(1, remove("a", 50));
    restarted.onEntry(1, set([], 60));
    expect(shardsOf(restarted, "a")).toEqual([1]);
  });

  test("cost one row per new (filter, shard), and none when the filter is registered again", () => {
    const rows = new MemoryRoutes();
    const table = rows.open();
    for (let registration = 1; registration <= 5; registration += 1) table.onEntry(1, add("a", registration));
    table.flush(rows);
    table.flush(rows);
    expect(rows.written).toBe(1);
  });
});

describe("a shard's registrations", () => {
  const registered = (text: string, registration: number, version = 7) =>
    ({ kind: "registered", filter: text, registration, version }) as const;

  test("are served from the owner's registered entry on, which gives back who waits", () => {
    const registrations = new RouteRegistrations<string>(100);
    expect(registrations.acquire(filter("a"), 2, "suback")).toEqual(add("a", 100));
    expect(registrations.isServed(filter("a"), 2)).toBe(false);
    expect(registrations.onRegistered(2, registered("a", 100))).toEqual({ waiter: "suback", version: 7 });
    expect(registrations.isServed(filter("a"), 2)).toBe(true);
    expect(registrations.isServed(filter("a"), 1)).toBe(false);
  });

  test("each have an answer of their own, once", () => {
    const registrations = new RouteRegistrations<string>(1);
    registrations.acquire(filter("a"), 0, "first");
    registrations.acquire(filter("a"), 0, "second");
    expect(registrations.onRegistered(0, registered("a", 2))?.waiter).toBe("second");
    expect(registrations.onRegistered(0, registered("a", 1))?.waiter).toBe("first");
    expect(registrations.onRegistered(0, registered("a", 1))).toBeUndefined();
  });

  test("of an earlier life are served at once", () => {
    const registrations = new RouteRegistrations<string>(1);
    registrations.restore(filter("a"), 0);
    expect(registrations.isServed(filter("a"), 0)).toBe(true);
  });

  test("go a minute after the last one who wanted them, and not if one comes back", () => {
    const registrations = new RouteRegistrations<string>(1);
    for (const text of ["a", "b"]) registrations.restore(filter(text), 0);
    for (const text of ["a", "b"]) registrations.release(filter(text), 0, 1_000);
    registrations.acquire(filter("b"), 0, "again");
    expect(registrations.nextSweepMs()).toBe(61_000);
    expect(registrations.sweep(60_999)).toEqual([]);
    expect(registrations.sweep(61_000)).toEqual([{ owner: 0, entry: remove("a", 2) }]);
    expect(registrations.nextSweepMs()).toBeUndefined();
    expect([registrations.isServed(filter("a"), 0), registrations.isServed(filter("b"), 0)]).toEqual([false, true]);
  });

  test("that nobody holds cannot be released", () => {
    expect(() => new RouteRegistrations<string>(1).release(filter("a"), 0, 0)).toThrow("released more than acquired");
  });

  test("make a full set of what is wanted, in parts of bounded size; an empty one where nothing is", () => {
    const registrations = new RouteRegistrations<string>(1);
    const filters = Array.from({ length: 300 }, (_, at) => `${"x".repeat(1000)}${at}`);
    for (const text of filters) registrations.restore(filter(text), 0);
    registrations.release(filter(filters[0] ?? ""), 0, 0);
    const parts = registrations.fullSet(0);
    expect(parts.length).toBeGreaterThan(3);
    expect(parts.map((part) => part.last)).toEqual([...parts.slice(1).map(() => false), true]);
    expect(parts.flatMap((part) => part.filters)).toEqual(filters.slice(1));
    expect(registrations.fullSet(1)).toEqual([set([], 2)]);
  });
});
