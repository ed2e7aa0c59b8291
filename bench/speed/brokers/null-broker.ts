// The ceiling: a broker on the same runtime that only receives and sends the same frames.

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { BrokerKind } from "./broker.ts";
import type { Fault } from "./null-broker/client.ts";
import { serveWorker, workerdVersion, type WorkerModule } from "./workerd.ts";

interface NullSettings {
  readonly sockets?: "accept";
  /** Whatever is acknowledged is in a row before. */
  readonly writes?: "row";
  readonly fault?: Fault;
}

const compatibilityDate = "2026-11-17";
const files = ["worker.ts", "client.ts", "codec.ts", "filters.ts"];

/** Node has it as an experiment, and says so: in a process of its own, that warning can be turned off. */
const stripTypes = `
  const [, ...paths] = process.argv;
  const strip = (path) => process.getBuiltinModule("module").stripTypeScriptTypes(fs.readFileSync(path, "utf8"));
  console.log(JSON.stringify(paths.map(strip)));
`;

function modules(): WorkerModule[] {
  const paths = files.map((name) => fileURLToPath(new URL(`null-broker/${name}`, import.meta.url)));
  const args = ["--disable-warning=ExperimentalWarning", "--eval", stripTypes, ...paths];
  const stripped = JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" })) as readonly string[];
  return stripped.map((contents, index) => ({ name: files[index] ?? "", type: "esModule", contents }));
}

export function nullBroker(name: string, { sockets, writes, fault }: NullSettings = {}): BrokerKind {
  const variables = {
    ...(sockets !== undefined && { SOCKETS: sockets }),
    ...(writes !== undefined && { WRITES: writes }),
    ...(fault !== undefined && { FAULT: fault }),
  };
  return {
    name,
    durability: writes === undefined ? "as shipped" : "nothing lost",
    features: new Set(["QoS 2", "durable sessions", "retained by wildcard"]),
    protocolVersions: new Set([4, 5]),
    version: workerdVersion,
    start: () =>
      serveWorker(
        {
          modules: modules(),
          compatibilityDate,
          compatibilityFlags: ["no_web_socket_compression"],
          variables,
          durableObjects: { NULL_BROKER: "NullBroker" },
          absentServices: [],
        },
        { upgradePath: () => "/mqtt" },
      ),
  };
}
