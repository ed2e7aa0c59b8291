// The charts of docs/performance.md, as SVG.

import * as echarts from "echarts";
import { type BrokerId, brokerIds, kinds } from "./brokers/kinds.ts";
import { type GrowthResult, medianOf, type Results, type ScenarioResult } from "./results.ts";

const width = 1_100;
const rowHeight = 92;
const frameHeight = 130;
const nameWidth = 190;
const rightMargin = 40;
const legendHeight = 72;
const legendTop = 44;

/** Own ones in one hue, ceilings in greys, the others apart. */
const colors: Readonly<Record<BrokerId, string>> = {
  "1-shard": "#d9480f",
  "1-shard-accept": "#f59f00",
  "3-shards": "#f7b977",
  null: "#868e96",
  "null-accept": "#adb5bd",
  "null-row": "#868e96",
  mosquitto: "#1864ab",
  "mosquitto-safe": "#4dabf7",
  nats: "#2b8a3e",
  rabbitmq: "#862e9c",
  aedes: "#0b7285",
  "aedes-level": "#3bc9db",
};

interface Chart {
  readonly file: string;
  readonly svg: string;
}

export function charts(results: Results): Chart[] {
  const traffic = results.scenarios.filter(({ unit }) => unit === "delivered/s");
  const parts = [
    { file: "ephemeral.svg", title: "Delivered per second, ephemeral sessions", of: false },
    { file: "durable.svg", title: "Delivered per second, durable sessions", of: true },
  ];
  const drawn = parts.flatMap(({ file, title, of }) => {
    const scenarios = traffic.filter(({ isDurable }) => isDurable === of);
    return scenarios.length === 0 ? [] : [{ file, svg: bars(title, scenarios) }];
  });
  return results.growth.length === 0 ? drawn : [...drawn, { file: "growth.svg", svg: curves(results.growth) }];
}

function bars(title: string, scenarios: readonly ScenarioResult[]): string {
  const brokers = brokerIds.filter((id) => scenarios.some((scenario) => medianOf(scenario, id) !== undefined));
  const medians = brokers.flatMap((id) => scenarios.map((scenario) => medianOf(scenario, id) ?? Infinity));
  // A bar needs a beginning, and a logarithm has no zero.
  const least = 10 ** Math.floor(Math.log10(Math.min(...medians) / 2));
  return render(frameHeight + rowHeight * scenarios.length, {
    title: { text: title, left: "center" },
    legend: { top: legendTop, data: brokers.map((id) => kinds[id].name) },
    grid: { left: nameWidth, right: rightMargin, top: legendHeight + rightMargin, bottom: rightMargin },
    xAxis: { type: "log", min: least, name: "log scale", nameLocation: "end" },
    yAxis: { type: "category", inverse: true, data: scenarios.map((scenario) => scenario.title) },
    series: brokers.map((id) => ({
      name: kinds[id].name,
      type: "bar" as const,
      barGap: "10%",
      itemStyle: { color: colors[id] },
      data: scenarios.map((scenario) => medianOf(scenario, id) ?? "-"),
    })),
  });
}

const panelWidth = 480;
const panelHeight = 220;
const panelGap = 70;
const panelsInRow = 2;

/** One panel for each thing that grows: the cost, as multiple of what it is at the smallest size. */
function curves(growth: readonly GrowthResult[]): string {
  const ids = [...new Set(growth.map(({ id }) => id))];
  const workloads = [...new Set(growth.map(({ workload }) => workload))];
  const places = ids.map((_, index) => ({
    left: panelGap + (index % panelsInRow) * (panelWidth + panelGap),
    top: legendHeight + panelGap + Math.floor(index / panelsInRow) * (panelHeight + 2 * panelGap),
  }));
  const height = (places.at(-1)?.top ?? 0) + panelHeight + panelGap;
  return render(height, {
    title: [
      { text: "Cost of a message as something beside it grows (smallest size = 1)", left: "center" },
      ...ids.map((id, index) => panelTitle(growth.find((one) => one.id === id)?.title ?? id, places[index])),
    ],
    legend: { top: legendTop, data: workloads },
    grid: places.map((place) => ({ ...place, width: panelWidth, height: panelHeight })),
    xAxis: ids.map((_, gridIndex) => ({ type: "log", gridIndex })),
    yAxis: ids.map((_, gridIndex) => ({ type: "value", gridIndex, min: 0 })),
    series: growth.map(({ id, workload, points }) => ({
      name: workload,
      type: "line" as const,
      xAxisIndex: ids.indexOf(id),
      yAxisIndex: ids.indexOf(id),
      data: points.map(({ size, cost }) => [size, relative(cost, points[0]?.cost)]),
    })),
  });
}

const titleSize = 13;
const panelTitle = (text: string, place = { left: 0, top: 0 }): object => ({
  text,
  left: place.left,
  top: place.top - panelGap / 2,
  textStyle: { fontSize: titleSize },
});

const relative = (cost: number | undefined, first: number | undefined): number | string =>
  cost === undefined || first === undefined ? "-" : cost / first;

function render(height: number, option: echarts.EChartsCoreOption): string {
  const chart = echarts.init(null, null, { renderer: "svg", ssr: true, width, height });
  try {
    chart.setOption({ animation: false, backgroundColor: "#fff", ...option });
    return `${chart.renderToSVGString()}\n`;
  } finally {
    chart.dispose();
  }
}
