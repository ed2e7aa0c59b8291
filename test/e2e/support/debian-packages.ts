// Programs of Debian that tests drive. Where they are missing the tests fail and name the packages; with SKIP_MISSING=1
// they are skipped, and counted as skipped.

import { existsSync } from "node:fs";
import { describe, test } from "vitest";

/** Package → a file that it brings. */
const marks = {
  chromium: "/usr/bin/chromium",
  curl: "/usr/bin/curl",
  "mosquitto-clients": "/usr/bin/mosquitto_pub",
  "python3-paho-mqtt": "/usr/lib/python3/dist-packages/paho/mqtt/client.py",
} as const;

export type DebianPackage = keyof typeof marks;

/** Debian's own Python, which alone sees Debian's packages. */
export const debianPython = "/usr/bin/python3";
export const chromiumPath = marks.chromium;

/** Those of `packages` that are not installed. */
export const missingPackages = (packages: readonly DebianPackage[]): DebianPackage[] =>
  packages.filter((name) => !existsSync(marks[name]));

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
