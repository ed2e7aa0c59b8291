// Which code was measured.

import { execFileSync } from "node:child_process";

/** The short id; `+` where `src` has changes. */
export function commitOf(): string {
  const git = (...args: string[]): string => execFileSync("git", args, { encoding: "utf8" }).trim();
  return `${git("rev-parse", "--short", "HEAD")}${git("status", "--porcelain", "src") === "" ? "" : "+"}`;
}
