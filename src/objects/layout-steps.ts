// What is asked of a shard while the layout changes, over RPC: by the registry, and by other shards that send it what is
// its own from now on.

import type { LayoutChange, LayoutPhase } from "../core/layout-phase.ts";
import type { ExportCursor } from "../core/transfer/export-page.ts";
import type { TransferRecord } from "../core/transfer/record.ts";

export interface LayoutStep {
  readonly phase: LayoutPhase;
  readonly change: LayoutChange;
}

export interface LayoutStepAnswer {
  /** The shard has done its part of the phase; else it is to be asked again. */
  readonly isDone: boolean;
  /** Of `drain`: the same in two answers where nothing has happened in between. */
  readonly mark?: string;
}

/** What belongs to another shard, in parts. Without `part` it is only asked how far it has come. */
export interface MovedPart {
  /** Number of the new layout. */
  readonly change: number;
  readonly from: number;
  readonly part?: {
    /** Where this part begins: it has no effect where the shard is not at this place. */
    readonly start: ExportCursor | null;
    /** Where the next one does; `null`: there is none. */
    readonly next: ExportCursor | null;
    readonly records: readonly TransferRecord[];
  };
}

/** How far a shard has taken in what another one sends; committed. */
export interface MovedTo {
  readonly cursor: ExportCursor | null;
  readonly isEnd: boolean;
}
