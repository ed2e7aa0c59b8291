// Runs `mixed-worker.ts` in workerd, with the release before in some shards.

import { readFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { buildWorker } from "../../../scripts/start/build-worker.ts";
import { runProgram } from "../support/programs.ts";
import { variables } from "./scene.ts";

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const quietRoundsWanted = 2;
const mostRounds = 50;

export interface MixedBroker {
  readonly mqttUrl: string;
  /** Every shard saves and sleeps, sockets kept; these wake as the release before, the others as the present one. */
  readonly wakeAs: (formerShards: readonly number[]) => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** The bundle, in a folder of its own that the caller deletes. */
export async function bundleMixed(formerRelease: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "durable-mqtt-mixed-"));
  const former = join(folder, "former.js");
  writeFileSync(former, gunzipSync(readFileSync(here(`former/${formerRelease}.js.gz`))));
  const wrangler = here("../../../node_modules/wrangler/bin/wrangler.js");
  const args = ["deploy", here("mixed-worker.ts"), "--dry-run", "--outdir", join(folder, "bundle")];
  const quiet = { CI: "1", WRANGLER_SEND_METRICS: "false", WRANGLER_LOG_PATH: folder };
  await runProgram([process.execPath, wrangler, ...args, "--alias", `former-shard:${former}`], quiet);
  return folder;
}

export async function startMixed(
  folder: string,
  shards: number,
  formerShards: readonly number[],
): Promise<MixedBroker> {
  const worker = await buildWorker();
  if (!worker.ok) throw new Error(worker.error);
  const modulesRoot = join(folder, "bundle");
  const path = join(modulesRoot, "mixed-worker.js");
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      cf: false,
      telemetry: { enabled: false },
      handleStructuredLogs: () => {},
      workers: [
        {
          ...worker.value,
          name: workerName,
          modulesRoot,
          modules: [{ type: "ESModule", path, contents: readFileSync(path) }],
          bindings: { ...worker.value.bindings, ...variables, ANONYMOUS: "loopback", SHARDS: String(shards) },
          unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
        },
      ],
    }),
  );
  await miniflare.ready;
  const url = await miniflare.unsafeGetDirectURL();
  const ask = async (at: string): Promise<string> => (await fetch(new URL(at, url))).text();
  const choose = (chosen: readonly number[]): Promise<string> => ask(`/former?shards=${chosen.join(",")}`);
  await choose(formerShards);
  const wakeAs = async (chosen: readonly number[]): Promise<void> => {
    for (let quiet = 0, round = 0; quiet < quietRoundsWanted && round < mostRounds; round += 1) {
      quiet = (await ask(`/save?shards=${shards}`)) === "true" ? quiet + 1 : 0;
    }
    await choose(chosen);
    for (let shard = 0; shard < shards; shard += 1) {
      const name = `default/${shard}`;
      await miniflare.unsafeEvictDurableObject(workerName, "BrokerShard", { name, webSockets: "hibernate" });
    }
  };
  return { mqttUrl: `ws://${url.host}/mqtt`, wakeAs, stop: () => miniflare.dispose() };
}

const workerName = "durable-mqtt";

/** Deletes what `bundleMixed` made. */
export const forget = (folder: string): void => rmSync(folder, { recursive: true, force: true });
