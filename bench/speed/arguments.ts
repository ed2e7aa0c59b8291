// The command line of `npm run bench`.

import { parseArgs } from "node:util";
import { fail, ok, type Result } from "../../src/core/brand.ts";
import { type BrokerId, brokerIds } from "./brokers/kinds.ts";
import { chooseScenarios } from "./plan.ts";
import { scenarios as allScenarios } from "./scenarios/all.ts";
import type { Scenario } from "./scenarios/scenario.ts";

export interface Measure {
  readonly kind: "measure";
  readonly scenarios: readonly Scenario[];
  readonly brokers: readonly BrokerId[];
  readonly rounds: number;
  readonly withGrowth: boolean;
  readonly isSmall: boolean;
  /** All scenarios on all brokers, in full: only that is kept. */
  readonly isComplete: boolean;
}

export type Task = Measure | { readonly kind: "write-docs" };

const leastRoundsKept = 3;

export const usage = [
  "usage: npm run bench                                   measure, and write results.json and docs/performance.md",
  "       npm run bench -- all                            with variations that are left out usually, in twice the time",
  "       npm run bench -- [SCENARIO]… [--brokers A,B]    only these, named by their beginning; nothing is written",
  "       npm run bench -- growth                         only what a message costs as something beside it grows",
  "       npm run bench -- --rounds N                     instead of 3",
  "       npm run bench -- --small                        seconds in all, to see that it works; nothing is written",
  "       npm run bench -- --write-docs                   docs/performance.md and its charts from results.json",
  `brokers: ${brokerIds.join(" ")}`,
  `scenarios: ${allScenarios.map(({ id }) => id).join(" ")}`,
].join("\n");

export function parseTask(argv: readonly string[]): Result<Task, string> {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      options: {
        brokers: { type: "string" },
        rounds: { type: "string", default: String(leastRoundsKept) },
        small: { type: "boolean", default: false },
        "write-docs": { type: "boolean", default: false },
      },
      allowPositionals: true,
    });
    if (values["write-docs"]) return ok({ kind: "write-docs" });
    const brokers = chooseBrokers(values.brokers);
    const rounds = Number(values.rounds);
    const scenarios = chooseScenarios(allScenarios, positionals);
    const isUsual = positionals.length === 0 || positionals.includes("all");
    const withGrowth = positionals.includes("growth") || (isUsual && values.brokers === undefined);
    if (brokers === undefined || (scenarios.length === 0 && !withGrowth) || !Number.isInteger(rounds) || rounds < 1)
      return fail(usage);
    const isComplete = isUsual && values.brokers === undefined && !values.small && rounds >= leastRoundsKept;
    return ok({ kind: "measure", scenarios, brokers, rounds, withGrowth, isSmall: values.small, isComplete });
  } catch {
    return fail(usage);
  }
}

function chooseBrokers(list: string | undefined): readonly BrokerId[] | undefined {
  if (list === undefined) return brokerIds;
  const names = list.split(",");
  const chosen = brokerIds.filter((id) => names.includes(id));
  return chosen.length === names.length ? chosen : undefined;
}
