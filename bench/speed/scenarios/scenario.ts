// What a scenario is, and what comes out of one.

import type { BrokerKind, Feature, RunningBroker } from "../brokers/broker.ts";
import type { ProtocolVersion } from "../load/packets.ts";

export type Unit = "delivered/s" | "ms" | "connects/s" | "KiB" | "requests/s" | "published/s";

export interface Scenario {
  /** For the command line and JSON: `fan-out-100-qos1-durable`. */
  readonly id: string;
  /** As it stands in the table. */
  readonly title: string;
  readonly unit: Unit;
  readonly better: "more" | "less";
  readonly needs: readonly Feature[];
  /** What ran before would be seen in it: memory that a broker keeps. */
  readonly needsFreshBroker?: true;
  readonly run: Run;
}

export type Run = (broker: RunningBroker, kind: BrokerKind, options: RunOptions) => Promise<Measurement>;

export interface RunOptions {
  /** `small` is seconds in all, for a test that it works. */
  readonly size: "full" | "small";
  readonly warmUpMs: number;
  readonly measureMs: number;
  readonly version: ProtocolVersion;
  /** QoS 1 and 2: unacknowledged messages of a publisher. */
  readonly window: number;
  /** MQTT packets that a client puts into one WebSocket frame. */
  readonly packetsPerFrame: number;
  /** Without any progress for so long, what is missing is lost. */
  readonly stallMs: number;
}

export const fullRun: RunOptions = {
  size: "full",
  warmUpMs: 1_000,
  measureMs: 2_000,
  version: 4,
  window: 32,
  packetsPerFrame: 1,
  stallMs: 10_000,
};

export const smallRun: RunOptions = { ...fullRun, size: "small", warmUpMs: 50, measureMs: 200, stallMs: 2_000 };

export type Measurement = Measured | Fault;

export interface Measured {
  readonly kind: "measured";
  readonly value: number;
  readonly unit: Unit;
  /** Further figures, by name with unit: `p99 ms`. */
  readonly more: Readonly<Record<string, number>>;
  /** Processor time of the broker and of the generator, in cores: 1 is one core all the time. */
  readonly brokerCores: number;
  readonly loadCores: number;
}

/** Something was lost, doubled, out of order or refused: what was measured is not a figure. */
export interface Fault {
  readonly kind: "fault";
  readonly faults: readonly string[];
}

/** `measured`, but a fault where there is one. */
export function outcome(faults: readonly string[], measured: Omit<Measured, "kind">): Measurement {
  return faults.length > 0 ? { kind: "fault", faults } : { kind: "measured", ...measured };
}

/** A connection that was refused or lost where nobody expects it is a fault as well. */
export async function orFault(task: Promise<Measurement>): Promise<Measurement> {
  try {
    return await task;
  } catch (error) {
    return { kind: "fault", faults: [error instanceof Error ? error.message : String(error)] };
  }
}
