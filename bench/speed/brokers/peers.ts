// The Debian packages of the brokers that this one is measured against, and the program that each of them brings.

import { existsSync } from "node:fs";

export const peerPackages = {
  mosquitto: "/usr/sbin/mosquitto",
  "nats-server": "/usr/sbin/nats-server",
  "rabbitmq-server": "/usr/lib/rabbitmq/bin/rabbitmq-server",
} as const;

/** Throws a sentence that stands in the report where the package is missing. */
export function peerProgram(name: keyof typeof peerPackages): string {
  const program = peerPackages[name];
  if (!existsSync(program)) throw new Error(`the Debian package ${name} is not installed`);
  return program;
}

/**
 * QoS 1 and 2 messages in flight to one client: the same for each broker that has a setting for it, and what NATS has by
 * default. Left at 10 to 32, it would be the window that is measured, not the broker.
 */
export const inflightWindow = 1_024;
