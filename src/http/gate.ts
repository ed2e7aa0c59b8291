// Whether the broker serves at all: a deployed one that nobody closed answers nothing but how to close it, and an open
// one does not let itself be made public by a proxy.

import type { HttpConfig } from "./deps.ts";
import { isLoopback } from "./origin.ts";
import { problem, type Problem } from "./problem.ts";

/** The reason not to serve this request, if there is one. It holds for `/healthz` too: an upgrade would fail. */
export function refusalToServe(request: Request, config: HttpConfig): Problem | undefined {
  if (!config.open && !config.credentialsConfigured) return unconfigured;
  if (config.open && isForwarded(request.headers)) return proxied;
  if (config.open && !isLoopback(new URL(request.url).hostname)) return misdirected;
  return undefined;
}

const unconfigured = problem(
  503,
  "This broker has no credentials yet, so it serves nobody: set the secret USERS (MQTT clients; `npm run user -- NAME` " +
    "makes an entry) or API_TOKENS (HTTP), for example with `npx wrangler secret put USERS`.",
  { message: "no_credentials_configured" },
);

const proxied = problem(
  503,
  "This broker is open to everyone who reaches it and so does not serve requests that came through a proxy: set USERS " +
    "or API_TOKENS first.",
  { message: "anonymous_behind_proxy" },
);

/** A name of somebody's domain that resolves to this machine (DNS rebinding) would make a foreign page our own. */
const misdirected = problem(
  421,
  "This broker is open to everyone on this machine and answers only under names of it, like localhost or 127.0.0.1: set " +
    "USERS or API_TOKENS to serve it under another name.",
  { message: "anonymous_under_foreign_name" },
);

function isForwarded(headers: Headers): boolean {
  for (const name of headers.keys()) {
    if (name === "forwarded" || name.startsWith("x-forwarded-")) return true;
  }
  return false;
}
