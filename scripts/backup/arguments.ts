// The command line of `npm run backup`.

import { parseArgs } from "node:util";

export interface BackupArguments {
  readonly command: "export" | "import";
  /** Of the resource that gives and takes backups. */
  readonly url: URL;
  readonly token?: string;
  /** Instead of standard output or input. */
  readonly file?: string;
}

export const usage =
  "usage: npm run backup -- export|import --file FILE [--url http://127.0.0.1:8787] [--namespace NAME] [--token SECRET, or API_TOKEN in the environment]";

const defaultUrl = "http://127.0.0.1:8787";
const defaultNamespace = "default";

/** Reads the arguments after the program's name. A string says what is wrong with them, and never repeats a token. */
export function readArguments(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): BackupArguments | string {
  const parsed = parse(argv);
  if (parsed === undefined) return `An argument is not known or has no value; ${usage}`;
  const [command, ...more] = parsed.positionals;
  if ((command !== "export" && command !== "import") || more.length > 0) return `Say export or import; ${usage}`;
  const { url: base = defaultUrl, namespace = defaultNamespace, file } = parsed.values;
  const token = parsed.values.token ?? environment["API_TOKEN"] ?? "";
  const url = urlOf(base, namespace);
  if (url === undefined) return `${base} is not the http or https URL of a broker; ${usage}`;
  if (namespace === "") return `The namespace has no name; ${usage}`;
  return { command, url, ...(token !== "" && { token }), ...(file !== undefined && { file }) };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        file: { type: "string" },
        url: { type: "string" },
        namespace: { type: "string" },
        token: { type: "string" },
      },
    });
  } catch {
    return undefined;
  }
}

/** A path in the URL is where the broker is behind a proxy. */
function urlOf(base: string, namespace: string): URL | undefined {
  if (!/^https?:\/\//u.test(base) || !URL.canParse(base)) return undefined;
  const prefix = namespace === defaultNamespace ? "" : `/n/${encodeURIComponent(namespace)}`;
  const url = new URL(base);
  url.pathname = `${url.pathname.replace(/\/$/u, "")}${prefix}/backup`;
  return url;
}
