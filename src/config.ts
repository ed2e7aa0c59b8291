// The configuration: `env` read once into one value. All problems are reported together, each naming its variable and
// none quoting its value. Every variable is described in docs/configuration.md.

import { parseAclFile, type AclFile } from "./auth/acl-file.ts";
import type { Acl } from "./auth/acl.ts";
import { defaultNamespace, namespacePattern } from "./auth/json-entries.ts";
import { parseTokens, type ApiToken } from "./auth/tokens.ts";
import { parseUsers, type User } from "./auth/users.ts";
import { fail, ok, type Result } from "./core/brand.ts";
import { defaultFeatures, type FeatureSwitch, type Features } from "./core/features.ts";
import { limits as limitTable, type Limit, type LimitName, type Limits } from "./core/limits.ts";
import type { Layout } from "./core/placement.ts";
import { queueOverflows, type QueueOverflow } from "./core/queue-overflow.ts";

/** `hibernate`: the platform keeps the sockets of a shard that sleeps. `accept`: who is connected keeps it awake. */
const socketModes = ["hibernate", "accept"] as const;
export type SocketMode = (typeof socketModes)[number];

export interface Config {
  readonly limits: Limits;
  readonly features: Features;
  readonly queueOverflow: QueueOverflow;
  readonly sockets: SocketMode;
  /** What the variables propose; the registry's record decides. */
  readonly layout: Pick<Layout, "shards" | "subtreeDepth" | "depthByPrefix">;
  readonly namespaces: ReadonlySet<string>;
  readonly users: readonly User[];
  readonly tokens: readonly ApiToken[];
  readonly acl: Acl;
  readonly credentialsConfigured: boolean;
  /** Whether whoever shows no credentials is let in. */
  readonly open: boolean;
  /** Absent: not restricted by configuration. */
  readonly allowedOrigins?: ReadonlySet<string>;
  /** Sockets of all shards that the process may open; Infinity where nobody says so. */
  readonly processSocketLimit: number;
  /** Shared with the self-hosted start; absent: nobody may say that the process ends. */
  readonly stopToken?: string;
}

export interface ConfigProblem {
  readonly variable: string;
  /** Goes on after the variable's name: `SHARDS` + ` must be …`, `USERS` + `[0].name must be …`. */
  readonly problem: string;
}

type Env = Readonly<Record<string, unknown>>;

const mostShards = 256;
const mostSubtreeLevels = 16;

const variableOf = (limit: LimitName): string => limit.replace(/[A-Z]/gu, (capital) => `_${capital}`).toUpperCase();

/** The rows of the limits table, with the variable that overrides each: `maximumPacketSize` → `MAXIMUM_PACKET_SIZE`. */
export const limitVariables: readonly { readonly limit: LimitName; readonly variable: string }[] = (
  Object.keys(limitTable) as LimitName[]
).map((limit) => ({ limit, variable: variableOf(limit) }));

const singleVariables = [
  "SHARDS",
  "SUBTREE_DEPTH",
  "SUBTREE_DEPTHS",
  "NAMESPACES",
  "USERS",
  "API_TOKENS",
  "ACL",
  "ANONYMOUS",
  "ALLOWED_ORIGINS",
  "PROCESS_SOCKET_LIMIT",
  "SOCKETS",
  "STOP_TOKEN",
  "MAXIMUM_QOS",
  "RETAIN_AVAILABLE",
  "WILDCARD_SUBSCRIPTION_AVAILABLE",
  "SUBSCRIPTION_IDENTIFIERS_AVAILABLE",
  "SHARED_SUBSCRIPTION_AVAILABLE",
  "VALIDATE_PAYLOAD_FORMAT",
  "QUEUE_OVERFLOW",
  "RESPONSE_INFORMATION",
  "USE_ANOTHER_SERVER",
  "SERVER_MOVED",
] as const;

type Variable = (typeof singleVariables)[number];

/** Every variable there is: a start can refuse a misspelt one. */
export const variableNames: ReadonlySet<string> = new Set([
  ...singleVariables,
  ...limitVariables.map(({ variable }) => variable),
]);

/** Reads the variables. Bindings and unknown names in `env` are left alone; an empty text counts as unset. */
export function parseConfig(env: Env): Result<Config, readonly ConfigProblem[]> {
  const reader = new Reader(env);
  const users = reader.entries("USERS", parseUsers);
  const tokens = reader.entries("API_TOKENS", parseTokens);
  const namespaces = readNamespaces(reader);
  checkNamespaces(reader, "USERS", users, namespaces);
  checkNamespaces(reader, "API_TOKENS", tokens, namespaces);
  const credentialsConfigured = users.length > 0 || tokens.length > 0;
  const allowedOrigins = readAllowedOrigins(reader);
  const stopToken = reader.text("STOP_TOKEN");
  const config: Config = {
    limits: readLimits(reader),
    features: readFeatures(reader),
    queueOverflow: reader.oneOf("QUEUE_OVERFLOW", queueOverflows, "drop-oldest"),
    sockets: reader.oneOf("SOCKETS", socketModes, "hibernate"),
    layout: readLayout(reader),
    namespaces,
    users,
    tokens,
    acl: readAcl(reader, users),
    credentialsConfigured,
    open: readAnonymous(reader) && !credentialsConfigured,
    ...(allowedOrigins === undefined ? {} : { allowedOrigins }),
    ...(stopToken === undefined ? {} : { stopToken }),
    processSocketLimit: reader.integer("PROCESS_SOCKET_LIMIT", Infinity, Number.MAX_SAFE_INTEGER),
  };
  return reader.problems.length === 0 ? ok(config) : fail(reader.problems);
}

const parsedByEnv = new WeakMap<Env, Result<Config, readonly ConfigProblem[]>>();

/** `parseConfig`, once for each `env` object. */
export function configOf(env: Env): Result<Config, readonly ConfigProblem[]> {
  const known = parsedByEnv.get(env);
  if (known !== undefined) return known;
  const parsed = parseConfig(env);
  parsedByEnv.set(env, parsed);
  return parsed;
}

/** Reads single values and collects what is wrong with them; a wrong one reads as its default. */
class Reader {
  readonly problems: ConfigProblem[] = [];
  readonly #env: Env;

  constructor(env: Env) {
    this.#env = env;
  }

  report(variable: string, problem: string): void {
    this.problems.push({ variable, problem });
  }

  text(variable: Variable): string | undefined {
    const value = this.#value(variable);
    if (value === undefined || typeof value === "string") return value;
    this.report(variable, " must be a text");
    return undefined;
  }

  integer(variable: string, byDefault: number, ceiling: number, floor = 1): number {
    const value = this.#value(variable);
    if (value === undefined) return byDefault;
    // `[vars]` in wrangler.toml may hold a number as such.
    const number = typeof value === "number" ? value : parseDigits(value);
    if (Number.isInteger(number) && number >= floor && number <= ceiling) return number;
    this.report(variable, ` must be a whole number from ${floor} to ${ceiling}`);
    return byDefault;
  }

  flag(variable: Variable, byDefault: boolean): boolean {
    const value = this.#value(variable);
    if (value === undefined) return byDefault;
    // `[vars]` in wrangler.toml may hold a boolean as such.
    if (value === true || value === "true") return true;
    if (value !== false && value !== "false") this.report(variable, " must be true or false");
    return false;
  }

  oneOf<Name extends string>(variable: Variable, names: readonly Name[], byDefault: Name): Name {
    const text = this.text(variable);
    const found = names.find((name) => name === text);
    if (text !== undefined && found === undefined) this.report(variable, ` must be one of ${names.join(", ")}`);
    return found ?? byDefault;
  }

  list(variable: Variable): readonly string[] {
    const items = this.text(variable)?.split(",") ?? [];
    return items.map((item) => item.trim()).filter((item) => item !== "");
  }

  entries<Entry>(
    variable: Variable,
    parse: (value: unknown) => Result<readonly Entry[], readonly string[]>,
  ): readonly Entry[] {
    const value = this.#value(variable);
    if (value === undefined) return [];
    const entries = parse(value);
    if (entries.ok) return entries.value;
    for (const problem of entries.error) this.report(variable, problem);
    return [];
  }

  #value(variable: string): unknown {
    const value = this.#env[variable];
    return value === "" || value === null ? undefined : value;
  }
}

const parseDigits = (value: unknown): number =>
  typeof value === "string" && /^\d{1,15}$/u.test(value.trim()) ? Number(value) : Number.NaN;

function readLimits(reader: Reader): Limits {
  const values = limitVariables.map(({ limit, variable }): [LimitName, number] => {
    const row: Limit = limitTable[limit];
    return [limit, reader.integer(variable, row.default, row.ceiling, row.floor)];
  });
  return Object.fromEntries(values) as Limits;
}

/** A text that goes into a CONNACK: it must fit a UTF-8 string field. */
const mostConnackTextLength = 1_024;

function readFeatures(reader: Reader): Features {
  const flag = (variable: Variable, name: FeatureSwitch): boolean => reader.flag(variable, defaultFeatures[name]);
  const maximumQos = reader.integer("MAXIMUM_QOS", defaultFeatures.maximumQos, 2, 0) as Features["maximumQos"];
  const responseInformation = readConnackText(reader, "RESPONSE_INFORMATION");
  const another = readConnackText(reader, "USE_ANOTHER_SERVER");
  const moved = readConnackText(reader, "SERVER_MOVED");
  if (another !== undefined && moved !== undefined)
    reader.report("SERVER_MOVED", " and USE_ANOTHER_SERVER exclude each other");
  return {
    maximumQos,
    retainAvailable: flag("RETAIN_AVAILABLE", "retainAvailable"),
    wildcardSubscriptionAvailable: flag("WILDCARD_SUBSCRIPTION_AVAILABLE", "wildcardSubscriptionAvailable"),
    subscriptionIdentifiersAvailable: flag("SUBSCRIPTION_IDENTIFIERS_AVAILABLE", "subscriptionIdentifiersAvailable"),
    sharedSubscriptionAvailable: flag("SHARED_SUBSCRIPTION_AVAILABLE", "sharedSubscriptionAvailable"),
    validatePayloadFormat: flag("VALIDATE_PAYLOAD_FORMAT", "validatePayloadFormat"),
    ...(responseInformation !== undefined && { responseInformation }),
    ...(another !== undefined && { elsewhere: { kind: "use-another-server", serverReference: another } }),
    ...(moved !== undefined && { elsewhere: { kind: "server-moved", serverReference: moved } }),
  };
}

function readConnackText(reader: Reader, variable: Variable): string | undefined {
  const text = reader.text(variable);
  if (text === undefined || text.length <= mostConnackTextLength) return text;
  reader.report(variable, ` must have at most ${mostConnackTextLength} characters`);
  return undefined;
}

function readLayout(reader: Reader): Config["layout"] {
  return {
    shards: reader.integer("SHARDS", 1, mostShards),
    subtreeDepth: reader.integer("SUBTREE_DEPTH", 1, mostSubtreeLevels),
    depthByPrefix: readDepths(reader),
  };
}

function readDepths(reader: Reader): Layout["depthByPrefix"] {
  const rules = reader.list("SUBTREE_DEPTHS").map((item) => {
    const [, prefix, depth] = /^([^+#=]*[^+#=/])=(\d{1,2})$/u.exec(item) ?? [];
    return { prefix: prefix ?? "", depth: Number(depth) };
  });
  const isValid = rules.every(({ prefix, depth }) => prefix !== "" && depth >= 1 && depth <= mostSubtreeLevels);
  const isUnique = new Set(rules.map(({ prefix }) => prefix)).size === rules.length;
  if (isValid && isUnique) return rules;
  reader.report(
    "SUBTREE_DEPTHS",
    ` must be a list like company/site=3,lab=2, depths from 1 to ${mostSubtreeLevels}, no prefix twice`,
  );
  return [];
}

function readNamespaces(reader: Reader): ReadonlySet<string> {
  const names = reader.list("NAMESPACES");
  if (!names.every((name) => namespacePattern.test(name))) {
    reader.report("NAMESPACES", " must be a list of names of letters, digits, - and _, at most 63 characters each");
  }
  return new Set([defaultNamespace, ...names]);
}

function checkNamespaces(
  reader: Reader,
  variable: string,
  entries: readonly { readonly namespaces: ReadonlySet<string> }[],
  known: ReadonlySet<string>,
): void {
  for (const [index, entry] of entries.entries()) {
    if ([...entry.namespaces].every((namespace) => known.has(namespace))) continue;
    reader.report(variable, `[${index}].namespaces has a name that is not in NAMESPACES`);
  }
}

function readAcl(reader: Reader, users: readonly User[]): Acl {
  const file = readAclFile(reader);
  const ownRules = new Map(users.flatMap(({ name, acl }) => (acl === undefined ? [] : [[name, acl] as const])));
  return file === undefined ? { ownRules } : { file, ownRules };
}

function readAclFile(reader: Reader): AclFile | undefined {
  const text = reader.text("ACL");
  if (text === undefined) return undefined;
  const file = parseAclFile(text);
  if (file.ok) return file.value;
  for (const { line, problem } of file.error) reader.report("ACL", ` line ${line}: ${problem}`);
  return undefined;
}

function readAnonymous(reader: Reader): boolean {
  const value = reader.text("ANONYMOUS");
  if (value === undefined || value === "loopback") return value !== undefined;
  reader.report("ANONYMOUS", " takes only the value loopback, which the self-hosted start sets by itself");
  return false;
}

function readAllowedOrigins(reader: Reader): ReadonlySet<string> | undefined {
  if (reader.text("ALLOWED_ORIGINS") === undefined) return undefined;
  const origins = reader.list("ALLOWED_ORIGINS");
  if (origins.length === 0 || !origins.every((origin) => URL.parse(origin)?.origin === origin)) {
    reader.report(
      "ALLOWED_ORIGINS",
      " must be a list of origins like https://example.org, without a path or a final slash",
    );
  }
  return new Set(origins);
}
