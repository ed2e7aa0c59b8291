// `GET /`: for somebody who opened the broker's address in a browser.

import type { Exchange } from "./deps.ts";

export function handleLanding({ url }: Exchange): Response {
  const base = url.pathname.replace(/\/$/u, "");
  const socketScheme = url.protocol === "https:" ? "wss" : "ws";
  return new Response(landingText(`${url.origin}${base}`, `${socketScheme}://${url.host}${base}`), {
    headers: { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" },
  });
}

const landingText = (http: string, webSocket: string): string => `Durable MQTT, an MQTT broker.

try it in a browser   ${http}/example/
MQTT over WebSocket   ${webSocket}/mqtt
publish JSON          POST ${http}/api/v5/publish
publish many          POST ${http}/api/v5/publish/bulk
publish a raw body    POST ${http}/topics/{topic}
retained value        GET, PUT, DELETE ${http}/topics/{topic}
close a connection    DELETE ${http}/api/v5/clients/{clientid}
health                GET ${http}/healthz
metrics               GET ${http}/metrics
backup                GET, POST ${http}/backup
OpenAPI document      GET ${http}/openapi.json
`;
