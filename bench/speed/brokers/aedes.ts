// Aedes from npm: as its documentation shows it, in memory; and on level, where it survives kill -9.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { BrokerKind, Durability } from "./broker.ts";
import { freePort, freshFolder, startProgram, waitForPort } from "./program.ts";

const processFile = fileURLToPath(new URL("aedes-process.ts", import.meta.url));
const packageFile = join(createRequire(import.meta.url).resolve("aedes"), "..", "package.json");

export const aedes = (name: string, durability: Durability): BrokerKind => ({
  name,
  durability,
  features: new Set(["QoS 2", "durable sessions", "retained by wildcard"]),
  protocolVersions: new Set([4]),
  version: async () => (JSON.parse(readFileSync(packageFile, "utf8")) as { readonly version: string }).version,
  start: async () => {
    const folder = freshFolder();
    const port = await freePort();
    const store = durability === "nothing lost" ? [join(folder, "level")] : [];
    const running = startProgram({ command: [process.execPath, processFile, String(port), ...store], folder });
    await waitForPort(running, port);
    return { ...running, port, upgradePath: () => "/mqtt" };
  },
});
