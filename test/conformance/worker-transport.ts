// The Worker under test as a transport: an upgrade inside workerd, no network.

import { exports } from "cloudflare:workers";
import { Inbox, type ByteSocket, type OpenOptions, type Transport } from "./byte-socket.ts";

const MQTT_URL = "http://broker.localhost/mqtt";

async function open({ subprotocols, clientId }: OpenOptions): Promise<ByteSocket> {
  const url = clientId === undefined ? MQTT_URL : `${MQTT_URL}?clientId=${encodeURIComponent(clientId)}`;
  const headers = { upgrade: "websocket", "sec-websocket-protocol": subprotocols.join(", ") };
  const response = await exports.default.fetch(url, { headers });
  const socket = response.webSocket;
  if (socket === null) throw new Error(`no upgrade: ${response.status} ${await response.text()}`);
  return listen(socket, response.headers.get("sec-websocket-protocol") ?? "");
}

function listen(socket: WebSocket, subprotocol: string): ByteSocket {
  const inbox = new Inbox();
  socket.binaryType = "arraybuffer";
  socket.addEventListener("message", ({ data }) => {
    if (!(data instanceof ArrayBuffer)) throw new Error("the server sent a text frame");
    inbox.push(new Uint8Array(data));
  });
  socket.addEventListener("close", () => inbox.end());
  socket.addEventListener("error", () => inbox.end());
  socket.accept();
  return {
    subprotocol,
    inbox,
    send: (bytes) => socket.send(bytes),
    sendText: (text) => socket.send(text),
    drop: () => socket.close(),
  };
}

export const workerTransport: Transport = { open };
