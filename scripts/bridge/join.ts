// One TCP client and its WebSocket, joined: bytes both ways with backpressure, and each end's way of closing shown to
// the other.

import type { Socket } from "node:net";
import { Writable } from "node:stream";
import { createWebSocketStream, WebSocket } from "ws";

const TCP_KEEP_ALIVE_MS = 60_000;
/** How long a client may keep its end open after the broker closed. */
const LINGER_MS = 5_000;
/** What `ws` reports when the connection was lost without a Close frame. */
const ABNORMAL = 1006;

/**
 * A clean end of one side ends the other cleanly, after what was sent before; an abrupt loss of one side cuts the
 * other, so that the broker sees what it would have seen and publishes the will.
 */
export function join(client: Socket, socket: WebSocket): void {
  client.setNoDelay(true);
  client.setKeepAlive(true, TCP_KEEP_ALIVE_MS);
  client.on("error", () => socket.terminate());
  socket.on("error", () => {}); // "close" follows and says the rest
  socket.on("close", (code) => {
    if (code === ABNORMAL) client.resetAndDestroy();
    else client.setTimeout(LINGER_MS, () => client.destroy());
  });
  // pipe() stops reading from one side while the other cannot take more, and passes a clean end on.
  client.pipe(sinkOf(socket));
  createWebSocketStream(socket).pipe(client);
}

/**
 * Takes what the client sends. What comes after the broker's Close frame is read and thrown away: a client that does not
 * read yet would otherwise be cut, and lose the DISCONNECT that says why [MQTT-4.13.1].
 */
function sinkOf(socket: WebSocket): Writable {
  const send = (chunk: Buffer, done: () => void): void => {
    if (socket.readyState === WebSocket.OPEN) socket.send(chunk, () => done());
    else done();
  };
  return new Writable({
    write: (chunk: Buffer, _, done) => {
      if (socket.readyState === WebSocket.CONNECTING) socket.once("open", () => send(chunk, done));
      else send(chunk, done);
    },
    final: (done) => {
      socket.close();
      done();
    },
  });
}
