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
  const stubs = await shards();
  await settle(stubs);
  for (const stub of stubs) {
    await save(stub);
    await evictDurableObject(stub, { webSockets: "hibernate" });
  }
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
    let isQuiet = true;
    for (const stub of stubs) if (!(await save(stub))) isQuiet = false;
    quietRounds = isQuiet ? quietRounds + 1 : 0;
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
