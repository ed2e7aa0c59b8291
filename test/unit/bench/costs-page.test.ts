// docs/costs.md says what was measured, and what the calculator makes of it.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseTask } from "../../../bench/cost/arguments.ts";
import { billText, sections, withSections } from "../../../bench/cost/report.ts";
import type { Results } from "../../../bench/cost/results.ts";
import { missedBy } from "../../../bench/cost/run.ts";
import { missed } from "../../../bench/cost/scenario.ts";
import { scenarios } from "../../../bench/cost/scenarios/index.ts";
import { workloads } from "../../../bench/cost/workloads.ts";

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
const page = read("docs/costs.md");
const results = JSON.parse(read("bench/cost/results.json")) as Results;

describe("docs/costs.md", () => {
  test.each(Object.keys(sections))("the part '%s' is what the last measurement and the calculator give", (name) => {
    const part = (text: string): string | undefined => text.split(`<!-- ${name} -->`)[1]?.split(`<!-- /${name} -->`)[0];
    expect(part(page)?.trim()).toBe(sections[name]?.(results).trim());
  });

  test("nothing else changes where it is written anew", () => {
    expect(withSections(page, results)).toBe(page);
  });

  test("every scenario was measured at every shard count, and holds its target", () => {
    for (const { id, needsShards } of scenarios) {
      const shards = results.scenarios.filter((result) => result.id === id).map((result) => result.shards);
      expect([id, ...shards]).toEqual(needsShards === true ? [id, 3] : [id, 1, 3]);
    }
    expect(results.scenarios.map(missedBy).filter((fault) => fault !== undefined)).toEqual([]);
  });
});

describe("targets", () => {
  const under = { target: { kind: "under", rows: 60 } } as const;
  const none = { target: { kind: "exactly", rows: 0 } } as const;

  test("at one shard they hold as they stand", () => {
    expect([missed(under, 1, 59), missed(none, 1, 0)]).toEqual([undefined, undefined]);
    expect([missed(under, 1, 60), missed(none, 1, 1)]).toEqual([expect.any(String), expect.any(String)]);
  });

  test("at three shards four times as much is allowed, and nothing where nothing was", () => {
    expect([missed(under, 3, 240), missed(none, 3, 0)]).toEqual([undefined, undefined]);
    expect([missed(under, 3, 241), missed(none, 3, 1)]).toEqual([expect.any(String), expect.any(String)]);
  });
});

describe("the command line", () => {
  test("a calculation prints its inputs and the bills of all providers", () => {
    const task = parseTask(["--calculate", "clients=7"]);
    if (!task.ok || task.value.kind !== "calculate") throw new Error("no calculation");
    const text = billText(task.value.workload, results);
    for (const said of ["clients=7", "keepAliveSec=60", "Cloudflare", "AWS", "EMQX", "Ably"])
      expect(text).toContain(said);
  });

  test("without arguments it measures; what it does not know it refuses", () => {
    expect(parseTask([])).toEqual({ ok: true, value: { kind: "measure" } });
    expect(parseTask(["--write-docs"])).toEqual({ ok: true, value: { kind: "write-docs" } });
    expect(parseTask(["clients=7"]).ok).toBe(false);
    expect(parseTask(["--calculate", "clients=many"]).ok).toBe(false);
    expect(parseTask(["--bill"]).ok).toBe(false);
  });

  test("the commands of the workloads give the workloads", () => {
    for (const { words, workload } of workloads) {
      expect(parseTask(["--calculate", ...words])).toEqual({ ok: true, value: { kind: "calculate", workload } });
    }
  });
});
