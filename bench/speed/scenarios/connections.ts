// Clients that connect, and clients that are just there.

import { setTimeout as delay } from "node:timers/promises";
import type { RunningBroker } from "../brokers/broker.ts";
import type { Client } from "../load/client.ts";
import { connectMany, endAll, inParallel, newPrefix } from "../load/crowd.ts";
import { coresOf, startMeter } from "../load/meter.ts";
import type { Measurement, RunOptions, Scenario } from "./scenario.ts";

const clients = { full: 2_000, small: 50 } as const;
/** Some brokers let a connection wait until they look: so many wait together. */
const connectsAtOnce = 100;
const warmUpClients = 50;
/** Until a broker has tidied up behind the last CONNECT. */
const restMs = 1_000;

export const connectionScenarios: readonly Scenario[] = [
  {
    id: "connect",
    title: "connects, ephemeral",
    unit: "connects/s",
    better: "more",
    needs: [],
    run: async (broker, _kind, options) => await measureConnects(broker, options, false),
  },
  {
    id: "connect-durable",
    title: "connects, durable",
    unit: "connects/s",
    better: "more",
    needs: ["durable sessions"],
    run: async (broker, _kind, options) => await measureConnects(broker, options, true),
  },
  {
    id: "memory",
    title: "memory of an idle client",
    unit: "KiB",
    better: "less",
    needs: [],
    needsFreshBroker: true,
    run: async (broker, _kind, options) => await measureMemory(broker, options),
  },
];

async function measureConnects(
  broker: RunningBroker,
  { size, version }: RunOptions,
  isDurable: boolean,
): Promise<Measurement> {
  const kind = { version, isDurable };
  await warmUp(broker, { version, isDurable });
  const count = clients[size];
  let connected: Client[] = [];
  const read = startMeter(broker, () => connected.length);
  connected = await connectMany(broker, newPrefix(), count, kind, connectsAtOnce);
  const reading = read();
  await endAll(broker, connected, kind);
  const value = count / reading.seconds;
  return { kind: "measured", value, unit: "connects/s", more: { clients: count }, ...coresOf(reading) };
}

/** Each with a subscription of its own. */
async function measureMemory(broker: RunningBroker, { size, version }: RunOptions): Promise<Measurement> {
  const kind = { version, isDurable: false };
  await warmUp(broker, kind);
  await delay(restMs);
  const before = broker.residentKiB();
  const read = startMeter(broker, () => 0);
  const [word, count] = [newPrefix(), clients[size]];
  const connected = await connectMany(broker, word, count, kind);
  await inParallel(count, async (n) => await connected[n]?.subscribe(1, `${word}/${n}/command`));
  await delay(restMs);
  const cores = coresOf(read());
  const value = (broker.residentKiB() - before) / count;
  await endAll(broker, connected, kind);
  return { kind: "measured", value, unit: "KiB", more: { clients: count, "before KiB": before }, ...cores };
}

async function warmUp(
  broker: RunningBroker,
  kind: { readonly version: RunOptions["version"]; readonly isDurable: boolean },
): Promise<void> {
  await endAll(broker, await connectMany(broker, newPrefix(), warmUpClients, kind), kind);
}
