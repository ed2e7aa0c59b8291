// `npm run soak`: the crash harness for hours, one world after the other, each with a seed of its own. Ends with 1 at the
// first violation, naming seed and trace.

import { execFileSync } from "node:child_process";
import { parseArgs } from "node:util";
import { buildFaultWorker } from "../../test/soak/build-fault-worker.ts";
import { callFaults } from "../../test/soak/fault-protocol.ts";
import { runWorld, type RunSettings } from "../../test/soak/run.ts";
import { eventKinds, noCounts, type World } from "../../test/soak/world.ts";
import { refuse } from "../shared/stop.ts";

const USAGE = "usage: npm run soak -- [--hours H] [--seed S] [--shards 1|3] [--way start|faults]";
const msPerHour = 3_600_000;
const progressEveryMs = 60_000;
/** A world lives so long: the next one has another seed, and data of its own. */
const worldMs = 120_000;
const largestSeed = 2 ** 31;
const interrupted = 130;

interface Options {
  readonly hours: number;
  readonly seed: number;
  readonly shards: readonly number[];
  readonly ways: readonly string[];
}

function parse(): Options {
  const text = { type: "string" } as const;
  try {
    const { values } = parseArgs({ options: { hours: text, seed: text, shards: text, way: text } });
    const hours = Number(values.hours ?? 1);
    const seed = Number(values.seed ?? Math.floor(Date.now() / 1_000));
    const shards = values.shards === undefined ? [1, 3] : [Number(values.shards)];
    const ways = values.way === undefined ? ["faults", "start"] : [values.way];
    const isSound = hours > 0 && Number.isInteger(seed) && seed >= 0 && seed < largestSeed;
    if (!isSound || shards.some((count) => !Number.isInteger(count) || count < 1)) refuse(USAGE);
    if (ways.some((way) => way !== "faults" && way !== "start")) refuse(USAGE);
    return { hours, seed, shards, ways };
  } catch {
    return refuse(USAGE);
  }
}

const total = { counts: noCounts(), events: 0, messages: 0, worlds: 0 };
const running = new Set<World>();

function add({ counts, events, messages }: Pick<World, "counts" | "events" | "messages">): void {
  for (const kind of [...eventKinds, ...callFaults]) total.counts[kind] += counts[kind];
  total.events += events;
  total.messages += messages;
}

function tell(startedMs: number): void {
  const minutes = Math.round((performance.now() - startedMs) / progressEveryMs);
  let [events, kills] = [total.events, total.counts.kill];
  for (const world of running) {
    events += world.events;
    kills += world.counts.kill;
  }
  console.log(`${minutes} min: ${total.worlds} worlds done, ${events} events, ${kills} kills, no violation`);
}

/** The commit, and a mark where the tree differs from it. */
function commit(): string {
  try {
    const git = (...args: string[]): string =>
      execFileSync("git", args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
    return `${git("rev-parse", "--short", "HEAD")}${git("status", "--porcelain") === "" ? "" : " with changes"}`;
  } catch {
    return "an unknown commit";
  }
}

function summary(startedMs: number, { seed, shards, ways }: Options): string {
  const hours = ((performance.now() - startedMs) / msPerHour).toFixed(2);
  const { counts, events, messages, worlds } = total;
  const faults = [...eventKinds, ...callFaults].filter((kind) => faultKinds.has(kind));
  return [
    `| ${new Date().toISOString().slice(0, 10)} | ${commit()} | ${hours} h | ${ways.join(", ")}; ${shards.join(" and ")} shards`,
    `| from ${seed} | ${worlds} | ${events} | ${messages} | ${faults.map((kind) => `${kind} ${counts[kind]}`).join(", ")} |`,
  ].join(" ");
}

const faultKinds: ReadonlySet<string> = new Set([
  "kill",
  "abort",
  "evict, sockets kept",
  "evict, sockets closed",
  "drop",
  ...callFaults,
]);

let isViolated = false;
/** The worlds that are still running settle, and leave nothing behind. */
const isOver = (): boolean => isViolated || performance.now() >= endMs;

/** One lane: worlds of one kind, one after the other, until the time is over. */
async function lane(settings: Pick<RunSettings, "shards" | "build">, nextSeed: () => number): Promise<void> {
  while (!isOver()) {
    const worldEndMs = performance.now() + worldMs;
    let world: World | undefined;
    const outcome = await runWorld({
      ...settings,
      seed: nextSeed(),
      isEnough: (present) => {
        world = present;
        running.add(present);
        return isOver() || performance.now() >= worldEndMs;
      },
    });
    if (world !== undefined) running.delete(world);
    add(outcome);
    total.worlds += 1;
    if (outcome.report === "") continue;
    console.error(outcome.report);
    isViolated = true;
  }
}

const options = parse();
const startedMs = performance.now();
const endMs = startedMs + options.hours * msPerHour;
let lastSeed = options.seed - 1;
const nextSeed = (): number => (lastSeed += 1);
const build = options.ways.includes("faults") ? await buildFaultWorker("soak") : undefined;
console.log(`seeds from ${options.seed}, ${options.hours} h`);
// Whoever ends it gets an "exit", in which everything is taken away.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(interrupted));
process.once("exit", () => build?.remove());
const progress = setInterval(() => tell(startedMs), progressEveryMs);
const lanes = options.ways.flatMap((way) => options.shards.map((shards) => ({ way, shards })));
await Promise.all(
  lanes.map(({ way, shards }) => lane({ shards, build: way === "faults" ? build : undefined }, nextSeed)),
);
clearInterval(progress);
console.log(isViolated ? "A violation. What ran:" : "No violation. A line for docs/soak.md:");
console.log(summary(startedMs, options));
process.exit(isViolated ? 1 : 0);
