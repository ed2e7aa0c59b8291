// `GET /backup`: everything durable of a namespace as NDJSON, read page by page as fast as it is taken.

import { refusalOf } from "../core/layout-refusal.ts";
import type { Layout } from "../core/placement.ts";
import type { ExportCursor } from "../core/transfer/export-page.ts";
import type { TransferAnswer, TransferRequest } from "../objects/shard-transfer.ts";
import { backupContentType, endLine, headerLine, recordLines, type BackupRecord } from "./backup-lines.ts";
import type { Exchange } from "./deps.ts";
import { layoutChanging, withLayout } from "./layout-check.ts";
import { problem, type Problem } from "./problem.ts";

const KiB = 1024;
/** The shard reads so much in one turn, and nobody else has its turn meanwhile. */
const pageBytes = 512 * KiB;

/**
 * What was acknowledged may be on its way in an outbox: a publish to its owner, from there to a shard with subscribers,
 * and from a group's member back. So often the outboxes of all shards are waited for.
 */
const hops = 3;

export async function handleExport(exchange: Exchange): Promise<Response | Problem> {
  const { deps, namespace } = exchange;
  let run: ExportRun | undefined;
  try {
    run = await withLayout(exchange, async (layout) => {
      const started = new ExportRun(exchange, layout);
      return (await started.settle()) ? started : undefined;
    });
  } catch (cause) {
    if (refusalOf(cause) !== undefined) return layoutChanging;
    deps.log({ event: "shard-unreachable", namespace, reason: String(cause) });
    return problem(503, "not every shard answered", { note: { isLogged: true } });
  }
  if (run === undefined) return unsettled;
  const exportedAt = new Date(deps.now()).toISOString();
  const exportId = crypto.randomUUID();
  const body = bodyOf(exchange, run, run.chunks({ namespace, exportId, exportedAt }));
  const day = exportedAt.slice(0, "2026-01-01".length);
  const name = `${namespace}-${day}.ndjson`;
  return new Response(body, {
    headers: {
      "content-type": backupContentType,
      "cache-control": "no-store",
      "content-disposition": `attachment; filename="${name}"`,
    },
  });
}

/** A page is read when the one before was taken. */
function bodyOf(
  { deps, namespace, grant }: Exchange,
  run: ExportRun,
  chunks: AsyncGenerator<Uint8Array, void, undefined>,
): ReadableStream<Uint8Array> {
  const who = { namespace, principal: grant.name };
  let isCancelled = false;
  const next = async (): Promise<Uint8Array | undefined> => {
    try {
      return (await chunks.next()).value ?? undefined;
    } catch (cause) {
      deps.log({ event: "shard-unreachable", ...who, reason: String(cause) });
      throw cause; // without its end the export is known to be torn
    }
  };
  return new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      const chunk = await next();
      if (isCancelled) return;
      if (chunk !== undefined) {
        controller.enqueue(chunk);
        return;
      }
      controller.close();
      deps.log({ event: "backup-exported", ...who, reason: `${run.records} records` });
    },
    cancel: async () => {
      isCancelled = true;
      await chunks.return(undefined);
    },
  });
}

/** A part is read from all shards before the next one begins: what changes hands meanwhile goes from earlier to later parts. */
type Stage = readonly ExportCursor["part"][];
const stages: readonly Stage[] = [["sessions"], ["queues"], ["wills", "messages", "retained"]];

class ExportRun {
  readonly #exchange: Exchange;
  readonly #layout: Layout;
  readonly #cursors = new Map<number, ExportCursor>();
  records = 0;

  constructor(exchange: Exchange, layout: Layout) {
    this.#exchange = exchange;
    this.#layout = layout;
  }

  /** What is in an outbox now has arrived. False where that takes too long. Throws where the layout is not the present one. */
  async settle(): Promise<boolean> {
    const rounds = this.#layout.shards === 1 ? 1 : hops;
    for (let round = 0; round < rounds; round += 1) {
      const answers = await Promise.all(this.#shards.map((shard) => this.#ask(shard, { kind: "settle" })));
      if (answers.some(({ kind }) => kind !== "settled")) return false;
    }
    return true;
  }

  async *chunks(header: Parameters<typeof headerLine>[0]): AsyncGenerator<Uint8Array, void, undefined> {
    yield headerLine(header);
    for (const stage of stages) {
      if (stage.includes("messages") && !(await this.settle())) throw new Error("the links between shards are held up");
      for (const shard of this.#shards) yield* this.#pages(shard, stage);
    }
    yield endLine(this.records);
  }

  get #shards(): number[] {
    return Array.from({ length: this.#layout.shards }, (_, shard) => shard);
  }

  async *#pages(shard: number, stage: Stage): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const cursor = this.#cursors.get(shard);
      if (!stage.includes(cursor?.part ?? "sessions")) return;
      const page = await this.#ask(shard, { kind: "page", maximumBytes: pageBytes, ...(cursor && { cursor }) });
      if (page.kind !== "page") throw new Error(`shard ${shard} answered ${page.kind}`);
      // After its last part: none of a backup's.
      this.#cursors.set(shard, page.next ?? { part: "idempotency" });
      this.records += page.records.length;
      if (page.records.length > 0) yield recordLines(page.records as readonly BackupRecord[]);
    }
  }

  #ask(shard: number, request: TransferRequest): Promise<TransferAnswer> {
    const { deps, namespace } = this.#exchange;
    return deps.shard(namespace, shard).transfer(request, this.#layout);
  }
}

const retryAfterSec = "5";

const unsettled = problem(503, "shards wait for one another: try again in a moment", {
  message: "export_unsettled",
  headers: { "retry-after": retryAfterSec },
});
