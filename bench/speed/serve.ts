// `node bench/speed/serve.ts KIND`: one broker of the bench, to look at with other tools, until SIGINT.

import { refuse, stopOnSignal } from "../../scripts/shared/stop.ts";
import { processTree } from "../../test/support/broker-process.ts";
import type { BrokerKind, RunningBroker } from "./brokers/broker.ts";
import { kinds } from "./brokers/kinds.ts";

const known: Readonly<Record<string, BrokerKind>> = kinds;
const name = process.argv[2] ?? "";
const kind = known[name] ?? refuse(`usage: node bench/speed/serve.ts ${Object.keys(known).join("|")}`);
const broker: RunningBroker = await kind.start();
stopOnSignal(() => broker.stop());
console.log(`${kind.name} (${await kind.version()}): ws://127.0.0.1:${broker.port}${broker.upgradePath("CLIENT_ID")}`);
console.log(JSON.stringify({ port: broker.port, pids: processTree(process.pid).slice(1) }));
