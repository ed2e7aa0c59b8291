// Sockets of all shards in one process. Self-hosted, all objects share one process and its descriptors, and workerd ends
// when it runs out of them; on Cloudflare no limit is set and nobody asks.

const byShard = new Map<string, number>();

/** `shard` has so many sockets; a sleeping shard keeps its number, for its sockets stay open. */
export function countSockets(shard: string, sockets: number): void {
  byShard.set(shard, sockets);
}

export function socketsInProcess(): number {
  let total = 0;
  for (const sockets of byShard.values()) total += sockets;
  return total;
}
