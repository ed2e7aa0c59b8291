// `node bench/speed/profile.ts SCENARIO BROKER[,BROKER…]`: where the processor time of a delivered message goes, by `perf`
// (of Debian's linux-perf), as a table. For brokers on workerd, whose functions have names.

import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { refuse } from "../../scripts/shared/stop.ts";
import { installMissingPackages } from "../../scripts/test/packages.ts";
import { row } from "../markdown.ts";
import type { BrokerKind } from "./brokers/broker.ts";
import { kinds } from "./brokers/kinds.ts";
import { listenerOn } from "./load/process-stat.ts";
import { isOwnPart, partOf, parts, type Part, type Sample } from "./profile-parts.ts";
import { scenarios } from "./scenarios/all.ts";
import { fullRun, type Scenario } from "./scenarios/scenario.ts";

type Profile = ReadonlyMap<Part, number>;

const perf = { "linux-perf": "/usr/bin/perf" };
const samplesPerSec = 1_999;
const measureMs = 6_000;
const recordSec = 4;
/** Into the warm-up and a little beyond it. */
const recordAfterMs = fullRun.warmUpMs + 500;
const mostOutput = 1024 * 1024 * 1024;

/** Processor time in µs per delivered message, by part. */
async function profile(scenario: Scenario, kind: BrokerKind): Promise<Profile> {
  const broker = await kind.start();
  const folder = mkdtempSync(join(tmpdir(), "durable-mqtt-profile-"));
  const file = join(folder, "perf.data");
  try {
    const recorded = delay(recordAfterMs).then(() => record(listenerOn(broker.port) ?? 0, file));
    const measurement = await scenario.run(broker, kind, { ...fullRun, measureMs });
    await recorded;
    if (measurement.kind === "fault") throw new Error(measurement.faults.join("; "));
    return shares(samplesIn(file), measurement.more["broker µs per delivery"] ?? 0);
  } finally {
    await broker.stop();
    rmSync(folder, { recursive: true });
  }
}

const record = (pid: number, file: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const args = ["record", "-e", "cpu-clock", "-F", String(samplesPerSec), "-p", String(pid), "-o", file];
    const child = spawn(perf["linux-perf"], [...args, "--", "sleep", String(recordSec)], { stdio: "ignore" });
    child.once("error", reject);
    child.once("exit", (code) => (code === 0 ? resolve() : reject(new Error(`perf record ended with ${code}`))));
  });

/** `perf script` says `comm tid address symbol (object)`. */
const sampleLine = /^\s*(?<thread>\S.*?)\s+\d+\s+[0-9a-f]+\s+(?<symbol>.*)\s+\((?<object>[^()]*)\)$/u;

function samplesIn(file: string): Sample[] {
  const text = execFileSync(perf["linux-perf"], ["script", "-i", file, "-F", "comm,tid,ip,sym,dso"], {
    encoding: "utf8",
    maxBuffer: mostOutput,
    stdio: ["ignore", "pipe", "ignore"],
  });
  return text.split("\n").flatMap((line) => {
    const { thread, symbol, object } = sampleLine.exec(line)?.groups ?? {};
    return thread === undefined || symbol === undefined || object === undefined ? [] : [{ thread, symbol, object }];
  });
}

function shares(samples: readonly Sample[], total: number): Profile {
  const counts = new Map<Part, number>();
  for (const part of samples.map(partOf)) counts.set(part, (counts.get(part) ?? 0) + 1);
  return new Map([...counts].map(([part, count]) => [part, (count / samples.length) * total]));
}

const sum = (profiled: Profile, only: (part: Part) => boolean = () => true): number =>
  [...profiled].reduce((total, [part, share]) => total + (only(part) ? share : 0), 0);

function table(profiles: ReadonlyMap<string, Profile>): string {
  const figures = (title: string, of: (profiled: Profile) => number): string =>
    row(title, ...[...profiles.values()].map((profiled) => of(profiled).toFixed(1)));
  return [
    row("µs of a delivered message", ...profiles.keys()),
    row("---", ...[...profiles].map(() => "---:")),
    ...parts.map((part) => figures(part, (profiled) => profiled.get(part) ?? 0)),
    figures("**all**", sum),
    figures("of that, the runtime below JavaScript", (profiled) => sum(profiled, (part) => !isOwnPart(part))),
  ].join("\n");
}

const [wanted, names = ""] = process.argv.slice(2);
const known: Readonly<Record<string, BrokerKind>> = kinds;
const chosen = names.split(",").map((name) => known[name]);
const scenario = scenarios.find(({ id }) => id === wanted);
if (scenario === undefined || chosen.includes(undefined))
  refuse(`usage: node bench/speed/profile.ts SCENARIO BROKER[,BROKER…]; brokers: ${Object.keys(kinds).join(" ")}`);
await installMissingPackages(perf);
const profiles = new Map<string, Profile>();
for (const kind of chosen) if (kind !== undefined) profiles.set(kind.name, await profile(scenario, kind));
console.log(`${scenario.title}\n\n${table(profiles)}`);
