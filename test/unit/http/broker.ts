// An app over shards that live in a list: what they were asked is recorded, what they answer is a field.

import { parseConfig, type Config } from "../../../src/config.ts";
import { IdempotencyKeys, type IdempotencyRow, type IdempotencyStore } from "../../../src/core/idempotency.ts";
import type { Limits } from "../../../src/core/limits.ts";
import type { Layout } from "../../../src/core/placement.ts";
import type { HttpDeps, HttpLogRecord } from "../../../src/http/deps.ts";
import { createHttpApp } from "../../../src/http/router.ts";
import { claimAnswer } from "../../../src/objects/shard-publish.ts";
import type {
  ClaimAnswer,
  KeyClaim,
  OnceAnswer,
  PublishOutcome,
  PublishRequest,
  RetainedValue,
  ShardApi,
  ShardMetrics,
} from "../../../src/objects/shard-api.ts";

export const origin = "http://127.0.0.1:8787";
export const nowMs = Date.UTC(2026, 10, 20);

class KeyRows extends Map<string, IdempotencyRow> implements IdempotencyStore {
  put(key: string, row: IdempotencyRow): void {
    this.set(key, row);
  }

  count(): number {
    return this.size;
  }

  expired(): string[] {
    return [];
  }

  firstExpiryMs(): undefined {}
}

export class FakeShard implements ShardApi {
  readonly #keys: IdempotencyKeys;
  readonly published: PublishRequest[] = [];
  readonly retained = new Map<string, RetainedValue>();
  readonly connected = new Set<string>();
  isShutDown = false;
  outcomeOf: (request: PublishRequest) => PublishOutcome = () => ({ kind: "accepted" });
  failure: Error | undefined;
  values: ShardMetrics = { counters: {}, gauges: {} };
  /** Fails once it has done what it was asked to: the answer is lost. */
  losesAnswers = false;
  /** What a run under a key waits for before it publishes. */
  pause: (() => Promise<void>) | undefined;

  constructor(limits: Limits) {
    this.#keys = new IdempotencyKeys(new KeyRows(), limits);
  }

  async publishOnce(requests: readonly PublishRequest[], claim: KeyClaim): Promise<OnceAnswer> {
    const verdict = await this.claim(claim);
    if (verdict.kind !== "claimed") return verdict;
    await this.pause?.();
    const outcomes = await this.publish(requests);
    await this.finish(claim, outcomes);
    if (this.losesAnswers) throw new Error("the answer is lost");
    return { kind: "answered", answerId: verdict.answerId, isReplayed: false, outcomes };
  }

  async claim(claim: KeyClaim): Promise<ClaimAnswer> {
    this.#failIfToldTo();
    return claimAnswer(this.#keys.claim(claim, nowMs));
  }

  async finish(claim: KeyClaim, outcomes: readonly PublishOutcome[] | null): Promise<void> {
    this.#failIfToldTo();
    if (outcomes === null) this.#keys.end(claim.key);
    else if (outcomes.every(({ kind }) => kind === "refused")) this.#keys.release(claim.key);
    else this.#keys.answer(claim, outcomes, nowMs);
  }

  async publish(requests: readonly PublishRequest[]): Promise<readonly PublishOutcome[]> {
    this.#failIfToldTo();
    this.published.push(...requests);
    return requests.map(this.outcomeOf);
  }

  async readRetained(topicName: string): Promise<RetainedValue | null> {
    this.#failIfToldTo();
    return this.retained.get(topicName) ?? null;
  }

  /** A test of backups puts a core in its place. */
  transfer: ShardApi["transfer"] = async () => ({ kind: "unsettled" });

  async shutDown(): Promise<void> {
    this.#failIfToldTo();
    this.isShutDown = true;
  }

  async disconnectClient(clientId: string): Promise<boolean> {
    this.#failIfToldTo();
    return this.connected.delete(clientId);
  }

  async metrics(): Promise<ShardMetrics> {
    this.#failIfToldTo();
    return this.values;
  }

  async ready(): Promise<void> {
    this.#failIfToldTo();
  }

  #failIfToldTo(): void {
    if (this.failure !== undefined) throw this.failure;
  }
}

export interface Broker {
  readonly config: Config;
  readonly layout: Layout;
  /** Every shard that was ever asked for, as `namespace/index`. */
  readonly shards: Map<string, FakeShard>;
  readonly upgrades: { readonly request: Request; readonly namespace: string }[];
  readonly log: HttpLogRecord[];
  readonly deps: HttpDeps;
  shard(namespace: string, index: number): FakeShard;
  /** One request; `path` may be a whole URL. */
  ask(path: string, init?: RequestInit): Promise<Response>;
}

/** @param env the broker's variables; anonymous on loopback unless they configure something */
export function startBroker(env: Record<string, unknown> = { ANONYMOUS: "loopback" }, shardCount = 1): Broker {
  const config = parseConfig(env);
  if (!config.ok) throw new Error(config.error.map((item) => item.variable + item.problem).join("; "));
  const layout: Layout = { number: 1, shards: shardCount, subtreeDepth: 1, depthByPrefix: [], hashSeed: 7 };
  const shards = new Map<string, FakeShard>();
  const shard = (namespace: string, index: number): FakeShard => {
    const key = `${namespace}/${index}`;
    const found = shards.get(key) ?? new FakeShard(config.value.limits);
    shards.set(key, found);
    return found;
  };
  const upgrades: Broker["upgrades"][number][] = [];
  const log: HttpLogRecord[] = [];
  const deps: HttpDeps = {
    config: config.value,
    layout: async () => layout,
    freshLayout: async () => layout,
    layoutChange: async () => undefined,
    shard,
    // Node has no 101: 299 stands for it.
    upgrade: async (request, namespace) => {
      upgrades.push({ request, namespace });
      return new Response(null, { status: 299 });
    },
    asset: async (path) =>
      path === "/index.html" ? new Response("<!doctype html>") : new Response(null, { status: 404 }),
    log: (record) => log.push(record),
    now: () => nowMs,
  };
  const app = createHttpApp(deps);
  const ask = async (path: string, init: RequestInit = {}): Promise<Response> =>
    app.fetch(new Request(new URL(path, origin), init));
  return { config: config.value, layout, deps, shards, upgrades, log, shard, ask };
}

/** A broker with credentials: one token per kind. */
export const tokens = {
  publisher: "publisher-0123456789",
  reader: "reader-0123456789",
  admin: "admin-0123456789",
  elsewhere: "elsewhere-0123456789",
  expired: "expired-0123456789",
};

export const startClosedBroker = (env: Record<string, unknown> = {}): Broker =>
  startBroker({
    NAMESPACES: "default,lab",
    API_TOKENS: JSON.stringify([
      { id: "publisher", secret: tokens.publisher, scopes: ["publish"], acl: ["topic write news/#"] },
      { id: "reader", secret: tokens.reader, scopes: ["subscribe", "publish"], acl: ["topic read news/#"] },
      { id: "admin", secret: tokens.admin, scopes: ["admin"] },
      { id: "elsewhere", secret: tokens.elsewhere, scopes: ["publish"], namespaces: ["lab"] },
      { id: "expired", secret: tokens.expired, scopes: ["publish"], expires: "2026-01-01T00:00:00Z" },
    ]),
    ...env,
  });

export const bearer = (secret: string): { headers: Record<string, string> } => ({
  headers: { authorization: `Bearer ${secret}` },
});

/** The members of a problem, after its content type was seen to be right. */
export async function problemOf(response: Response): Promise<Record<string, unknown>> {
  const type = response.headers.get("content-type");
  if (type !== "application/problem+json") throw new Error(`no problem but ${response.status} ${type}`);
  return (await response.json()) as Record<string, unknown>;
}

export const postJson = (body: unknown): RequestInit => ({
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
});
