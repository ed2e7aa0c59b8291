// Sockets of all shards in one process. Self-hosted, all objects share one process and its descriptors, and workerd ends
// when it runs out of them; on Cloudflare no limit is set and nobody asks.

const byShard = new Map<string, number>();
/** Upgrades that were let in and that no shard counts yet: in a storm hundreds are on their way. */
let onTheirWay = 0;

/** `shard` has so many sockets; a sleeping shard keeps its number, for its sockets stay open. */
export function countSockets(shard: string, sockets: number): void {
  byShard.set(shard, sockets);
}

/** A place for one more socket, or `undefined` where all are taken. To be released once a shard counts it, or it is gone. */
export function reserveSocket(limit: number): (() => void) | undefined {
  if (socketsInProcess() + onTheirWay >= limit) return undefined;
  onTheirWay += 1;
  let isHeld = true;
  return () => {
    if (isHeld) onTheirWay -= 1;
    isHeld = false;
  };
}

function socketsInProcess(): number {
  let total = 0;
  for (const sockets of byShard.values()) total += sockets;
  return total;
}
