// The control: the broker with one module replaced by a faulty one. Arguments: data folder, port, bundle folder.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { buildWorker } from "../../../scripts/start/build-worker.ts";
import { serve } from "../../../scripts/start/serve.ts";

const [dataDir = "", port = "0", bundle = ""] = process.argv.slice(2);

/** As in the kill test itself: the session may keep everything. */
const variables = { ANONYMOUS: "loopback", MAXIMUM_QUEUED_MESSAGES: "1000000", MAXIMUM_QUEUED_BYTES: "1073741824" };

const worker = await buildWorker();
if (!worker.ok) throw new Error(worker.error);
const path = join(bundle, "index.js");
const served = await serve(
  { ...worker.value, modulesRoot: bundle, modules: [{ type: "ESModule", path, contents: readFileSync(path) }] },
  { host: "127.0.0.1", port: Number(port), dataDir, shards: 1, variables },
  dataDir,
);
if (!served.ok) throw new Error(served.error);
console.log(`The control serves at ${served.value.url.href}`);
