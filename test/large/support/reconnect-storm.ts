// Scene: a broker is killed with all its clients connected, and all of them come back at once, but for some that stay away.

import { rmSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { IConnectPacket } from "mqtt-packet";
import { randomOf } from "../../support/random.ts";
import { startBroker, type BrokerProcess } from "../../support/broker-process.ts";
import { metric, residentMiB } from "./readings.ts";
import { publish, WireClient } from "./wire-client.ts";

export interface StormPlan {
  readonly clients: number;
  readonly willGraceMs: number;
  /** Each client comes back after a random time up to this. */
  readonly jitterMs: number;
  readonly seed: number;
}

export interface StormOutcome {
  /** Clients that came back and were let in. */
  readonly back: number;
  readonly attempts: number;
  /** Durable ones whose session was there, with the message that waited in it; ephemeral ones whose session was not. */
  readonly asBefore: number;
  /** Clients whose wills came, in the order of their numbers. */
  readonly wills: readonly number[];
  /** Answers to `/healthz` other than 200 while they came back. */
  readonly unhealthy: number;
  readonly report: StormReport;
}

export interface StormReport {
  /** From the first that came back to the last that was let in. */
  readonly allInMs: number;
  /** From a client's first attempt to its CONNACK. */
  readonly longestConnectMs: number;
  readonly medianConnectMs: number;
  readonly longestHealthMs: number;
  /** Of workerd: before the kill, the most during the storm, and after. */
  readonly residentMiB: readonly [before: number, most: number, after: number];
}

/** Every second client is durable, every third has a will, every fifth stays away. */
export const isDurable = (number: number): boolean => number % 2 === 0;
export const hasWill = (number: number): boolean => number % 3 === 0;
export const staysAway = (number: number): boolean => number % 5 === 0;

const atOnce = 100;
const retryMs = 250;
const healthPauseMs = 50;
/** Beyond the grace time: a sweep, and what the clock of another process may differ. */
const sweepMs = 3_000;

export async function storm(plan: StormPlan): Promise<StormOutcome> {
  const variables = { WILL_GRACE_MS: String(plan.willGraceMs), MAXIMUM_QUEUED_MESSAGES: String(plan.clients) };
  const first = await startBroker({ variables });
  let broker = first;
  try {
    const all = Array.from({ length: plan.clients }, (_, number) => number);
    await setStage(broker, all);
    const before = residentMiB(broker);
    await broker.killTree();
    broker = await startBroker({ dataDir: first.dataDir, port: first.port, variables });
    const startedAt = performance.now();
    const health = new HealthWatch(broker);
    const random = randomOf(plan.seed);
    const coming = all.filter((number) => !staysAway(number));
    const returns = await Promise.all(coming.map((number) => comeBack(broker, number, random(plan.jitterMs))));
    const allInMs = Math.max(...returns.map(({ inAt }) => inAt)) - startedAt;
    await health.stop();
    const after = residentMiB(broker);
    await delay(plan.willGraceMs + sweepMs - (performance.now() - startedAt));
    const wills = await collectWills(broker, all.filter((number) => staysAway(number) && hasWill(number)).length);
    const waits = returns.map(({ waitedMs }) => waitedMs).toSorted((a, b) => a - b);
    await Promise.all(returns.map(({ client }) => client.end()));
    return {
      back: returns.length,
      attempts: returns.reduce((sum, { attempts }) => sum + attempts, 0),
      asBefore: returns.filter(({ isAsBefore }) => isAsBefore).length,
      wills,
      unhealthy: health.unhealthy,
      report: {
        allInMs,
        longestConnectMs: waits.at(-1) ?? 0,
        medianConnectMs: waits[waits.length >> 1] ?? 0,
        longestHealthMs: health.longestMs,
        residentMiB: [before, health.mostMiB, after],
      },
    };
  } finally {
    await broker.stop();
    rmSync(first.dataDir, { recursive: true, force: true });
  }
}

const idOf = (number: number): string => `client-${number}`;

function connectOf(number: number): Partial<IConnectPacket> & { clientId: string } {
  return {
    clientId: idOf(number),
    clean: !isDurable(number),
    keepalive: 60,
    ...(hasWill(number) && { will: { topic: `wills/${number}`, payload: Buffer.from("gone"), qos: 1, retain: false } }),
  };
}

/** All are connected, the durable ones have a subscription; a witness of the wills is away. */
async function setStage(broker: BrokerProcess, all: readonly number[]): Promise<void> {
  const witness = await openWitness(broker);
  await witness.subscribe(1, "wills/#");
  await witness.end();
  for (let at = 0; at < all.length; at += atOnce) {
    await Promise.all(
      all.slice(at, at + atOnce).map(async (number) => {
        const client = await WireClient.open(broker.mqttUrl, connectOf(number));
        if (isDurable(number)) await client.subscribe(1, `own/${number}`);
      }),
    );
  }
  const connected = await metric(broker, "connections");
  if (connected !== all.length) throw new Error(`${connected} of ${all.length} are connected`);
  // Not acknowledged by the durable ones: they must have it again.
  const publisher = await WireClient.open(broker.mqttUrl, { clientId: "publisher" });
  const durable = all.filter(isDurable);
  for (let at = 0; at < durable.length; at += atOnce) {
    const some = durable.slice(at, at + atOnce);
    publisher.send(...some.map((number, index) => publish(`own/${number}`, { qos: 1, messageId: index + 1 })));
    await publisher.take(some.length);
  }
  await publisher.end();
}

const openWitness = (broker: BrokerProcess): Promise<WireClient> =>
  WireClient.open(broker.mqttUrl, { clientId: "witness", clean: false });

interface Return {
  readonly client: WireClient;
  readonly attempts: number;
  readonly inAt: number;
  readonly waitedMs: number;
  readonly isAsBefore: boolean;
}

async function comeBack(broker: BrokerProcess, number: number, afterMs: number): Promise<Return> {
  await delay(afterMs);
  const startedAt = performance.now();
  for (let attempts = 1; ; attempts += 1) {
    const connected = await tryConnect(broker, number);
    if (connected === undefined) {
      await delay(retryMs);
      continue;
    }
    const inAt = performance.now();
    const { client, sessionPresent } = connected;
    const packets = await client.rest();
    const expected = isDurable(number) ? 1 : 0;
    const isAsBefore = sessionPresent === isDurable(number) && packets.length === expected;
    return { client, attempts, inAt, waitedMs: inAt - startedAt, isAsBefore };
  }
}

async function tryConnect(
  broker: BrokerProcess,
  number: number,
): Promise<{ client: WireClient; sessionPresent: boolean } | undefined> {
  try {
    const client = await WireClient.openSocket(broker.mqttUrl);
    const { clientId, ...more } = connectOf(number);
    const packet: IConnectPacket = { cmd: "connect", protocolId: "MQTT", protocolVersion: 4, clientId, ...more };
    const connack = await client.ask(packet);
    if (connack.cmd !== "connack" || connack.returnCode !== 0) return undefined;
    return { client, sessionPresent: connack.sessionPresent };
  } catch {
    return undefined; // refused, or closed before the CONNACK
  }
}

async function collectWills(broker: BrokerProcess, expected: number): Promise<number[]> {
  const witness = await openWitness(broker);
  const wills: number[] = [];
  for (let quiet = 0; quiet < 2;) {
    const packets = await witness.rest();
    quiet = packets.length === 0 ? quiet + 1 : 0;
    for (const packet of packets) {
      if (packet.cmd !== "publish") continue;
      wills.push(Number(packet.topic.split("/")[1]));
      witness.send({ cmd: "puback", messageId: packet.messageId ?? 0 });
    }
    if (wills.length >= expected) await delay(healthPauseMs);
  }
  await witness.end();
  return wills.toSorted((a, b) => a - b);
}

/** Asks for the broker's health again and again. */
class HealthWatch {
  readonly #broker: BrokerProcess;
  #isWatching = true;
  readonly #watch: Promise<void>;
  longestMs = 0;
  mostMiB = 0;
  unhealthy = 0;

  constructor(broker: BrokerProcess) {
    this.#broker = broker;
    this.#watch = this.#ask();
  }

  async stop(): Promise<void> {
    this.#isWatching = false;
    await this.#watch;
  }

  async #ask(): Promise<void> {
    while (this.#isWatching) {
      const startedAt = performance.now();
      const isHealthy = await fetch(`${this.#broker.httpUrl}/healthz`).then(
        ({ ok }) => ok,
        () => false,
      );
      if (!isHealthy) this.unhealthy += 1;
      this.longestMs = Math.max(this.longestMs, performance.now() - startedAt);
      this.mostMiB = Math.max(this.mostMiB, residentMiB(this.#broker));
      await delay(healthPauseMs);
    }
  }
}
