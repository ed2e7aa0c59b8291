// A broker full of subscriptions with wildcards that do not match what is measured, of a few clients.

import type { Client, Target } from "./client.ts";
import { connectMany, inParallel, newPrefix } from "./crowd.ts";
import type { ProtocolVersion } from "./packets.ts";

/** As many as this broker allows a session by default. */
const perClient = 1_000;
const perSubscribe = 100;

/** Four kinds in turn, so that a topic of `fleet` has many neighbours at each level and behind each wildcard. */
export function tableFilter(n: number): string {
  const kinds = [`fleet/lorry${n}/+/state`, `fleet/lorry${n}/#`, `fleet/+/part${n}/state`, `+/lorry${n}/#`];
  return kinds[n % kinds.length] ?? "";
}

/** The filters from the first, before the second; gives the clients that hold them. */
export async function loadFilters(
  target: Target,
  [from, to]: readonly [from: number, to: number],
  version: ProtocolVersion,
): Promise<Client[]> {
  const clients = Math.ceil((to - from) / perClient);
  const holders = await connectMany(target, newPrefix(), clients, { version, isDurable: false });
  await inParallel(clients, async (n) => {
    const first = from + n * perClient;
    for (let at = first; at < Math.min(to, first + perClient); at += perSubscribe) {
      const count = Math.min(perSubscribe, to - at, first + perClient - at);
      await holders[n]?.subscribe(0, ...Array.from({ length: count }, (_, index) => tableFilter(at + index)));
    }
  });
  return holders;
}
