// Writes the data folder of a released version, once, when it is released: a folder in `folders` never changes afterwards.
//   node test/e2e/upgrade/write-folder.ts CHECKOUT-OF-THE-VERSION VERSION SHARDS

import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { variables, writeScene } from "./scene.ts";

const [checkout = "", version = "", shards = "1"] = process.argv.slice(2);
const target = fileURLToPath(new URL(`folders/${version}-shards-${shards}`, import.meta.url));
const dataDir = mkdtempSync(join(tmpdir(), "durable-mqtt-folder-"));
const settings = Object.entries(variables).flatMap(([name, value]) => ["--var", `${name}=${value}`]);
const args = ["scripts/run.js", "start", "--port", "0", "--data", dataDir, "--shards", shards, ...settings];
const broker = spawn(process.execPath, args, { cwd: checkout, stdio: ["ignore", "pipe", "inherit"], detached: true });
const url = await new Promise<string>((resolve) => {
  broker.stdout.on("data", (said: Buffer) => {
    const [found] = /ws:\/\/\S+/.exec(said.toString()) ?? [];
    if (found !== undefined) resolve(found);
  });
});
const written = await writeScene(url, !version.startsWith("0.1."));
process.kill(-(broker.pid ?? 0), "SIGKILL");
await new Promise((resolve) => broker.once("exit", resolve));
execFileSync("tar", ["-C", dataDir, "--exclude=*-shm", "--owner=0", "--group=0", "-czf", `${target}.tar.gz`, "./do"]);
writeFileSync(`${target}.json`, `${JSON.stringify(written)}\n`);
rmSync(dataDir, { recursive: true });
process.exit(0);
