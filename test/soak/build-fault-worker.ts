// Bundles the fault worker as wrangler would deploy it; with a text of `src` replaced it is the build of a control. The
// sources are copied first: nothing in the tree is touched, and every build has a folder of its own.

import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { V4WorkerOptions } from "miniflare";
import { buildWorker } from "../../scripts/start/build-worker.ts";
import { runProgram } from "../e2e/support/programs.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** Inside the project, so that packages are found; not under git. */
const BUILDS = join(ROOT, ".tmp", "soak-builds");
const ENTRY = join("test", "soak", "fault-worker.ts");
const wrangler = join(ROOT, "node_modules", "wrangler", "bin", "wrangler.js");

/** One text of one file of `src` gives way to another. */
export interface Replacement {
  /** Below `src`. */
  readonly file: string;
  readonly text: string;
  readonly by: string;
}

export interface FaultBuild {
  readonly worker: V4WorkerOptions;
  /** The bundle's own text. */
  readonly bundle: string;
  readonly remove: () => void;
}

let builds = 0;

export async function buildFaultWorker(name: string, replacements: readonly Replacement[] = []): Promise<FaultBuild> {
  const folder = join(BUILDS, `${name}-${process.pid}-${(builds += 1)}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  cpSync(join(ROOT, "src"), join(folder, "src"), { recursive: true });
  cpSync(join(ROOT, "test", "soak"), join(folder, "test", "soak"), { recursive: true });
  for (const replacement of replacements) replace(folder, replacement);
  const deployed = await buildWorker();
  if (!deployed.ok) throw new Error(deployed.error);
  const outdir = join(folder, "bundle");
  await runProgram([process.execPath, wrangler, "deploy", join(folder, ENTRY), "--dry-run", "--outdir", outdir], {
    CI: "1",
    WRANGLER_SEND_METRICS: "false",
    WRANGLER_LOG_PATH: folder,
  });
  const path = join(outdir, "fault-worker.js");
  const bundle = readFileSync(path, "utf8");
  const worker: V4WorkerOptions = {
    ...deployed.value,
    modulesRoot: outdir,
    modules: [{ type: "ESModule", path, contents: bundle }],
  };
  return { worker, bundle, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

function replace(folder: string, { file, text, by }: Replacement): void {
  const path = join(folder, "src", file);
  const parts = readFileSync(path, "utf8").split(text);
  if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} times, not once: ${text}`);
  writeFileSync(path, parts.join(by));
}
