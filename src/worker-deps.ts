// What the HTTP side needs, from the Worker's bindings.

import type { Config } from "./config.ts";
import type { ClientId } from "./core/brand.ts";
import { LayoutRefusal } from "./core/layout-refusal.ts";
import { shardOfClient, type Layout } from "./core/placement.ts";
import type { HttpDeps } from "./http/deps.ts";
import { invocationEnd } from "./invocation.ts";
import { writeLog } from "./log.ts";
import { layoutHeader } from "./objects/layout.ts";
import { layoutRefusalHeader } from "./objects/shard-layout.ts";
import { reserveSocket } from "./objects/process-sockets.ts";
import { Relay, relayHeader } from "./objects/relay.ts";
import type {
  ClaimAnswer,
  KeyClaim,
  OnceAnswer,
  PublishOutcome,
  PublishRequest,
  RetainedValue,
  ShardApi,
} from "./objects/shard-api.ts";

/** One seed for all: placement must be the same in every version, for ever. */
const hashSeed = 0;

export function httpDeps(env: Env, config: Config): HttpDeps {
  const layouts = new Layouts(env, config);
  return {
    config,
    layout: (namespace) => layouts.known(namespace),
    freshLayout: (namespace, known) => layouts.fresh(namespace, known),
    layoutChange: async (namespace) => (await env.NAMESPACE_REGISTRY.getByName(namespace).layoutStatus())?.change,
    shard: (namespace, index) => remoteShard(env, namespace, index, () => layouts.known(namespace)),
    upgrade: (request, namespace) => upgrade(env, config, layouts, request, namespace),
    asset: (path, request) => env.ASSETS.fetch(new Request(new URL(path, request.url), request)),
    log: (record) => writeLog("info", record),
    now: () => Date.now(),
  };
}

/** What the registries of the namespaces said last. */
class Layouts {
  readonly #env: Env;
  readonly #config: Config;
  readonly #asked = new Map<string, Promise<Layout>>();

  constructor(env: Env, config: Config) {
    this.#env = env;
    this.#config = config;
  }

  known(namespace: string): Promise<Layout> {
    return this.#asked.get(namespace) ?? this.#ask(namespace);
  }

  /** Where a shard says that `known` is in force no more: one question, however many calls were refused. */
  async fresh(namespace: string, known: Layout): Promise<Layout> {
    const present = await this.known(namespace);
    if (present.number > known.number) return present;
    // In the meantime somebody else may have asked.
    const asked = this.#asked.get(namespace);
    if (asked !== undefined && (await asked).number > known.number) return asked;
    return this.#ask(namespace);
  }

  /** With what the variables propose, and when the version was made that has them. */
  #ask(namespace: string): Promise<Layout> {
    const registry = this.#env.NAMESPACE_REGISTRY.getByName(namespace);
    const asked = registry.layout({ ...this.#config.layout, hashSeed }, versionTimeMs(this.#env));
    this.#asked.set(namespace, asked);
    asked.catch(() => this.#asked.delete(namespace));
    return asked;
  }
}

/** On one's own machine it is the time of the start. Absent where nothing tells. */
function versionTimeMs({ VERSION: version }: Partial<Pick<Env, "VERSION">>): number | undefined {
  const timeMs = Date.parse(version?.timestamp ?? "");
  return Number.isNaN(timeMs) ? undefined : timeMs;
}

const protocolHeader = "sec-websocket-protocol";

const stubOf = (env: Env, namespace: string, index: number) => env.BROKER_SHARD.getByName(`${namespace}/${index}`);

/** Every call carries the layout. The types of stubs lose tuples on the way, so the port's are put back. */
function remoteShard(env: Env, namespace: string, index: number, layout: () => Promise<Layout>): ShardApi {
  const stub = stubOf(env, namespace, index);
  const port = stub as unknown as OnceRpc;
  return {
    publish: async (requests) => stub.publish(requests, await layout()),
    publishOnce: async (requests, claim) => port.publishOnce(requests, claim, await layout()),
    claim: async (claim) => port.claim(claim, await layout()),
    finish: async (claim, outcomes) => port.finish(claim, outcomes, await layout()),
    disconnectClient: async (clientId) => stub.disconnectClient(clientId, await layout()),
    readRetained: async (topicName) => port.readRetained(topicName, await layout()),
    transfer: (request, known) => port.transfer(request, known),
    shutDown: () => stub.shutDown(),
    metrics: async () => stub.metrics(await layout()),
    ready: async () => stub.ready(await layout()),
  };
}

interface OnceRpc extends Pick<ShardApi, "transfer"> {
  readRetained(topicName: string, layout: Layout): Promise<RetainedValue | null>;
  publishOnce(requests: readonly PublishRequest[], claim: KeyClaim, layout: Layout): Promise<OnceAnswer>;
  claim(claim: KeyClaim, layout: Layout): Promise<ClaimAnswer>;
  finish(claim: KeyClaim, outcomes: readonly PublishOutcome[] | null, layout: Layout): Promise<void>;
}

/** To the shard of the client id in the URL, or of the only shard; else through a relay, which reads it from CONNECT. */
async function upgrade(
  env: Env,
  config: Config,
  layouts: Layouts,
  request: Request,
  namespace: string,
): Promise<Response> {
  const release = reserveSocket(config.processSocketLimit);
  if (release === undefined) {
    return new Response("the process has no socket left", { status: 503, headers: { "retry-after": "5" } });
  }
  let isRelayed = false;
  try {
    const open = new ShardUpgrade(env, layouts, namespace);
    const response = await upgradeDirectly(open, request, await layouts.known(namespace));
    isRelayed = response === undefined;
    return response ?? relay(config, open, request, release);
  } finally {
    if (!isRelayed) release(); // its shard counts it, or it was refused
  }
}

/** `undefined`: who it is for is in its CONNECT; also where the layout has just come from one shard to several. */
async function upgradeDirectly(open: ShardUpgrade, request: Request, layout: Layout): Promise<Response | undefined> {
  const clientId = new URL(request.url).searchParams.get("clientId");
  if (layout.shards > 1 && !clientId) return undefined;
  const protocol = request.headers.get(protocolHeader);
  return open.send(clientId ?? undefined, protocol === null ? {} : { [protocolHeader]: protocol });
}

/** Finds the shard of a client, also when the layout has changed since it was asked for. */
class ShardUpgrade {
  readonly #env: Env;
  readonly #layouts: Layouts;
  readonly #namespace: string;

  constructor(env: Env, layouts: Layouts, namespace: string) {
    this.#env = env;
    this.#layouts = layouts;
    this.#namespace = namespace;
  }

  /**
   * Gives what the shard answers; throws a `LayoutRefusal` while the layout changes. `undefined`: without a client id no
   * shard can be found by the present layout.
   * @param headers all that the shard is to know of the request
   */
  async send(clientId: string | undefined, headers: Readonly<Record<string, string>>): Promise<Response | undefined> {
    const layout = await this.#layouts.known(this.#namespace);
    const response = await this.#sendBy(layout, clientId, headers);
    if (response?.headers.get(layoutRefusalHeader) !== "moved") return served(response);
    return served(await this.#sendBy(await this.#layouts.fresh(this.#namespace, layout), clientId, headers));
  }

  async #sendBy(
    layout: Layout,
    clientId: string | undefined,
    headers: Readonly<Record<string, string>>,
  ): Promise<Response | undefined> {
    if (layout.shards > 1 && clientId === undefined) return undefined;
    const shard = layout.shards > 1 ? shardOfClient(clientId as ClientId, layout) : 0;
    return stubOf(this.#env, this.#namespace, shard).fetch("https://shard/mqtt", {
      headers: { ...headers, upgrade: "websocket", [layoutHeader]: JSON.stringify(layout) },
    });
  }

  /** A client without an id gets one of the shard that it comes to: any. */
  async openRelayed(clientId: string | undefined): Promise<WebSocket | undefined> {
    const response = await this.send(clientId ?? crypto.randomUUID(), { [relayHeader]: "1" });
    return response?.webSocket ?? undefined;
  }
}

function served(response: Response | undefined): Response | undefined {
  if (response?.headers.has(layoutRefusalHeader) === true) throw new LayoutRefusal("changing");
  return response;
}

/** `onCounted`: the client's shard counts its socket, or it is gone. */
function relay(config: Config, open: ShardUpgrade, request: Request, onCounted: () => void): Response {
  const { 0: client, 1: server } = new WebSocketPair();
  for (const event of ["close", "error"] as const) server.addEventListener(event, onCounted);
  const openShard = async (clientId: string | undefined) => {
    const shard = await open.openRelayed(clientId);
    onCounted();
    return shard;
  };
  Relay.start(server, { limits: config.limits, openShard, now: () => Date.now(), abort: invocationEnd() });
  const protocol = request.headers.get(protocolHeader);
  return new Response(null, {
    status: 101,
    webSocket: client,
    headers: protocol === null ? {} : { [protocolHeader]: protocol },
  });
}
