// Runs a world from its start to its end, and tells what it came to.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { processTree } from "../support/broker-process.ts";
import { faultyBroker, startedBroker, type BrokerSettings } from "./broker-under-test.ts";
import type { FaultBuild } from "./build-fault-worker.ts";
import { callFaults, type CallFault } from "./fault-protocol.ts";
import { sceneOf } from "./scene.ts";
import { Trace } from "./trace.ts";
import { usualWeights, World, type Counts, type EventKind, type Weights } from "./world.ts";

export interface RunSettings {
  readonly seed: number;
  readonly shards: number;
  /** `undefined`: `npm start`. */
  readonly build: FaultBuild | undefined;
  readonly weights?: Partial<Weights>;
  readonly most?: Partial<Readonly<Record<EventKind, number>>>;
  readonly callFaults?: readonly CallFault[];
  readonly settlesWithinMs?: number;
  /** Asked before each event. */
  readonly isEnough: (world: World) => boolean;
}

export interface Outcome {
  readonly violations: readonly string[];
  readonly counts: Counts;
  readonly events: number;
  readonly messages: number;
  /** What to say about it, and how to run it again. */
  readonly report: string;
}

/** The longest repeat of a call between shards, and the time in which a publish has no verdict, are below it. */
const longestSettlementMs = 45_000;
/** Short, so that crashes come to publish some. */
const willGraceMs = 400;
/** What the broker logs when it must start again from storage: none of the faults that are made here is a reason to … */
const ownFault = '"broker-fault"';
/** … but an abort may take a commit with it. */
const lostCommit = "a commit was never confirmed";
const wayOf = ({ build }: RunSettings): string => (build === undefined ? "npm start" : "fault worker");

export async function runWorld(settings: RunSettings): Promise<Outcome> {
  const { seed, shards, build } = settings;
  const dataDir = mkdtempSync(join(tmpdir(), "durable-mqtt-soak-"));
  const variables = { ACL: sceneOf(shards).rules, WILL_GRACE_MS: String(willGraceMs) };
  const trace = new Trace();
  const faults: string[] = [];
  const onLog = (line: string): void => {
    trace.note(`  broker: ${line}`);
    if (line.includes(ownFault) && !line.includes(lostCommit)) faults.push(line);
  };
  const brokerSettings: BrokerSettings = { dataDir, shards, variables, onLog };
  const broker = build === undefined ? startedBroker(brokerSettings) : faultyBroker(build.worker, brokerSettings);
  const { settlesWithinMs = longestSettlementMs, most = {}, callFaults: faultsOfCalls = callFaults } = settings;
  const weights = { ...usualWeights, ...settings.weights };
  const world = new World({ seed, shards, broker, weights, most, callFaults: faultsOfCalls, settlesWithinMs }, trace);
  const leaveNothing = (): void => {
    killDescendants();
    rmSync(dataDir, { recursive: true, force: true });
  };
  process.once("exit", leaveNothing);
  try {
    await world.start();
    await world.run(() => settings.isEnough(world));
  } catch (fault) {
    world.model.violate(
      `the harness cannot go on: ${fault instanceof Error ? (fault.stack ?? fault.message) : String(fault)}`,
    );
  } finally {
    await world.stop();
    for (const fault of faults) world.model.violate(`the broker stumbled over itself: ${fault}`);
    process.off("exit", leaveNothing);
    rmSync(dataDir, { recursive: true, force: true });
  }
  const { violations } = world.model;
  return {
    violations,
    counts: world.counts,
    events: world.events,
    messages: world.messages,
    report: violations.length === 0 ? "" : reportOf(settings, world),
  };
}

/** This process is about to end: brokers have process groups of their own and would stay. */
function killDescendants(): void {
  const [, ...descendants] = processTree(process.pid);
  for (const pid of descendants) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It ended between the look and the kill.
    }
  }
}

const shownViolations = 10;

function reportOf(settings: RunSettings, { model, events, trace }: World): string {
  const { seed, shards } = settings;
  const path = join(tmpdir(), `durable-mqtt-soak-${seed}-${shards}-${Date.now()}.trace`);
  const title = `${wayOf(settings)}, ${shards} shard(s), seed ${seed}, after ${events} events:`;
  writeFileSync(path, [title, ...model.violations, "", ...trace.lines].join("\n"));
  return [title, ...model.violations.slice(0, shownViolations), `the trace is in ${path}`].join("\n");
}
