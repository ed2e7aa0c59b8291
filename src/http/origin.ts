// Which web pages may talk to the broker. Browsers tell the origin of a page, so this guards people's browsers, not
// the broker: a page from anywhere must not publish on the anonymous broker of somebody's own machine.

import type { HttpConfig } from "./deps.ts";

export type OriginVerdict =
  /** No page asks: no `Origin` header. */
  | { readonly kind: "none" }
  | { readonly kind: "allowed"; readonly origin: string }
  | { readonly kind: "refused"; readonly origin: string };

/**
 * Judges the `Origin` of a request by `ALLOWED_ORIGINS`. The broker's own host needs no rule: while it is open it answers
 * under loopback names only (`gate.ts`).
 */
export function judgeOrigin(origin: string | null, config: HttpConfig): OriginVerdict {
  if (origin === null) return { kind: "none" };
  return { kind: isAllowed(origin, config) ? "allowed" : "refused", origin };
}

function isAllowed(origin: string, config: HttpConfig): boolean {
  const allowed = config.allowedOrigins;
  if (allowed !== undefined) return allowed.has(origin);
  // Unset: where credentials are required a page has none of ours, for we set no cookies and ask for no Basic login.
  return !config.open || isLocal(origin);
}

function isLocal(origin: string): boolean {
  // "null" (sandboxed frames, files) and everything else that is no URL is foreign.
  if (!URL.canParse(origin)) return false;
  const url = new URL(origin);
  return isLoopback(url.hostname);
}

/** A name that only this machine can mean. */
export const isLoopback = (hostname: string): boolean =>
  hostname === "localhost" ||
  hostname.endsWith(".localhost") ||
  hostname === "[::1]" ||
  /^127(?:\.\d{1,3}){3}$/u.test(hostname);
