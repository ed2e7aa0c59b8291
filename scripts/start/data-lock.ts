// One broker per data folder. The lock is SQLite's own file lock: the kernel drops it with the process, however that
// ends, so a stale one cannot exist.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fail, ok, type Result } from "../../src/core/brand.ts";

const SQLITE_BUSY = 5;

export interface DataLock {
  readonly release: () => void;
}

/** Creates `dataDir` where it is missing and locks it; the error is one sentence. */
export function lockData(dataDir: string): Result<DataLock, string> {
  try {
    mkdirSync(dataDir, { recursive: true });
    const database = new DatabaseSync(join(dataDir, ".lock"), { timeout: 0 });
    try {
      database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
    } catch (error) {
      database.close();
      throw error;
    }
    return ok({ release: () => database.close() });
  } catch (error) {
    if (isBusy(error)) return fail(`${dataDir} is in use by another broker: stop that one, or name another --data.`);
    return fail(`${dataDir} cannot be used for data: ${error instanceof Error ? error.message : String(error)}.`);
  }
}

const isBusy = (error: unknown): boolean =>
  error instanceof Error && "errcode" in error && error.errcode === SQLITE_BUSY;
