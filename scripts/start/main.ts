// `npm start`: the self-hosted broker. The Worker is built as wrangler deploys it and served in workerd; data lives in
// one locked folder.

import { resolve } from "node:path";
import { refuse, stopOnSignal } from "../shared/stop.ts";
import { parseStart, type StartOptions } from "./arguments.ts";
import { buildWorker } from "./build-worker.ts";
import { lockData } from "./data-lock.ts";
import { raiseDescriptorLimit, socketLimit, softDescriptorLimit } from "./descriptors.ts";
import { freshRunFolder, guardRuntime } from "./runtime-guard.ts";
import { serve, type Served } from "./serve.ts";
import { waitHealthy } from "./wait-healthy.ts";

function withSocketLimit(options: StartOptions): StartOptions {
  const given = options.variables["PROCESS_SOCKET_LIMIT"];
  const derived = socketLimit(softDescriptorLimit(), options.shards);
  const limit = given === undefined ? derived : Math.min(derived, Number(given));
  return { ...options, variables: { ...options.variables, PROCESS_SOCKET_LIMIT: String(limit) } };
}

function announce(url: URL): void {
  const webSocket = new URL("/mqtt", url);
  webSocket.protocol = "ws:";
  console.log(`Durable MQTT is ready: MQTT at ${webSocket.href} and HTTP at ${url.href}`);
}

async function start(options: StartOptions): Promise<void> {
  const lock = lockData(options.dataDir);
  if (!lock.ok) refuse(lock.error);
  const run = await freshRunFolder(options.dataDir);
  const guard = guardRuntime(run);
  let served: Served | undefined;
  let isStopping = false;
  stopOnSignal(async () => {
    isStopping = true;
    await served?.stop();
    guard.release();
  });
  const worker = await buildWorker();
  if (!worker.ok) refuse(`The Worker cannot be built: ${worker.error}`);
  const serving = await serve(worker.value, withSocketLimit(options), run.path);
  if (!serving.ok) refuse(serving.error);
  served = serving.value;
  const healthy = await waitHealthy(served.url, (detail) => console.log(`Not ready yet: ${detail}`));
  if (!healthy.ok) {
    await served.stop();
    refuse(healthy.error);
  }
  announce(served.url);
  guard.onEnd((how) => {
    if (!isStopping)
      refuse(`workerd has ended (${how}): nothing is served any more. What was acknowledged is on disk.`);
  });
}

raiseDescriptorLimit();
const options = parseStart(process.argv.slice(2), process.env);
if (!options.ok) refuse(options.error);
await start({ ...options.value, dataDir: resolve(options.value.dataDir) });
