// Of a process that somebody else started: the one that listens on a port, its processor time and its memory.

import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** `sysconf(_SC_CLK_TCK)` of Linux, on all its platforms. */
const msPerTick = 10;
/** Behind the name in /proc/PID/stat: utime and stime. */
const [userField, systemField] = [11, 12];
const [localField, stateField, inodeField] = [1, 3, 9];
const listening = "0A";
const hexRadix = 16;

export function cpuMsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[userField]) + Number(fields[systemField])) * msPerTick;
}

export function residentKiBOf(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/mu.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
}

export function listenerOn(port: number): number | undefined {
  const inodes = new Set(
    ["/proc/net/tcp", "/proc/net/tcp6"].flatMap((file) =>
      readFileSync(file, "utf8")
        .split("\n")
        .map((line) => line.trim().split(/\s+/u))
        .filter((fields) => fields[stateField] === listening && portOf(fields[localField] ?? "") === port)
        .map((fields) => `socket:[${fields[inodeField]}]`),
    ),
  );
  return readdirSync("/proc")
    .map(Number)
    .find((pid) => pid > 0 && socketsOf(pid).some((link) => inodes.has(link)));
}

function portOf(address: string): number {
  return Number.parseInt(address.split(":")[1] ?? "", hexRadix);
}

function socketsOf(pid: number): string[] {
  try {
    const folder = `/proc/${pid}/fd`;
    return readdirSync(folder).map((name) => readlinkSync(`${folder}/${name}`));
  } catch {
    // Somebody else's, or gone meanwhile.
    return [];
  }
}
