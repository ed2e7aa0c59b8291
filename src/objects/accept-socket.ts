// How a shard takes a WebSocket. Hibernating, the platform keeps it while the object sleeps. Accepted by the object itself
// (`SOCKETS=accept`) it keeps the object awake, which is billed on Cloudflare and costs nothing on one's own machine, and
// each message costs less. The same handlers hear what comes of it.

import type { SocketMode } from "../config.ts";

export interface SocketHandlers {
  webSocketMessage(ws: WebSocket, message: ArrayBuffer | string): void;
  webSocketClose(ws: WebSocket, code: number): void;
  webSocketError(ws: WebSocket): void;
}

export function acceptSocket(mode: SocketMode, ctx: DurableObjectState, ws: WebSocket, handlers: SocketHandlers): void {
  if (mode === "hibernate") {
    ctx.acceptWebSocket(ws);
    return;
  }
  ws.binaryType = "arraybuffer"; // a Blob by default, which would have to be awaited
  // The handler answers a close, once what the client lost with it is done; else the runtime would, before it.
  ws.accept({ allowHalfOpen: true });
  ws.addEventListener("message", ({ data }) => handlers.webSocketMessage(ws, data as ArrayBuffer | string));
  ws.addEventListener("close", ({ code }) => handlers.webSocketClose(ws, code));
  ws.addEventListener("error", () => handlers.webSocketError(ws));
}

/**
 * Always closed from here too, also where the connection is lost already: else a hibernating socket keeps its two
 * descriptors until the object sleeps, which a busy one never does (workerd 1.20261117.1; after an error of the WebSocket
 * protocol nothing helps). Codes that may not be sent (1005, 1006) are answered with 1000.
 */
export function answerClose(ws: WebSocket, code: number): void {
  for (const answer of [code, normalClosure]) {
    try {
      ws.close(answer);
      return;
    } catch {
      // may not be sent, or the socket is closed
    }
  }
}

const normalClosure = 1000;
