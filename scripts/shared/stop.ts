// How a long-running script ends: at a signal, or with the npm that started it, and then with exit code 0.

/** After a signal the process is gone within three seconds, whatever `stop` still waits for. */
const STOP_WITHIN_MS = 2_000;
const PARENT_POLL_MS = 250;

/** Runs `stop` once at SIGTERM, SIGINT or the end of the parent npm, and ends the process with 0. */
export function stopOnSignal(stop: () => Promise<void>): void {
  let stopping = false;
  const end = async (): Promise<void> => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => process.exit(0), STOP_WITHIN_MS).unref();
    await stop();
    process.exit(0);
  };
  process.on("SIGTERM", () => void end());
  process.on("SIGINT", () => void end());
  if (process.env["npm_lifecycle_event"] === undefined) return;
  const parent = process.ppid;
  // npm killed with SIGKILL passes nothing on; only the change of parent shows it.
  setInterval(() => {
    if (process.ppid !== parent) void end();
  }, PARENT_POLL_MS).unref();
}

/** Ends the process with an error and one sentence. */
export function refuse(sentence: string): never {
  console.error(sentence);
  process.exit(1);
}
