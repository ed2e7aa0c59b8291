// The Worker with shards of two releases: which shard is of which is said from outside, and counts when the shard next
// starts. As a deferred deploy leaves it, for seconds or minutes, over the same sockets, storage and links.

import { DurableObject } from "cloudflare:workers";
import { BrokerShard as Former } from "former-shard";
import worker from "../../../src/index.ts";
import { BrokerShard as Present } from "../../../src/objects/broker-shard.ts";

export { AuthenticatorEntrypoint, NamespaceRegistry, Publisher } from "../../../src/index.ts";

/** Indexes of the shards that start as the release before. All objects of the process share it. */
let formerShards: readonly number[] = [];

type Method = (...args: unknown[]) => unknown;
type Methods = Record<string, Method | undefined>;

export class BrokerShard extends DurableObject<Env> {
  readonly #shard: Methods;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const index = Number(ctx.id.name?.split("/")[1]);
    const shard: unknown = formerShards.includes(index) ? new Former(ctx, env) : new Present(ctx, env);
    this.#shard = shard as Methods;
  }

  call(name: string, args: unknown[]): unknown {
    const method = this.#shard[name];
    if (method === undefined) throw new TypeError(`this release has no method ${name}`);
    return method.apply(this.#shard, args);
  }
}

const methods = [Present, Former].flatMap(({ prototype }) => Object.getOwnPropertyNames(prototype));
for (const name of new Set(methods)) {
  if (name === "constructor") continue;
  const value = function delegated(this: BrokerShard, ...args: unknown[]): unknown {
    return this.call(name, args);
  };
  Object.defineProperty(BrokerShard.prototype, name, { value });
}

export default {
  /** `/former?shards=0,2` says which; `/save?shards=3` puts every shard to rest, so that it may be evicted. */
  async fetch(request, env, invocation) {
    const url = new URL(request.url);
    if (url.pathname === "/former") {
      formerShards = (url.searchParams.get("shards") ?? "").split(",").filter(Boolean).map(Number);
      return new Response();
    }
    if (url.pathname === "/save") {
      const count = Number(url.searchParams.get("shards"));
      const shards = Array.from({ length: count }, (_, index) => env.BROKER_SHARD.getByName(`default/${index}`));
      const isAtRest = await Promise.all(shards.map((shard) => shard.saveNow()));
      return Response.json(isAtRest.every(Boolean));
    }
    return worker.fetch(request, env, invocation);
  },
} satisfies ExportedHandler<Env>;
