// Programs that tests run to their end, or end.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { ScriptProcess } from "../../support/broker-process.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** Runs a program in the project's folder to its end and gives what it said; rejects where it failed. */
export function runProgram(
  [program, ...args]: readonly [program: string, ...args: string[]],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { cwd: root, env: { ...process.env, ...env } }, (error, out, errors) => {
      if (error === null) resolve(out + errors);
      else reject(new Error(`${program} ${args.join(" ")} failed (${error.code ?? error.signal}):\n${out}${errors}`));
    });
  });
}

/** Sends a signal and waits for the end. */
export async function endProgram(program: ScriptProcess, signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
  program.signal(signal);
  await program.exited;
}
