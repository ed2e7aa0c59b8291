// The Worker as wrangler would deploy it: the same bundle, the same wrangler.toml. Built outside tracked files, and
// kept for the next start of the same sources: wrangler needs more than a second for what changes rarely.

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { V4ModuleDefinition, V4WorkerOptions } from "miniflare";
import { fail, ok, type Result } from "../../src/core/brand.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const BUILDS = join(ROOT, ".tmp", "worker-builds");
const OPTIONS = "options.json";
const BUNDLE = "bundle";

const MODULE_TYPES: Readonly<Record<string, V4ModuleDefinition["type"]>> = {
  ".js": "ESModule",
  ".mjs": "ESModule",
  ".wasm": "CompiledWasm",
  ".txt": "Text",
  ".html": "Text",
  ".sql": "Text",
  ".bin": "Data",
};

/** The bundle with its bindings; the error is what wrangler said. */
export async function buildWorker(): Promise<Result<V4WorkerOptions, string>> {
  const kept = join(BUILDS, hashSources());
  const known = readKept(kept);
  if (known !== undefined) return ok(known);
  // Two starts may build at once, each in its own folder; the first to finish is kept.
  const fresh = `${kept}.${process.pid}`;
  try {
    mkdirSync(fresh, { recursive: true });
    const built = await runWrangler(fresh);
    if (!built.ok) return built;
    writeFileSync(join(fresh, OPTIONS), built.value);
    const worker = readBuild(fresh);
    keep(fresh, kept);
    return ok(worker);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

/** All that the bundle is made of: sources, settings, and the exact versions of packages and tools. */
function hashSources(): string {
  const hash = createHash("sha256");
  const sources = readdirSync(join(ROOT, "src"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
  const settings = ["wrangler.toml", "package-lock.json", "tsconfig.json"].map((name) => join(ROOT, name));
  for (const path of [...settings, ...sources]) hash.update(path).update("\0").update(readFileSync(path)).update("\0");
  return hash.digest("hex").slice(0, 32);
}

async function runWrangler(folder: string): Promise<Result<string, string>> {
  const wrangler = join(ROOT, "node_modules", "wrangler", "bin", "wrangler.js");
  const [bundled, configured] = await Promise.all([
    runNode([wrangler, "deploy", "--dry-run", "--outdir", join(folder, BUNDLE)], folder),
    runNode([fileURLToPath(new URL("read-config.ts", import.meta.url))], folder),
  ]);
  return bundled.ok ? configured : bundled;
}

function readBuild(folder: string): V4WorkerOptions {
  const options = JSON.parse(readFileSync(join(folder, OPTIONS), "utf8")) as V4WorkerOptions;
  const bundle = join(folder, BUNDLE);
  return { ...options, rootPath: ROOT, modulesRoot: bundle, modules: readModules(bundle) };
}

/** Another start, of newer sources, may be deleting it. */
function readKept(folder: string): V4WorkerOptions | undefined {
  try {
    return existsSync(folder) ? readBuild(folder) : undefined;
  } catch {
    return undefined;
  }
}

/** The contents are read now: the folder may be gone later. */
function readModules(bundle: string): V4ModuleDefinition[] {
  const names = readdirSync(bundle).filter((name) => MODULE_TYPES[extname(name)] !== undefined);
  // The first module is the entry.
  names.sort((a, b) => Number(b === "index.js") - Number(a === "index.js"));
  return names.map((name) => {
    const path = join(bundle, name);
    return { type: MODULE_TYPES[extname(name)] ?? "Data", path, contents: readFileSync(path) };
  });
}

/** Keeps one build, the newest; what is still being built has a dot in its name. */
function keep(fresh: string, kept: string): void {
  try {
    renameSync(fresh, kept);
  } catch {
    return; // another start was faster
  }
  for (const name of readdirSync(BUILDS)) {
    const path = join(BUILDS, name);
    if (path !== kept && !name.includes(".")) rmSync(path, { recursive: true, force: true });
  }
}

function runNode(args: readonly string[], logFolder: string): Promise<Result<string, string>> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [...args], {
      cwd: ROOT,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, CI: "1", NO_COLOR: "1", WRANGLER_SEND_METRICS: "false", WRANGLER_LOG_PATH: logFolder },
    });
    const said = { out: "", err: "" };
    child.stdout.on("data", (chunk: Buffer) => (said.out += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (said.err += chunk.toString()));
    child.on("error", (error) => resolve(fail(error.message)));
    child.on("close", (code) => resolve(code === 0 ? ok(said.out) : fail(`${said.err}${said.out}`.trim())));
  });
}
