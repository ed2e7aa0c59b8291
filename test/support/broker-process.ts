// Starts the self-hosted broker, and whatever else `npm run` starts, as a process for the end-to-end tests.

import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const GONE_POLL_MS = 5;
const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One running script in a process group of its own. */
export interface ScriptProcess {
  readonly pid: number;
  readonly exited: Promise<Exit>;
  /** All it has said so far, both streams joined. */
  readonly output: () => string;
  /** Resolves when the output matches; rejects with all of it when the process ends first. */
  readonly said: (pattern: RegExp) => Promise<RegExpExecArray>;
  /** Sends a signal to the process, or to its whole group. */
  readonly signal: (name: NodeJS.Signals, to?: "process" | "group") => void;
  /** SIGKILL to every process of the tree, found before any of them dies; resolves when all are gone. */
  readonly killTree: () => Promise<Exit>;
}

export interface BrokerProcess extends ScriptProcess {
  readonly port: number;
  /** `http://127.0.0.1:PORT` */
  readonly httpUrl: string;
  /** `ws://127.0.0.1:PORT/mqtt` */
  readonly mqttUrl: string;
  readonly dataDir: string;
  /** SIGTERM, and resolves with how it ended. The data stays unless the folder was made by `startBroker`. */
  readonly stop: () => Promise<Exit>;
}

export interface BrokerSettings {
  /** Default: a new folder, deleted by `stop`. */
  readonly dataDir?: string;
  /** Default: any free one. */
  readonly port?: number;
  readonly shards?: number;
  readonly args?: readonly string[];
  readonly variables?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts a program in the project's folder; under the Node that runs the tests. */
export function startProgram(
  command: readonly [program: string, ...args: string[]],
  env: Readonly<Record<string, string>> = {},
): ScriptProcess {
  const [program, ...args] = command;
  const child = spawn(program, args, {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  return watch(child);
}

/** Starts `scripts/NAME` without npm in between. */
export const startScript = (
  name: string,
  args: readonly string[],
  env?: Readonly<Record<string, string>>,
): ScriptProcess => startProgram([process.execPath, "scripts/run.js", name, ...args], env);

/** Resolves when the broker has said that it is ready; rejects with what it said otherwise. */
export async function startBroker(settings: BrokerSettings = {}): Promise<BrokerProcess> {
  const dataDir = settings.dataDir ?? mkdtempSync(join(tmpdir(), "durable-mqtt-test-"));
  const variables = Object.entries(settings.variables ?? {}).flatMap(([name, value]) => ["--var", `${name}=${value}`]);
  const script = startScript(
    "start",
    ["--port", String(settings.port ?? 0), "--data", dataDir, "--shards", String(settings.shards ?? 1)].concat(
      variables,
      settings.args ?? [],
    ),
    settings.env,
  );
  const [, httpUrl = "", portText = ""] = await script.said(/HTTP at (http:\/\/\S+:(\d+))\/?\s/);
  const stop = async (): Promise<Exit> => {
    script.signal("SIGTERM");
    const exit = await script.exited;
    if (settings.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true });
    return exit;
  };
  return {
    ...script,
    port: Number(portText),
    httpUrl,
    mqttUrl: `${httpUrl.replace("http", "ws")}/mqtt`,
    dataDir,
    stop,
  };
}

function watch(child: ChildProcess): ScriptProcess {
  const pid = child.pid;
  if (pid === undefined) throw new Error(`cannot start ${child.spawnfile}`);
  let said = "";
  const listeners = new Set<() => void>();
  const hear = (chunk: Buffer): void => {
    said += chunk.toString();
    for (const listener of listeners) listener();
  };
  child.stdout?.on("data", hear);
  child.stderr?.on("data", hear);
  const exited = new Promise<Exit>((resolve) => child.on("exit", (code, signal) => resolve({ code, signal })));
  return {
    pid,
    exited,
    output: () => said,
    said: (pattern) => waitFor(pattern),
    signal: (name, to = "process") => process.kill(to === "group" ? -pid : pid, name),
    killTree: async () => {
      const tree = processTree(pid);
      for (const member of tree) killIfThere(member);
      const exit = await exited;
      while (tree.some(isRunning)) await delay(GONE_POLL_MS);
      return exit;
    },
  };

  function waitFor(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const match = pattern.exec(said);
        if (match === null) return;
        listeners.delete(look);
        resolve(match);
      };
      listeners.add(look);
      void exited.then(({ code, signal }) => reject(new Error(`ended with ${code ?? signal}, having said:\n${said}`)));
      look();
    });
  }
}

/** The process and all its descendants, the root first. */
export function processTree(root: number): number[] {
  const childrenOf = new Map<number, number[]>();
  for (const name of readdirSync("/proc")) {
    const parent = parentOf(name);
    if (parent !== undefined) childrenOf.set(parent, [...(childrenOf.get(parent) ?? []), Number(name)]);
  }
  const tree = [root];
  for (const member of tree) tree.push(...(childrenOf.get(member) ?? []));
  return tree;
}

function parentOf(pid: string): number | undefined {
  try {
    return Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
  } catch {
    return undefined; // not a process, or gone meanwhile
  }
}

/** A zombie is gone: it holds no port and no file. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended between the look and the kill.
  }
}
