// One broker as a process of its own, in a folder of its own: started, measured, and ended by its id.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { processTree } from "../../../test/support/broker-process.ts";

export interface Program {
  readonly pid: number;
  /** All it has said, for the error when it does not start. */
  readonly output: () => string;
  residentKiB(): number;
  cpuMs(): number;
  /** SIGTERM, and SIGKILL to what is left of its processes. */
  stop(): Promise<void>;
}

export interface ProgramSettings {
  readonly command: readonly [program: string, ...args: string[]];
  readonly folder: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Processes that leave the tree, by a look at the moment; Erlang's port mapper is one. */
  readonly alsoOwns?: () => readonly number[];
}

const START_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 1_500;
const POLL_MS = 25;
const OUTPUT_CHARACTERS = 8_192;

export const freshFolder = (): string => mkdtempSync(join(tmpdir(), "durable-mqtt-bench-"));

export function startProgram({ command, folder, env, alsoOwns = () => [] }: ProgramSettings): Program {
  const [program, ...args] = command;
  const child = spawn(program, args, {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said = hear(child);
  const pid = child.pid ?? 0;
  const exited = new Promise<void>((resolve) => {
    child.on("exit", () => resolve());
    child.on("error", () => resolve());
  });
  const members = (): number[] => (pid === 0 ? [] : [...processTree(pid), ...alsoOwns()]);
  return {
    pid,
    output: said,
    residentKiB: () => total(members(), residentKiBOf),
    cpuMs: () => total(members(), cpuMsOf),
    stop: async () => {
      const all = members();
      if (child.exitCode === null) child.kill("SIGTERM");
      await Promise.race([exited, delay(STOP_WITHIN_MS, undefined, { ref: false })]);
      for (const member of all) signal(member, "SIGKILL");
      while (all.some(isThere)) await delay(POLL_MS);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Resolves when the port accepts connections; rejects with what the program said when it ends before. */
export async function waitForPort(program: Program, port: number): Promise<void> {
  const deadline = performance.now() + START_WITHIN_MS;
  while (!(await accepts(port))) {
    if (isThere(program.pid) && performance.now() < deadline) await delay(POLL_MS);
    else {
      await program.stop();
      throw new Error(`does not listen on port ${port}, having said:\n${program.output()}`);
    }
  }
}

/** A port that nobody listens on at the moment. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const end = (isOpen: boolean): void => {
      socket.destroy();
      resolve(isOpen);
    };
    socket.on("connect", () => end(true));
    socket.on("error", () => end(false));
  });
}

function hear(child: ChildProcess): () => string {
  let said = "";
  const add = (chunk: Buffer): void => {
    said = `${said}${chunk.toString()}`.slice(-OUTPUT_CHARACTERS);
  };
  child.stdout?.on("data", add);
  child.stderr?.on("data", add);
  child.on("error", (error) => (said += error.message));
  return () => said;
}

const total = (pids: readonly number[], of: (pid: number) => number): number =>
  pids.reduce((sum, pid) => sum + of(pid), 0);

/** `sysconf(_SC_CLK_TCK)` of Linux, on all its platforms. */
const msPerTick = 10;
/** Behind the name in /proc/PID/stat: utime, stime, and those of children that have ended. */
const timeFields = [11, 12, 13, 14];

function cpuMsOf(pid: number): number {
  const stat = read(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return timeFields.reduce((sum, field) => sum + Number(fields[field] ?? 0), 0) * msPerTick;
}

const residentKiBOf = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0);

/** A zombie is gone: it holds no port and no file. */
const isThere = (pid: number): boolean => /^State:\s+[^ZX]/m.test(read(`/proc/${pid}/status`));

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It ended between the look and the signal.
  }
}
