// Plays one dialogue over a transport. Knows framing and the steps, nothing else of MQTT. Beside the dialogue's own
// clients there is a bystander that must come through every dialogue unharmed.

import type { ByteSocket, Transport } from "./byte-socket.ts";
import type { Dialogue, ScriptLine, Step } from "./dialogue.ts";
import {
  bodyOf,
  describeItems,
  isReason,
  matchBytes,
  matchStart,
  parseBytes,
  sizeOf,
  toBytes,
  toHex,
  variableByteInteger,
  type Captures,
  type Ids,
  type Version,
} from "./notation.ts";

export interface Stage {
  readonly transport: Transport;
  readonly version: Version;
  readonly ids: Ids;
  /** What every CONNACK 0 of MQTT 5 says, in the notation of bytes. */
  readonly connackProperties: string;
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

/** What the machinery itself says and hears; everything else is in the data. */
interface Forms {
  readonly subprotocol: string;
  /** Of CONNECT: the client identifier and, in MQTT 5, the properties with their length before it. */
  connectPayload(clientId: string, properties: string): string;
  /** What stands behind the remaining length of CONNACK 0. */
  connack(sessionPresent: string, properties: string): string;
  /** What comes for PUBREL of a packet identifier that the server does not know. */
  readonly barrierAnswer: string;
  readonly bystander: {
    readonly subscribe: string;
    readonly suback: string;
    readonly publish: string;
    readonly answers: readonly string[];
  };
}

const FORMS_3: Forms = {
  subprotocol: "mqttv3.1",
  connectPayload: (clientId) => `0003 '${clientId}'`,
  connack: (sessionPresent) => `${sessionPresent} 00`,
  barrierAnswer: "70 02 fffe",
  bystander: {
    subscribe: "82 08 0001 0003 '{z}' 00",
    suback: "90 03 0001 00",
    publish: "32 0a 0003 '{z}' 0001 'yes'",
    answers: ["30 08 0003 '{z}' 'yes'", "40 02 0001"],
  },
};

const FORMS: Record<Version, Forms> = {
  3: FORMS_3,
  4: { ...FORMS_3, subprotocol: "mqtt" },
  5: {
    subprotocol: "mqtt",
    connectPayload: (clientId, properties) => `${properties} 0003 '${clientId}'`,
    connack: (sessionPresent, properties) => `${sessionPresent} 00 ${properties}`,
    barrierAnswer: "70 03 fffe 92",
    bystander: {
      subscribe: "82 09 0001 00 0003 '{z}' 00",
      suback: "90 04 0001 00 00",
      publish: "32 0b 0003 '{z}' 0001 00 'yes'",
      answers: ["30 09 0003 '{z}' 00 'yes'", "40 02 0001"],
    },
  },
};

/**
 * A question that only the session's own shard answers, after all it had for the client: a relay in between answers
 * PINGREQ itself. PUBREL of an unknown packet identifier gets PUBCOMP [MQTT-4.3.3-2 v3.1.1]; no dialogue uses this one.
 */
const BARRIER = "62 02 fffe";
const CONNACK = 0x20;
const DISCONNECT = 0xe0;
const BYSTANDER = "z";

const formsOf = (scene: Scene): Forms => FORMS[scene.stage.version];

async function open(scene: Scene, client: string, subprotocols: readonly string[]): Promise<ByteSocket> {
  const clientId = scene.isAboutTime ? scene.stage.ids[client.charAt(0)] : undefined;
  const socket = await scene.stage.transport.open({ subprotocols, ...(clientId !== undefined && { clientId }) });
  scene.sockets.set(client, socket);
  return socket;
}

async function socketOf(scene: Scene, client: string): Promise<ByteSocket> {
  const socket = scene.sockets.get(client);
  return socket ?? open(scene, client, [formsOf(scene).subprotocol]);
}

async function send(scene: Scene, client: string, bytes: string): Promise<void> {
  const socket = await socketOf(scene, client);
  if (socket.inbox.ended) throw problem(socket, "an open connection", new Uint8Array(0));
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

async function expectStart(scene: Scene, client: string, bytes: string): Promise<void> {
  const socket = await socketOf(scene, client);
  const items = parseBytes(bytes, scene.stage);
  const got = await socket.inbox.readPacket();
  if (!matchStart(items, got, scene.captures)) throw problem(socket, `${describeItems(items)} …`, got);
}

/** The last packet that the server sends: its body begins like this and ends with a reason or nothing. */
async function expectEnd(scene: Scene, client: string, firstByte: number, start: string): Promise<void> {
  const socket = await socketOf(scene, client);
  const items = parseBytes(start, scene.stage);
  const got = await socket.inbox.readPacket();
  const body = bodyOf(got);
  const isExpected =
    got[0] === firstByte &&
    matchBytes(items, body.subarray(0, sizeOf(items)), scene.captures) &&
    isReason(body.subarray(sizeOf(items)));
  if (!isExpected) throw problem(socket, `${firstByte.toString(16)} with ${start} and a reason`, got);
  await expectClosed(scene, client);
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
  await expectBytes(scene, client, formsOf(scene).barrierAnswer);
}

type ConnectStep = Extract<Step, { readonly kind: "connect" }>;

/** As in the data, with the length before it. */
function withLength(scene: Scene, bytes: string): string {
  const length = variableByteInteger(sizeOf(parseBytes(bytes, scene.stage)));
  return `${toHex(Uint8Array.from(length))} ${bytes}`;
}

/** CONNACK 0 comes next. */
function expectAccepted(scene: Scene, client: string, sessionPresent: string): Promise<void> {
  const properties = withLength(scene, scene.stage.connackProperties);
  return expectBytes(scene, client, `20 ${withLength(scene, formsOf(scene).connack(sessionPresent, properties))}`);
}

async function connect(scene: Scene, client: string, step: ConnectStep): Promise<void> {
  const { connectPayload } = formsOf(scene);
  const payload = connectPayload(`{${client.charAt(0)}}`, withLength(scene, step.properties));
  await send(scene, client, `CONNECT ${step.flags} 003c ${payload}`);
  await expectAccepted(scene, client, step.resumed ? "{sp}" : "00");
}

/** The loss has reached the broker when its answer is here: what time does next depends on which came first. */
async function drop(scene: Scene, client: string): Promise<void> {
  const socket = await socketOf(scene, client);
  socket.drop();
  await socket.inbox.closed();
  scene.sockets.delete(client);
}

async function disconnect(scene: Scene, client: string): Promise<void> {
  await send(scene, client, "e0 00");
  await expectClosed(scene, client);
}

function differ(scene: Scene, names: readonly string[]): void {
  const valueOf = (name: string): string =>
    name
      .split("+")
      .map((part) => scene.captures.get(part))
      .join("+");
  const values = new Set(names.map(valueOf));
  if (values.size !== names.length) throw new Error(`not all different: ${[...values].join(", ")}`);
}

async function run(scene: Scene, client: string, step: Step): Promise<void> {
  switch (step.kind) {
    case "connect":
      return connect(scene, client, step);
    case "send":
      return send(scene, client, step.bytes);
    case "expect":
      return expectBytes(scene, client, step.bytes);
    case "expectStart":
      return expectStart(scene, client, step.bytes);
    case "told":
      return expectEnd(scene, client, DISCONNECT, step.reasonCode);
    case "refused":
      return expectEnd(scene, client, CONNACK, `00 ${step.reasonCode}`);
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
const mayHibernate = (scene: Scene): boolean => [...scene.sockets.values()].every(({ inbox }) => inbox.hasConnack);

/** Keep-alive 0, so that no dialogue about time touches it. */
async function enterBystander(scene: Scene): Promise<void> {
  const { connectPayload, bystander } = formsOf(scene);
  await send(scene, BYSTANDER, `CONNECT 02 0000 ${connectPayload("{z}", "00")}`);
  await expectAccepted(scene, BYSTANDER, "00");
  await send(scene, BYSTANDER, bystander.subscribe);
  await expectBytes(scene, BYSTANDER, bystander.suback);
}

async function expectBystanderUnharmed(scene: Scene): Promise<void> {
  const { bystander } = formsOf(scene);
  await send(scene, BYSTANDER, bystander.publish);
  await expectAnyOrder(scene, BYSTANDER, bystander.answers);
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
