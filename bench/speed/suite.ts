// The whole run: each scenario on each broker, one process at a time, interleaved, round after round.

import { setTimeout as delay } from "node:timers/promises";
import { commitOf } from "../commit.ts";
import type { BrokerKind } from "./brokers/broker.ts";
import { type BrokerId, kinds, roles } from "./brokers/kinds.ts";
import { runGrowth } from "./growth.ts";
import { machineOf } from "./machine.ts";
import { expectedMs, isDurable, isOfInterest, type Job, jobsOf, lacking } from "./plan.ts";
import { type BrokerResult, type Cell, median, type Results, round, type ScenarioResult } from "./results.ts";
import type { Measured, Measurement, RunOptions, Scenario } from "./scenarios/scenario.ts";

export interface SuiteOptions {
  readonly scenarios: readonly Scenario[];
  readonly brokers: readonly BrokerId[];
  readonly rounds: number;
  readonly run: RunOptions;
  /** Also what a message costs as something beside it grows. */
  readonly withGrowth?: boolean;
  readonly say: (line: string) => void;
  /** Instead of the broker of that name: for a broker with a fault. */
  readonly instead?: Readonly<Partial<Record<BrokerId, BrokerKind>>>;
}

interface Done {
  readonly job: Job;
  readonly measurement: Measurement;
}

const runWithinMs = 90_000;
const msPerSec = 1_000;
const msPerMin = 60_000;

export async function runSuite(options: SuiteOptions): Promise<Results> {
  const { scenarios, rounds, run, say } = options;
  const brokers = await Promise.all(options.brokers.map((id) => describe(id, kindOf(options, id))));
  const present = brokers.filter(({ absent }) => absent === undefined).map(({ id }) => id);
  const jobs = jobsOf(scenarios, present, rounds);
  const minutes = (expectedMs(jobs, run) / msPerMin).toFixed(1);
  say(`${jobs.length} runs of ${scenarios.length} scenarios on ${present.length} brokers, about ${minutes} minutes`);
  const done: Done[] = [];
  for (const [index, job] of jobs.entries()) {
    const startedAt = performance.now();
    const measurement = await measure(job, kindOf(options, job.broker), options);
    done.push({ job, measurement });
    const tookSec = ((performance.now() - startedAt) / msPerSec).toFixed(1);
    say(`${index + 1}/${jobs.length} round ${job.round + 1}  ${lineOf(job, measurement)} ${tookSec} s`);
  }
  return {
    commit: commitOf(),
    date: new Date().toISOString().slice(0, "2026-11-30".length),
    machine: machineOf(),
    rounds,
    size: run.size,
    brokers,
    scenarios: scenarios.map((scenario) => resultOf(scenario, present, done)),
    growth: options.withGrowth === true ? await runGrowth(kinds["1-shard"], run, say) : [],
  };
}

const kindOf = ({ instead }: SuiteOptions, id: BrokerId): BrokerKind => instead?.[id] ?? kinds[id];

/** A broker that is not there says so by having no version. */
async function describe(id: BrokerId, kind: BrokerKind): Promise<BrokerResult> {
  const { name, durability } = kind;
  const about = { id, name, durability, role: roles[id] };
  try {
    return { ...about, version: await kind.version() };
  } catch (error) {
    return { ...about, version: "–", absent: messageOf(error) };
  }
}

async function measure(
  { scenario, broker }: Job,
  kind: BrokerKind,
  { run, say }: Pick<SuiteOptions, "run" | "say">,
): Promise<Measurement> {
  const ended = new AbortController();
  try {
    const running = await kind.start();
    try {
      const late = delay(runWithinMs, undefined, { signal: ended.signal, ref: false }).then((): Measurement => ({
        kind: "fault",
        faults: [`not done after ${runWithinMs} ms`],
      }));
      const measurement = await Promise.race([scenario.run(running, kind, run), late]);
      const said = running.output?.() ?? "";
      if (measurement.kind === "fault" && said !== "") say(`${kind.name} has said:\n${said}`);
      return measurement;
    } finally {
      ended.abort();
      await running.stop();
    }
  } catch (error) {
    return { kind: "fault", faults: [`${broker}: ${messageOf(error)}`] };
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const idWidth = 30;
const brokerWidth = 16;

function lineOf({ scenario, broker }: Job, measurement: Measurement): string {
  const name = `${scenario.id.padEnd(idWidth)} ${broker.padEnd(brokerWidth)}`;
  if (measurement.kind === "fault") return `${name} FAULT: ${measurement.faults.join("; ")}`;
  const { value, unit, brokerCores, loadCores } = measurement;
  const number = value.toLocaleString("en-US", { maximumFractionDigits: value < 100 ? 3 : 0 });
  return `${name} ${number} ${unit} (broker ${brokerCores.toFixed(2)}, load ${loadCores.toFixed(2)} cores)`;
}

function resultOf(scenario: Scenario, brokers: readonly BrokerId[], done: readonly Done[]): ScenarioResult {
  const { id, title, unit, better } = scenario;
  const cells = brokers
    .filter((broker) => isOfInterest(scenario, broker))
    .map((broker) =>
      cellOf(
        scenario,
        broker,
        done.filter(({ job }) => job.scenario === scenario && job.broker === broker),
      ),
    );
  return { id, title, unit, better, isDurable: isDurable(scenario), cells };
}

function cellOf(scenario: Scenario, broker: BrokerId, done: readonly Done[]): Cell {
  const measured = done.map(({ measurement }) => measurement).filter((one): one is Measured => one.kind === "measured");
  const faults = done.flatMap(({ measurement }) => (measurement.kind === "fault" ? [measurement.faults] : []));
  const lacks = lacking(scenario, kinds[broker]);
  const names = Object.keys(measured[0]?.more ?? {});
  const medianBy = (read: (one: Measured) => number): number =>
    measured.length === 0 ? 0 : round(median(measured.map(read)));
  return {
    broker,
    values: measured.map(({ value }) => round(value)),
    more: Object.fromEntries(names.map((name) => [name, medianBy(({ more }) => more[name] ?? 0)])),
    brokerCores: medianBy(({ brokerCores }) => brokerCores),
    loadCores: medianBy(({ loadCores }) => loadCores),
    faults,
    ...(lacks.length > 0 && { lacks }),
  };
}
