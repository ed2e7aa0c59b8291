// The TCP bridge: against the broker, and against a scripted WebSocket peer where the broker would not misbehave.

import { once } from "node:events";
import { connect, type AddressInfo, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeAll, afterAll, describe, expect, test } from "vitest";
import { WebSocketServer, type WebSocket } from "ws";
import { startBroker, startScript, type BrokerProcess, type ScriptProcess } from "../../support/broker-process.ts";

// CONNECT of MQTT 3.1.1, clean session, keep-alive 60 s, client id "b".
const CONNECT = Buffer.from([0x10, 13, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 60, 0, 1, 0x62]);
const CONNACK_ACCEPTED = Buffer.from([0x20, 2, 0, 0]);
// DISCONNECT of MQTT 5, Receive Maximum exceeded.
const DISCONNECT = Buffer.from([0xe0, 1, 0x93]);
const MEBIBYTE = 1024 * 1024;
/** More than all socket buffers on the way can hold. */
const FLOOD_MEBIBYTES = 64;

const running: ScriptProcess[] = [];
const peers: WebSocketServer[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((script) => script.killTree()));
  for (const peer of peers.splice(0)) {
    for (const socket of peer.clients) socket.terminate();
    peer.close();
  }
});

/** Starts the bridge on a free port and connects a TCP client to it. */
async function bridge(to: string, args: readonly string[] = []): Promise<Socket> {
  const script = startScript("bridge", ["--listen", "0", "--to", to, ...args]);
  running.push(script);
  const [, port] = await script.said(/MQTT over TCP at \S+:(\d+)/);
  const client = connect(Number(port), "127.0.0.1");
  // A reset is what some of these tests are about, and it comes as an error.
  client.on("error", () => undefined);
  await once(client, "connect");
  return client;
}

interface Peer {
  readonly url: string;
  readonly first: Promise<{ readonly socket: WebSocket; readonly authorization?: string }>;
}

/** A WebSocket peer of our own; resolves its first connection as it comes. */
async function listen(): Promise<Peer> {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0, handleProtocols: () => "mqtt" });
  peers.push(server);
  const first: Peer["first"] = new Promise((resolve) => {
    server.on("connection", (socket, { headers: { authorization } }) =>
      resolve(authorization === undefined ? { socket } : { socket, authorization }),
    );
  });
  await once(server, "listening");
  return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/mqtt`, first };
}

describe("before the broker", () => {
  let broker: BrokerProcess;
  beforeAll(async () => {
    broker = await startBroker();
  });
  afterAll(async () => {
    await broker.stop();
  });

  test("a CONNECT over TCP gets its CONNACK", async () => {
    const client = await bridge(broker.mqttUrl);
    client.write(CONNECT);
    const [answer] = await once(client, "data");
    expect(answer).toEqual(CONNACK_ACCEPTED);
    client.destroy();
  });

  test("--host before an open broker is refused, unless --allow-anonymous says so", async () => {
    const refused = startScript("bridge", ["--listen", "0", "--to", broker.mqttUrl, "--host", "0.0.0.0"]);
    expect(await refused.exited).toEqual({ code: 1, signal: null });
    expect(refused.output()).toMatch(/takes anonymous clients.*--allow-anonymous/);
    const client = await bridge(broker.mqttUrl, ["--host", "127.0.0.1", "--allow-anonymous"]);
    client.destroy();
  });
});

describe("between both ends", () => {
  test("--header goes into the upgrade", async () => {
    const upstream = await listen();
    const client = await bridge(upstream.url, ["--header", "Authorization: Bearer secret"]);
    expect(await upstream.first).toMatchObject({ authorization: "Bearer secret" });
    client.destroy();
  });

  test("a clean end of the client arrives as a Close frame, after all it sent", async () => {
    const upstream = await listen();
    const client = await bridge(upstream.url);
    const { socket } = await upstream.first;
    const received: Buffer[] = [];
    socket.on("message", (data: Buffer) => received.push(data));
    client.end(Buffer.alloc(MEBIBYTE, 7));
    const [code] = await once(socket, "close");
    expect(code).not.toBe(1006);
    expect(Buffer.concat(received)).toHaveLength(MEBIBYTE);
  });

  test("an abrupt loss of the client arrives as an abrupt loss", async () => {
    const upstream = await listen();
    const client = await bridge(upstream.url);
    const { socket } = await upstream.first;
    client.resetAndDestroy();
    const [code] = await once(socket, "close");
    expect(code).toBe(1006);
  });

  test("when the broker closes, the client's connection ends", async () => {
    const upstream = await listen();
    const client = await bridge(upstream.url);
    const { socket } = await upstream.first;
    client.resume();
    socket.close(1000);
    await once(client, "end");
    client.destroy();
  });

  test("a client that goes on sending after the broker closed still gets what the broker said before", async () => {
    const upstream = await listen();
    const client = await bridge(upstream.url);
    const { socket } = await upstream.first;
    const over = once(client, "close");
    socket.send(DISCONNECT);
    socket.close(1000);
    await once(socket, "close");
    // One write alone would still find the connection open.
    for (let written = 0; written < 20; written += 1) {
      client.write(CONNECT);
      await delay(5);
    }
    const received: Buffer[] = [];
    client.on("data", (data: Buffer) => received.push(data));
    const [hadError] = await over;
    expect(Buffer.concat(received)).toEqual(DISCONNECT);
    expect(hadError).toBe(false);
  });

  test("an upstream that cannot be reached ends the client's connection", async () => {
    const client = await bridge("ws://127.0.0.1:9/mqtt");
    client.resume();
    await new Promise((resolve) => client.on("close", resolve));
  });

  test("a peer that does not read stops the bridge from reading", async () => {
    const upstream = await listen();
    const client = await bridge(upstream.url);
    const { socket } = await upstream.first;
    socket.pause();
    const chunk = Buffer.alloc(MEBIBYTE);
    for (let sent = 0; sent < FLOOD_MEBIBYTES; sent += 1) client.write(chunk);
    const drained = once(client, "drain").then(() => "all was read");
    const still = new Promise((resolve) => setTimeout(resolve, 500, "the client waits"));
    expect(await Promise.race([drained, still])).toBe("the client waits");
    const received = new Promise<number>((resolve) => {
      let bytes = 0;
      socket.on("message", (data: Buffer) => {
        bytes += data.length;
        if (bytes === FLOOD_MEBIBYTES * MEBIBYTE) resolve(bytes);
      });
    });
    socket.resume();
    expect(await received).toBe(FLOOD_MEBIBYTES * MEBIBYTE);
    client.destroy();
  });
});
