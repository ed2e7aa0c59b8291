// A disk of a few MiB that can be filled, and given room again: a tmpfs, where the test may mount one.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const MiB = 1024 * 1024;

export class SmallDisk {
  readonly path: string;
  readonly #ballast: string;

  /** `ballastMiB` of it are taken, until `makeRoom`. */
  constructor(sizeMiB: number, ballastMiB: number) {
    this.path = mkdtempSync(join(tmpdir(), "durable-mqtt-disk-"));
    this.#ballast = join(this.path, "ballast");
    try {
      execFileSync("/bin/mount", ["-t", "tmpfs", "-o", `size=${sizeMiB}m`, "tmpfs", this.path], { stdio: "ignore" });
    } catch (fault) {
      rmSync(this.path, { recursive: true });
      throw fault;
    }
    writeFileSync(this.#ballast, Buffer.alloc(ballastMiB * MiB));
  }

  get freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.path);
    return bavail * bsize;
  }

  makeRoom(): void {
    rmSync(this.#ballast);
  }

  /** Whoever has files open on it keeps them until the end. */
  remove(): void {
    execFileSync("/bin/umount", ["-l", this.path], { stdio: "ignore" });
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** Mounting takes rights that not every machine gives to a test. */
export function maySmallDisk(): boolean {
  try {
    new SmallDisk(1, 0).remove();
    return true;
  } catch {
    return false;
  }
}
