// `npm run backup -- export --file FILE` and `… import --file FILE`: a namespace out of a broker and into one, over its
// HTTP API. Without a file it is standard output or input. What an import counted goes to standard output; everything else
// to standard error.

import { createReadStream } from "node:fs";
import { open, rename } from "node:fs/promises";
import { Readable, Transform, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import { readArguments, type BackupArguments } from "./arguments.ts";
import { withoutBanner } from "./banner.ts";
import { LastLine } from "./last-line.ts";

/** The whole run; a string is the sentence to fail with. */
async function run(argv: readonly string[]): Promise<string | undefined> {
  const wanted = readArguments(argv, process.env);
  if (typeof wanted === "string") return wanted;
  if (wanted.command === "import") return importFrom(wanted);
  return wanted.file === undefined ? exportTo(process.stdout, wanted) : exportToFile(wanted.file, wanted);
}

/** It holds payloads. */
const forOwnerOnly = 0o600;

/** Until it is whole it has another name. */
async function exportToFile(file: string, wanted: BackupArguments): Promise<string | undefined> {
  const unfinished = `${file}.part`;
  const handle = await open(unfinished, "w", forOwnerOnly).catch(() => undefined);
  if (handle === undefined) return `The file ${unfinished} cannot be written.`;
  await handle.chmod(forOwnerOnly); // of one that an earlier run has left
  const failure = await exportTo(handle.createWriteStream(), wanted);
  if (failure !== undefined) return failure;
  try {
    await rename(unfinished, file);
    return undefined;
  } catch {
    return `The export is in ${unfinished} and cannot be given the name ${file}.`;
  }
}

async function exportTo(output: Writable, wanted: BackupArguments): Promise<string | undefined> {
  const response = await ask(wanted, {});
  if (typeof response === "string") return response;
  if (response.body === null) return torn;
  const last = new LastLine();
  const watch = new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      last.see(chunk);
      done(undefined, chunk);
    },
  });
  try {
    await pipeline(Readable.fromWeb(response.body as ReadableStream), watch, output);
  } catch {
    return torn;
  }
  if (last.records === undefined) return torn;
  console.error(`Exported ${last.records} records.`);
  return undefined;
}

async function importFrom(wanted: BackupArguments): Promise<string | undefined> {
  const input = wanted.file === undefined ? process.stdin : createReadStream(wanted.file);
  let isReadable = true;
  input.on("error", () => (isReadable = false));
  // A body that streams needs `duplex`, which the types do not know.
  const init: object = { method: "POST", body: Readable.toWeb(Readable.from(withoutBanner(input))), duplex: "half" };
  const response = await ask(wanted, init);
  if (!isReadable) return `The file ${wanted.file} cannot be read.`;
  if (typeof response === "string") return response;
  console.log(await response.text());
  return undefined;
}

async function ask({ url, token }: BackupArguments, init: RequestInit): Promise<Response | string> {
  const headers = { ...(token !== undefined && { authorization: `Bearer ${token}` }) };
  try {
    const response = await fetch(url, { ...init, headers });
    return response.ok ? response : `${url.host} refused: ${await reasonOf(response)}`;
  } catch {
    return `${url.origin} does not answer, or the connection broke off.`;
  }
}

/** The detail of a problem document, or the status alone. */
async function reasonOf(response: Response): Promise<string> {
  try {
    const { detail } = (await response.json()) as { detail?: unknown };
    if (typeof detail === "string") return `${response.status}, ${detail}.`;
  } catch {
    // another server's answer
  }
  return `${response.status}.`;
}

const torn = "The export broke off, or cannot be written, and is not whole: repeat it.";

const failure = await run(process.argv.slice(2));
if (failure !== undefined) {
  console.error(failure);
  process.exitCode = 1;
}
