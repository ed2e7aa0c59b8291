// The broker is killed with SIGKILL while clients publish: what it acknowledged is there, and QoS 2 is there once.
// KILL_ROUNDS and KILL_SEED in the environment make it longer or different.

import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startBroker, startProgram } from "../../support/broker-process.ts";
import { runProgram } from "../support/programs.ts";
import { describeShards } from "../support/shard-counts.ts";
import { faultMark } from "./fault-mark.ts";
import { killAgainAndAgain, type BrokerUnderTest, type Outcome } from "./harness.ts";

const rounds = Number(process.env["KILL_ROUNDS"] ?? 5);
const killsWhileDraining = Math.ceil(rounds / 5);
const seed = Number(process.env["KILL_SEED"] ?? 1);
const secondsPerRound = 20;
const timeoutMs = (rounds + 5) * secondsPerRound * 1_000;

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "durable-mqtt-kill-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The session keeps all that is published while it is away. */
const variables = { MAXIMUM_QUEUED_MESSAGES: "1000000", MAXIMUM_QUEUED_BYTES: "1073741824" };

describeShards("a broker that is killed", (shards) => {
  test(
    `loses nothing acknowledged, doubles no QoS 2, keeps the order (seed ${seed})`,
    { timeout: timeoutMs },
    async () => {
      const dataDir = join(folder, `shards-${shards}`);
      const start = (port?: number): Promise<BrokerUnderTest> =>
        startBroker({ dataDir, shards, variables, ...(port !== undefined && { port }) });
      const { acknowledged, arrived, ...verdict } = await killAgainAndAgain({
        start,
        shards,
        rounds,
        killsWhileDraining,
        seed,
      });
      expect(verdict).toEqual({ lost: [], doubled: [], disordered: [] });
      expect(arrived).toBe(acknowledged);
      console.log(
        `${rounds} kills, ${killsWhileDraining} more while draining: ${acknowledged} acknowledged, all there`,
      );
    },
  );
});

describe("the control, which acknowledges before it writes", () => {
  const faulty = join(folder, "faulty");
  const honest = join(folder, "honest");
  const bundleInto = (outdir: string, ...args: string[]): Promise<string> => {
    const wrangler = here("../../../node_modules/wrangler/bin/wrangler.js");
    const quiet = { CI: "1", WRANGLER_SEND_METRICS: "false", WRANGLER_LOG_PATH: folder };
    return runProgram([process.execPath, wrangler, "deploy", "--dry-run", "--outdir", outdir, ...args], quiet);
  };
  beforeAll(async () => {
    await bundleInto(honest);
    await bundleInto(faulty, "--alias", `./flush.ts:${here("acknowledge-first.ts")}`);
  });

  /** Two rounds against the bundle in `bundle`, on data of its own. */
  const killTwice = (bundle: string): Promise<Outcome> => {
    const start = async (port = 0): Promise<BrokerUnderTest> => {
      const command = [here("control-broker.ts"), `${bundle}-data`, String(port), bundle];
      const program = startProgram([process.execPath, ...command]);
      const [, host, used] = await program.said(/serves at http:\/\/([^:]+):(\d+)/);
      return { killTree: program.killTree, port: Number(used), mqttUrl: `ws://${host}:${used}/mqtt` };
    };
    return killAgainAndAgain({ start, shards: 1, rounds: 2, killsWhileDraining: 0, seed });
  };

  test("is caught: it loses messages", async () => {
    const { lost, acknowledged } = await killTwice(faulty);
    expect(lost.length).toBeGreaterThan(0);
    console.log(`the control lost ${lost.length} of ${acknowledged} acknowledged messages`);
  });

  test("loses nothing where only the fault is taken out", async () => {
    expect(await killTwice(honest)).toMatchObject({ lost: [], doubled: [], disordered: [] });
  });

  test("is not what is deployed", () => {
    const textOf = (bundle: string): string =>
      readdirSync(bundle)
        .filter((name) => name.endsWith(".js"))
        .map((name) => readFileSync(join(bundle, name), "utf8"))
        .join("");
    // esbuild names each module in a comment, by its path.
    const isTested = (text: string): boolean => /^\/\/ (?:.*\/)?test\//m.test(text);
    const [faultyText, honestText] = [textOf(faulty), textOf(honest)];
    expect([faultyText.includes(faultMark), isTested(faultyText)]).toEqual([true, true]);
    expect([honestText.includes(faultMark), isTested(honestText)]).toEqual([false, false]);
  });
});
