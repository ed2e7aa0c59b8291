// The Debian packages that tests drive: installs those that are missing, where it may.

import { existsSync } from "node:fs";
import { runStep } from "../shared/step.ts";
import { debianPackages } from "./debian-packages.ts";

const missing = (): string[] =>
  Object.entries(debianPackages)
    .filter(([, file]) => !existsSync(file))
    .map(([name]) => name);

/** `apt-get` with the rights to install, or `undefined` where there are none. */
async function aptGet(): Promise<readonly [string, ...string[]] | undefined> {
  if (!existsSync("/usr/bin/apt-get")) return undefined;
  if (process.getuid?.() === 0) return ["apt-get"];
  const sudo = await runStep({ name: "sudo", command: ["sudo", "-n", "true"] });
  return sudo.ok ? ["sudo", "-n", "apt-get"] : undefined;
}

/** RUNLEVEL=1: a package's service is not started; a Mosquitto on port 1883 is not wanted. */
const QUIETLY = { DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };

/** Never fails: the tests that need what is still missing say so themselves, or are skipped with SKIP_MISSING=1. */
export async function installMissingPackages(): Promise<void> {
  const names = missing();
  if (names.length === 0) return;
  if (process.env["SKIP_MISSING"] === "1") {
    console.log(`Tests that need these packages are skipped: ${names.join(" ")}`);
    return;
  }
  const program = await aptGet();
  if (program === undefined) {
    console.log(`Not root, and no sudo without a password: cannot install ${names.join(" ")}`);
    return;
  }
  console.log(`Installing ${names.join(" ")}`);
  await runStep({ name: "update", command: [...program, "update", "-q"], env: QUIETLY });
  const install = [...program, "install", "-q", "-y", "--no-install-recommends", ...names] as const;
  const installed = await runStep({ name: "install", command: install, env: QUIETLY });
  if (!installed.ok) console.log(installed.output.trimEnd());
}
