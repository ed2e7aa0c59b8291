// Every scenario, in the order of the table.

import { connectionScenarios } from "./connections.ts";
import { filterTableScenarios } from "./filter-table.ts";
import { latencyScenarios } from "./latency.ts";
import { offlineQueueScenarios } from "./offline-queue.ts";
import { restScenarios } from "./rest.ts";
import { retainedScenarios } from "./retained.ts";
import { orFault, type Scenario } from "./scenario.ts";
import { throughputScenarios } from "./throughput.ts";

export const scenarios: readonly Scenario[] = [
  ...throughputScenarios,
  ...latencyScenarios,
  ...connectionScenarios,
  ...retainedScenarios,
  ...offlineQueueScenarios,
  ...restScenarios,
  ...filterTableScenarios,
].map((scenario) => ({
  ...scenario,
  run: async (broker, kind, options) => await orFault(scenario.run(broker, kind, options)),
}));
