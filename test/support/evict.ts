// What a test inside workerd does to the shards between two steps: let the idle save run and evict with the sockets
// kept, as hibernation would, or let time go by.

import { evictDurableObject, listDurableObjectIds, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import type { BrokerShard } from "../../src/objects/broker-shard.ts";

const MS_PER_SECOND = 1_000;

type ShardStub = DurableObjectStub<BrokerShard>;

/** The shards that exist. */
async function shards(): Promise<ShardStub[]> {
  const ids = await listDurableObjectIds(env.BROKER_SHARD);
  return ids.map((id) => env.BROKER_SHARD.get(id));
}

/**
 * The idle save of every shard runs, then every shard is evicted: memory is gone, sockets and attachments stay. To be
 * called where the runtime could hibernate: no connection is without its CONNACK.
 */
export async function settleAndEvict(): Promise<void> {
  for (const stub of await shards()) {
    await runInDurableObject<BrokerShard, void>(stub, (instance) => instance.saveNow());
    await evictDurableObject(stub, { webSockets: "hibernate" });
  }
}

const realNow = Date.now.bind(Date);
let offsetMs = 0;

/** Seconds go by for every shard of this test file (tests and shards share one isolate), and the due alarms run. */
export async function advance(seconds: number): Promise<void> {
  offsetMs += seconds * MS_PER_SECOND;
  Date.now = () => realNow() + offsetMs;
  for (const stub of await shards()) {
    await runDurableObjectAlarm(stub);
  }
}
