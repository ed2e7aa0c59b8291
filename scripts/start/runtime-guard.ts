// workerd outlives a Node process that is killed, and would hold port and data. Two nets: a shell that waits on a pipe
// for the end of this process, and a look at what an earlier start may have left behind. And the other way round: where
// workerd ends, this process must not stay as if it served.

import { spawn, type ChildProcess } from "node:child_process";
import { subscribe } from "node:diagnostics_channel";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

/** The package has no types; its default export is the program's path. */
const { default: workerdPath } = createRequire(import.meta.url)("workerd") as { readonly default: string };

/** 104 bytes on macOS with the final zero, 108 on Linux. */
const LONGEST_SOCKET_PATH = 103;
const GONE_POLL_MS = 5;
const GONE_WITHIN_MS = 3_000;

export interface RunFolder {
  /** Files of this start alone, inside the locked data folder; emptied at every start. */
  readonly path: string;
  readonly pidFile: string;
  readonly entrySocket: string;
}

/** Ends a workerd that an earlier start of the same data left running, then gives a fresh folder. Needs the lock. */
export async function freshRunFolder(dataDir: string): Promise<RunFolder> {
  const path = join(dataDir, ".run");
  const pidFile = join(path, "workerd.pid");
  await endLeftover(pidFile);
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path, { recursive: true });
  return { path, pidFile, entrySocket: entrySocketIn(path) };
}

/** The path of a socket file must be short on every system; a data folder's may be long. */
function entrySocketIn(folder: string): string {
  const inside = join(folder, "entry.sock");
  return Buffer.byteLength(inside) <= LONGEST_SOCKET_PATH ? inside : join(tmpdir(), `durable-mqtt-${process.pid}.sock`);
}

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

export interface RuntimeGuard {
  /** Says how workerd ended, once it has, or had already: a signal or an exit code. */
  readonly onEnd: (heard: (how: string) => void) => void;
  /** Nothing is left to end. */
  readonly release: () => void;
}

/** Makes Miniflare start workerd through the guard, and starts the shell that ends it after us. */
export function guardRuntime(run: RunFolder): RuntimeGuard {
  rmSync(run.entrySocket, { force: true });
  Object.assign(process.env, {
    MINIFLARE_WORKERD_PATH: here("workerd-guarded.sh"),
    DURABLE_MQTT_WORKERD: workerdPath,
    DURABLE_MQTT_PID_FILE: run.pidFile,
    DURABLE_MQTT_ENTRY: run.entrySocket,
  });
  const guard = spawn("/bin/sh", [here("guard.sh"), run.pidFile, run.entrySocket], {
    stdio: ["pipe", "ignore", "ignore"],
  });
  guard.unref();
  const runtime = childRunning(here("workerd-guarded.sh"));
  return { onEnd: (heard) => void runtime.then(howItEnds).then(heard), release: () => guard.stdin.end() };
}

/** The next child process that runs the program: Miniflare does not hand out its own. */
const childRunning = (program: string): Promise<ChildProcess> =>
  new Promise((resolve) => {
    subscribe("child_process", (message) => {
      const { process: child } = message as { readonly process: ChildProcess };
      child.once("spawn", () => {
        if (child.spawnfile === program) resolve(child);
      });
    });
  });

const howItEnds = (child: ChildProcess): Promise<string> =>
  new Promise((resolve) => {
    const told = (): boolean => {
      const how = child.signalCode ?? child.exitCode;
      if (how === null) return false;
      resolve(typeof how === "string" ? how : `exit code ${how}`);
      return true;
    };
    if (!told()) child.once("exit", told);
  });

async function endLeftover(pidFile: string): Promise<void> {
  const pid = readPid(pidFile);
  if (pid === undefined || !isWorkerd(pid)) return;
  process.kill(pid, "SIGKILL");
  const deadline = performance.now() + GONE_WITHIN_MS;
  while (isWorkerd(pid) && performance.now() < deadline) await delay(GONE_POLL_MS);
}

function readPid(pidFile: string): number | undefined {
  try {
    const pid = Number(readFileSync(pidFile, "utf8"));
    return Number.isInteger(pid) && pid > 1 ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** Process ids are used again: only a workerd that serves is ours to end. */
function isWorkerd(pid: number): boolean {
  try {
    const [program = "", command] = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    return program.endsWith("workerd") && command === "serve";
  } catch {
    return false;
  }
}
