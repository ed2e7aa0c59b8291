// What the broker is to reach, as ratios within one run.

import { type BrokerId, roles } from "./brokers/kinds.ts";
import { cellOf, medianOf, ratio, type Results, type ScenarioResult } from "./results.ts";

interface Comparison {
  readonly own: BrokerId;
  readonly other: BrokerId;
  /** How many times as good as the other, at least. */
  readonly atLeast: number;
  readonly of: (scenario: ScenarioResult) => boolean;
  /** One of the further figures, where less is better, instead of the value. */
  readonly figure?: string;
}

interface Goal {
  readonly title: string;
  readonly comparisons: readonly Comparison[];
}

export interface Outcome {
  readonly own: BrokerId;
  readonly other: BrokerId;
  readonly title: string;
  readonly ratio: number;
  readonly atLeast: number;
  /** What the null broker, with the same sockets and as many writes, reaches of a peer: the runtime's part. */
  readonly ofCeiling?: number;
}

export interface GoalResult {
  readonly title: string;
  readonly outcomes: readonly Outcome[];
  readonly missed: readonly Outcome[];
  /** The one with the least to spare, or the furthest off. */
  readonly nearest?: Outcome;
}

const isThroughput = ({ better }: ScenarioResult): boolean => better === "more";
const isLatency = ({ id }: ScenarioResult): boolean => id.startsWith("latency");
const isEphemeral = ({ isDurable }: ScenarioResult): boolean => !isDurable;
const begins =
  (...names: readonly string[]) =>
  ({ id }: ScenarioResult): boolean =>
    names.some((name) => id.startsWith(name));
const ends =
  (...names: readonly string[]) =>
  ({ id }: ScenarioResult): boolean =>
    names.some((name) => id.endsWith(name));
const both =
  (...tests: readonly Comparison["of"][]): Comparison["of"] =>
  (scenario) =>
    tests.every((test) => test(scenario));

const isTraffic = begins("fan-out", "fan-in", "pairs");
const isInput = begins("fan-in", "pairs");
const isBacklog = begins("retained", "offline-queue");

const ceiling = 0.7;
const justAbove = 1.001;
/** Twice as good is 2; to be within 1.3 times of it is this. */
const within = (times: number): number => 1 / times;

const against = (
  own: BrokerId,
  others: readonly BrokerId[],
  atLeast: number,
  of: Comparison["of"],
): readonly Comparison[] => others.map((other) => ({ own, other, atLeast, of }));

const goals: readonly Goal[] = [
  {
    title: "at least 0.7 of the ceiling, the null broker, in every scenario",
    comparisons: [
      ...against("1-shard", ["null"], ceiling, both(isEphemeral, isThroughput)),
      ...against("1-shard", ["null-row"], ceiling, (scenario) => scenario.isDurable && isThroughput(scenario)),
      ...against("1-shard-accept", ["null-accept"], ceiling, isThroughput),
    ],
  },
  {
    title: "fan-out, QoS 0: at least 4 × Mosquitto",
    comparisons: against("1-shard", ["mosquitto"], 4, both(begins("fan-out"), ends("qos0"))),
  },
  {
    title: "fan-out, QoS 0: at least 0.7 of NATS",
    comparisons: against("1-shard", ["nats"], 0.7, both(begins("fan-out"), ends("qos0"))),
  },
  {
    title: "fan-out, QoS 1: above Mosquitto and NATS",
    comparisons: against("1-shard", ["mosquitto", "nats"], justAbove, both(begins("fan-out"), ends("qos1"))),
  },
  {
    title: "fan-in and pairs, hibernating sockets: at least 0.6 of Mosquitto",
    comparisons: against("1-shard", ["mosquitto"], 0.6, both(isInput, isEphemeral)),
  },
  {
    title: "fan-in and pairs, QoS 0 and 1, `accept()` sockets: above Mosquitto",
    comparisons: against("1-shard-accept", ["mosquitto"], justAbove, both(isInput, ends("qos0", "qos1"))),
  },
  {
    title: "everything at least 3 × Aedes and RabbitMQ",
    comparisons: against("1-shard", ["aedes", "rabbitmq"], 3, isThroughput),
  },
  {
    title: "durable sessions: above every peer that is set to lose nothing at kill -9",
    comparisons: against(
      "1-shard",
      ["mosquitto-safe", "nats", "rabbitmq", "aedes-level"],
      justAbove,
      both(isTraffic, ({ isDurable }) => isDurable),
    ),
  },
  {
    title: "durable sessions: at least 0.6 of Mosquitto as shipped, which loses them at kill -9",
    comparisons: against(
      "1-shard",
      ["mosquitto"],
      0.6,
      both(isTraffic, ({ isDurable }) => isDurable),
    ),
  },
  {
    title: "retained messages by wildcard, and the drain of an offline queue: above Mosquitto",
    comparisons: against("1-shard", ["mosquitto"], justAbove, isBacklog),
  },
  {
    title: "latency at 1,000 messages a second: the median within 1.3 × of the null broker",
    comparisons: against("1-shard", ["null"], within(1.3), isLatency),
  },
  {
    title: "latency at 1,000 messages a second: the 99th percentile below Aedes",
    comparisons: [{ own: "1-shard", other: "aedes", atLeast: justAbove, of: isLatency, figure: "p99 ms" }],
  },
  {
    title: "three shards on one machine: at least half of one",
    comparisons: against("3-shards", ["1-shard"], 0.5, both(isTraffic, isThroughput)),
  },
];

export const judge = (results: Results): GoalResult[] =>
  goals.map(({ title, comparisons }) => {
    const outcomes = comparisons.flatMap((comparison) => compare(results, comparison));
    const nearest = outcomes.toSorted((a, b) => a.ratio / a.atLeast - b.ratio / b.atLeast)[0];
    const missed = outcomes.filter((outcome) => outcome.ratio < outcome.atLeast);
    return { title, outcomes, missed, ...(nearest && { nearest }) };
  });

function compare({ scenarios }: Results, { own, other, atLeast, of, figure }: Comparison): Outcome[] {
  return scenarios.filter(of).flatMap((scenario) => {
    const [mine, theirs] = [figureOf(scenario, own, figure), figureOf(scenario, other, figure)];
    if (mine === undefined || theirs === undefined) return [];
    const better = figure === undefined ? scenario.better : "less";
    const ceilings = roles[other] === "peer" ? ceilingsOf[own] : undefined;
    const best = ceilings?.map((id) => figureOf(scenario, id, figure)).find((value) => value !== undefined);
    return [
      {
        own,
        other,
        title: scenario.title,
        ratio: ratio(mine, theirs, better),
        atLeast,
        ...(best !== undefined && { ofCeiling: ratio(best, theirs, better) }),
      },
    ];
  });
}

/** The one that was measured in a scenario is its ceiling. */
const ceilingsOf: Readonly<Partial<Record<BrokerId, readonly BrokerId[]>>> = {
  "1-shard": ["null", "null-row"],
  "1-shard-accept": ["null-accept"],
};

const figureOf = (scenario: ScenarioResult, broker: BrokerId, figure: string | undefined): number | undefined =>
  figure === undefined ? medianOf(scenario, broker) : cellOf(scenario, broker)?.more[figure];
