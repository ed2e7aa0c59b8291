// Serves the built Worker in workerd through Miniflare, on the one address that was asked for.

import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { convertV4MiniflareOptions, Miniflare, type V4WorkerOptions } from "miniflare";
import { fail, ok, type Result } from "../../src/core/brand.ts";
import { stopTokenHeader } from "../../src/http/stop.ts";
import type { StartOptions } from "./arguments.ts";

export interface Served {
  readonly url: URL;
  readonly stop: () => Promise<void>;
}

const TELL_WITHIN_MS = 1_000;
/** What the shards have sent is on its way through the runtime. */
const LEAVE_WITHIN_MS = 50;
const stopTokenBytes = 32;
const SIGNALS = ["SIGTERM", "SIGINT", "SIGHUP"] as const;

/** Resolves when the port is open; the error is one sentence. */
export async function serve(
  worker: V4WorkerOptions,
  options: StartOptions,
  tmpPath: string,
): Promise<Result<Served, string>> {
  const { host, port } = options;
  const stopToken = randomBytes(stopTokenBytes).toString("base64url");
  const variables = { ...options.variables, STOP_TOKEN: stopToken };
  const miniflare = keepSignals(() => create(worker, { ...options, variables }, tmpPath));
  try {
    await miniflare.ready;
    const url = await miniflare.unsafeGetDirectURL();
    return ok({ url, stop: () => stop(miniflare, url, stopToken) });
  } catch (error) {
    // It rejects with the same error once more.
    await miniflare.dispose().catch(() => undefined);
    const said = error instanceof Error ? error.message : String(error);
    if (/address already in use/i.test(said)) return fail(`${host} port ${port} is in use: name another --port.`);
    return fail(`The broker did not start: ${said}`);
  }
}

/** Clients that speak MQTT 5 hear that the server shuts down (0x8B), if they can be told in time; then the runtime ends. */
async function stop(miniflare: Miniflare, url: URL, stopToken: string): Promise<void> {
  const request = {
    method: "POST",
    headers: { [stopTokenHeader]: stopToken },
    signal: AbortSignal.timeout(TELL_WITHIN_MS),
  };
  await fetch(new URL("/stop", url), request).catch(() => undefined);
  await delay(LEAVE_WITHIN_MS);
  await miniflare.dispose();
}

const create = (worker: V4WorkerOptions, options: StartOptions, tmpPath: string): Miniflare =>
  new Miniflare(
    convertV4MiniflareOptions({
      resourcePersistencePath: options.dataDir,
      resourceTmpPath: tmpPath,
      cf: false,
      telemetry: { enabled: false },
      handleStructuredLogs: ({ message }) => console.log(message),
      workers: withAssetsAside({
        ...worker,
        bindings: { ...worker.bindings, ...options.variables },
        // Straight to the Worker: Miniflare's own entry would believe a client's headers about URL and address, and
        // would answer an exception with its stack.
        unsafeDirectSockets: [{ host: options.host, port: options.port }],
      }),
    }),
  );

/**
 * A Worker with files gets a router of Miniflare's in front of it, which every WebSocket goes through, even though the
 * Worker answers first: some 60 KiB of memory for each client. So the files are those of a Worker of their own.
 */
function withAssetsAside({ assets, ...worker }: V4WorkerOptions): V4WorkerOptions[] {
  if (assets?.binding === undefined) return [worker];
  const name = `${worker.name ?? "main"}-assets`;
  const { binding } = assets;
  return [
    { ...worker, serviceBindings: { ...worker.serviceBindings, [binding]: name } },
    {
      name,
      modules: true,
      script: `export default { fetch: (request, env) => env[${JSON.stringify(binding)}].fetch(request) };`,
      assets,
      ...(worker.compatibilityDate !== undefined && { compatibilityDate: worker.compatibilityDate }),
    },
  ];
}

/** Miniflare would answer a signal by ending the process with an error code; how the process ends is the start's. */
function keepSignals<T>(make: () => T): T {
  const own = SIGNALS.map((signal) => process.listeners(signal));
  const made = make();
  SIGNALS.forEach((signal, index) => {
    for (const listener of process.listeners(signal)) {
      if (!(own[index] ?? []).includes(listener)) process.off(signal, listener);
    }
  });
  return made;
}
