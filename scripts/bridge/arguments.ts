// The command line of `npm run bridge`.

import { parseArgs } from "node:util";
import { fail, ok, type Result } from "../../src/core/brand.ts";

export interface BridgeOptions {
  readonly port: number;
  readonly host: string;
  /** Whether others than this machine can connect. */
  readonly exposed: boolean;
  readonly upstream: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly allowAnonymous: boolean;
}

const LOOPBACK = "127.0.0.1";
const LARGEST_PORT = 65_535;
const USAGE =
  "usage: npm run bridge -- [--listen PORT] [--to ws://HOST/mqtt] [--header 'Name: value']… [--host H] [--allow-anonymous]";

/** The error is one sentence for the terminal. */
export function parseBridge(argv: readonly string[]): Result<BridgeOptions, string> {
  const flags = parseFlags(argv);
  if (!flags.ok) return flags;
  const { listen, to, host, header, "allow-anonymous": allowAnonymous } = flags.value;
  const port = /^\d{1,5}$/.test(listen) ? Number(listen) : LARGEST_PORT + 1;
  if (port > LARGEST_PORT) return fail(`--listen takes a port up to ${LARGEST_PORT}.`);
  const upstream = URL.parse(to);
  if (upstream === null || !["ws:", "wss:"].includes(upstream.protocol))
    return fail("--to takes a ws:// or wss:// URL.");
  const headers = parseHeaders(header ?? []);
  if (!headers.ok) return headers;
  return ok({
    port,
    host: host ?? LOOPBACK,
    exposed: host !== undefined,
    upstream,
    headers: headers.value,
    allowAnonymous: allowAnonymous ?? false,
  });
}

interface Flags {
  readonly listen: string;
  readonly to: string;
  readonly host?: string;
  readonly header?: string[];
  readonly "allow-anonymous"?: boolean;
}

function parseFlags(argv: readonly string[]): Result<Flags, string> {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        listen: { type: "string", default: "1883" },
        to: { type: "string", default: `ws://${LOOPBACK}:8787/mqtt` },
        host: { type: "string" },
        header: { type: "string", multiple: true },
        "allow-anonymous": { type: "boolean" },
      },
    });
    return ok(values);
  } catch (error) {
    const [sentence = ""] = String(error instanceof Error ? error.message : error).split(". ");
    return fail(`${sentence.replace(/\.$/, "")}; ${USAGE}`);
  }
}

function parseHeaders(lines: readonly string[]): Result<Record<string, string>, string> {
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const [, name, value] = /^([!#$%&'*+.^_`|~\w-]+):\s*([^\r\n]*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined) return fail("--header takes 'Name: value'.");
    headers[name] = value;
  }
  return ok(headers);
}
