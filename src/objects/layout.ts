// The layout in force, as a shard knows it (design §2): it travels with every call between parts. A shard commits the one
// that it serves; it gets a new one only as a step of a change (`shard-layout.ts`).

import type { Broker } from "../core/broker.ts";
import type { ClientId } from "../core/brand.ts";
import { shardOfClient, type Layout } from "../core/placement.ts";
import type { SqlMetaStore } from "../storage/meta-store.ts";

/** On upgrades, which carry no arguments: the layout as JSON. */
export const layoutHeader = "x-mqtt-layout";

const layoutKey = "layout";

/** Before the first call: nobody has said how many shards there are. */
export const noLayout: Layout = { number: 0, shards: 1, subtreeDepth: 1, depthByPrefix: [], hashSeed: 0 };

export function storedLayout(meta: Pick<SqlMetaStore, "getString">): Layout {
  const stored = meta.getString(layoutKey);
  return stored === undefined ? noLayout : (JSON.parse(stored) as Layout);
}

export function storeLayout(meta: Pick<SqlMetaStore, "putString">, layout: Layout): void {
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
