// One scenario, or all whose ids begin alike, against a broker that runs already:
// `node bench/speed/try.ts fan-out-100-qos1 8787 [/mqtt] [--measure-ms 2000] …`
// `growth-` and an axis shows how the cost of a message grows.

import { parseArgs } from "node:util";
import type { BrokerKind, RunningBroker } from "./brokers/broker.ts";
import { axes } from "./growth/axis.ts";
import { measureGrowth } from "./growth/measure.ts";
import { cpuMsOf, listenerOn, residentKiBOf } from "./load/process-stat.ts";
import { scenarios } from "./scenarios/all.ts";
import { fullRun, smallRun, type Measurement, type RunOptions, type Scenario } from "./scenarios/scenario.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    small: { type: "boolean" },
    repeat: { type: "string" },
    version: { type: "string" },
    window: { type: "string" },
    "packets-per-frame": { type: "string" },
    "warm-up-ms": { type: "string" },
    "measure-ms": { type: "string" },
  },
});

const [wanted = "", port, path = "/mqtt"] = positionals;
const chosen = scenarios.filter(({ id }) => id === wanted || id.startsWith(wanted));
const growing = axes.filter(({ id }) => `growth-${id}` === wanted || wanted === "growth");
const exact = chosen.filter(({ id }) => id === wanted);
if (port === undefined || chosen.length + growing.length === 0) {
  console.error("usage: node bench/speed/try.ts SCENARIO PORT [PATH] [--small] [--repeat N] [--version 4|5]");
  console.error("       [--window N] [--packets-per-frame N] [--warm-up-ms N] [--measure-ms N]");
  console.error("scenarios (or the beginning of several):");
  for (const { id, title } of scenarios) console.error(`  ${id.padEnd(32)}${title}`);
  for (const { id, title } of axes) console.error(`  ${`growth-${id}`.padEnd(32)}${title}`);
  process.exit(1);
}

const broker = runningOn(Number(port), path);
const kind: BrokerKind = {
  name: `port ${port}`,
  durability: "as shipped",
  features: new Set(["QoS 2", "durable sessions", "retained by wildcard", "REST publish"]),
  protocolVersions: new Set([4, 5]),
  version: async () => "unknown",
  start: async () => broker,
};
const options = runOptions();
for (const scenario of exact.length > 0 ? exact : chosen) {
  for (let n = 0; n < Number(values.repeat ?? 1); n += 1) show(scenario, await scenario.run(broker, kind, options));
}
for (const axis of growing) {
  console.log(axis.title);
  for (const { workload, points } of await measureGrowth(broker, axis, options)) {
    for (const { size, measurement } of points)
      show({ title: `${size.toLocaleString("en")}: ${workload}` }, measurement);
  }
}

function runOptions(): RunOptions {
  const base = values.small === true ? smallRun : fullRun;
  return {
    ...base,
    version: values.version === "5" ? 5 : 4,
    window: Number(values.window ?? base.window),
    packetsPerFrame: Number(values["packets-per-frame"] ?? base.packetsPerFrame),
    warmUpMs: Number(values["warm-up-ms"] ?? base.warmUpMs),
    measureMs: Number(values["measure-ms"] ?? base.measureMs),
  };
}

function runningOn(brokerPort: number, mqttPath: string): RunningBroker {
  const pid = listenerOn(brokerPort);
  return {
    port: brokerPort,
    // As serve.ts prints it.
    upgradePath: (clientId) => mqttPath.replace("CLIENT_ID", encodeURIComponent(clientId)),
    httpUrl: `http://127.0.0.1:${brokerPort}`,
    residentKiB: () => (pid === undefined ? 0 : residentKiBOf(pid)),
    cpuMs: () => (pid === undefined ? 0 : cpuMsOf(pid)),
    // It is not ours to end.
    stop: async () => undefined,
  };
}

function show({ title }: Pick<Scenario, "title">, measurement: Measurement): void {
  if (measurement.kind === "fault") {
    console.log(`${title.padEnd(40)} FAULT: ${measurement.faults.join("; ")}`);
    return;
  }
  const { value, unit, more, brokerCores, loadCores } = measurement;
  const rest = Object.entries(more).map(([name, figure]) => `${name} ${figureText(figure)}`);
  const cores = `cores: broker ${brokerCores.toFixed(2)}, load ${loadCores.toFixed(2)}`;
  console.log(`${title.padEnd(40)} ${figureText(value).padStart(12)} ${unit}   ${[cores, ...rest].join(", ")}`);
}

function figureText(figure: number): string {
  return figure >= 100 ? Math.round(figure).toLocaleString("en") : String(Number(figure.toPrecision(3)));
}
