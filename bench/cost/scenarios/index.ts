import type { Scenario } from "../scenario.ts";
import { connectionScenarios } from "./connections.ts";
import { httpScenarios } from "./http.ts";
import { messageScenarios } from "./messages.ts";

export const scenarios: readonly Scenario[] = [...messageScenarios, ...httpScenarios, ...connectionScenarios];
