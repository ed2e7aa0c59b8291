// SCRAM-SHA-256 over real sockets, through the Worker's door: at one shard straight to it, at three also through a relay.
// The users are those of test/support/scram-users.ts.

import { env } from "cloudflare:workers";
import type { IAuthPacket, IConnackPacket, IConnectPacket, IDisconnectPacket } from "mqtt-packet";
import { describe, expect, test } from "vitest";
import { configOf } from "../../src/config.ts";
import { createHttpApp } from "../../src/http/router.ts";
import { httpDeps } from "../../src/worker-deps.ts";
import { settleAndEvict } from "../support/evict.ts";
import { ScramClient } from "../support/scram-client.ts";
import { namespaces, passwords } from "../support/scram-users.ts";
import { connect, kindOf, messageOf, MqttSocket, publish, subscribe } from "./mqtt-socket.ts";

const method = "SCRAM-SHA-256";
const [continueAuthentication, reAuthenticate] = [0x18, 0x19] as const;
/** `CONNECT_TIMEOUT_MS` of the project. */
const timeToAnswerMs = 1_000;

type Door = { readonly shards: 1 | 3; readonly way: "in CONNECT" | "in the URL" };

const apps = new Map<number, ReturnType<typeof createHttpApp>>();

function appOf(shards: 1 | 3): ReturnType<typeof createHttpApp> {
  const known = apps.get(shards);
  if (known !== undefined) return known;
  const config = configOf({ ...env, SHARDS: String(shards) });
  if (!config.ok) throw new Error(JSON.stringify(config.error));
  const app = createHttpApp(httpDeps(env, config.value));
  apps.set(shards, app);
  return app;
}

let clients = 0;

/** A socket that has said nothing, and the id for its CONNECT. */
async function open(
  { shards, way }: Door,
  clientId = `client-${(clients += 1)}`,
): Promise<{ socket: MqttSocket; clientId: string }> {
  const query = way === "in the URL" ? `?clientId=${clientId}` : "";
  const headers = { upgrade: "websocket", "sec-websocket-protocol": "mqtt" };
  const url = `http://localhost/n/${namespaces[shards]}/mqtt${query}`;
  const { webSocket } = await appOf(shards).fetch(new Request(url, { headers }));
  if (webSocket === null || webSocket === undefined) throw new Error("no upgrade");
  return { socket: new MqttSocket(webSocket, 5), clientId };
}

const auth = (reasonCode: number, authenticationData: Buffer, authenticationMethod = method): IAuthPacket => ({
  cmd: "auth",
  reasonCode,
  properties: { authenticationMethod, authenticationData },
});

const connectWith = (clientId: string, data: Buffer | undefined, more: Partial<IConnectPacket> = {}): IConnectPacket =>
  connect(clientId, {
    protocolVersion: 5,
    ...more,
    properties: { authenticationMethod: method, ...(data && { authenticationData: data }), ...more.properties },
  });

/** The library takes a text too, and no Buffer but one of its own bundle. */
const withPassword = (clientId: string, password: string): IConnectPacket =>
  connect(clientId, { protocolVersion: 5, username: "alice", password: password as unknown as Buffer });

async function nextAuth(socket: MqttSocket): Promise<IAuthPacket> {
  const packet = await socket.next();
  if (typeof packet === "string" || packet.cmd !== "auth") throw new Error(`no AUTH but ${JSON.stringify(packet)}`);
  return packet;
}

const dataOf = (packet: IAuthPacket): Buffer => packet.properties?.authenticationData ?? Buffer.alloc(0);

async function answer(socket: MqttSocket, client: ScramClient): Promise<void> {
  socket.send(auth(continueAuthentication, client.final(dataOf(await nextAuth(socket)))));
}

/** CONNECT and the exchange, up to what ends it. */
async function logIn(door: Door, username: string, password: string, more: Partial<IConnectPacket> = {}) {
  const { socket, clientId } = await open(door, more.clientId);
  const client = new ScramClient(username, password);
  socket.send(connectWith(clientId, client.first, more));
  await answer(socket, client);
  const end = await socket.next();
  return { socket, client, end: end as IConnackPacket };
}

async function loggedIn(door: Door, more: Partial<IConnectPacket> = {}): Promise<MqttSocket> {
  const { socket, end } = await logIn(door, "alice", passwords.alice, more);
  expect(end).toMatchObject({ cmd: "connack", reasonCode: 0 });
  return socket;
}

/** The CONNACK that refuses, and then the end. */
async function refusal(socket: MqttSocket): Promise<number | undefined> {
  const packet = (await socket.next()) as IConnackPacket;
  expect(packet).toMatchObject({ cmd: "connack", sessionPresent: false });
  expect(packet.properties ?? {}).not.toHaveProperty("reasonString");
  expect(await socket.closed()).toBe(true);
  return packet.reasonCode;
}

/** The DISCONNECT of the server, and then the end. */
async function dismissal(socket: MqttSocket): Promise<number | undefined> {
  const packet = (await socket.next()) as IDisconnectPacket;
  expect(packet).toMatchObject({ cmd: "disconnect" });
  expect(await socket.closed()).toBe(true);
  return packet.reasonCode;
}

describe.each<Door>([
  { shards: 1, way: "in CONNECT" },
  { shards: 3, way: "in the URL" },
  { shards: 3, way: "in CONNECT" },
])("$shards shards, the client id $way", (door) => {
  test("[MQTT-4.12.0-2] [MQTT-4.12.0-3] [MQTT-4.12.0-5] the right password lets in, and CONNACK proves that the server knows it", async () => {
    const { socket, clientId } = await open(door);
    const client = new ScramClient("alice", passwords.alice);
    socket.send(connectWith(clientId, client.first));
    const challenge = await nextAuth(socket);
    expect([challenge.reasonCode, challenge.properties?.authenticationMethod]).toEqual([0x18, method]);
    socket.send(auth(continueAuthentication, client.final(dataOf(challenge))));
    const connack = (await socket.next()) as IConnackPacket;
    expect([connack.cmd, connack.reasonCode, connack.properties?.authenticationMethod]).toEqual(["connack", 0, method]);
    expect(client.verifies(connack.properties?.authenticationData)).toBe(true);
    socket.drop();
  });

  test("the user is the one that the password belongs to: its access rules hold", async () => {
    const socket = await loggedIn(door, { username: "bob" });
    socket.send(subscribe(1, "alice/t", "bob/t"));
    expect(await socket.next()).toMatchObject({ cmd: "suback", granted: [1, 0x87] });
    socket.send(publish("alice/t", { qos: 1, messageId: 1 }), publish("bob/t", { qos: 1, messageId: 2 }));
    const answers = await socket.take(3);
    expect(answers.filter((packet) => kindOf(packet) === "publish").map(messageOf)).toEqual(["alice/t=x q1"]);
    expect(answers).toContainEqual(expect.objectContaining({ cmd: "puback", messageId: 2, reasonCode: 0x87 }));
    socket.drop();
  });

  test("a client that names only the method is asked to begin", async () => {
    const { socket, clientId } = await open(door);
    const client = new ScramClient("alice", passwords.alice);
    socket.send(connectWith(clientId, undefined));
    expect(dataOf(await nextAuth(socket))).toHaveLength(0);
    socket.send(auth(continueAuthentication, client.first));
    await answer(socket, client);
    expect(await socket.next()).toMatchObject({ cmd: "connack", reasonCode: 0 });
    socket.drop();
  });

  test("[MQTT-4.12.0-4] a wrong password and an unknown user get CONNACK 0x86, after the same steps, and the end", async () => {
    for (const [username, password] of [
      ["alice", passwords.bob],
      ["alice", ""],
      ["nobody", passwords.alice],
    ] as const) {
      const { socket, end } = await logIn(door, username, password);
      expect([end.cmd, end.reasonCode, end.properties?.reasonString]).toEqual(["connack", 0x86, undefined]);
      expect(await socket.closed()).toBe(true);
    }
  });

  test("[MQTT-4.12.0-1] a method that is not served gets CONNACK 0x8C", async () => {
    for (const authenticationMethod of ["SCRAM-SHA-1", "scram-sha-256", "PLAIN"]) {
      const { socket, clientId } = await open(door);
      const { first } = new ScramClient("alice", passwords.alice);
      socket.send(connectWith(clientId, first, { properties: { authenticationMethod, authenticationData: first } }));
      expect(await refusal(socket)).toBe(0x8c);
    }
  });

  test("[MQTT-4.12.0-4] data that is no SCRAM gets CONNACK 0x87, at the first step and at the second", async () => {
    const early = await open(door);
    early.socket.send(connectWith(early.clientId, Buffer.from("hello")));
    expect(await refusal(early.socket)).toBe(0x87);
    const late = await open(door);
    late.socket.send(connectWith(late.clientId, new ScramClient("alice", passwords.alice).first));
    await nextAuth(late.socket);
    late.socket.send(auth(continueAuthentication, Buffer.from("hello")));
    expect(await refusal(late.socket)).toBe(0x87);
  });

  test("another client's answer does not fit: every exchange has its own nonce", async () => {
    const pair = await Promise.all([0, 1].map(() => open(door)));
    const scrams = pair.map(() => new ScramClient("alice", passwords.alice, "same"));
    const challenges: Buffer[] = [];
    for (const [at, { socket, clientId }] of pair.entries()) {
      socket.send(connectWith(clientId, scrams[at]?.first));
      challenges.push(dataOf(await nextAuth(socket)));
    }
    expect(challenges[0]).not.toEqual(challenges[1]);
    const stolen = scrams[0]?.final(challenges[0] ?? Buffer.alloc(0)) ?? Buffer.alloc(0);
    pair[1]?.socket.send(auth(continueAuthentication, stolen));
    expect(await refusal(pair[1]?.socket as MqttSocket)).toBe(0x87);
    pair[0]?.socket.drop();
  });

  test("[MQTT-4.12.0-6] without a method no AUTH comes: user name and password decide", async () => {
    const get = async (password: string): Promise<IConnackPacket> => {
      const { socket, clientId } = await open(door);
      socket.send(withPassword(clientId, password));
      return (await socket.next()) as IConnackPacket;
    };
    const good = await get(passwords.alice);
    expect([good.cmd, good.reasonCode]).toEqual(["connack", 0]);
    expect(good.properties).not.toHaveProperty("authenticationMethod");
    expect((await get("wrong")).reasonCode).toBe(0x86);
  });

  test("[MQTT-3.1.2-30] a PUBLISH between the AUTH packets ends it with CONNACK 0x82", async () => {
    const { socket, clientId } = await open(door);
    socket.send(connectWith(clientId, new ScramClient("alice", passwords.alice).first));
    await nextAuth(socket);
    socket.send(publish("alice/t"));
    const connack = (await socket.next()) as IConnackPacket;
    expect([connack.cmd, connack.reasonCode, await socket.closed()]).toEqual(["connack", 0x82, true]);
  });

  test("silence after the server's AUTH ends it with CONNACK 0x87 when the time to answer is over", async () => {
    const { socket, clientId } = await open(door);
    socket.send(connectWith(clientId, new ScramClient("alice", passwords.alice).first));
    await nextAuth(socket);
    const startMs = performance.now();
    const connack = (await socket.next()) as IConnackPacket;
    expect(performance.now() - startMs).toBeGreaterThan(timeToAnswerMs * 0.9);
    expect([connack.cmd, connack.reasonCode, await socket.closed()]).toEqual(["connack", 0x87, true]);
  });

  test("[MQTT-4.12.1-1] a client authenticates anew while messages flow, also after the shards have slept", async () => {
    const socket = await loggedIn(door);
    socket.send(subscribe(0, "alice/t"));
    expect(kindOf(await socket.next())).toBe("suback");
    await settleAndEvict();
    const again = new ScramClient("alice", passwords.alice);
    socket.send(auth(reAuthenticate, again.first));
    const challenge = await nextAuth(socket);
    expect(challenge.reasonCode).toBe(0x18);
    socket.send(publish("alice/t", { payload: "meanwhile" }));
    expect(messageOf(await socket.next())).toBe("alice/t=meanwhile q0");
    socket.send(auth(continueAuthentication, again.final(dataOf(challenge))));
    const end = await nextAuth(socket);
    expect([end.reasonCode ?? 0, end.properties?.authenticationMethod]).toEqual([0, method]);
    expect(again.verifies(end.properties?.authenticationData)).toBe(true);
    socket.send(publish("alice/t", { payload: "later" }));
    expect(messageOf(await socket.next())).toBe("alice/t=later q0");
    socket.drop();
  });

  test("[MQTT-4.12.1-2] a wrong password, and another user's right one, end a re-authentication with DISCONNECT 0x87", async () => {
    const wrong = await loggedIn(door);
    const client = new ScramClient("alice", "wrong");
    wrong.send(auth(reAuthenticate, client.first));
    await answer(wrong, client);
    expect(await dismissal(wrong)).toBe(0x87);
    const other = await loggedIn(door);
    other.send(auth(reAuthenticate, new ScramClient("bob", passwords.bob).first));
    expect(await dismissal(other)).toBe(0x87);
  });

  test("[MQTT-4.12.1-1] a re-authentication with another method ends the connection with DISCONNECT 0x82", async () => {
    const socket = await loggedIn(door);
    socket.send(auth(reAuthenticate, Buffer.from("x"), "PLAIN"));
    expect(await dismissal(socket)).toBe(0x82);
  });

  test("[MQTT-4.12.0-7] AUTH of a client that named no method ends the connection with DISCONNECT 0x82", async () => {
    const { socket, clientId } = await open(door);
    socket.send(withPassword(clientId, passwords.alice));
    expect(await socket.next()).toMatchObject({ cmd: "connack", reasonCode: 0 });
    socket.send(auth(reAuthenticate, new ScramClient("alice", passwords.alice).first));
    expect(await dismissal(socket)).toBe(0x82);
  });

  test("silence in a re-authentication ends the connection with DISCONNECT 0x87", async () => {
    const socket = await loggedIn(door);
    socket.send(auth(reAuthenticate, new ScramClient("alice", passwords.alice).first));
    await nextAuth(socket);
    expect(await dismissal(socket)).toBe(0x87);
  });

  test("a client that leaves in the middle leaves nothing behind: its id is free", async () => {
    const { socket, clientId } = await open(door);
    socket.send(connectWith(clientId, new ScramClient("alice", passwords.alice).first));
    await nextAuth(socket);
    socket.drop();
    const again = await loggedIn(door, { clientId });
    expect(await again.rest()).toEqual([]);
    again.drop();
  });
});
