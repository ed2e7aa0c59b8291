// RabbitMQ with MQTT over WebSocket, all of it in a folder of its own: its store, its log, its cookie, and its own port
// mapper, on loopback.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { BrokerKind } from "./broker.ts";
import { inflightWindow, peerProgram } from "./peers.ts";
import { freePort, freshFolder, startProgram, waitForPort } from "./program.ts";

const configFile = "rabbitmq.conf";
const pluginsFile = "enabled_plugins";
const emptyFile = "rabbitmq-env.conf";

interface Ports {
  readonly web: number;
  readonly mqtt: number;
  readonly amqp: number;
  readonly distribution: number;
  readonly mapper: number;
}

const configText = ({ web, mqtt, amqp }: Ports): string =>
  [
    `listeners.tcp.local = 127.0.0.1:${amqp}`,
    `mqtt.listeners.tcp.local = 127.0.0.1:${mqtt}`,
    "mqtt.allow_anonymous = true",
    "mqtt.default_user = guest",
    "mqtt.default_pass = guest",
    `mqtt.prefetch = ${inflightWindow}`,
    "web_mqtt.tcp.ip = 127.0.0.1",
    `web_mqtt.tcp.port = ${web}`,
    "log.console.level = error",
    "log.file = false",
    "",
  ].join("\n");

const environment = (folder: string, ports: Ports): Record<string, string> => ({
  HOME: folder,
  RABBITMQ_NODENAME: "bench@localhost",
  RABBITMQ_CONFIG_FILE: join(folder, configFile),
  RABBITMQ_CONF_ENV_FILE: join(folder, emptyFile),
  RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, pluginsFile),
  RABBITMQ_MNESIA_BASE: join(folder, "mnesia"),
  RABBITMQ_LOG_BASE: join(folder, "log"),
  RABBITMQ_PID_FILE: join(folder, "pid"),
  RABBITMQ_DIST_PORT: String(ports.distribution),
  RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: "-kernel inet_dist_use_interface {127,0,0,1}",
  ERL_EPMD_PORT: String(ports.mapper),
  ERL_EPMD_ADDRESS: "127.0.0.1",
});

/** Erlang's port mapper makes itself a daemon, out of the tree; it is known by the port in its environment. */
function portMappers(port: number): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && isMapper(name, port))
    .map(Number);
}

function isMapper(pid: string, port: number): boolean {
  try {
    const environ = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
    return readFileSync(`/proc/${pid}/comm`, "utf8").trim() === "epmd" && environ.includes(`ERL_EPMD_PORT=${port}`);
  } catch {
    return false; // gone meanwhile
  }
}

/** The folder of its library carries the version. */
const version = (): string => {
  peerProgram("rabbitmq-server");
  const folder = readdirSync("/usr/lib/rabbitmq/lib").find((name) => name.startsWith("rabbitmq_server-"));
  return folder?.slice("rabbitmq_server-".length) ?? "unknown";
};

export const rabbitmq: BrokerKind = {
  name: "RabbitMQ",
  durability: "nothing lost",
  features: new Set(["durable sessions"]),
  protocolVersions: new Set([4]),
  version: async () => version(),
  start: async () => {
    const program = peerProgram("rabbitmq-server");
    const folder = freshFolder();
    const ports: Ports = {
      web: await freePort(),
      mqtt: await freePort(),
      amqp: await freePort(),
      distribution: await freePort(),
      mapper: await freePort(),
    };
    writeFileSync(join(folder, configFile), configText(ports));
    writeFileSync(join(folder, pluginsFile), "[rabbitmq_web_mqtt].\n");
    writeFileSync(join(folder, emptyFile), "");
    const running = startProgram({
      command: [program],
      folder,
      env: environment(folder, ports),
      alsoOwns: () => portMappers(ports.mapper),
    });
    await waitForPort(running, ports.web);
    return { ...running, port: ports.web, upgradePath: () => "/ws" };
  },
};
