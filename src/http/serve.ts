// What every request goes through, in this order: does the broker serve at all, is there such a namespace, may this
// web page ask, is there such a method, does the token cover it. Then its handler; then the answer's way out.

import { refusalOf } from "../core/layout-refusal.ts";
import { authenticate } from "./authenticate.ts";
import { isPreflight, preflightResponse, withCorsHeaders } from "./cors.ts";
import type { HttpDeps, HttpLogRecord } from "./deps.ts";
import { refusalToServe } from "./gate.ts";
import { judgeOrigin, type OriginVerdict } from "./origin.ts";
import { layoutChanging, layoutProblem } from "./layout-check.ts";
import { isProblem, problem, problemResponse, type Problem } from "./problem.ts";
import { allowOf, operationOf, type Route } from "./routes.ts";

interface Arrival {
  readonly route: Route | undefined;
  readonly request: Request;
  readonly url: URL;
  readonly namespace: string;
  readonly verdict: OriginVerdict;
}

/**
 * Answers one request.
 * @param route what the router found for the path, if anything
 */
export async function serve(
  deps: HttpDeps,
  request: Request,
  namespace: string,
  route: Route | undefined,
): Promise<Response> {
  const url = new URL(request.url);
  const verdict = judgeOrigin(request.headers.get("origin"), deps.config);
  const arrival: Arrival = { route, request, url, namespace, verdict };
  const answer = await answerSafely(deps, arrival);
  if (!isProblem(answer)) return isUpgradeRoute(route) ? answer : withCorsHeaders(answer, verdict);
  logProblem(deps, arrival, answer);
  return withCorsHeaders(problemResponse(answer, url.pathname), verdict);
}

async function answerSafely(deps: HttpDeps, arrival: Arrival): Promise<Response | Problem> {
  try {
    return await answerTo(deps, arrival);
  } catch (cause) {
    if (refusalOf(cause) !== undefined) return layoutChanging;
    // A bug: its message is for the log, the caller learns only that there was one.
    return problem(500, "something went wrong here", { note: { event: "http-failed", cause: String(cause) } });
  }
}

async function answerTo(deps: HttpDeps, arrival: Arrival): Promise<Response | Problem> {
  const { route, request, url, namespace, verdict } = arrival;
  const refusal = refusalToServe(request, deps.config);
  if (refusal !== undefined) return refusal;
  if (!deps.config.namespaces.has(namespace)) return problem(404, "no such namespace");
  if (route === undefined) return problem(404, "no such path");
  const allow = allowOf(route);
  if (isPreflight(request)) return preflightResponse(verdict, allow, url.pathname);
  if (verdict.kind === "refused" && isGuarded(request)) return foreignPage(verdict.origin);
  if (request.method === "OPTIONS") return new Response(null, { status: 204, headers: { allow } });
  const operation = operationOf(route, request.method);
  if (operation === undefined) return problem(405, `allowed here: ${allow}`, { headers: { allow } });
  const grant = authenticate(request, url, namespace, operation.requires, deps);
  if (!grant.ok) return grant.error;
  const unserved = await layoutProblem(deps, namespace);
  if (unserved !== undefined) return unserved;
  const answer = await operation.handle({ deps, request, url, namespace, grant: grant.value });
  return isProblem(answer) ? { ...answer, note: { ...answer.note, principal: grant.value.name } } : answer;
}

const safeMethods: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/** What a foreign page must not even send: whatever changes something, and upgrades, which no CORS stops. */
const isGuarded = (request: Request): boolean => !safeMethods.has(request.method) || request.headers.has("upgrade");

const foreignPage = (origin: string): Problem => problem(403, `pages of the origin ${origin} are not allowed here`);

const isUpgradeRoute = (route: Route | undefined): boolean => route?.operations.GET?.isUpgrade === true;

function logProblem(deps: HttpDeps, arrival: Arrival, failure: Problem): void {
  const event = eventOf(arrival, failure);
  if (event === undefined) return;
  const { event: _, isLogged: _isLogged, cause, ...note } = failure.note ?? {};
  deps.log({
    event,
    namespace: arrival.namespace,
    // Without the query, which may hold a token.
    path: arrival.url.pathname,
    status: failure.status,
    reason: cause ?? failure.detail,
    ...(failure.reasonCode === undefined ? {} : { reasonCode: failure.reasonCode }),
    ...note,
  });
}

/** Callers' slips (404, 405, a bad field) are theirs to see; refusals, limits and faults of ours are logged. */
function eventOf(arrival: Arrival, failure: Problem): HttpLogRecord["event"] | undefined {
  if (failure.note?.isLogged === true) return undefined;
  if (failure.note?.event !== undefined) return failure.note.event;
  if (isUpgradeRoute(arrival.route)) return "upgrade-refused";
  if (failure.status === 401) return "http-unauthorized";
  const isLogged = failure.status === 403 || failure.status >= 500 || failure.note?.limit !== undefined;
  return isLogged ? "http-refused" : undefined;
}
