// Keep-alive (§3.1.2.10): when a silent connection is to be closed.

import type { Broker } from "./broker.ts";
import type { Connection } from "./connection.ts";
import type { Connect } from "./packet.ts";
import { quirksOf } from "./protocol-quirks.ts";

/** 1.5 times what the client promised [MQTT-3.1.2-24 v3.1.1, MQTT-3.1.2-22]. */
const keepAliveMsPerSec = 1_500;
const leaseMsPerSec = 1_000;

/** How often a shard looks after a crash where no keep-alive would wake it. */
const willWatchMs = 300_000;

/** The client's own, or the server's where that is shorter and the client can be told [MQTT-3.1.2-21]. 0: none. */
export function keepAliveSecOf({ keepAliveSec, protocolVersion }: Connect, serverKeepAlive: number): number {
  if (serverKeepAlive === 0 || !quirksOf(protocolVersion).hasServerKeepAlive) return keepAliveSec;
  return keepAliveSec === 0 ? serverKeepAlive : Math.min(keepAliveSec, serverKeepAlive);
}

/** Behind a relay it is the relay's lease that counts. `undefined`: the connection may stay silent. */
export function keepAliveDeadlineMs(connection: Connection): number | undefined {
  const { leaseSec, keepAliveSec } = connection;
  const lastSeenMs = connection.lastSeenMs + connection.lastSeenSlackMs;
  if (leaseSec !== undefined) return lastSeenMs + leaseSec * leaseMsPerSec;
  return keepAliveSec === 0 ? undefined : lastSeenMs + keepAliveSec * keepAliveMsPerSec;
}

export function watchKeepAlive(broker: Broker, connection: Connection): void {
  const deadlineMs = keepAliveDeadlineMs(connection);
  if (deadlineMs !== undefined) broker.effects.wakeAt(deadlineMs);
  else if (connection.hasWill) broker.effects.wakeAt(broker.nowMs + willWatchMs);
  const endMs = maximumEndMs(broker, connection);
  if (endMs !== undefined) broker.effects.wakeAt(endMs);
}

/** When the connection is to end whatever its client does; `undefined`: never. */
export function maximumEndMs(broker: Broker, connection: Connection): number | undefined {
  const { maximumConnectTime } = broker.limits;
  return maximumConnectTime === 0 ? undefined : connection.connectedAtMs + maximumConnectTime * 1000;
}
