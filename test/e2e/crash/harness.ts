// Kills a broker again and again while clients publish to a durable session that is off line, then lets it drain.

import { setTimeout as delay } from "node:timers/promises";
import type { ScriptProcess } from "../../support/broker-process.ts";
import { publisherSteps, seatsAround, subscriberSteps } from "../support/placement.ts";
import { drain, subscribeAndLeave } from "./drain.ts";
import { Ledger, type Verdict } from "./ledger.ts";
import { Publisher } from "./publisher.ts";

export interface BrokerUnderTest extends Pick<ScriptProcess, "killTree"> {
  readonly port: number;
  readonly mqttUrl: string;
}

export interface KillPlan {
  /** Starts the broker on the same data each time; without a port on any free one. */
  start(port?: number): Promise<BrokerUnderTest>;
  readonly shards: number;
  readonly rounds: number;
  /** Kills while the subscriber drains. */
  readonly killsWhileDraining: number;
  readonly seed: number;
}

export interface Outcome extends Verdict {
  readonly acknowledged: number;
  readonly arrived: number;
}

const publishers = 4;
const topic = "crash/messages";
/** Every round brings at least so much, or it would prove nothing. */
const acknowledgedPerRound = 100;
const longestRoundMs = 300;
const pollMs = 5;

export async function killAgainAndAgain(plan: KillPlan): Promise<Outcome> {
  const random = seededRandom(plan.seed);
  const ledger = new Ledger();
  const seats = seatsAround(topic, plan.shards);
  const clientId = seats.clientId("durable-subscriber-", subscriberSteps);
  let broker = await plan.start();
  const { port, mqttUrl: url } = broker;
  const restart = async (): Promise<void> => {
    await broker.killTree();
    broker = await plan.start(port);
  };
  await subscribeAndLeave(url, clientId, topic);
  // The first publisher is on a shard of its own, the next ones are beside the owner and beside the subscriber.
  const running = Array.from({ length: publishers }, (_, number) => {
    const id = seats.clientId(`publisher-${number}-`, publisherSteps + number);
    return new Publisher({ url, number, clientId: id, topic, ledger });
  });
  for (let round = 0; round < plan.rounds; round++) {
    const enough = ledger.acknowledged.size + acknowledgedPerRound;
    while (ledger.acknowledged.size < enough) await delay(pollMs);
    await delay(random() * longestRoundMs);
    await restart();
  }
  await Promise.all(running.map((publisher) => publisher.finish()));
  await drainWithKills();
  await broker.killTree();
  return { ...ledger.judge(), acknowledged: ledger.acknowledged.size, arrived: ledger.arrived };

  async function drainWithKills(): Promise<void> {
    const moments = Array.from({ length: plan.killsWhileDraining }, () => random() * ledger.acknowledged.size);
    moments.sort((a, b) => a - b);
    let restarting = Promise.resolve();
    const onArrival = (): void => {
      if (ledger.arrived < (moments[0] ?? Number.POSITIVE_INFINITY)) return;
      moments.shift();
      restarting = restarting.then(restart);
    };
    await drain({ url, clientId, topic, ledger, onArrival });
    await restarting;
  }
}

/** mulberry32: numbers in [0, 1), the same ones for the same seed. */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
