// A shard's part in a backup: pages of what it keeps, and parts of an import (`core/transfer`).

import type { Broker, Stores } from "../core/broker.ts";
import { exportPage } from "../core/transfer/export.ts";
import type { ExportCursor, ExportPage } from "../core/transfer/export-page.ts";
import { importPart, settleImport, type ImportCounts, type ImportPart } from "../core/transfer/import.ts";
import { registerBrought } from "../core/transfer/register.ts";
import type { Violation } from "../core/violation.ts";

/**
 * - `settle`: waits until what is in the outboxes now has been taken by the shards that it is for.
 * - `page`: the next page of an export.
 * - `begin`, `part`, `end`: of an import. What is in a part is committed, and its subscriptions are registered at their
 *   owners, when the answer comes.
 */
export type TransferRequest =
  | { readonly kind: "settle" }
  | { readonly kind: "page"; readonly cursor?: ExportCursor; readonly maximumBytes: number }
  | { readonly kind: "begin"; readonly source: string }
  | ({ readonly kind: "part" } & ImportPart)
  | { readonly kind: "end"; readonly source: string };

export type TransferAnswer =
  | { readonly kind: "settled" }
  /** Another shard does not answer in time. */
  | { readonly kind: "unsettled" }
  | ({ readonly kind: "page" } & ExportPage)
  /** `counts` is absent where the part was taken in before. */
  | { readonly kind: "taken"; readonly counts?: ImportCounts }
  | { readonly kind: "refused"; readonly violation: Violation };

export interface TransferPort {
  readonly broker: Broker;
  readonly stores: Stores;
  /** Resolves after the flush of what is pending now. */
  committed(): Promise<void>;
}

/** Every stored session is in memory. What throws at once, before anything is waited for, is a bug. */
export function transfer(port: TransferPort, request: TransferRequest, nowMs: number): Promise<TransferAnswer> {
  const { broker, stores } = port;
  broker.nowMs = nowMs;
  switch (request.kind) {
    case "settle":
      return settle(broker);
    case "page":
      return answered({ kind: "page", ...exportPage(broker, stores, request.cursor, request.maximumBytes) });
    case "begin":
      return begin(port, request.source);
    case "part":
      return takePart(port, request, nowMs);
    case "end":
      settleImport(broker, nowMs);
      broker.sessions.imports.finish(request.source);
      broker.effects.needsFlush();
      return answered({ kind: "taken" });
  }
}

const answered = (answer: TransferAnswer): Promise<TransferAnswer> => Promise.resolve(answer);

/** Longer than an owner takes that is there: then the caller is told, and asks again. */
const longestWaitMs = 10_000;
const pollMs = 10;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function settle(broker: Broker): Promise<TransferAnswer> {
  const ends = broker.links.outboxEnds();
  for (let waitedMs = 0; broker.links.owes(ends); waitedMs += pollMs) {
    if (waitedMs >= longestWaitMs) return { kind: "unsettled" };
    await pause(pollMs);
  }
  return { kind: "settled" };
}

/** Routes of what an earlier, unfinished run brought may be missing at their owners. */
async function begin(port: TransferPort, source: string): Promise<TransferAnswer> {
  const { broker } = port;
  const known = broker.sessions.imports.begin(source, broker.layout.number, broker.groups.inUse);
  broker.effects.needsFlush();
  if (known.number === 0) return { kind: "taken" };
  return registered(port, (done) => broker.routes.restate(done), { kind: "taken" });
}

function takePart(port: TransferPort, part: ImportPart, nowMs: number): Promise<TransferAnswer> {
  const { broker } = port;
  const outcome = importPart(broker, part, nowMs, true);
  switch (outcome.kind) {
    case "refused":
      return answered(outcome);
    case "repeated":
      return answered({ kind: "taken" });
    case "taken": {
      const answer = { kind: "taken", counts: outcome.counts } as const;
      return registered(port, (done) => registerBrought(broker, outcome.subscriptions, done), answer);
    }
  }
}

async function registered(
  port: TransferPort,
  register: (done: () => void) => void,
  answer: TransferAnswer,
): Promise<TransferAnswer> {
  let isDone = false;
  const done = new Promise<void>((resolve) => {
    register(() => {
      isDone = true;
      resolve();
    });
  });
  await port.committed();
  if (!isDone) await Promise.race([done, pause(longestWaitMs)]);
  return isDone ? answer : { kind: "unsettled" };
}
