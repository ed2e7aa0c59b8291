// Serves the built Worker in workerd through Miniflare, on the one address that was asked for.

import { convertV4MiniflareOptions, Miniflare, type V4WorkerOptions } from "miniflare";
import { fail, ok, type Result } from "../../src/core/brand.ts";
import type { StartOptions } from "./arguments.ts";

export interface Served {
  readonly url: URL;
  readonly stop: () => Promise<void>;
}

const SIGNALS = ["SIGTERM", "SIGINT", "SIGHUP"] as const;

/** Resolves when the port is open; the error is one sentence. */
export async function serve(
  worker: V4WorkerOptions,
  options: StartOptions,
  tmpPath: string,
): Promise<Result<Served, string>> {
  const { host, port } = options;
  const miniflare = keepSignals(() => create(worker, options, tmpPath));
  try {
    await miniflare.ready;
    const url = await miniflare.unsafeGetDirectURL();
    return ok({ url, stop: () => miniflare.dispose() });
  } catch (error) {
    // It rejects with the same error once more.
    await miniflare.dispose().catch(() => undefined);
    const said = error instanceof Error ? error.message : String(error);
    if (/address already in use/i.test(said)) return fail(`${host} port ${port} is in use: name another --port.`);
    return fail(`The broker did not start: ${said}`);
  }
}

const create = (worker: V4WorkerOptions, options: StartOptions, tmpPath: string): Miniflare =>
  new Miniflare(
    convertV4MiniflareOptions({
      resourcePersistencePath: options.dataDir,
      resourceTmpPath: tmpPath,
      cf: false,
      telemetry: { enabled: false },
      handleStructuredLogs: ({ message }) => console.log(message),
      workers: [
        {
          ...worker,
          bindings: { ...worker.bindings, ...options.variables },
          // Straight to the Worker: Miniflare's own entry would believe a client's headers about URL and address, and
          // would answer an exception with its stack.
          unsafeDirectSockets: [{ host: options.host, port: options.port }],
        },
      ],
    }),
  );

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
