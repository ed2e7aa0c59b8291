// Rows of the message log in a map, counted as the bill counts them.

import type { Position } from "../../src/core/brand.ts";
import type { ChunkRow, MessageLogStore } from "../../src/core/message-log.ts";

export class MemoryLogStore implements MessageLogStore {
  readonly rows = new Map<Position, Required<ChunkRow>>();
  rowsWritten = 0;
  dataReads = 0;

  directory(): ChunkRow[] {
    return [...this.rows.values()]
      .sort((a, b) => a.first - b.first)
      .map(({ first, last, sessions }) => ({ first, last, sessions }));
  }

  data(first: Position): Uint8Array | undefined {
    this.dataReads += 1;
    return this.rows.get(first)?.data;
  }

  put(row: Required<ChunkRow>): void {
    this.rowsWritten += 1;
    this.rows.set(row.first, { ...row, sessions: row.sessions.slice(), data: row.data.slice() });
  }

  delete(first: Position): void {
    if (!this.rows.delete(first)) throw new Error(`no row ${first} to delete`);
    this.rowsWritten += 1;
  }
}
