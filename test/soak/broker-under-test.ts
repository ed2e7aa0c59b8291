// The two ways of running the broker under test: `npm start` itself, of which only the process can be killed, and the
// fault worker, whose shards can be made to fail one by one.

import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { createRequire } from "node:module";
import { convertV4MiniflareOptions, Miniflare, type V4WorkerOptions } from "miniflare";
import { startBroker, type BrokerProcess } from "../support/broker-process.ts";
import { faultPath, type CallFault, type FaultCommand, type FaultCounts } from "./fault-protocol.ts";

export interface BrokerUnderTest {
  /** `ws://127.0.0.1:PORT/mqtt` */
  readonly url: string;
  /** What the fault worker can do; absent with `npm start`. */
  readonly faults?: ShardFaults;
  start(): Promise<void>;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
}

export interface ShardFaults {
  planCalls(faults: readonly CallFault[], lateMs: number): Promise<void>;
  abort(shard: number): Promise<void>;
  /** True where the shard is at rest. */
  save(shard: number): Promise<boolean>;
  /** False where something kept the shard awake for longer than the runtime waits. */
  evict(shard: number, webSockets: "close" | "hibernate"): Promise<boolean>;
  counts(): Promise<FaultCounts>;
}

export interface BrokerSettings {
  readonly dataDir: string;
  readonly shards: number;
  readonly variables: Readonly<Record<string, string>>;
  /** What the broker itself says. */
  readonly onLog: (line: string) => void;
}

/** `npm start`, without npm in between. */
export function startedBroker({ dataDir, shards, variables, onLog }: BrokerSettings): BrokerUnderTest {
  let broker: BrokerProcess | undefined;
  return {
    get url(): string {
      return broker?.mqttUrl ?? "";
    },
    start: async () => {
      const port = broker?.port;
      broker = await startBroker({ dataDir, shards, variables, ...(port !== undefined && { port }) });
    },
    kill: async () => {
      await broker?.killTree();
      for (const line of broker?.output().split("\n") ?? []) onLog(line);
    },
  };
}

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
/** The package has no types; its default export is the program's path. */
const { default: workerdPath } = createRequire(import.meta.url)("workerd") as { readonly default: string };

const gonePollMs = 2;

/** Miniflare hands the environment on when it starts workerd, and that is some time after it was made. */
let lastStart: Promise<void> = Promise.resolve();
function oneByOne(start: () => Promise<void>): Promise<void> {
  const started = lastStart.then(start);
  lastStart = started.catch(() => undefined);
  return started;
}

/** The fault worker in a workerd of its own; killing it kills all that the broker consists of. */
export function faultyBroker(worker: V4WorkerOptions, settings: BrokerSettings): BrokerUnderTest {
  let miniflare: Miniflare | undefined;
  let url: URL | undefined;
  const run = join(settings.dataDir, ".run");
  const pidFile = join(run, "workerd.pid");
  const running = (): { miniflare: Miniflare; url: URL } => {
    if (miniflare === undefined || url === undefined) throw new Error("the broker was not started");
    return { miniflare, url };
  };
  const ask = async <Answer>(command: FaultCommand): Promise<Answer> => {
    const init = { method: "POST", body: JSON.stringify(command) };
    const response = await fetch(new URL(faultPath, running().url), init);
    if (!response.ok) throw new Error(`${command.kind}: ${response.status} ${await response.text()}`);
    return (await response.json()) as Answer;
  };
  return {
    get url(): string {
      return url === undefined ? "" : new URL("/mqtt", url).href.replace("http", "ws");
    },
    start: () =>
      oneByOne(async () => {
        mkdirSync(run, { recursive: true });
        process.env["SOAK_PID_FILE"] = pidFile;
        miniflare = create(worker, settings, run, Number(url?.port ?? 0));
        await miniflare.ready;
        url = await miniflare.unsafeGetDirectURL();
      }),
    kill: async () => {
      const pid = Number(readFileSync(pidFile, "utf8"));
      if (isRunning(pid)) process.kill(pid, "SIGKILL");
      while (isRunning(pid)) await delay(gonePollMs);
      // What is left of it in this process; it knows that its workerd is gone.
      await miniflare?.dispose().catch(() => undefined);
    },
    faults: {
      planCalls: async (faults, lateMs) => void (await ask({ kind: "calls", faults, lateMs })),
      abort: async (shard) => void (await ask({ kind: "abort", shard })),
      save: (shard) => ask({ kind: "save", shard }),
      evict: (shard, webSockets) => {
        const { miniflare: runtime } = running();
        const options = { name: `default/${shard}`, webSockets };
        return runtime.unsafeEvictDurableObject(worker.name ?? "", "BrokerShard", options).then(
          () => true,
          () => false,
        );
      },
      counts: () => ask({ kind: "count" }),
    },
  };
}

function create(worker: V4WorkerOptions, settings: BrokerSettings, run: string, port: number): Miniflare {
  const { dataDir, shards, variables, onLog } = settings;
  process.env["MINIFLARE_WORKERD_PATH"] = here("workerd-with-pid.sh");
  process.env["SOAK_WORKERD"] = workerdPath;
  return new Miniflare(
    convertV4MiniflareOptions({
      resourcePersistencePath: dataDir,
      resourceTmpPath: run,
      cf: false,
      telemetry: { enabled: false },
      handleStructuredLogs: ({ level, message }) => onLog(`${level}: ${message}`),
      workers: [
        {
          ...worker,
          bindings: { ...worker.bindings, ...variables, SHARDS: String(shards), ANONYMOUS: "loopback" },
          unsafeDirectSockets: [{ host: "127.0.0.1", port }],
        },
      ],
    }),
  );
}

/** A zombie is gone: it holds no port and no file. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
