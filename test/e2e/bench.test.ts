// The suite of `npm run bench`, in small: what it is for is that its checks and its report work. Speed is not asserted.

import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import type { BrokerId } from "../../bench/speed/brokers/kinds.ts";
import { nullBroker } from "../../bench/speed/brokers/null-broker.ts";
import { charts } from "../../bench/speed/charts.ts";
import { judge } from "../../bench/speed/goals.ts";
import { summaryText, withSections } from "../../bench/speed/report.ts";
import { cellOf, type Results } from "../../bench/speed/results.ts";
import { scenarios } from "../../bench/speed/scenarios/all.ts";
import { type Scenario, smallRun } from "../../bench/speed/scenarios/scenario.ts";
import { runSuite } from "../../bench/speed/suite.ts";

const brokers: readonly BrokerId[] = ["1-shard", "3-shards", "null", "null-row", "aedes"];
const measured = ["fan-out-100-qos0", "fan-in-50-qos1", "pairs-50-qos2", "pairs-50-qos1-durable", "retained-qos0"];

function scenarioOf(id: string): Scenario {
  const found = scenarios.find((scenario) => scenario.id === id);
  if (found === undefined) throw new Error(`no scenario ${id}`);
  return found;
}

const options = { rounds: 1, run: smallRun, say: () => undefined };

describe("a small run of the bench", () => {
  let results: Results;
  beforeAll(async () => {
    results = await runSuite({ ...options, scenarios: measured.map(scenarioOf), brokers });
  });

  test("nothing is lost, doubled or out of order, on any broker", () => {
    const cells = results.scenarios.flatMap(({ id, cells: all }) => all.map((cell) => ({ id, ...cell })));
    expect(cells.filter(({ faults }) => faults.length > 0)).toEqual([]);
    expect(cells.length).toBeGreaterThan(measured.length);
    expect(cells.every(({ values, lacks }) => values.length === (lacks === undefined ? 1 : 0))).toBe(true);
  });

  test("the report names every scenario, every broker and every goal", () => {
    const text = summaryText(results);
    for (const { title } of results.scenarios) expect(text).toContain(`| ${title}`);
    for (const { name } of results.brokers) expect(text).toContain(name);
    expect(text).toContain("at least 0.7 of the ceiling");
  });

  test("the documentation has a place for each part of the report", () => {
    const document = readFileSync(new URL("../../docs/performance.md", import.meta.url), "utf8");
    expect(withSections(document, results)).toContain(results.machine.cpu);
  });

  test("there is a chart of the ephemeral scenarios, and one of the durable ones", () => {
    const drawn = charts(results);
    expect(drawn.map(({ file }) => file)).toEqual(["ephemeral.svg", "durable.svg"]);
    for (const { svg } of drawn) expect(svg).toMatch(/^<svg .*<\/svg>\s*$/s);
    expect(drawn[0]?.svg).toContain("null broker");
  });

  test("what grows has a chart of its own", () => {
    const points = [10, 100].map((size) => ({ size, cost: size, faults: [] }));
    const growth = [{ id: "levels", title: "levels of a topic", workload: "pairs", unit: "µs" as const, points }];
    expect(charts({ ...results, growth }).at(-1)?.svg).toContain("levels of a topic");
  });
});

describe("goals", () => {
  const judged = (own: number, ceiling: number) => {
    const cell = { more: {}, brokerCores: 1, loadCores: 0, faults: [] };
    const cells = [
      { ...cell, broker: "1-shard" as const, values: [own, own, own] },
      { ...cell, broker: "null" as const, values: [ceiling, 1, 10 * ceiling] },
    ];
    const scenario = {
      id: "pairs-50-qos0",
      title: "50 pairs",
      unit: "delivered/s",
      better: "more",
      isDurable: false,
    } as const;
    const machine = { cores: 2, cpu: "any", memoryGiB: 1, kernel: "any", node: "any" };
    const about = { commit: "any", date: "any", machine, rounds: 3, size: "small", brokers: [], growth: [] } as const;
    return judge({ ...about, scenarios: [{ ...scenario, cells }] })[0];
  };

  test("a goal is met by the ratio of medians", () => {
    expect(judged(70, 100)).toMatchObject({ missed: [], nearest: { ratio: 0.7 } });
  });

  test("a goal is missed by what lies below it, and says where", () => {
    expect(judged(69, 100)?.missed).toMatchObject([{ own: "1-shard", other: "null", title: "50 pairs", ratio: 0.69 }]);
  });
});

describe("a broker with a fault has no figure, but its fault", () => {
  test.each([
    ["drop", /lost/],
    ["double", /doubled/],
    ["reorder", /out of order/],
  ] as const)("%s", async (fault, told) => {
    const { scenarios: done } = await runSuite({
      ...options,
      scenarios: [scenarioOf("fan-out-100-qos0")],
      brokers: ["null"],
      instead: { null: nullBroker("null broker", { fault }) },
    });
    const [scenario] = done;
    const cell = scenario && cellOf(scenario, "null");
    expect(cell?.values).toEqual([]);
    expect(cell?.faults.flat().join("; ")).toMatch(told);
  });
});
