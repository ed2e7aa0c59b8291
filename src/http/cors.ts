// CORS for the pages that `origin.ts` admits: preflight answers and the headers of every other answer.

import type { OriginVerdict } from "./origin.ts";
import { messageHeaderNames } from "./message-headers.ts";
import { problem, problemResponse } from "./problem.ts";

const preflightMaxAgeSec = "600";

const requestHeaders = ["authorization", "content-type", "idempotency-key", ...messageHeaderNames].join(", ");
const exposedHeaders = ["allow", "idempotency-replayed", "retry-after", "www-authenticate", ...messageHeaderNames].join(
  ", ",
);

export const isPreflight = (request: Request): boolean =>
  request.method === "OPTIONS" && request.headers.has("origin") && request.headers.has("access-control-request-method");

/** Answers a preflight. No credentials are asked for: browsers send none with it. */
export function preflightResponse(verdict: OriginVerdict, allow: string, instance: string): Response {
  if (verdict.kind === "refused") {
    return problemResponse(problem(403, `pages of the origin ${verdict.origin} are not allowed here`), instance);
  }
  const headers = new Headers({ vary: "Origin, Access-Control-Request-Method", allow });
  if (verdict.kind === "allowed") {
    headers.set("access-control-allow-origin", verdict.origin);
    headers.set("access-control-allow-methods", allow);
    headers.set("access-control-allow-headers", requestHeaders);
    headers.set("access-control-max-age", preflightMaxAgeSec);
  }
  return new Response(null, { status: 204, headers });
}

/** The response with what lets an admitted page read it. Never for a 101, which must go back untouched. */
export function withCorsHeaders(response: Response, verdict: OriginVerdict): Response {
  const headers = new Headers(response.headers);
  headers.append("vary", "Origin");
  if (verdict.kind === "allowed") {
    headers.set("access-control-allow-origin", verdict.origin);
    headers.set("access-control-expose-headers", exposedHeaders);
  }
  return new Response(response.body, { status: response.status, headers });
}
