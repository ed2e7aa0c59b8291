// What vitest's JSON report says, counted.

import { readFileSync } from "node:fs";

export interface TimedTest {
  readonly title: string;
  readonly elapsedMs: number;
}

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly tests: readonly TimedTest[];
}

export const noCounts: Counts = { passed: 0, failed: 0, skipped: 0, tests: [] };

interface JsonReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName: string;
      readonly duration?: number;
    }[];
  }[];
}

/** A file that could not even be loaded counts as one failure; a report that is missing, too. */
export function readReport(path: string): Counts {
  let report: JsonReport;
  try {
    report = JSON.parse(readFileSync(path, "utf8")) as JsonReport;
  } catch {
    return { ...noCounts, failed: 1 };
  }
  const results = report.testResults.flatMap((file) => file.assertionResults);
  const unloaded = report.testResults.filter((file) => file.status === "failed" && file.assertionResults.length === 0);
  const passed = results.filter((result) => result.status === "passed");
  const failed = results.filter((result) => result.status === "failed");
  return {
    passed: passed.length,
    failed: failed.length + unloaded.length,
    skipped: results.length - passed.length - failed.length,
    tests: results.map(({ fullName, duration }) => ({ title: fullName.trim(), elapsedMs: duration ?? 0 })),
  };
}

export const addCounts = (a: Counts, b: Counts): Counts => ({
  passed: a.passed + b.passed,
  failed: a.failed + b.failed,
  skipped: a.skipped + b.skipped,
  tests: [...a.tests, ...b.tests],
});
