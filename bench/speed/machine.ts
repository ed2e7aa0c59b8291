// What it was measured on.

import { cpus, release, totalmem } from "node:os";
import type { Machine } from "./results.ts";

const bytesPerGiB = 1_073_741_824;

export const machineOf = (): Machine => ({
  cores: cpus().length,
  cpu: cpus()[0]?.model.trim() ?? "unknown",
  memoryGiB: Math.round((totalmem() / bytesPerGiB) * 10) / 10,
  kernel: release(),
  node: process.versions.node,
});
