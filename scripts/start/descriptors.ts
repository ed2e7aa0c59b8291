// workerd ends when it runs out of descriptors, so the start raises the soft limit and tells the broker how many
// sockets fit under it.

import { readFileSync } from "node:fs";

/** A hibernatable socket costs two descriptors of the process. */
const DESCRIPTORS_PER_SOCKET = 2;
/** workerd itself, its pipes and timers, and sockets that are still being accepted or refused. */
const RESERVE_OF_PROCESS = 256;
/** Each object keeps its database, log and index open; a shard's relays hold a moment's more. */
const RESERVE_PER_SHARD = 16;
/** Where the limit cannot be read: what POSIX systems grant at least by default. */
const ASSUMED_LIMIT = 1024;

const RAISED = "DURABLE_MQTT_LIMIT_RAISED";

/** The soft limit on open files of this process; what it starts inherits it. */
export function softDescriptorLimit(limits: string | undefined = readLimits()): number {
  const soft = /^Max open files\s+(\S+)/m.exec(limits ?? "")?.[1];
  if (soft === "unlimited") return Number.MAX_SAFE_INTEGER;
  return soft === undefined ? ASSUMED_LIMIT : Number(soft);
}

/** How many sockets all shards together may hold under a descriptor limit. */
export function socketLimit(descriptors: number, shards: number): number {
  const free = descriptors - RESERVE_OF_PROCESS - RESERVE_PER_SHARD * shards;
  return Math.max(1, Math.floor(free / DESCRIPTORS_PER_SOCKET));
}

function readLimits(): string | undefined {
  try {
    return readFileSync("/proc/self/limits", "utf8");
  } catch {
    return undefined;
  }
}

/**
 * Becomes the same program again under the hard limit: Node has no setrlimit, a shell has. The process id stays. A
 * platform without exec, or a shell without `ulimit`, goes on with the limit it has.
 */
export function raiseDescriptorLimit(): void {
  if (process.env[RAISED] !== undefined || process.execve === undefined) return;
  const command = 'ulimit -n "$(ulimit -Hn)" 2>/dev/null; exec "$0" "$@"';
  const node = [process.execPath, "--disable-warning=ExperimentalWarning", ...process.argv.slice(1)];
  process.execve("/bin/sh", ["sh", "-c", command, ...node], { ...process.env, [RAISED]: "1" });
}
