// Records out of one core and into others, as calls between shards would bring them.

import { packSummary } from "../../src/core/chunk.ts";
import type { Position } from "../../src/core/brand.ts";
import type { Layout } from "../../src/core/placement.ts";
import { exportPage } from "../../src/core/transfer/export.ts";
import type { ExportCursor } from "../../src/core/transfer/export-page.ts";
import { importPart, settleImport, type ImportCounts, type ImportOutcome } from "../../src/core/transfer/import.ts";
import { registerBrought } from "../../src/core/transfer/register.ts";
import type { TransferRecord } from "../../src/core/transfer/record.ts";
import { splitByShard } from "../../src/core/transfer/split.ts";
import type { Scene } from "./scene.ts";

const KiB = 1024;

/** `between`: after each page but the last, with what there is so far. */
export function exportAll(
  from: Scene,
  maximumBytes = 64 * KiB,
  between: (records: readonly TransferRecord[]) => void = () => undefined,
) {
  const records: TransferRecord[] = [];
  let cursor: ExportCursor | undefined;
  do {
    from.broker.nowMs = from.nowMs;
    const page = structuredClone(exportPage(from.broker, from.stores, cursor, maximumBytes));
    records.push(...page.records);
    cursor = page.next;
    if (cursor !== undefined) between(records);
  } while (cursor !== undefined);
  return records;
}

/** In parts of `partSize` records; each is committed, unless `onPart` does something else. */
export function importAll(
  to: Scene,
  records: readonly TransferRecord[],
  { source = "test", partSize = 7, onPart = () => to.flush(), settles = true } = {},
): ImportCounts[] {
  const counts: ImportCounts[] = [];
  to.broker.sessions.imports.begin(source, to.broker.layout.number, to.broker.groups.inUse);
  for (let at = 0; at < records.length; at += partSize) {
    const part = { source, number: at / partSize + 1, records: structuredClone(records.slice(at, at + partSize)) };
    const outcome: ImportOutcome = importPart(to.broker, part, to.nowMs, true);
    if (outcome.kind === "refused") throw new Error(outcome.violation.detail);
    if (outcome.kind === "taken") {
      counts.push(outcome.counts);
      registerBrought(to.broker, outcome.subscriptions, () => undefined);
    }
    onPart();
  }
  if (settles) settleImport(to.broker, to.nowMs);
  to.flush();
  return counts;
}

/** To each shard of the layout what belongs there; groups whose members are elsewhere wait for their routes. */
export function importInto(scenes: readonly Scene[], records: readonly TransferRecord[], layout: Layout): void {
  const split = splitByShard(records, layout);
  for (const [shard, own] of split) importAll(scenes[shard] as Scene, own, { settles: false });
}

export const sumOf = (counts: readonly ImportCounts[]): ImportCounts => {
  const sum: Record<string, number> = {};
  for (const one of counts) for (const [name, count] of Object.entries(one)) sum[name] = (sum[name] ?? 0) + count;
  return sum as unknown as ImportCounts;
};

/** The log of a scene that was not used yet goes on behind this position. */
export function startLogAt(scene: Scene, position: number): void {
  const sessions = packSummary({ sessions: new Uint32Array(0), count: 0, bytes: 0 });
  scene.stores.log.put({ first: position as Position, last: position as Position, sessions, data: new Uint8Array(0) });
}
