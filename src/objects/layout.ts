// The layout in force (design §2): it travels with every call between parts, and each shard commits the highest it has
// seen.

import type { Broker } from "../core/broker.ts";
import type { ClientId } from "../core/brand.ts";
import { shardOfClient, type Layout } from "../core/placement.ts";
import type { SqlMetaStore } from "../storage/meta-store.ts";

/** On upgrades, which carry no arguments: the layout as JSON. */
export const layoutHeader = "x-mqtt-layout";

const layoutKey = "layout";

/** Before the first call: nobody has said how many shards there are. */
export const noLayout: Layout = { number: 0, shards: 1, subtreeDepth: 1, depthByPrefix: [], hashSeed: 0 };

export function storedLayout(meta: SqlMetaStore): Layout {
  const stored = meta.getString(layoutKey);
  return stored === undefined ? noLayout : (JSON.parse(stored) as Layout);
}

/** The registry's record, as a caller knows it: a higher number is committed, a lower one refused by a throw. */
export function adoptLayout(broker: Broker, meta: SqlMetaStore, layout: Layout): void {
  const present = broker.layout;
  if (layout.number < present.number) throw new Error(`layout ${present.number} is in force, not ${layout.number}`);
  if (layout.number === present.number) return;
  broker.layout = layout;
  meta.putString(layoutKey, JSON.stringify(layout));
}

/** Whether a client id hashes to this shard. */
export const isOwnClientId = ({ layout, options }: Broker, clientId: string): boolean =>
  layout.shards === 1 || shardOfClient(clientId as ClientId, layout) === options.shardIndex;

/** A fresh id, drawn until one hashes to this shard [MQTT-3.1.3-6 v3.1.1]. */
export function drawClientId(broker: Broker): string {
  for (;;) {
    const clientId = `auto-${crypto.randomUUID()}`;
    if (isOwnClientId(broker, clientId)) return clientId;
  }
}
