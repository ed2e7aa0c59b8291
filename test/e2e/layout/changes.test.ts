// SHARDS is changed again and again while clients come and go, and the broker is killed with SIGKILL in the middle of
// each change. LAYOUT_SHARDS (as in 1,3,8,1), LAYOUT_KILLS and LAYOUT_SEED in the environment make it longer or different.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { layoutPhases } from "../../../src/core/layout-phase.ts";
import { startBroker, startScript, type BrokerProcess } from "../../support/broker-process.ts";
import { randomOf } from "../../support/random.ts";
import { changeAgainAndAgain, type ChangePlan } from "./changes.ts";

const shards = (process.env["LAYOUT_SHARDS"] ?? "1,3,8,1").split(",").map(Number);
const kills = Number(process.env["LAYOUT_KILLS"] ?? 1);
const seed = Number(process.env["LAYOUT_SEED"] ?? 1);
const secondsPerStart = 20;

const folder = mkdtempSync(join(tmpdir(), "durable-mqtt-layout-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The session that is away keeps all; the will comes soon. */
const variables = {
  MAXIMUM_QUEUED_MESSAGES: "1000000",
  MAXIMUM_QUEUED_BYTES: "1073741824",
  WILL_GRACE_MS: "1000",
};

function planOn(dataDir: string): ChangePlan {
  let broker: BrokerProcess | undefined;
  const start = async (count: number): Promise<BrokerProcess> => {
    const settings = { dataDir, shards: count, variables, ...(broker && { port: broker.port }) };
    broker = await startBroker(settings);
    return broker;
  };
  const startChanging: ChangePlan["startChanging"] = async (count, phase) => {
    const args = ["--port", String(broker?.port ?? 0), "--data", dataDir, "--shards", String(count)];
    const script = startScript(
      "start",
      args.concat(Object.entries(variables).flatMap(([n, v]) => ["--var", `${n}=${v}`])),
    );
    // Where a kill before this one has come further, its later phases are all there is to see.
    const later = layoutPhases.slice(layoutPhases.indexOf(phase)).join("|");
    await script.said(new RegExp(`"layout-change","phase":"(${later})"|"layout-changed"|HTTP at`, "u"));
    return script;
  };
  return { start, startChanging, shards, kills, random: randomOf(seed) };
}

describe(`SHARDS from ${shards.join(" to ")}, with ${kills} kills in the middle of each change`, () => {
  test(
    `loses nothing acknowledged, doubles no QoS 2, keeps the order and the retained messages (seed ${seed})`,
    { timeout: shards.length * (kills + 1) * secondsPerStart * 1_000 },
    async () => {
      const { acknowledged, killedIn, ...outcome } = await changeAgainAndAgain(planOn(join(folder, "data")));
      const nothing = { lost: [], doubled: [] };
      expect(outcome).toEqual({
        roaming: { ...nothing, disordered: [] },
        away: { ...nothing, disordered: [] },
        shared: nothing,
        wrongRetained: [],
        wills: ["gone"],
      });
      console.log(`${acknowledged} messages acknowledged, all there; killed in ${killedIn.join(", ")}`);
      // Not before a change, nor after it.
      expect(killedIn).toHaveLength((shards.length - 1) * kills);
      expect(killedIn.filter((phase) => phase !== undefined).length).toBeGreaterThan(killedIn.length / 2);
    },
  );
});
