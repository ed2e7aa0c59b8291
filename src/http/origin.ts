// Which web pages may talk to the broker. Browsers tell the origin of a page, so this guards people's browsers, not
// the broker: a page from anywhere must not publish on the anonymous broker of somebody's own machine.

import type { HttpConfig } from "./deps.ts";

export type OriginVerdict =
  /** No page asks: no `Origin` header. */
  | { readonly kind: "none" }
  | { readonly kind: "allowed"; readonly origin: string }
  | { readonly kind: "refused"; readonly origin: string };

/** Judges the `Origin` of a request by `ALLOWED_ORIGINS`; `host` is the broker's own, as the request names it. */
export function judgeOrigin(origin: string | null, host: string, config: HttpConfig): OriginVerdict {
  if (origin === null) return { kind: "none" };
  return { kind: isAllowed(origin, host, config) ? "allowed" : "refused", origin };
}

function isAllowed(origin: string, host: string, config: HttpConfig): boolean {
  const allowed = config.allowedOrigins;
  if (allowed !== undefined) return allowed.has(origin);
  // Unset: where credentials are required a page has none of ours, for we set no cookies and ask for no Basic login.
  return !config.open || isLocal(origin, host);
}

function isLocal(origin: string, host: string): boolean {
  // "null" (sandboxed frames, files) and everything else that is no URL is foreign.
  if (!URL.canParse(origin)) return false;
  const url = new URL(origin);
  return url.host === host || isLoopback(url.hostname);
}

const isLoopback = (hostname: string): boolean =>
  hostname === "localhost" ||
  hostname.endsWith(".localhost") ||
  hostname === "[::1]" ||
  /^127(?:\.\d{1,3}){3}$/u.test(hostname);
