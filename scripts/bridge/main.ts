// `npm run bridge`: lets clients that only speak MQTT over TCP reach the broker's WebSocket.

import { createServer } from "node:net";
import { raiseDescriptorLimit, softDescriptorLimit } from "../start/descriptors.ts";
import { refuse, stopOnSignal } from "../shared/stop.ts";
import { parseBridge, type BridgeOptions } from "./arguments.ts";
import { join } from "./join.ts";
import { takesAnonymous } from "./probe.ts";
import { openUpstream } from "./upstream.ts";

/** One for the client and one for the WebSocket. */
const DESCRIPTORS_PER_CLIENT = 2;
const RESERVE = 64;

/** Without what may be a secret in the URL. */
const nameOf = ({ upstream }: BridgeOptions): string => `${upstream.protocol}//${upstream.host}${upstream.pathname}`;

async function refuseToExpose(options: BridgeOptions): Promise<void> {
  if (!options.exposed || options.allowAnonymous) return;
  const probe = await takesAnonymous(options);
  if (!probe.ok) refuse(`${nameOf(options)} cannot be asked whether it takes anonymous clients: ${probe.error}.`);
  if (!probe.value) return;
  refuse(
    `${nameOf(options)} takes anonymous clients, and with --host so would this bridge: give the broker USERS, or add --allow-anonymous.`,
  );
}

function listen(options: BridgeOptions): void {
  const server = createServer((client) => join(client, openUpstream(options)));
  server.maxConnections = Math.max(1, Math.floor((softDescriptorLimit() - RESERVE) / DESCRIPTORS_PER_CLIENT));
  server.on("error", (error) => refuse(`Cannot listen on ${options.host} port ${options.port}: ${error.message}.`));
  server.listen(options.port, options.host, () => {
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : options.port;
    console.log(`MQTT over TCP at ${options.host}:${port}, bridged to ${nameOf(options)}`);
  });
  stopOnSignal(() => Promise.resolve());
}

raiseDescriptorLimit();
const options = parseBridge(process.argv.slice(2));
if (!options.ok) refuse(options.error);
await refuseToExpose(options.value);
listen(options.value);
