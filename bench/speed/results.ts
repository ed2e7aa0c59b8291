// What a run has measured, as it is kept in results.json. The documentation and the charts are made from it alone.

import type { Durability, Feature } from "./brokers/broker.ts";
import type { BrokerId, Role } from "./brokers/kinds.ts";
import type { Unit } from "./scenarios/scenario.ts";

export interface Machine {
  readonly cores: number;
  readonly cpu: string;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly node: string;
}

export interface BrokerResult {
  readonly id: BrokerId;
  readonly name: string;
  readonly role: Role;
  readonly durability: Durability;
  readonly version: string;
  /** Why it was not measured at all. */
  readonly absent?: string;
}

/** One scenario on one broker. */
export interface Cell {
  readonly broker: BrokerId;
  /** Of the runs in which nothing was lost, doubled or out of order, in their order. */
  readonly values: readonly number[];
  /** Further figures, the median of each. */
  readonly more: Readonly<Record<string, number>>;
  readonly brokerCores: number;
  readonly loadCores: number;
  /** What was wrong, for each run that does not count. */
  readonly faults: readonly (readonly string[])[];
  /** What the broker does not have; it was not measured then. */
  readonly lacks?: readonly Feature[];
}

export interface ScenarioResult {
  readonly id: string;
  readonly title: string;
  readonly unit: Unit;
  readonly better: "more" | "less";
  readonly isDurable: boolean;
  readonly cells: readonly Cell[];
}

/** Cost of one message, or of one look-up, at each size of what grows beside it. */
export interface GrowthResult {
  readonly id: string;
  readonly title: string;
  readonly workload: string;
  readonly unit: "µs" | "ms";
  readonly points: readonly { readonly size: number; readonly cost?: number; readonly faults: readonly string[] }[];
}

export interface Results {
  readonly commit: string;
  readonly date: string;
  readonly machine: Machine;
  readonly rounds: number;
  readonly size: "full" | "small";
  readonly brokers: readonly BrokerResult[];
  readonly scenarios: readonly ScenarioResult[];
  /** Empty where it was not asked for. */
  readonly growth: readonly GrowthResult[];
}

export const cellOf = ({ cells }: ScenarioResult, broker: BrokerId): Cell | undefined =>
  cells.find((cell) => cell.broker === broker);

/** Of a cell without a good run there is none. */
export function medianOf(scenario: ScenarioResult, broker: BrokerId): number | undefined {
  const values = cellOf(scenario, broker)?.values ?? [];
  return values.length === 0 ? undefined : median(values);
}

/** How many times as good `broker` is as `other`: 2 is twice as fast, or half as slow. */
export function ratioOf(scenario: ScenarioResult, broker: BrokerId, other: BrokerId): number | undefined {
  const [own, theirs] = [medianOf(scenario, broker), medianOf(scenario, other)];
  return own === undefined || theirs === undefined ? undefined : ratio(own, theirs, scenario.better);
}

export const ratio = (own: number, theirs: number, better: ScenarioResult["better"]): number =>
  better === "more" ? own / theirs : theirs / own;

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle)] ?? 0)) / 2;
}

const digits = 4;
/** More would be noise. */
export const round = (value: number): number => Number(value.toPrecision(digits));
