// Which broker is measured in which scenario, in what order, and how long that takes.

import type { BrokerKind } from "./brokers/broker.ts";
import { brokerIds, type BrokerId, kinds } from "./brokers/kinds.ts";
import type { RunOptions, Scenario } from "./scenarios/scenario.ts";

export interface Job {
  readonly scenario: Scenario;
  readonly broker: BrokerId;
  readonly round: number;
}

/** What is stored before it is acknowledged is what these differ in. */
const onlyDurable: ReadonlySet<BrokerId> = new Set(["null-row", "mosquitto-safe", "aedes-level"]);
/** What comes in is what `accept()` speeds up, and latency is what it may cost. */
const onlyIncoming: ReadonlySet<BrokerId> = new Set(["1-shard-accept", "null-accept"]);
const incoming = /^(fan-in|pairs|fan-out-100-|latency|memory|connect)/;
/** What it is worth where a commit is the larger part: one example, without a ceiling of its own. */
const incomingDurable = /^pairs-50-/;
/** One of each kind shows what the hop between shards costs. */
const onlyBasic: ReadonlySet<BrokerId> = new Set(["3-shards"]);
const basic = /^(fan-out-100-|fan-in-50-|pairs-50-|latency)/;

export const isDurable = ({ needs }: Pick<Scenario, "needs">): boolean => needs.includes("durable sessions");

/** Not whether it can, but whether it says anything. */
export function isOfInterest(scenario: Scenario, broker: BrokerId): boolean {
  if (onlyDurable.has(broker)) return isDurable(scenario);
  if (onlyIncoming.has(broker)) {
    if (isDurable(scenario)) return broker === "1-shard-accept" && incomingDurable.test(scenario.id);
    return incoming.test(scenario.id);
  }
  if (onlyBasic.has(broker)) return basic.test(scenario.id);
  return broker !== "null" || !isDurable(scenario);
}

export const lacking = ({ needs }: Scenario, { features }: BrokerKind): Scenario["needs"] =>
  needs.filter((feature) => !features.has(feature));

/** Variations that say little more than their neighbours, and would double the time. */
const extra =
  /^((fan-out-1000|fan-out-10-100|pairs-500)-(qos2|qos1-durable)|latency-qos2|connect-durable|offline-queue-qos2|filter-table-qos0)/;

/** Of the names on the command line: a scenario's id, or what it begins with; `all`; none is the usual ones. */
export const chooseScenarios = (all: readonly Scenario[], names: readonly string[]): Scenario[] =>
  all.filter(({ id }) => {
    if (names.length === 0) return !extra.test(id);
    return names.some((name) => name === "all" || id === name || id.startsWith(`${name}-`));
  });

/** Round by round, and in each round the brokers of a scenario right after each other, another one first each time. */
export function jobsOf(scenarios: readonly Scenario[], brokers: readonly BrokerId[], rounds: number): Job[] {
  const roundOf = (round: number): Job[] =>
    scenarios.flatMap((scenario) => {
      const able = brokerIds.filter(
        (id) => brokers.includes(id) && isOfInterest(scenario, id) && lacking(scenario, kinds[id]).length === 0,
      );
      const first = able.length === 0 ? 0 : round % able.length;
      return [...able.slice(first), ...able.slice(0, first)].map((broker) => ({ scenario, broker, round }));
    });
  return Array.from({ length: rounds }, (_, round) => roundOf(round)).flat();
}

/** Its start and end, the connects, and the wait for what is still on the way. */
const overheadMs: Readonly<Partial<Record<BrokerId, number>>> = { rabbitmq: 4_500, aedes: 1_000, "aedes-level": 1_000 };
const usualOverheadMs = 500;

export const expectedMs = (jobs: readonly Job[], { warmUpMs, measureMs }: RunOptions): number =>
  jobs.reduce((sum, { broker }) => sum + warmUpMs + measureMs + (overheadMs[broker] ?? usualOverheadMs), 0);
