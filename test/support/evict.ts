// What a test inside workerd does to the shards between two steps: let the idle save run and evict with the sockets
// kept, as hibernation would, or let time go by.

import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import type { BrokerShard } from "../../src/objects/broker-shard.ts";

const MS_PER_SECOND = 1_000;

type ShardStub = DurableObjectStub<BrokerShard>;

/** The shards of the default namespace. */
function shards(): ShardStub[] {
  const count = Number((env as { readonly SHARDS?: string }).SHARDS ?? 1);
  return Array.from({ length: count }, (_, shard) => env.BROKER_SHARD.getByName(`default/${shard}`));
}

/**
 * The idle save of every shard runs, then every shard is evicted: memory is gone, sockets and attachments stay. To be
 * called where the runtime could hibernate: no connection is without its CONNACK.
 */
export async function settleAndEvict(): Promise<void> {
  const stubs = shards();
  await settle(stubs);
  await Promise.all(stubs.map((stub) => evictDurableObject(stub, { webSockets: "hibernate" })));
}

const save = async (stub: ShardStub): Promise<boolean> =>
  runInDurableObject<BrokerShard, boolean>(stub, (shard) => shard.saveNow());

/** More rounds than any dialogue needs. */
const MOST_ROUNDS = 50;

/**
 * What one shard says to another in its flush makes that one dirty again; and an eviction waits for the timer of an idle
 * save. So until all have been at rest twice in a row.
 */
async function settle(stubs: readonly ShardStub[]): Promise<void> {
  let quietRounds = 0;
  for (let round = 0; quietRounds < 2 && round < MOST_ROUNDS; round += 1) {
    const areAtRest = await Promise.all(stubs.map(save));
    quietRounds = areAtRest.every(Boolean) ? quietRounds + 1 : 0;
  }
}

const realNow = Date.now.bind(Date);
let offsetMs = 0;

/** Seconds go by for every shard of this test file (tests and shards share one isolate), and the due alarms run. */
export async function advance(seconds: number): Promise<void> {
  offsetMs += seconds * MS_PER_SECOND;
  Date.now = () => realNow() + offsetMs;
  for (const stub of shards()) {
    await runDurableObjectAlarm(stub);
  }
}
