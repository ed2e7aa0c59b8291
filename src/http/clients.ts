// `/api/v5/clients/{clientid}`: a client of the namespace. DELETE closes its connection, as in EMQX, and leaves the session.

import { fail, ok, type ClientId, type Result } from "../core/brand.ts";
import { refusalOf } from "../core/layout-refusal.ts";
import { shardOfClient } from "../core/placement.ts";
import { reasonCode } from "../core/reason-code.ts";
import type { Exchange } from "./deps.ts";
import { layoutChanging, withLayout } from "./layout-check.ts";
import { problem, type Problem } from "./problem.ts";

/** Closes the client's connection, with DISCONNECT 0x98 where it speaks MQTT 5: 204, or 404 where it is not connected. */
export async function handleClientDelete(exchange: Exchange): Promise<Response | Problem> {
  const { deps, namespace, grant } = exchange;
  const clientId = clientIdOf(exchange.url);
  if (!clientId.ok) return clientId.error;
  const who = { namespace, principal: grant.name, clientId: clientId.value };
  let isDisconnected: boolean;
  try {
    isDisconnected = await withLayout(exchange, (layout) =>
      deps.shard(namespace, shardOfClient(clientId.value as ClientId, layout)).disconnectClient(clientId.value),
    );
  } catch (cause) {
    if (refusalOf(cause) !== undefined) return layoutChanging;
    deps.log({ event: "shard-unreachable", ...who, reason: String(cause) });
    return problem(503, "the client's shard did not answer", { note: { isLogged: true } });
  }
  if (!isDisconnected) return problem(404, "no client of this identifier is connected");
  const code = reasonCode.administrativeAction;
  deps.log({ event: "client-disconnected", ...who, reasonCode: code, reason: "closed over HTTP" });
  return new Response(null, { status: 204 });
}

/** The last level of the path, percent-decoded once: identifiers may hold a `/`. */
function clientIdOf(url: URL): Result<string, Problem> {
  const encoded = url.pathname.slice(url.pathname.lastIndexOf("/") + 1);
  try {
    return ok(decodeURIComponent(encoded));
  } catch {
    return fail(problem(400, "the client identifier is not percent-encoded UTF-8"));
  }
}
