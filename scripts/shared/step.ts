// Running a command as one timed step of a longer job.

import { spawn } from "node:child_process";

export interface StepResult {
  readonly name: string;
  readonly ok: boolean;
  readonly elapsedMs: number;
  /** What the command said, both streams joined; empty when it was shown as it came. */
  readonly output: string;
}

export interface Step {
  readonly name: string;
  readonly command: readonly [program: string, ...args: string[]];
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs one command; never throws. `show` passes its output on as it comes, otherwise it is collected. */
export function runStep(step: Step, show = false): Promise<StepResult> {
  const startedAt = performance.now();
  const [program, ...args] = step.command;
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      env: { ...process.env, ...step.env },
      stdio: ["ignore", show ? "inherit" : "pipe", show ? "inherit" : "pipe"],
    });
    const chunks: Buffer[] = [];
    child.stdout?.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.stderr?.on("data", (chunk: Buffer) => chunks.push(chunk));
    const finish = (ok: boolean, said: string): void =>
      resolve({ name: step.name, ok, elapsedMs: performance.now() - startedAt, output: said });
    child.on("error", (error) => finish(false, error.message));
    child.on("close", (code) => finish(code === 0, Buffer.concat(chunks).toString()));
  });
}

export const seconds = (elapsedMs: number): string => `${(elapsedMs / 1000).toFixed(1)} s`;
