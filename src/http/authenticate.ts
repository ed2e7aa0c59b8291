// Who sends a request, and whether its token covers the operation. Tokens themselves: `auth/tokens.ts`.

import { accessForToken, readPresentedToken, resolveToken, type ApiToken, type Scope } from "../auth/tokens.ts";
import { allButSys } from "../auth/acl.ts";
import { fail, ok, type Result } from "../core/brand.ts";
import type { Grant, HttpDeps } from "./deps.ts";
import { problem, type Problem } from "./problem.ts";

/** A scope; `any` token at all; or `nothing`, not even a token. */
export type Requirement = Scope | "any" | "nothing";

/** Anybody: every topic where the broker is open, and operations that need nothing. */
const anonymous: Grant = { kind: "anonymous", name: "anonymous", access: allButSys };

/** Fails with 401 where the token is missing or none, and 403 where it does not cover namespace or operation. */
export function authenticate(
  request: Request,
  url: URL,
  namespace: string,
  requirement: Requirement,
  deps: Pick<HttpDeps, "config" | "now">,
): Result<Grant, Problem> {
  if (deps.config.open || requirement === "nothing") return ok(anonymous);
  const presented = readPresentedToken(request.headers.get("authorization"), url.searchParams.get("access_token"));
  if (presented === undefined) return fail(unauthorized("a token is required: Authorization: Bearer …"));
  const token = resolveToken(deps.config.tokens, presented, deps.now());
  if (token === undefined) return fail(presented.kind === "query" ? unknownInUrl : unknownToken);
  return authorize(token, namespace, requirement);
}

function authorize(token: ApiToken, namespace: string, requirement: Requirement): Result<Grant, Problem> {
  if (!token.namespaces.has(namespace)) return fail(forbidden(`the token is not for the namespace ${namespace}`));
  if (requirement !== "any" && requirement !== "nothing" && !token.scopes.has(requirement)) {
    return fail(forbidden(`the token lacks the scope ${requirement}`));
  }
  return ok({ kind: "token", name: token.id, access: accessForToken(token) });
}

// Basic is taken, but not asked for: a browser that had asked its user would send the answer along with requests of
// any page.
const challenge = 'Bearer realm="durable-mqtt"';

const unauthorized = (detail: string, error = ""): Problem =>
  problem(401, detail, {
    message: "BAD_API_KEY_OR_SECRET",
    headers: { "www-authenticate": `${challenge}${error}` },
  });

const unknownToken = unauthorized("the token is not known, or has expired", ', error="invalid_token"');

const unknownInUrl = unauthorized(
  "the token is not known, has expired, or can do more than publish and so must not be in a URL",
  ', error="invalid_token"',
);

const forbidden = (detail: string): Problem =>
  problem(403, detail, { headers: { "www-authenticate": `${challenge}, error="insufficient_scope"` } });
