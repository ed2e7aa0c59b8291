// A shard sleeps while its clients stay connected, whatever it went through before; at one shard and at three, behind a
// relay too: in the real runtime, which decides that by itself. Each scene has a namespace of its own, all wait at once.

import { setTimeout as idle } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { playScene, scenesFor, type SleepScene } from "../../large/support/sleep-scenes.ts";
import { sleepsWithinMs, whoSlept, type Slept } from "../../large/support/sleep.ts";
import { Stage, type Way } from "../../large/support/stage.ts";
import { startBroker, type BrokerProcess } from "../../support/broker-process.ts";

/** Of the control: longer than the wait. */
const connectTimeoutMs = 60_000;

interface Theatre {
  readonly shards: number;
  readonly way: Way;
}

const theatres: readonly (Theatre & { readonly title: string })[] = [
  { title: "one shard", shards: 1, way: "direct" },
  { title: "three shards", shards: 3, way: "direct" },
  { title: "three shards behind relays", shards: 3, way: "relayed" },
];

/** A scene in a theatre, in a namespace of its own. */
interface Performance {
  readonly theatre: Theatre;
  readonly scene: SleepScene;
  readonly namespace: string;
}

const performances: readonly Performance[] = theatres.flatMap((theatre) =>
  scenesFor(theatre.way).map((scene, number) => ({ theatre, scene, namespace: `${theatre.way}-${number}` })),
);
const controls = theatres.filter(({ way }) => way === "direct");
const controlNamespace = "control";

/** One broker for each number of shards. */
const brokers = new Map<number, BrokerProcess>();
/** What was seen after the wait. */
const seen = new Map<Performance, Promise<{ readonly hasSlept: boolean }>>();
const seenOfControls = new Map<Theatre, Promise<Slept>>();

const stageOf = ({ shards, way }: Theatre, namespace: string): Stage => {
  const broker = brokers.get(shards);
  if (broker === undefined) throw new Error("the broker did not start");
  return new Stage({ broker, namespace, shards, way });
};

async function start(shards: number): Promise<void> {
  const own = performances.filter(({ theatre }) => theatre.shards === shards);
  const variables = {
    NAMESPACES: [...own.map(({ namespace }) => namespace), controlNamespace].join(","),
    CONNECT_TIMEOUT_MS: String(connectTimeoutMs),
  };
  brokers.set(shards, await startBroker({ shards, variables }));
}

beforeAll(async () => {
  await Promise.all([1, 3].map(start));
  const plays = performances.map((performance) => {
    const play = playScene(performance.scene, stageOf(performance.theatre, performance.namespace));
    return [performance, play] as const;
  });
  const playing = Promise.allSettled(plays.map(([, play]) => play));
  await Promise.all(controls.map(openControl));
  await playing;
  await idle(sleepsWithinMs);
  // All at once: one that waited for the others would have had longer to fall asleep.
  for (const theatre of controls) seenOfControls.set(theatre, whoSlept(stageOf(theatre, controlNamespace)));
  for (const [performance, play] of plays) {
    seen.set(
      performance,
      play.then((played) => played.wake()),
    );
  }
  await Promise.allSettled([...seen.values(), ...seenOfControls.values()]);
});
afterAll(async () => {
  await Promise.all([...brokers.values()].map((broker) => broker.stop()));
});

describe.each(theatres)("the shards of $title sleep, and nothing is gone, after", (theatre) => {
  test.each(performances.filter((performance) => performance.theatre === theatre))(
    "$scene.name",
    async (performance) => {
      expect(await seen.get(performance)).toEqual({ hasSlept: true });
    },
  );
});

/** Clients that are connected, and at shard 0 a socket whose CONNECT is awaited: a timer runs. */
async function openControl(theatre: Theatre): Promise<void> {
  const stage = stageOf(theatre, controlNamespace);
  for (let shard = 0; shard < theatre.shards; shard += 1) await stage.connectOn(shard, "connected");
  await stage.openSilent(0);
}

test.each(controls)("the control: of $title only the one where a timer runs is awake", async (theatre) => {
  // It still counts its client; the others have slept and count nobody.
  const connections = theatre.shards + 1;
  expect(await seenOfControls.get(theatre)).toEqual({ connectsSinceStart: 1, connections });
});
