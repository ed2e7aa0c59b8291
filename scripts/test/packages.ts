// The Debian packages that tests drive, or the bench: installs those that are missing, where it may.

import { existsSync } from "node:fs";
import { runStep } from "../shared/step.ts";
import { debianPackages } from "./debian-packages.ts";

/** Name → a file that it brings. */
type Packages = Readonly<Record<string, string>>;

const missing = (packages: Packages): string[] =>
  Object.entries(packages)
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

/** Never fails: what needs a package that is still missing says so itself, or is skipped with SKIP_MISSING=1. */
export async function installMissingPackages(packages: Packages = debianPackages): Promise<void> {
  const names = missing(packages);
  if (names.length === 0) return;
  if (process.env["SKIP_MISSING"] === "1") {
    console.log(`What needs these packages is skipped: ${names.join(" ")}`);
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
