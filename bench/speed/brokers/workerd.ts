// A Worker on bare workerd: `workerd serve` with a configuration made here, and no other process in between.

import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { BrokerKind, RunningBroker } from "./broker.ts";
import { freePort, freshFolder, startProgram, waitForPort } from "./program.ts";

export interface WorkerModule {
  /** As other modules import it. */
  readonly name: string;
  readonly type: "esModule" | "text" | "data" | "wasm";
  readonly contents: string | Uint8Array;
}

export interface ServedWorker {
  /** The first one is the entry. */
  readonly modules: readonly WorkerModule[];
  readonly compatibilityDate: string;
  readonly compatibilityFlags: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
  /** Name of the binding → class. All have SQLite on local disk. */
  readonly durableObjects: Readonly<Record<string, string>>;
  /** Bindings to services that the bench does not have: they answer 404. */
  readonly absentServices: readonly string[];
}

const workerdPackage = createRequire(import.meta.url).resolve("workerd/package.json");
const workerdProgram = join(workerdPackage, "..", "bin", "workerd");

export const workerdVersion: BrokerKind["version"] = async () =>
  execFileSync(workerdProgram, ["--version"], { encoding: "utf8" }).trim();

const configFile = "workerd.capnp";
const storageFolder = "storage";

type Placed = Pick<RunningBroker, "upgradePath"> & { readonly httpPath?: string };

export async function serveWorker(worker: ServedWorker, { upgradePath, httpPath }: Placed): Promise<RunningBroker> {
  const folder = freshFolder();
  mkdirSync(join(folder, storageFolder));
  const port = await freePort();
  worker.modules.forEach(({ contents }, index) => writeFileSync(join(folder, moduleFile(index)), contents));
  writeFileSync(join(folder, configFile), configText(worker, port));
  const program = startProgram({ command: [workerdProgram, "serve", configFile], folder });
  await waitForPort(program, port);
  return {
    ...program,
    port,
    upgradePath,
    ...(httpPath !== undefined && { httpUrl: `http://127.0.0.1:${port}${httpPath}` }),
  };
}

const moduleFile = (index: number): string => `module-${index}`;

/** Strings of Cap'n Proto's text format are escaped as in C, which JSON is close enough to. */
const quote = (text: string): string => JSON.stringify(text);

const list = (entries: readonly string[]): string => `[${entries.join(", ")}]`;

function configText(worker: ServedWorker, port: number): string {
  const { modules, compatibilityDate, compatibilityFlags, variables, durableObjects, absentServices } = worker;
  const bindings = [
    ...Object.entries(variables).map(([name, text]) => `(name = ${quote(name)}, text = ${quote(text)})`),
    ...Object.entries(durableObjects).map(
      ([name, className]) => `(name = ${quote(name)}, durableObjectNamespace = ${quote(className)})`,
    ),
    ...absentServices.map((name) => `(name = ${quote(name)}, service = "absent")`),
  ];
  const namespaces = Object.values(durableObjects).map(
    (className) => `(className = ${quote(className)}, uniqueKey = ${quote(className)}, enableSql = true)`,
  );
  return `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "main", worker = .main),
    (name = "absent", worker = .absent),
    (name = "storage", disk = (path = "${storageFolder}", writable = true)),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);

const main :Workerd.Worker = (
  modules = ${list(modules.map(({ name, type }, index) => `(name = ${quote(name)}, ${type} = embed "${moduleFile(index)}")`))},
  compatibilityDate = ${quote(compatibilityDate)},
  compatibilityFlags = ${list(compatibilityFlags.map(quote))},
  bindings = ${list(bindings)},
  durableObjectNamespaces = ${list(namespaces)},
  durableObjectStorage = (localDisk = "storage"),
);

const absent :Workerd.Worker = (
  serviceWorkerScript = "addEventListener('fetch', (event) => event.respondWith(new Response(null, { status: 404 })));",
  compatibilityDate = ${quote(compatibilityDate)},
);
`;
}
