// The command line and the environment of `npm start`, judged before anything is started.

import { parseArgs } from "node:util";
import { fail, ok, type Result } from "../../src/core/brand.ts";
import { parseConfig, variableNames } from "../../src/config.ts";

export interface StartOptions {
  readonly port: number;
  readonly host: string;
  readonly dataDir: string;
  readonly shards: number;
  /** Variables of docs/configuration.md for the Worker; ANONYMOUS is among them where the broker is open. */
  readonly variables: Readonly<Record<string, string>>;
}

const DEFAULT_PORT = 8787;
const LARGEST_PORT = 65_535;
const LOOPBACK = "127.0.0.1";

/** Set by the start itself, from what it knows of the process and of the address. */
const OWN_VARIABLES = new Set(["ANONYMOUS", "SHARDS", "STOP_TOKEN"]);

const USAGE = "usage: npm start -- [--port P] [--host H] [--data DIR] [--shards N] [--var NAME=VALUE]…";

/**
 * Arguments first, then the environment (PORT, HOST, DATA, SHARDS and every variable by its own name), then defaults.
 * The error is one sentence for the terminal.
 */
export function parseStart(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Result<StartOptions, string> {
  const flags = parseFlags(argv);
  if (!flags.ok) return flags;
  const { port: portText, host: hostText, data, shards: shardsText } = flags.value;
  const port = wholeNumber(portText ?? env["PORT"] ?? String(DEFAULT_PORT), 0, LARGEST_PORT);
  if (port === undefined) return fail(`The port must be a whole number up to ${LARGEST_PORT}.`);
  const host = normalHost(hostText ?? env["HOST"] ?? LOOPBACK);
  const given = givenVariables(flags.value.var ?? [], env);
  if (!given.ok) return given;
  const shards = shardsText ?? env["SHARDS"] ?? "1";
  const judged = withAnonymous({ ...given.value, SHARDS: shards }, host);
  if (!judged.ok) return judged;
  const dataDir = data ?? env["DATA"] ?? ".data";
  return ok({ port, host, dataDir, shards: Number(shards), variables: judged.value });
}

interface Flags {
  readonly port?: string;
  readonly host?: string;
  readonly data?: string;
  readonly shards?: string;
  readonly var?: string[];
}

function parseFlags(argv: readonly string[]): Result<Flags, string> {
  try {
    const text = { type: "string" } as const;
    const { values } = parseArgs({
      args: [...argv],
      options: { port: text, host: text, data: text, shards: text, var: { type: "string", multiple: true } },
    });
    return ok(values);
  } catch (error) {
    const [sentence = ""] = String(error instanceof Error ? error.message : error).split(". ");
    return fail(`${sentence.replace(/\.$/, "")}; ${USAGE}`);
  }
}

function wholeNumber(text: string, least: number, most: number): number | undefined {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  return value >= least && value <= most ? value : undefined;
}

/** `localhost` may mean two addresses; the broker listens on one. Brackets belong to URLs. */
function normalHost(host: string): string {
  const bare = host.replace(/^\[(.*)\]$/, "$1");
  return bare === "localhost" ? LOOPBACK : bare;
}

export const isLoopback = (host: string): boolean => host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);

function givenVariables(
  assignments: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Result<Record<string, string>, string> {
  const variables: Record<string, string> = {};
  for (const name of variableNames) {
    const value = env[name];
    if (value !== undefined && !OWN_VARIABLES.has(name)) variables[name] = value;
  }
  for (const assignment of assignments) {
    const split = assignment.indexOf("=");
    const name = assignment.slice(0, Math.max(split, 0));
    if (split < 1) return fail("--var takes NAME=VALUE.");
    if (name === "SHARDS") return fail("The number of shards is set by --shards or SHARDS in the environment.");
    if (OWN_VARIABLES.has(name)) return fail(`${name} is decided by the start itself and cannot be set.`);
    if (!variableNames.has(name)) return fail(`There is no variable ${name}; docs/configuration.md lists them all.`);
    variables[name] = assignment.slice(split + 1);
  }
  return ok(variables);
}

/** Opens the broker to everyone only on loopback and without credentials; elsewhere it insists on credentials. */
function withAnonymous(variables: Record<string, string>, host: string): Result<Record<string, string>, string> {
  const config = parseConfig(variables);
  if (!config.ok) return fail(`${config.error.map(({ variable, problem }) => variable + problem).join("; ")}.`);
  if (config.value.credentialsConfigured) return ok(variables);
  if (isLoopback(host)) return ok({ ...variables, ANONYMOUS: "loopback" });
  return fail(`On ${host} others can connect: set USERS or API_TOKENS first, or leave out --host.`);
}
