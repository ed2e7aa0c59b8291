// Mosquitto as Debian ships it, with a WebSocket listener and the limits of queues raised.

import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { BrokerKind, Durability } from "./broker.ts";
import { inflightWindow, peerProgram } from "./peers.ts";
import { freePort, freshFolder, startProgram, waitForPort } from "./program.ts";

const configFile = "mosquitto.conf";

/** As shipped it saves each half hour, and what it acknowledged since is lost at kill -9. */
const durabilityLines: Readonly<Record<Durability, readonly string[]>> = {
  "as shipped": [],
  "nothing lost": ["autosave_on_changes true", "autosave_interval 1"],
};

interface Place {
  readonly port: number;
  /** For MQTT without WebSocket: version 2.0.11 does not start without such a listener. */
  readonly plainPort: number;
  readonly folder: string;
}

const configText = ({ port, plainPort, folder }: Place, durability: Durability): string =>
  [
    `listener ${plainPort} 127.0.0.1`,
    `listener ${port} 127.0.0.1`,
    "protocol websockets",
    "allow_anonymous true",
    "persistence true",
    `persistence_location ${folder}/`,
    ...durabilityLines[durability],
    "max_queued_messages 0",
    `max_inflight_messages ${inflightWindow}`,
    // It would otherwise become a user that cannot write to the folder.
    ...(process.getuid?.() === 0 ? ["user root"] : []),
    "",
  ].join("\n");

export const mosquitto = (name: string, durability: Durability): BrokerKind => ({
  name,
  durability,
  features: new Set(["QoS 2", "durable sessions", "retained by wildcard"]),
  protocolVersions: new Set([4, 5]),
  version: async () => {
    // It says its version with its usage, and an exit code that is not 0.
    const { stdout } = spawnSync(peerProgram("mosquitto"), ["-h"], { encoding: "utf8" });
    return /^mosquitto version (\S+)/m.exec(stdout)?.[1] ?? "unknown";
  },
  start: async () => {
    const program = peerProgram("mosquitto");
    const folder = freshFolder();
    const place: Place = { port: await freePort(), plainPort: await freePort(), folder };
    writeFileSync(join(folder, configFile), configText(place, durability));
    const running = startProgram({ command: [program, "-c", configFile], folder });
    await waitForPort(running, place.port);
    return { ...running, port: place.port, upgradePath: () => "/mqtt" };
  },
});
