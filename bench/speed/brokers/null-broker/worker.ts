// The null broker: what a broker on this runtime cannot be faster than. One object receives and sends the frames that MQTT
// clients expect, and does nothing else: no validation, no access control, no expiry, no flow control. Packets are
// taken whole from each WebSocket message, as the load generator sends them.

import { DurableObject } from "cloudflare:workers";
import { Client, type Fault, type Subscription } from "./client.ts";
import {
  connackPacket,
  connectPacket,
  disconnectPacket,
  Frame,
  Incoming,
  pingreqPacket,
  pingrespPacket,
  pubackPacket,
  pubcompPacket,
  publishPacket,
  pubrecPacket,
  pubrelFlags,
  pubrelPacket,
  readConnect,
  readSubscribe,
  readUint16,
  readVarint,
  subackPacket,
  subscribePacket,
  typeBits,
  varint,
} from "./codec.ts";
import { Filters } from "./filters.ts";

interface Bindings {
  readonly NULL_BROKER: DurableObjectNamespace<NullBroker>;
  /** `accept` for sockets that keep the object awake. */
  readonly SOCKETS?: string;
  /** `row`: whatever is acknowledged is in a row before. */
  readonly WRITES?: string;
  readonly FAULT?: Fault;
}

const socketBytesAtMost = 65_536;
const totalBytesAtMost = 8_388_608;
/** Rows are reused; a bench of minutes would fill the disk. */
const rows = 1_024;
const faultEvery = 1_000;
const qosLevels = 3;

const pingresp = Uint8Array.of(pingrespPacket << typeBits, 0);
const scratch = new Uint8Array(4);
const topicText = new TextDecoder();

export class NullBroker extends DurableObject<Bindings> {
  readonly #writes: boolean;
  readonly #fault: Fault | undefined;
  readonly #clients = new Map<WebSocket, Client>();
  /** Of clients with clean session off, also while they are away. */
  readonly #kept = new Map<string, Client>();
  readonly #filters = new Filters<Subscription>();
  readonly #retained = new Map<string, Uint8Array>();
  readonly #waiting: Client[] = [];
  readonly #incoming = new Incoming();
  /** By version and QoS. */
  readonly #frames = Array.from({ length: 2 * qosLevels }, () => new Frame());
  readonly #isEncoded = new Uint8Array(2 * qosLevels);
  #unsent = 0;
  #isTimed = false;
  /** Acknowledged messages that a row must hold first. */
  #unwritten: Uint8Array[] = [];
  #row = 0;
  #deliveries = 0;
  #late: { readonly client: Client; readonly bytes: Uint8Array } | undefined;

  constructor(state: DurableObjectState, env: Bindings) {
    super(state, env);
    this.#writes = env.WRITES === "row";
    this.#fault = env.FAULT;
    if (this.#writes) {
      state.storage.sql.exec("CREATE TABLE IF NOT EXISTS log (position INTEGER PRIMARY KEY, data BLOB)");
    }
  }

  override fetch(request: Request): Response {
    const { 0: theirs, 1: ours } = new WebSocketPair();
    if (this.env.SOCKETS === "accept") this.#accept(ours);
    else this.ctx.acceptWebSocket(ours);
    const offered = request.headers.get("sec-websocket-protocol");
    const headers = offered === null ? {} : { "sec-websocket-protocol": "mqtt" };
    return new Response(null, { status: 101, webSocket: theirs, headers });
  }

  #accept(socket: WebSocket): void {
    socket.accept();
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", ({ data }) => this.webSocketMessage(socket, data as ArrayBuffer));
    socket.addEventListener("close", () => this.webSocketClose(socket));
  }

  override webSocketMessage(socket: WebSocket, message: ArrayBuffer | string): void {
    if (typeof message === "string") return;
    const bytes = new Uint8Array(message);
    let start = 0;
    while (start < bytes.length) {
      readVarint(bytes, start + 1);
      const body = varint.next;
      const end = body + varint.value;
      this.#take(socket, bytes, start, body, end);
      start = end;
    }
  }

  override webSocketClose(socket: WebSocket): void {
    const client = this.#clients.get(socket);
    this.#clients.delete(socket);
    if (client?.socket === socket) this.#leave(client);
    try {
      socket.close();
    } catch {
      // It is closed already.
    }
  }

  #leave(client: Client): void {
    client.socket = undefined;
    if (client.isClean) this.#forget(client);
  }

  #forget({ clientId, filters }: Client): void {
    for (const filter of filters) this.#filters.remove(filter, ({ client }) => client.clientId === clientId);
    this.#kept.delete(clientId);
  }

  #take(socket: WebSocket, bytes: Uint8Array, start: number, body: number, end: number): void {
    const first = bytes[start] ?? 0;
    const type = first >> typeBits;
    if (type === connectPacket) {
      this.#connect(socket, bytes, body);
      return;
    }
    const client = this.#clients.get(socket);
    if (client === undefined) return;
    switch (type) {
      case publishPacket:
        this.#incoming.read(bytes, first, body, end, client.isVersion5);
        this.#publish(client);
        break;
      case pubrecPacket:
        this.#answer(client, (pubrelPacket << typeBits) | pubrelFlags, readUint16(bytes, body));
        break;
      case pubrelPacket:
        this.#answer(client, pubcompPacket << typeBits, readUint16(bytes, body));
        break;
      case subscribePacket:
        this.#subscribe(client, bytes, body, end);
        break;
      case pingreqPacket:
        client.append(pingresp, pingresp.length);
        this.#wait(client, pingresp.length);
        break;
      case disconnectPacket:
        this.webSocketClose(socket);
        break;
      default: // Acknowledgements that end a delivery: there is no window.
    }
  }

  #connect(socket: WebSocket, bytes: Uint8Array, body: number): void {
    const { isVersion5, isClean, clientId } = readConnect(bytes, body);
    const former = this.#kept.get(clientId);
    const isPresent = former !== undefined && !isClean;
    if (former !== undefined && isClean) this.#forget(former);
    const client = isPresent ? former : new Client(clientId);
    Object.assign(client, { isVersion5, isClean, socket });
    this.#clients.set(socket, client);
    if (!isClean) this.#kept.set(clientId, client);
    const connack = Uint8Array.of(connackPacket << typeBits, isVersion5 ? 3 : 2, isPresent ? 1 : 0, 0, 0);
    socket.send(isVersion5 ? connack : connack.subarray(0, -1));
    client.send();
  }

  #subscribe(client: Client, bytes: Uint8Array, body: number, end: number): void {
    const { packetId, filters } = readSubscribe(bytes, body, end, client.isVersion5);
    const properties = client.isVersion5 ? [0] : [];
    const codes = filters.map(({ qos }) => qos);
    const rest = [packetId >> 8, packetId & 0xff, ...properties, ...codes];
    const suback = Uint8Array.of(subackPacket << typeBits, rest.length, ...rest);
    client.append(suback, suback.length);
    this.#wait(client, suback.length);
    for (const { filter, qos } of filters) {
      this.#filters.add(filter, { client, qos });
      client.filters.push(filter);
      this.#replay(client, filter, qos);
    }
  }

  #replay(client: Client, filter: string, qos: number): void {
    if (this.#retained.size === 0) return;
    const wanted = new Filters<true>();
    wanted.add(filter, true);
    const frame = new Frame();
    for (const [topicName, packet] of this.#retained) {
      if (wanted.match(topicName).length === 0) continue;
      readVarint(packet, 1);
      this.#incoming.read(packet, packet[0] ?? 0, varint.next, packet.length, false);
      const granted = Math.min(qos, this.#incoming.qos);
      frame.encode(this.#incoming, granted, client.isVersion5, true);
      this.#append(client, frame, granted);
    }
  }

  #publish(publisher: Client): void {
    const incoming = this.#incoming;
    const { qos, packetId } = incoming;
    this.#isEncoded.fill(0);
    for (const { client, qos: granted } of this.#audience(publisher)) this.#deliver(client, Math.min(qos, granted));
    if (incoming.retain) this.#retain();
    if (qos === 0) return;
    if (this.#writes && this.#unwritten.at(-1) !== incoming.bytes) this.#unwritten.push(incoming.bytes);
    this.#answer(publisher, (qos === 1 ? pubackPacket : pubrecPacket) << typeBits, packetId);
  }

  #audience(publisher: Client): readonly Subscription[] {
    const { bytes, topicStart, topicEnd } = this.#incoming;
    if (
      publisher.lastGeneration === this.#filters.generation &&
      isSame(publisher.lastTopic, bytes, topicStart, topicEnd)
    ) {
      return publisher.lastAudience;
    }
    publisher.lastTopic = bytes.slice(topicStart, topicEnd);
    publisher.lastAudience = this.#filters.match(topicText.decode(publisher.lastTopic));
    publisher.lastGeneration = this.#filters.generation;
    return publisher.lastAudience;
  }

  /** As MQTT 3 has it, without packet id flow: only its bytes are kept. */
  #retain(): void {
    const { bytes, topicStart, topicEnd, payloadStart, end } = this.#incoming;
    const topicName = topicText.decode(bytes.subarray(topicStart, topicEnd));
    if (payloadStart === end) {
      this.#retained.delete(topicName);
      return;
    }
    const frame = new Frame();
    frame.encode(this.#incoming, this.#incoming.qos, false, true);
    this.#retained.set(topicName, frame.bytes.slice(0, frame.length));
  }

  #deliver(client: Client, qos: number): void {
    const index = (client.isVersion5 ? qosLevels : 0) + qos;
    const frame = this.#frames[index];
    if (frame === undefined) return;
    if (this.#isEncoded[index] === 0) {
      frame.encode(this.#incoming, qos, client.isVersion5);
      this.#isEncoded[index] = 1;
    }
    if (this.#fault === undefined) this.#append(client, frame, qos);
    else this.#deliverWrongly(this.#fault, client, frame, qos);
  }

  #deliverWrongly(fault: Fault, client: Client, frame: Frame, qos: number): void {
    const isHit = ++this.#deliveries % faultEvery === 0;
    if (isHit && fault === "drop") return;
    if (isHit && fault === "reorder") {
      const bytes = frame.bytes.slice(0, frame.length);
      this.#late = { client, bytes };
      return;
    }
    this.#append(client, frame, qos);
    if (isHit && fault === "double") this.#append(client, frame, qos);
    if (this.#late?.client !== client) return;
    const { bytes } = this.#late;
    this.#late = undefined;
    const late = new Frame();
    Object.assign(late, { bytes, length: bytes.length, idAt: frame.idAt });
    this.#append(client, late, qos);
  }

  #append(client: Client, frame: Frame, qos: number): void {
    client.appendFrame(frame, qos);
    this.#wait(client, frame.length);
  }

  #answer(client: Client, first: number, packetId: number): void {
    scratch[0] = first;
    scratch[1] = 2;
    scratch[2] = packetId >> 8;
    scratch[3] = packetId & 0xff;
    client.append(scratch, scratch.length);
    this.#wait(client, scratch.length);
  }

  #wait(client: Client, length: number): void {
    if (!client.isWaiting) {
      client.isWaiting = true;
      this.#waiting.push(client);
    }
    this.#unsent += length;
    if (client.unsent >= socketBytesAtMost) this.#sendEarly(client);
    if (this.#unsent >= totalBytesAtMost) this.#flush();
    if (this.#isTimed) return;
    this.#isTimed = true;
    setTimeout(() => {
      this.#isTimed = false;
      this.#flush();
    }, 0);
  }

  #sendEarly(client: Client): void {
    this.#write();
    client.send();
  }

  #flush(): void {
    this.#write();
    for (const client of this.#waiting) {
      client.isWaiting = false;
      client.send();
    }
    this.#waiting.length = 0;
    this.#unsent = 0;
  }

  /** What is sent after it in the same turn, the runtime holds back until the row is on disk. */
  #write(): void {
    if (this.#unwritten.length === 0) return;
    let length = 0;
    for (const bytes of this.#unwritten) length += bytes.length;
    const data = new Uint8Array(length);
    let at = 0;
    for (const bytes of this.#unwritten) {
      data.set(bytes, at);
      at += bytes.length;
    }
    this.#unwritten = [];
    this.#row = (this.#row + 1) % rows;
    this.ctx.storage.sql.exec("INSERT OR REPLACE INTO log (position, data) VALUES (?, ?)", this.#row, data);
  }
}

function isSame(known: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (known.length !== end - start) return false;
  for (let index = 0; index < known.length; index++) if (known[index] !== bytes[start + index]) return false;
  return true;
}

export default {
  fetch: (request, env) => env.NULL_BROKER.getByName("all").fetch(request),
} satisfies ExportedHandler<Bindings>;
