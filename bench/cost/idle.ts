// Clients that say nothing but PINGREQ, for minutes of real time: what wakes a shard then, and what it writes.

import { setTimeout as delay } from "node:timers/promises";
import type { BenchBroker } from "./broker.ts";
import type { BenchClient } from "./client.ts";
import { riseOf, type Counts } from "./counts.ts";
import { Stage, type Route } from "./stage.ts";

export type IdleKind = "direct" | "relay" | "offline";

export interface IdleMeasured {
  readonly kind: IdleKind;
  readonly shards: number;
  readonly clients: number;
  readonly seconds: number;
  /** Without the pacemakers'. */
  readonly counts: Counts;
}

const clientsPerRun = 30;
const keepAliveSec = 60;
const msPerSec = 1_000;
const windowSec = 360;
/**
 * A shard that sleeps forgets its counters, and so few clients let it sleep. A client of our own on each shard keeps it in
 * memory, as ten thousand would; its PINGREQs are taken off, and it has no keep-alive that an alarm would watch.
 */
const pacemakerMs = 4_000;

export const idleNamespaces: readonly string[] = (["direct", "relay", "offline"] satisfies IdleKind[]).map(
  (kind) => `idle-${kind}`,
);

export async function measureIdle(broker: BenchBroker, kind: IdleKind): Promise<IdleMeasured> {
  const stage = new Stage(broker, `idle-${kind}`, 1);
  const pacemakers = await startPacemakers(stage);
  await connectAll(stage, kind);
  const [before, beatsBefore, startedAt] = [await broker.read(stage.namespace), pacemakers.beats(), performance.now()];
  await delay(windowSec * msPerSec);
  const rise = riseOf(before, await broker.read(stage.namespace));
  const seconds = (performance.now() - startedAt) / msPerSec;
  const counts = { ...rise, webSocketMessages: rise.webSocketMessages - (pacemakers.beats() - beatsBefore) };
  pacemakers.stop();
  await stage.end();
  return { kind, shards: broker.shards, clients: clientsPerRun, seconds: Math.round(seconds), counts };
}

interface Pacemakers {
  beats(): number;
  stop(): void;
}

async function startPacemakers(stage: Stage): Promise<Pacemakers> {
  const ids = Array.from({ length: stage.broker.shards }, (_, shard) => stage.placement.clientOn(shard, "pacemaker"));
  const clients = await Promise.all(ids.map((id) => stage.client(id, { keepalive: 0 })));
  let beats = 0;
  const timer = setInterval(() => {
    for (const client of clients) client.ping();
    beats += clients.length;
  }, pacemakerMs);
  return { beats: () => beats, stop: () => clearInterval(timer) };
}

/** Spread over one keep-alive, as those of many clients are. */
async function connectAll(stage: Stage, kind: IdleKind): Promise<void> {
  const apartMs = (keepAliveSec * msPerSec) / clientsPerRun;
  const route: Route = kind === "relay" ? "relay" : "direct";
  for (let n = 0; n < clientsPerRun; n += 1) {
    const client = await stage.client(`client-${n}`, { keepalive: keepAliveSec, clean: kind !== "offline" }, route);
    await client.subscribe(1, `news/${n}`);
    if (kind === "offline") await client.leave();
    else keepAlive(client);
    await delay(apartMs);
  }
}

/** Ends with the process: the run is the last thing that these clients are for. */
function keepAlive(client: BenchClient): void {
  setInterval(() => client.ping(), keepAliveSec * msPerSec).unref();
}
