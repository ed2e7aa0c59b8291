// `GET /mqtt`: what is checked before a request becomes a WebSocket. Credentials are not: they come in CONNECT.

import type { Exchange } from "./deps.ts";
import { problem, type Problem } from "./problem.ts";

/** `mqtt` wherever it is offered [MQTT-6.0.0-4]; the other is that of MQTT 3.1. */
const knownProtocols = ["mqtt", "mqttv3.1"] as const;

/**
 * Hands an upgrade on with the one sub-protocol to echo: browsers drop a connection whose 101 names none of theirs
 * [MQTT-6.0.0-3, MQTT-6.0.0-4].
 */
export async function handleUpgrade(exchange: Exchange): Promise<Response | Problem> {
  const { request, deps, namespace } = exchange;
  if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") return upgradeRequired;
  const offered = offeredProtocols(request.headers);
  const selected = knownProtocols.find((name) => offered.includes(name));
  if (offered.length > 0 && selected === undefined) return unknownProtocol;
  return deps.upgrade(offered.length > 1 ? offeringOnly(request, selected) : request, namespace);
}

const upgradeRequired = problem(426, "MQTT is spoken over a WebSocket here", {
  headers: { upgrade: "websocket", connection: "Upgrade" },
});

const unknownProtocol = problem(400, "none of the offered WebSocket sub-protocols is mqtt or mqttv3.1", {
  message: "sub_protocol_unknown",
});

function offeredProtocols(headers: Headers): string[] {
  const names = headers.get("sec-websocket-protocol")?.split(",") ?? [];
  return names.map((name) => name.trim()).filter((name) => name !== "");
}

function offeringOnly(request: Request, protocol: string | undefined): Request {
  const headers = new Headers(request.headers);
  if (protocol !== undefined) headers.set("sec-websocket-protocol", protocol);
  return new Request(request, { headers });
}
