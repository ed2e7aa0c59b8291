// Many clients at once: connected, subscribed and ended a few at a time, as fast as a broker takes them.

import { Client, type Target } from "./client.ts";
import type { ProtocolVersion } from "./packets.ts";

const atOnce = 20;
const idRadix = 36;
const durableSec = 3_600;

/** Client ids that no earlier run used. */
export function newPrefix(): string {
  return `bench-${Date.now().toString(idRadix)}-${Math.floor(Math.random() * idRadix ** 4).toString(idRadix)}`;
}

/** A few at a time; the results in order. */
export async function inParallel<T>(count: number, task: (n: number) => Promise<T>, width = atOnce): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) {
      const n = next;
      next += 1;
      results[n] = await task(n);
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, count) }, lane));
  return results;
}

export interface Kind {
  readonly version: ProtocolVersion;
  readonly isDurable: boolean;
}

export async function connectOne(target: Target, clientId: string, { version, isDurable }: Kind): Promise<Client> {
  const expirySec = isDurable ? durableSec : 0;
  // Clean Start only says how it begins; its expiry makes the session durable. MQTT 3 has one flag for both.
  return await Client.connect(target, { clientId, version, isClean: !isDurable, expirySec });
}

export async function connectMany(
  target: Target,
  prefix: string,
  count: number,
  kind: Kind,
  width = atOnce,
): Promise<Client[]> {
  return await inParallel(count, async (n) => await connectOne(target, `${prefix}-${n}`, kind), width);
}

/** Ends the connections, and the sessions where they are durable. */
export async function endAll(target: Target, clients: readonly Client[], { version, isDurable }: Kind): Promise<void> {
  await inParallel(clients.length, async (n) => await clients[n]?.leave());
  if (isDurable)
    await forgetSessions(
      target,
      clients.map(({ clientId }) => clientId),
      version,
    );
}

export async function forgetSessions(target: Target, ids: readonly string[], version: ProtocolVersion): Promise<void> {
  await inParallel(ids.length, async (n) => {
    const clientId = ids[n] ?? "";
    const client = await Client.connect(target, { clientId, version, isClean: true, expirySec: 0 });
    await client.leave();
  });
}
