// Faults stop, everybody comes back, everything drains: then nothing that is owed may be missing.

import { setTimeout as delay } from "node:timers/promises";
import { Client } from "./client.ts";
import { Patience } from "./patience.ts";
import type { Published } from "./published.ts";
import type { World } from "./world.ts";

const pollMs = 5;
/** Nothing has come for so long. */
const quietMs = 40;

export async function settle(world: World): Promise<void> {
  const { model, scene, trace } = world;
  for (const client of world.clients) {
    client.holdAnswers(false);
    client.connect();
  }
  await rest(world, world.clients);
  for (const client of world.clients) client.settle();
  const observer = newSubscriber(world);
  observer.connect();
  await waitFor(world, () => observer.isOnline);
  observer.subscribe(scene.retainedFilter, 1);
  for (const client of world.clients) client.ping();
  await rest(world, [...world.clients, observer]);
  const observed = observer.session?.latest;
  observer.end();
  if (world.isViolated) return;
  model.settle((topicName) => observed?.get(topicName) as Published | undefined);
  trace.note("--- settled");
}

let observers = 0;

/** It has nothing, and wants every retained message. */
function newSubscriber(world: World): Client {
  observers += 1;
  return new Client(
    {
      clientId: `observer-${observers}`,
      version: observers % 2 === 0 ? 4 : 5,
      isDurable: false,
      expirySec: 0,
      receiveMaximum: undefined,
      willTopic: undefined,
      isDirect: observers % 4 < 2,
    },
    world.port,
  );
}

/** Until nothing is open, nothing is missing and nothing comes any more; what is missing in the end is a violation. */
async function rest(world: World, clients: readonly Client[]): Promise<void> {
  const { model, trace } = world;
  const isAtRest = (): boolean => clients.every((client) => client.isOnline && client.isAtRest);
  let length = -1;
  let quietSince = performance.now();
  const isDone = (): boolean => {
    const now = trace.noted;
    if (now !== length) quietSince = performance.now();
    length = now;
    if (performance.now() - quietSince < quietMs || !isAtRest()) return false;
    return model.missing().length === 0;
  };
  if (await waitFor(world, isDone)) return;
  if (world.isViolated) return;
  for (const client of clients)
    if (!client.isOnline || !client.isAtRest) model.violate(`not at rest: ${client.pending}`);
  for (const missing of model.missing()) model.violate(missing);
}

async function waitFor(world: World, isDone: () => boolean): Promise<boolean> {
  const patience = new Patience(world.settings.settlesWithinMs);
  while (!isDone()) {
    if (world.isViolated || patience.isOver) return false;
    await delay(pollMs);
  }
  return true;
}
