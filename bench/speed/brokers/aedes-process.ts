// Aedes over WebSocket, in a process of its own: `node aedes-process.ts PORT [FOLDER]`. With a folder it keeps sessions and
// messages there on level, else in memory.

import { createServer } from "node:http";
import { createRequire } from "node:module";
import { Aedes } from "aedes";
import { Level } from "level";
import { createWebSocketStream, WebSocketServer } from "ws";

const require = createRequire(import.meta.url);
/** It has no types. */
const persistenceOn = require("aedes-persistence-level") as (db: Level) => unknown;

const [port, folder] = process.argv.slice(2);
const broker = new Aedes(folder === undefined ? {} : { persistence: persistenceOn(new Level(folder)) });
await broker.listen();
const server = createServer();
new WebSocketServer({ server }).on("connection", (socket, request) => {
  broker.handle(createWebSocketStream(socket), request);
});
server.listen(Number(port), "127.0.0.1");
