// The generated parts of docs/performance.md, and what a run says at its end.

import { replaceSections, row, type Sections } from "../markdown.ts";
import { type BrokerId, brokerIds, kinds } from "./brokers/kinds.ts";
import { type GoalResult, judge, type Outcome } from "./goals.ts";
import { type Cell, cellOf, median, ratioOf, type Results, type ScenarioResult } from "./results.ts";

const chartTitles = {
  ephemeral: "Delivered per second, ephemeral sessions",
  durable: "Delivered per second, durable sessions",
  growth: "Cost of a message as something beside it grows",
} as const;

const chart = (name: keyof typeof chartTitles): string => `![${chartTitles[name]}](performance/${name}.svg)`;

const sections: Sections<Results> = {
  run: runText,
  brokers: brokerTable,
  ephemeral: (results) => `${figureTable(results, ephemeralOf(results))}\n\n${chart("ephemeral")}`,
  durable: (results) => `${figureTable(results, durableOf(results))}\n\n${chart("durable")}`,
  ratios: ratioTable,
  growth: (results) => `${growthTable(results)}\n\n${chart("growth")}`,
  goals: goalTable,
  faults: faultText,
};

/** The document with its generated parts made anew. */
export const withSections = (document: string, results: Results): string =>
  replaceSections(document, sections, results);

/** For the terminal. */
export const summaryText = (results: Results): string =>
  [
    ...(results.scenarios.length === 0 ? [] : scenarioTexts(results)),
    ...(results.growth.length === 0 ? [] : [growthTable(results)]),
    faultText(results),
  ].join("\n\n");

const scenarioTexts = (results: Results): string[] => [
  figureTable(results, ephemeralOf(results)),
  figureTable(results, durableOf(results)),
  ratioTable(results),
  goalTable(results),
];

const table = (head: readonly string[], rows: readonly (readonly string[])[], column = "---:|"): string =>
  [row(...head), `|---|${column.repeat(head.length - 1)}`, ...rows.map((cells) => row(...cells))].join("\n");

const ephemeralOf = ({ scenarios }: Results): ScenarioResult[] => scenarios.filter(({ isDurable }) => !isDurable);
const durableOf = ({ scenarios }: Results): ScenarioResult[] => scenarios.filter(({ isDurable }) => isDurable);

function runText({ commit, date, rounds, machine }: Results): string {
  const { cores, cpu, memoryGiB, kernel, node } = machine;
  return (
    `Commit ${commit}, ${date}, ${rounds} rounds, on ${cores} cores (${cpu}), ${memoryGiB} GiB of memory, ` +
    `Linux ${kernel}, Node ${node} for the load generator, which has the same cores.`
  );
}

function brokerTable({ brokers }: Results): string {
  const rows = brokers.map(({ id, name, version, durability, absent }) => [
    name,
    absent === undefined ? version : `not measured: ${absent}`,
    durability === "nothing lost" ? "nothing" : "what it keeps in memory",
    [...kinds[id].protocolVersions].map((level) => (level === 4 ? "3.1.1" : "5.0")).join(", "),
  ]);
  return table(["", "version", "acknowledged and lost at kill -9", "MQTT"], rows, "---|");
}

const presentIn = (results: Results, scenarios: readonly ScenarioResult[]): BrokerId[] =>
  brokerIds.filter(
    (id) =>
      results.brokers.some((broker) => broker.id === id && broker.absent === undefined) &&
      scenarios.some((scenario) => cellOf(scenario, id) !== undefined),
  );

function figureTable(results: Results, scenarios: readonly ScenarioResult[]): string {
  if (scenarios.length === 0) return "";
  const brokers = presentIn(results, scenarios);
  const rows = scenarios.map((scenario) => [
    `${scenario.title} (${scenario.unit})`,
    ...brokers.map((broker) => cellText(cellOf(scenario, broker))),
  ]);
  return table(["", ...brokers.map((id) => kinds[id].name)], rows);
}

const percent = 100;

/** The median, and how far the runs are from it at most; `–` where the broker cannot, empty where it was not asked. */
function cellText(cell: Cell | undefined): string {
  if (cell === undefined) return "";
  if (cell.lacks !== undefined) return "–";
  if (cell.values.length === 0) return "fault";
  const middle = median(cell.values);
  const furthest = Math.max(...cell.values.map((value) => Math.abs(value - middle)));
  const mark = cell.faults.length > 0 ? " !" : "";
  return `${figure(middle)} ±${Math.round((furthest / middle) * percent)} %${mark}`;
}

const thousand = 1_000;
const million = 1_000_000;
const digits = 3;

function figure(value: number): string {
  if (value >= million) return `${(value / million).toPrecision(digits)} M`;
  if (value >= percent * thousand) return `${Math.round(value / thousand)} k`;
  if (value >= 10 * thousand) return `${(value / thousand).toFixed(1)} k`;
  if (value >= percent) return value.toLocaleString("en-US", { maximumFractionDigits: 0 });
  return String(Number(value.toPrecision(digits)));
}

const ratioColumns: readonly { readonly head: string; readonly own: BrokerId; readonly others: readonly BrokerId[] }[] =
  [
    { head: "of the ceiling", own: "1-shard", others: ["null", "null-row"] },
    { head: "× Mosquitto", own: "1-shard", others: ["mosquitto"] },
    { head: "× Mosquitto, nothing lost", own: "1-shard", others: ["mosquitto-safe"] },
    { head: "× NATS", own: "1-shard", others: ["nats"] },
    { head: "× RabbitMQ", own: "1-shard", others: ["rabbitmq"] },
    { head: "× Aedes", own: "1-shard", others: ["aedes"] },
    { head: "× Aedes on level", own: "1-shard", others: ["aedes-level"] },
    { head: "`accept()`: of its ceiling", own: "1-shard-accept", others: ["null-accept"] },
    { head: "`accept()`: × Mosquitto", own: "1-shard-accept", others: ["mosquitto"] },
    { head: "3 shards: of one", own: "3-shards", others: ["1-shard"] },
  ];

function ratioTable({ scenarios }: Results): string {
  const rows = scenarios.map((scenario) => [
    scenario.title,
    ...ratioColumns.map(({ own, others }) => {
      const found = others.map((other) => ratioOf(scenario, own, other)).find((value) => value !== undefined);
      return found === undefined ? "" : times(found);
    }),
  ]);
  return table(["", ...ratioColumns.map(({ head }) => head)], rows);
}

/** Two decimals where they decide. */
const times = (value: number): string => (value >= 10 ? value.toFixed(0) : value.toFixed(value >= 2 ? 1 : 2));

/** At 1, 10, 100 and 1,000 times the smallest size, where nothing else is said. */
function growthTable({ growth }: Results): string {
  const rows = growth.map(({ title, workload, unit, points }) => [
    `${title}: ${points.map(({ size }) => size.toLocaleString("en-US")).join(", ")}`,
    `${workload} (${unit})`,
    ...points.map(({ cost }) => (cost === undefined ? "fault" : figure(cost))),
  ]);
  const sizes = Math.max(0, ...growth.map(({ points }) => points.length));
  const columns = Array.from({ length: sizes }, (_, index) => (index === 0 ? "smallest" : `step ${index + 1}`));
  return table(["what grows", "cost of a message or a look-up", ...columns], rows);
}

function goalTable(results: Results): string {
  const rows = judge(results).map((goal) => [goal.title, verdictOf(goal), nearestText(goal)]);
  return table(["goal", "", "the closest, or furthest off"], rows, "---|");
}

function verdictOf({ outcomes, missed }: GoalResult): string {
  if (outcomes.length === 0) return "not measured";
  return missed.length === 0
    ? `met (${outcomes.length} of ${outcomes.length})`
    : `**missed in ${missed.length} of ${outcomes.length}**`;
}

function nearestText({ missed, nearest }: GoalResult): string {
  const shown = missed.length > 0 ? missed : nearest === undefined ? [] : [nearest];
  return shown
    .toSorted((a, b) => a.ratio / a.atLeast - b.ratio / b.atLeast)
    .map(outcomeText)
    .join("; ");
}

function outcomeText({ own, other, title, ratio, atLeast, ofCeiling }: Outcome): string {
  const text = `${title}: ${kinds[own].name} ${times(ratio)} of ${kinds[other].name}`;
  if (ratio >= atLeast) return text;
  const best = ofCeiling === undefined ? "" : `; the null broker ${times(ofCeiling)}`;
  return `${text} (missed by ${times(1 - ratio / atLeast)}${best})`;
}

/** Everything that was lost, doubled, out of order, or refused. */
function faultText({ scenarios, growth, rounds }: Results): string {
  const ofGrowth = growth.flatMap(({ title, workload, points }) =>
    points
      .filter(({ faults }) => faults.length > 0)
      .map(({ size, faults }) => `- ${size} ${title}, ${workload}: ${faults.join("; ")}`),
  );
  const ofScenarios = scenarios.flatMap((scenario) =>
    scenario.cells
      .filter(({ faults }) => faults.length > 0)
      .map(
        ({ broker, faults }) =>
          `- ${scenario.title}, ${kinds[broker].name}, ${faults.length} of ${rounds} runs: ${[...new Set(faults.flat())].join("; ")}`,
      ),
  );
  const lines = [...ofScenarios, ...ofGrowth];
  return lines.length === 0 ? "None." : lines.join("\n");
}
