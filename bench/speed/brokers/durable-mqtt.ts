// This broker: the Worker as wrangler deploys it, on bare workerd.

import { basename } from "node:path";
import { buildWorker } from "../../../scripts/start/build-worker.ts";
import type { BrokerKind } from "./broker.ts";
import { inflightWindow } from "./peers.ts";
import { serveWorker, workerdVersion, type ServedWorker, type WorkerModule } from "./workerd.ts";

interface Settings {
  readonly shards: number;
  readonly sockets?: "accept";
}

/** Defaults that would stop a scenario, raised; docs/performance.md says so. */
const raisedLimits = {
  MAXIMUM_QUEUED_MESSAGES: "1000000",
  MAXIMUM_QUEUED_BYTES: "268435456",
  MAXIMUM_SUBSCRIPTIONS_PER_SESSION: "100000",
  MAXIMUM_FILTERS_PER_SUBSCRIBE: "1000",
  MAXIMUM_INFLIGHT: String(inflightWindow),
};

const moduleTypes: Readonly<Record<string, WorkerModule["type"]>> = {
  ESModule: "esModule",
  Text: "text",
  Data: "data",
  CompiledWasm: "wasm",
};

let build: ReturnType<typeof buildWorker> | undefined;
/** Built once: a run measures one state of the sources, whatever happens to them meanwhile. */
const builtWorker = (): ReturnType<typeof buildWorker> => (build ??= buildWorker());

async function servedWorker({ shards, sockets }: Settings): Promise<ServedWorker> {
  const built = await builtWorker();
  if (!built.ok) throw new Error(`the Worker cannot be built: ${built.error}`);
  const { modules, compatibilityDate = "", compatibilityFlags = [], durableObjects = {}, assets } = built.value;
  if (!Array.isArray(modules)) throw new Error("the build has no modules");
  return {
    modules: modules.map(({ path, type, contents = "" }) => ({
      name: basename(path),
      type: moduleTypes[type] ?? "data",
      contents,
    })),
    compatibilityDate,
    compatibilityFlags,
    variables: {
      ANONYMOUS: "loopback",
      SHARDS: String(shards),
      ...raisedLimits,
      ...(sockets !== undefined && { SOCKETS: sockets }),
    },
    durableObjects: Object.fromEntries(
      Object.entries(durableObjects).map(([name, object]) => [
        name,
        typeof object === "string" ? object : object.className,
      ]),
    ),
    absentServices: assets?.binding === undefined ? [] : [assets.binding],
  };
}

export const durableMqtt = (name: string, settings: Settings): BrokerKind => ({
  name,
  durability: "nothing lost",
  features: new Set(["QoS 2", "durable sessions", "retained by wildcard", "REST publish"]),
  protocolVersions: new Set([4, 5]),
  version: workerdVersion,
  start: async () =>
    serveWorker(await servedWorker(settings), {
      upgradePath: (clientId) => `/mqtt?clientId=${encodeURIComponent(clientId)}`,
      httpPath: "",
    }),
});
