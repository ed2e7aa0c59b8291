// Prints what wrangler makes of wrangler.toml, as JSON for Miniflare. A process of its own: wrangler is large, and the
// start need not keep it in memory.

import { unstable_getMiniflareWorkerOptions as readWorkerOptions, unstable_readConfig as readConfig } from "wrangler";

const CONFIG = "wrangler.toml";
const config = readConfig({ config: CONFIG });
const { workerOptions } = readWorkerOptions(CONFIG);
// `.dev.vars` belongs to `wrangler dev`; this start takes its variables from its own command line and environment.
const options = { ...workerOptions, name: config.name, bindings: config.vars };
process.stdout.write(JSON.stringify(options));
