// Plays one dialogue over a transport. Knows framing and the steps, nothing else of MQTT. Beside the dialogue's own
// clients there is a bystander that must come through every dialogue unharmed.

import type { ByteSocket, Transport } from "./byte-socket.ts";
import type { Dialogue, ScriptLine, Step } from "./dialogue.ts";
import {
  describeItems,
  matchBytes,
  parseBytes,
  sizeOf,
  toBytes,
  toHex,
  type Captures,
  type Ids,
  type Version,
} from "./notation.ts";

export interface Stage {
  readonly transport: Transport;
  readonly version: Version;
  readonly ids: Ids;
  /** Called between two steps where a broker may sleep: nothing, or an eviction with the sockets kept. */
  between(): Promise<void>;
  /** Lets seconds go by for the broker. */
  advance(seconds: number): Promise<void>;
}

interface Scene {
  readonly stage: Stage;
  /** Time goes by for shards alone: a relay, which lives in real time, must not stand before them. */
  readonly isAboutTime: boolean;
  readonly captures: Captures;
  readonly sockets: Map<string, ByteSocket>;
}

const SUBPROTOCOL: Record<Version, string> = { 3: "mqttv3.1", 4: "mqtt" };
/**
 * A question that only the session's own shard answers, after all it had for the client: a relay in between answers
 * PINGREQ itself. PUBREL of an unknown packet identifier gets PUBCOMP [MQTT-4.3.3-2 v3.1.1]; no dialogue uses this one.
 */
const BARRIER = "62 02 fffe";
const BARRIER_ANSWER = "70 02 fffe";
const DISCONNECT = Uint8Array.of(0xe0, 0);
const BYSTANDER = "z";

async function open(scene: Scene, client: string, subprotocols: readonly string[]): Promise<ByteSocket> {
  const clientId = scene.isAboutTime ? scene.stage.ids[client.charAt(0)] : undefined;
  const socket = await scene.stage.transport.open({ subprotocols, ...(clientId !== undefined && { clientId }) });
  scene.sockets.set(client, socket);
  return socket;
}

async function socketOf(scene: Scene, client: string): Promise<ByteSocket> {
  const socket = scene.sockets.get(client);
  return socket ?? open(scene, client, [SUBPROTOCOL[scene.stage.version]]);
}

async function send(scene: Scene, client: string, bytes: string): Promise<void> {
  const socket = await socketOf(scene, client);
  socket.send(toBytes(parseBytes(bytes, scene.stage), scene.captures));
}

function problem(socket: ByteSocket, expected: string, got: Uint8Array): Error {
  const end = socket.inbox.ended ? " and the connection is closed" : "";
  const more = socket.inbox.unread.length > 0 ? ` (then ${toHex(socket.inbox.unread)})` : "";
  return new Error(`expected ${expected}; got ${got.length === 0 ? "nothing" : toHex(got)}${more}${end}`);
}

async function expectBytes(scene: Scene, client: string, bytes: string): Promise<void> {
  const socket = await socketOf(scene, client);
  const items = parseBytes(bytes, scene.stage);
  const got = await socket.inbox.read(sizeOf(items));
  if (!matchBytes(items, got, scene.captures)) throw problem(socket, describeItems(items), got);
}

async function expectAnyOrder(scene: Scene, client: string, packets: readonly string[]): Promise<void> {
  const socket = await socketOf(scene, client);
  const waiting = packets.map((packet) => parseBytes(packet, scene.stage));
  while (waiting.length > 0) {
    const got = await socket.inbox.readPacket();
    const at = waiting.findIndex((items) => matchBytes(items, got, scene.captures));
    if (at < 0) throw problem(socket, waiting.map(describeItems).join(" | "), got);
    waiting.splice(at, 1);
  }
}

async function expectOrClosed(scene: Scene, client: string, bytes: string): Promise<void> {
  const socket = await socketOf(scene, client);
  const items = parseBytes(bytes, scene.stage);
  const got = await socket.inbox.read(sizeOf(items));
  if (got.length === 0 && socket.inbox.ended) return;
  if (!matchBytes(items, got, scene.captures)) throw problem(socket, `${describeItems(items)} or the end`, got);
}

async function expectClosed(scene: Scene, client: string): Promise<void> {
  const socket = await socketOf(scene, client);
  if (!(await socket.inbox.closed())) throw problem(socket, "the end", socket.inbox.unread);
  scene.sockets.delete(client);
}

async function expectQuiet(scene: Scene, client: string): Promise<void> {
  await send(scene, client, BARRIER);
  await expectBytes(scene, client, BARRIER_ANSWER);
}

async function connect(scene: Scene, client: string, flags: string, resumed: boolean): Promise<void> {
  await send(scene, client, `CONNECT ${flags} 003c 0003 {${client.charAt(0)}}`);
  await expectBytes(scene, client, resumed ? "20 02 {sp} 00" : "20 02 00 00");
}

async function drop(scene: Scene, client: string): Promise<void> {
  (await socketOf(scene, client)).drop();
  scene.sockets.delete(client);
}

async function disconnect(scene: Scene, client: string): Promise<void> {
  (await socketOf(scene, client)).send(DISCONNECT);
  await expectClosed(scene, client);
}

function differ(scene: Scene, names: readonly string[]): void {
  const values = new Set(names.map((name) => scene.captures.get(name)));
  if (values.size !== names.length) throw new Error(`not all different: ${[...values].join(", ")}`);
}

async function run(scene: Scene, client: string, step: Step): Promise<void> {
  switch (step.kind) {
    case "connect":
      return connect(scene, client, step.flags, step.resumed);
    case "send":
      return send(scene, client, step.bytes);
    case "expect":
      return expectBytes(scene, client, step.bytes);
    case "expectOrClosed":
      return expectOrClosed(scene, client, step.bytes);
    case "expectAnyOrder":
      return expectAnyOrder(scene, client, step.packets);
    case "quiet":
      return expectQuiet(scene, client);
    case "closed":
      return expectClosed(scene, client);
    case "drop":
      return drop(scene, client);
    case "disconnect":
      return disconnect(scene, client);
    case "text":
      return (await socketOf(scene, client)).sendText(step.text);
    case "offer":
      await open(scene, client, step.subprotocols);
      return;
    case "selected":
      return expectSelected(scene, client, step.subprotocol);
    case "advance":
      return scene.stage.advance(step.seconds);
    case "differ":
      return differ(scene, step.names);
  }
}

async function expectSelected(scene: Scene, client: string, subprotocol: string): Promise<void> {
  const selected = (await socketOf(scene, client)).subprotocol;
  if (selected !== subprotocol) throw new Error(`expected sub-protocol ${subprotocol}; got ${selected}`);
}

async function runLine(scene: Scene, line: ScriptLine): Promise<void> {
  try {
    await run(scene, line.client, line.step);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`at «${line.source}»: ${reason}`, { cause: error });
  }
}

/** A connection that waits for its CONNECT or CONNACK has a timer, and keeps the broker awake. */
const mayHibernate = (scene: Scene): boolean => [...scene.sockets.values()].every(({ inbox }) => inbox.hasReceived);

/** Keep-alive 0, so that no dialogue about time touches it. */
async function enterBystander(scene: Scene): Promise<void> {
  await send(scene, BYSTANDER, "CONNECT 02 0000 0003 '{z}'");
  await expectBytes(scene, BYSTANDER, "20 02 00 00");
  await send(scene, BYSTANDER, "82 08 0001 0003 '{z}' 00");
  await expectBytes(scene, BYSTANDER, "90 03 0001 00");
}

async function expectBystanderUnharmed(scene: Scene): Promise<void> {
  await send(scene, BYSTANDER, "32 0a 0003 '{z}' 0001 'yes'");
  await expectAnyOrder(scene, BYSTANDER, ["30 08 0003 '{z}' 'yes'", "40 02 0001"]);
}

async function leave(scene: Scene): Promise<void> {
  for (const socket of scene.sockets.values()) socket.drop();
  await Promise.all([...scene.sockets.values()].map((socket) => socket.inbox.closed()));
}

/**
 * Plays the dialogue to its end.
 *
 * @throws Error that quotes the first step that failed, or says how the bystander was disturbed
 */
export async function play(dialogue: Dialogue, stage: Stage): Promise<void> {
  const isAboutTime = dialogue.lines.some(({ step }) => step.kind === "advance");
  const scene: Scene = { stage, isAboutTime, captures: new Map(), sockets: new Map() };
  try {
    await enterBystander(scene);
    for (const line of dialogue.lines) {
      await runLine(scene, line);
      if (mayHibernate(scene)) await stage.between();
    }
    await expectBystanderUnharmed(scene);
  } finally {
    await leave(scene);
  }
}
