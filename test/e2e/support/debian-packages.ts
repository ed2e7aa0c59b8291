// Programs of Debian that tests drive. Where they are missing the tests fail and name the packages; with SKIP_MISSING=1
// they are skipped, and counted as skipped.

import { existsSync } from "node:fs";
import { describe, test } from "vitest";
import { debianPackages, type DebianPackage } from "../../../scripts/test/debian-packages.ts";

/** Debian's own Python, which alone sees Debian's packages. */
export const debianPython = "/usr/bin/python3";
export const chromiumPath = debianPackages.chromium;

/** Those of `packages` that are not installed. */
export const missingPackages = (packages: readonly DebianPackage[]): DebianPackage[] =>
  packages.filter((name) => !existsSync(debianPackages[name]));

/** Runs `suite` where the packages are installed. */
export function withPackages(packages: readonly DebianPackage[], suite: () => void): void {
  const missing = missingPackages(packages);
  if (missing.length === 0) {
    suite();
    return;
  }
  const sentence = `Debian packages are missing: ${missing.join(" ")}`;
  if (process.env["SKIP_MISSING"] === "1") {
    describe.skip(`(skipped: ${sentence})`, suite);
    return;
  }
  test(sentence, () => {
    throw new Error(`${sentence}. Install them (apt-get install ${missing.join(" ")}) or set SKIP_MISSING=1.`);
  });
}
