// Brings a broker in use from layout to layout, and kills it in the middle of each change; then says what became of all
// that was acknowledged.

import { setTimeout as delay } from "node:timers/promises";
import { layoutPhases, type LayoutPhase } from "../../../src/core/layout-phase.ts";
import type { ScriptProcess } from "../../support/broker-process.ts";
import { Ledger, type Verdict } from "../crash/ledger.ts";
import { Publisher } from "../crash/publisher.ts";
import { connect } from "../support/mqtt-client.ts";
import { Keeper, wrongRetained } from "./keeper.ts";
import { Roamer } from "./roamer.ts";

export interface Broker extends Pick<ScriptProcess, "killTree"> {
  readonly mqttUrl: string;
}

export interface ChangePlan {
  /** Starts the broker with so many shards on the same data and port; resolves when it serves. */
  start(shards: number): Promise<Broker>;
  /** The same, but resolves when the change of the layout has come to this phase, or gone past it. */
  startChanging(shards: number, phase: LayoutPhase): Promise<Pick<ScriptProcess, "killTree" | "output">>;
  /** One after the other. */
  readonly shards: readonly number[];
  /** In the middle of each change. */
  readonly kills: number;
  /** 0 to below - 1, at random. */
  random(below: number): number;
}

export interface ChangeOutcome {
  readonly acknowledged: number;
  /** Of a session with a wildcard subscription whose client comes and goes. */
  readonly roaming: Verdict;
  /** Of one that was away from the first change to the last. */
  readonly away: Verdict;
  /** Of a shared subscription with two members; it has no order. */
  readonly shared: Omit<Verdict, "disordered">;
  /** Topics whose retained message is not the last that was acknowledged. */
  readonly wrongRetained: readonly string[];
  /** Of each kill, the phase of the change that the broker had come to last; `undefined`: it had ended. */
  readonly killedIn: readonly (string | undefined)[];
  /** What came besides: the will of a client that was connected at the first change and did not come back. */
  readonly wills: readonly string[];
}

const publishers = 4;
/** Between two changes so much is acknowledged at least. */
const acknowledgedPerRound = 60;
/** What follows the begin of a phase and is still in it, or in the next one. */
const longestPhaseMs = 30;
const pollMs = 20;
/** How long to wait for what is missing. */
const patienceMs = 20_000;
const willTopic = "wills/messages";
const sessionExpirySec = 3_600;

export async function changeAgainAndAgain(plan: ChangePlan): Promise<ChangeOutcome> {
  const [first = 1, ...others] = plan.shards;
  let broker = await plan.start(first);
  const url = broker.mqttUrl;
  const acknowledged = new Ledger();
  const [roaming, away, shared] = [new Ledger(), new Ledger(), new Ledger()];
  const flows = Array.from({ length: publishers }, (_, number) => `flow${number}/messages`);
  const everything = { filters: ["+/messages"], stayMs: 450 };
  const roamer = await Roamer.start({ url, clientId: "roaming", ledger: roaming, ...everything });
  await (await Roamer.start({ url, clientId: "away", ledger: away, filters: flows })).end();
  const filters = flows.map((flow) => `$share/workers/${flow}`);
  const members = await Promise.all(
    [310, 530].map((stayMs) => Roamer.start({ url, clientId: `member-${stayMs}`, ledger: shared, filters, stayMs })),
  );
  await connectMortal(url);
  const killedIn: (string | undefined)[] = [];
  const running = flows.map(
    (topic, number) => new Publisher({ url, number, clientId: `publisher-${number}`, topic, ledger: acknowledged }),
  );
  const keeper = new Keeper(url);
  const round = async (): Promise<void> => {
    const enough = acknowledged.acknowledged.size + acknowledgedPerRound;
    while (acknowledged.acknowledged.size < enough) await delay(pollMs);
  };
  for (const shards of others) {
    await round();
    await broker.killTree();
    for (let kill = 0; kill < plan.kills; kill++) {
      const phase = layoutPhases[plan.random(layoutPhases.length - 1)] ?? "probe";
      const changing = await plan.startChanging(shards, phase);
      await delay(plan.random(longestPhaseMs));
      await changing.killTree();
      killedIn.push(lastPhase(changing.output()));
    }
    broker = await plan.start(shards);
  }
  await round();
  await Promise.all(running.map((publisher) => publisher.finish()));
  const kept = await keeper.finish();
  const back = await Roamer.start({ url, clientId: "away", ledger: away });
  for (const client of [roamer, ...members]) client.stay();
  for (const ledger of [roaming, away, shared])
    for (const name of acknowledged.acknowledged) ledger.acknowledged.add(name);
  await until(() => [roaming, away, shared].every((ledger) => ledger.judge().lost.length === 0));
  await until(() => roamer.others.length > 0);
  const wrong = await wrongRetained(url, kept);
  await Promise.all([roamer, back, ...members].map((client) => client.end()));
  await broker.killTree();
  const { disordered: _, ...ofShared } = shared.judge();
  return {
    acknowledged: acknowledged.acknowledged.size,
    roaming: roaming.judge(),
    away: away.judge(),
    shared: ofShared,
    wrongRetained: wrong,
    killedIn,
    wills: roamer.others,
  };
}

/** As the log of a broker has it. */
function lastPhase(log: string): string | undefined {
  if (log.includes('"layout-changed"')) return undefined;
  return [...log.matchAll(/"event":"layout-change","phase":"(\w+)"/gu)].at(-1)?.[1];
}

/** Its session lives on, and it does not come back: its will is due after the grace time. */
async function connectMortal(url: string): Promise<void> {
  const { client } = await connect(url, {
    clientId: "mortal",
    clean: false,
    protocolVersion: 5,
    properties: { sessionExpiryInterval: sessionExpirySec },
    will: { topic: willTopic, payload: Buffer.from("gone"), qos: 2, retain: false },
  });
  client.on("error", () => {});
}

async function until(isTrue: () => boolean): Promise<void> {
  const giveUpMs = performance.now() + patienceMs;
  while (!isTrue() && performance.now() < giveUpMs) await delay(pollMs);
}
