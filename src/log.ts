// The structured log: one JSON object per line on standard output, which Workers Logs reads. Never a payload or a secret.

export function writeLog(level: "info" | "error", record: object): void {
  // oxlint-disable-next-line no-console -- this is where the log goes
  console.log(JSON.stringify({ level, ...record }));
}
