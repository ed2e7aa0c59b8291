// What the HTTP side needs, from the Worker's bindings.

import type { Config } from "./config.ts";
import type { ClientId } from "./core/brand.ts";
import { shardOfClient, type Layout } from "./core/placement.ts";
import type { HttpDeps } from "./http/deps.ts";
import { LayoutConflict } from "./http/layout-check.ts";
import { writeLog } from "./log.ts";
import { layoutHeader } from "./objects/layout.ts";
import { socketsInProcess } from "./objects/process-sockets.ts";
import { Relay, relayHeader } from "./objects/relay.ts";
import type {
  ClaimAnswer,
  KeyClaim,
  OnceAnswer,
  PublishOutcome,
  PublishRequest,
  ShardApi,
} from "./objects/shard-api.ts";

/** One seed for all: placement must be the same in every version, for ever. */
const hashSeed = 0;

export function httpDeps(env: Env, config: Config): HttpDeps {
  const layouts = new Map<string, Promise<Layout>>();
  const layout = (namespace: string): Promise<Layout> => {
    const known = layouts.get(namespace);
    if (known !== undefined) return known;
    const asked = askLayout(env, config, namespace);
    layouts.set(namespace, asked);
    asked.catch(() => layouts.delete(namespace));
    return asked;
  };
  return {
    config,
    layout,
    shard: (namespace, index) => remoteShard(env, namespace, index, () => layout(namespace)),
    upgrade: async (request, namespace) => upgrade(env, config, await layout(namespace), request, namespace),
    asset: (path, request) => env.ASSETS.fetch(new Request(new URL(path, request.url), request)),
    log: (record) => writeLog("info", record),
    now: () => Date.now(),
  };
}

const stubOf = (env: Env, namespace: string, index: number) => env.BROKER_SHARD.getByName(`${namespace}/${index}`);

/** Every call carries the layout. The types of stubs lose tuples on the way, so the port's are put back. */
function remoteShard(env: Env, namespace: string, index: number, layout: () => Promise<Layout>): ShardApi {
  const stub = stubOf(env, namespace, index);
  const port = stub as unknown as Pick<ShardApi, "readRetained"> & OnceRpc;
  return {
    publish: async (requests) => stub.publish(requests, await layout()),
    publishOnce: async (requests, claim) => port.publishOnce(requests, claim, await layout()),
    claim: async (claim) => port.claim(claim, await layout()),
    finish: async (claim, outcomes) => port.finish(claim, outcomes, await layout()),
    disconnectClient: async (clientId) => stub.disconnectClient(clientId, await layout()),
    readRetained: (topicName) => port.readRetained(topicName),
    shutDown: () => stub.shutDown(),
    metrics: () => stub.metrics(),
    ready: () => stub.ready(),
  };
}

interface OnceRpc {
  publishOnce(requests: readonly PublishRequest[], claim: KeyClaim, layout: Layout): Promise<OnceAnswer>;
  claim(claim: KeyClaim, layout: Layout): Promise<ClaimAnswer>;
  finish(claim: KeyClaim, outcomes: readonly PublishOutcome[] | null, layout: Layout): Promise<void>;
}

/** The layout as the variables write it. */
const variablesOf = (layout: Config["layout"]): Record<string, string> => ({
  SHARDS: String(layout.shards),
  SUBTREE_DEPTH: String(layout.subtreeDepth),
  SUBTREE_DEPTHS: layout.depthByPrefix
    .map(({ prefix, depth }) => `${prefix}=${depth}`)
    .toSorted()
    .join(","),
});

/** The layout of a namespace; refused where its data was written with another one. */
async function askLayout(env: Env, config: Config, namespace: string): Promise<Layout> {
  const layout = await env.NAMESPACE_REGISTRY.getByName(namespace).layout({ ...config.layout, hashSeed });
  const [written, asked] = [variablesOf(layout), variablesOf(config.layout)];
  for (const [variable, value] of Object.entries(written)) {
    if (value !== asked[variable]) throw new LayoutConflict(namespace, variable, value, asked[variable] ?? "");
  }
  return layout;
}

/** To the shard of the client id in the URL, or of the only shard; else through a relay, which reads it from CONNECT. */
async function upgrade(
  env: Env,
  config: Config,
  layout: Layout,
  request: Request,
  namespace: string,
): Promise<Response> {
  if (socketsInProcess() >= config.processSocketLimit) {
    return new Response("the process has no socket left", { status: 503, headers: { "retry-after": "5" } });
  }
  const clientId = new URL(request.url).searchParams.get("clientId");
  if (layout.shards > 1 && !clientId) return relay(env, config, layout, request, namespace);
  const shard = clientId && layout.shards > 1 ? shardOfClient(clientId as ClientId, layout) : 0;
  const headers = new Headers(request.headers);
  headers.delete(relayHeader);
  headers.set(layoutHeader, JSON.stringify(layout));
  return stubOf(env, namespace, shard).fetch(new Request(request, { headers }));
}

function relay(env: Env, config: Config, layout: Layout, request: Request, namespace: string): Response {
  const { 0: client, 1: server } = new WebSocketPair();
  const openShard = async (clientId: string | undefined): Promise<WebSocket | undefined> => {
    // A client without an id gets one of the shard that it comes to.
    const shard =
      clientId === undefined ? Math.floor(Math.random() * layout.shards) : shardOfClient(clientId as ClientId, layout);
    const headers = { upgrade: "websocket", [relayHeader]: "1", [layoutHeader]: JSON.stringify(layout) };
    const response = await stubOf(env, namespace, shard).fetch("https://shard/mqtt", { headers });
    return response.webSocket ?? undefined;
  };
  Relay.start(server, { limits: config.limits, openShard, now: () => Date.now() });
  const protocol = request.headers.get("sec-websocket-protocol");
  return new Response(null, {
    status: 101,
    webSocket: client,
    headers: protocol === null ? {} : { "sec-websocket-protocol": protocol },
  });
}
