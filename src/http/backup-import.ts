// `POST /backup`: takes in what an export wrote, record by record, each to the shard where it belongs now. A run that
// ended in the middle is repeated with the same file: it goes on where it was.

import type { Result } from "../core/brand.ts";
import { refusalOf } from "../core/layout-refusal.ts";
import type { Layout } from "../core/placement.ts";
import { noImportCounts, type ImportCounts } from "../core/transfer/import.ts";
import { splitByShard } from "../core/transfer/split.ts";
import type { Violation } from "../core/violation.ts";
import type { TransferAnswer, TransferRequest } from "../objects/shard-transfer.ts";
import { lineReader, maximumLineBytes, type BackupHeader, type BackupLine, type BackupRecord } from "./backup-lines.ts";
import type { Exchange } from "./deps.ts";
import { withLayout } from "./layout-check.ts";
import { linesOf, type LineFault } from "./lines.ts";
import { problem, problemOf, type Problem } from "./problem.ts";

const KiB = 1024;
/** Records of one commit. The same file is always cut at the same lines: by those a repeat is known. */
const partRecords = 500;
const partBytes = 512 * KiB;

export async function handleImport(exchange: Exchange): Promise<Response | Problem> {
  const { request, deps, namespace } = exchange;
  const encoding = request.headers.get("content-encoding") ?? "identity";
  if (encoding.toLowerCase() !== "identity") {
    return problem(415, "compressed bodies are not taken", { headers: { "accept-encoding": "identity" } });
  }
  const run = new ImportRun(exchange, await deps.layout(namespace));
  const fault = request.body === null ? await run.finish() : await takeAll(run, request.body);
  if (fault !== undefined) return fault;
  const principal = exchange.grant.name;
  deps.log({ event: "backup-imported", namespace, principal, reason: `${run.records} records of ${run.source}` });
  return Response.json({ exportId: run.source, ...run.counts }, { headers: { "cache-control": "no-store" } });
}

async function takeAll(run: ImportRun, body: ReadableStream<Uint8Array>): Promise<Problem | undefined> {
  for await (const line of linesOf(body, maximumLineBytes)) {
    const fault = await run.takeLine(line);
    if (fault !== undefined) return fault;
  }
  return run.finish();
}

type Taken = Extract<TransferAnswer, { kind: "taken" }>;
type Counts = { -readonly [Name in keyof ImportCounts]: number };

class ImportRun {
  readonly counts: Counts & { partsKnown: number } = { ...noImportCounts, partsKnown: 0 };
  readonly #exchange: Exchange;
  #layout: Layout;
  readonly #read: (line: Uint8Array) => Result<BackupLine, string>;
  #header: BackupHeader | undefined;
  #line = 0;
  /** That have come. */
  records = 0;
  /** Of those, the ones that every shard has. */
  #taken = 0;
  /** A part was sent that not every shard has, as far as is known. */
  #isPartOpen = false;
  #part: BackupRecord[] = [];
  #partBytes = 0;
  #hasEnded = false;

  constructor(exchange: Exchange, layout: Layout) {
    this.#exchange = exchange;
    this.#layout = layout;
    this.#read = lineReader(exchange.deps.config.limits);
  }

  get source(): string {
    return this.#header?.exportId ?? "";
  }

  async takeLine(line: Result<Uint8Array, LineFault>): Promise<Problem | undefined> {
    if (!line.ok && line.error === "broken-off") return this.#notWhole();
    this.#line += 1;
    if (!line.ok) return this.#wrong(`more than ${maximumLineBytes} bytes`);
    const read = this.#read(line.value);
    if (!read.ok) return this.#wrong(read.error);
    const { value } = read;
    if (this.#header === undefined) return value.type === "header" ? this.#begin(value) : this.#wrong(noHeader);
    if (this.#hasEnded) return this.#wrong("something behind the end");
    switch (value.type) {
      case "header":
        return this.#wrong("a second header");
      case "end":
        this.#hasEnded = true;
        return value.records === this.records ? undefined : this.#wrong(this.#miscounted(value.records));
      case "record":
        return this.#takeRecord(value.record, line.value.length);
    }
  }

  #miscounted = (expected: number): string =>
    `the end says that there are ${expected} records, and ${this.records} have come`;

  async finish(): Promise<Problem | undefined> {
    if (!this.#hasEnded) return this.#notWhole();
    const fault = await this.#sendPart();
    if (fault !== undefined) return fault;
    return this.#askAll({ kind: "end", source: this.source });
  }

  #wrong(what: string): Problem {
    return problem(400, `line ${this.#line}: ${what}. ${this.#whatHolds}`, { message: "import_line_invalid" });
  }

  #notWhole(): Problem {
    const what = `the export is torn: it stops behind line ${this.#line}, without its end`;
    return problem(400, `${what}. ${this.#whatHolds}`, { message: "import_truncated" });
  }

  #held(): Problem {
    return problem(503, `a shard does not answer: send the export again in a moment. ${this.#whatHolds}`, {
      message: "import_held",
      headers: { "retry-after": retryAfterSec },
    });
  }

  /** What a run that ends here has done. */
  get #whatHolds(): string {
    if (this.#taken === 0 && !this.#isPartOpen) return "Nothing of it was taken in";
    const open = this.#isPartOpen ? ", and perhaps some of those that follow" : "";
    return `Its first ${this.#taken} records are in${open}; the same export, sent again, goes on from there`;
  }

  #begin(header: BackupHeader): Promise<Problem | undefined> {
    this.#header = header;
    return withLayout(this.#exchange, (layout) => {
      this.#layout = layout;
      return this.#askAll({ kind: "begin", source: this.source });
    });
  }

  async #takeRecord(record: BackupRecord, bytes: number): Promise<Problem | undefined> {
    this.records += 1;
    this.#part.push(record);
    this.#partBytes += bytes;
    return this.#part.length < partRecords && this.#partBytes < partBytes ? undefined : this.#sendPart();
  }

  /** To all shards that it is for; none is ahead of another by more than this part. */
  async #sendPart(): Promise<Problem | undefined> {
    const records = this.#part;
    this.#part = [];
    this.#partBytes = 0;
    const number = this.records;
    const byShard = [...splitByShard(records, this.#layout)];
    this.#isPartOpen = byShard.length > 0;
    const answers = await Promise.all(
      byShard.map(([shard, own]) => this.#ask(shard, { kind: "part", source: this.source, number, records: own })),
    );
    for (const { counts } of answers.filter(({ kind }) => kind === "taken") as Taken[]) this.#count(counts);
    const refused = answers.find(({ kind }) => kind === "refused");
    if (refused === undefined && answers.some(({ kind }) => kind !== "taken")) return this.#held();
    this.#isPartOpen = refused !== undefined && answers.some(({ kind }) => kind !== "refused");
    if (refused?.kind === "refused") return this.#refusedBy(refused.violation);
    this.#taken = number;
    return undefined;
  }

  #count(counts: ImportCounts | undefined): void {
    if (counts === undefined) this.counts.partsKnown += 1;
    for (const [name, count] of Object.entries(counts ?? {})) this.counts[name as keyof Counts] += count;
  }

  #refusedBy(violation: Violation): Problem {
    const refusal = problemOf(violation);
    return { ...refusal, detail: `up to line ${this.#line}: ${refusal.detail}. ${this.#whatHolds}` };
  }

  async #askAll(request: TransferRequest): Promise<Problem | undefined> {
    const shards = Array.from({ length: this.#layout.shards }, (_, shard) => shard);
    const answers = await Promise.all(shards.map((shard) => this.#ask(shard, request)));
    return answers.every(({ kind }) => kind === "taken") ? undefined : this.#held();
  }

  async #ask(shard: number, request: TransferRequest): Promise<TransferAnswer> {
    const { deps, namespace } = this.#exchange;
    try {
      return await deps.shard(namespace, shard).transfer(request, this.#layout);
    } catch (cause) {
      if (refusalOf(cause) !== undefined) throw cause;
      deps.log({ event: "shard-unreachable", namespace, shard, reason: String(cause) });
      return { kind: "unsettled" };
    }
  }
}

const noHeader = "no header of an export";
const retryAfterSec = "5";
