// NATS with MQTT over its WebSocket listener; what is kept, JetStream keeps on disk. It writes before it acknowledges,
// so there is one setting.

import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { BrokerKind } from "./broker.ts";
import { inflightWindow, peerProgram } from "./peers.ts";
import { freePort, freshFolder, startProgram, waitForPort } from "./program.ts";

const configFile = "nats.conf";

const configText = (ports: { readonly web: number; readonly client: number; readonly mqtt: number }): string => `
listen: "127.0.0.1:${ports.client}"
server_name: "bench"
jetstream { store_dir: "store" }
websocket { listen: "127.0.0.1:${ports.web}", no_tls: true }
mqtt { listen: "127.0.0.1:${ports.mqtt}", max_ack_pending: ${inflightWindow} }
`;

export const nats: BrokerKind = {
  name: "NATS",
  durability: "nothing lost",
  features: new Set(["durable sessions", "retained by wildcard"]),
  protocolVersions: new Set([4]),
  version: async () => {
    const said = execFileSync(peerProgram("nats-server"), ["--version"], { encoding: "utf8" });
    return /v(\d\S*)/.exec(said)?.[1] ?? "unknown";
  },
  start: async () => {
    const program = peerProgram("nats-server");
    const folder = freshFolder();
    const [web, client, mqtt] = [await freePort(), await freePort(), await freePort()];
    writeFileSync(join(folder, configFile), configText({ web, client, mqtt }));
    const running = startProgram({ command: [program, "-c", configFile], folder });
    await waitForPort(running, web);
    return { ...running, port: web, upgradePath: () => "/mqtt" };
  },
};
