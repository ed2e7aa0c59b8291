// The Worker's entry: wiring only.

import type { Hono } from "hono";
import { configOf } from "./config.ts";
import { createHttpApp } from "./http/router.ts";
import { runInvocation } from "./invocation.ts";
import { httpDeps } from "./worker-deps.ts";

export { AuthenticatorEntrypoint } from "./auth/entrypoint.ts";
export { BrokerShard } from "./objects/broker-shard.ts";
export { NamespaceRegistry } from "./objects/namespace-registry.ts";
export { Publisher } from "./publisher.ts";

const apps = new WeakMap<Env, Hono>();

export default {
  async fetch(request, env, invocation) {
    const known = apps.get(env);
    if (known !== undefined) return runInvocation(invocation, () => known.fetch(request));
    const config = configOf(env as unknown as Record<string, unknown>);
    if (!config.ok) return misconfigured(config.error);
    const app = createHttpApp(httpDeps(env, config.value));
    apps.set(env, app);
    return runInvocation(invocation, () => app.fetch(request));
  },
} satisfies ExportedHandler<Env>;

/** Names the variables that are wrong; never their values. */
const misconfigured = (problems: readonly { variable: string; problem: string }[]): Response =>
  Response.json(
    {
      title: "Service Unavailable",
      status: 503,
      detail: problems.map(({ variable, problem }) => variable + problem).join("; "),
    },
    { status: 503, headers: { "content-type": "application/problem+json" } },
  );
