// One MQTT client on a raw socket: upgrade, CONNECT, SUBSCRIBE, and the way in and out for what is measured.

import { connect as connectTcp, type Socket } from "node:net";
import type { RunningBroker } from "../brokers/broker.ts";
import { putU16, u16, u8 } from "./bytes.ts";
import { FrameScanner, type FrameSink } from "./frame-scanner.ts";
import { FrameWriter } from "./frame-writer.ts";
import { PacketScanner, type PacketSink } from "./packet-scanner.ts";
import {
  connectPacket,
  disconnectPacket,
  packetTypes,
  subscribePacket,
  type ProtocolVersion,
  type QoS,
  type Session,
} from "./packets.ts";

/** What a client needs to know of a broker. */
export type Target = Pick<RunningBroker, "port" | "upgradePath">;

/** Takes PUBLISH and PUBREL. */
export interface Inbound {
  onPublish(bytes: Uint8Array, first: number, at: number, end: number): void;
  onRelease(id: number): void;
}

/** Takes PUBACK, PUBREC and PUBCOMP. */
export interface Outbound {
  onAnswer(type: number, id: number, reasonCode: number): void;
  /** Behind each piece of input. */
  pump(): void;
}

export interface Connack {
  readonly hasSession: boolean;
  /** Receive Maximum of MQTT 5, or what stands for none. */
  readonly receiveMaximum: number;
}

const host = "127.0.0.1";
const headEnd = "\r\n\r\n";
const switchingProtocols = "HTTP/1.1 101 ";
/** Any 16 bytes will do. */
const webSocketKey = "ZHVyYWJsZS1tcXR0LWJlbg==";
const patienceMs = 30_000;
/** All sockets read into it, one after the other: what is in it is worked off before the next read. */
const readBuffer = Buffer.allocUnsafeSlow(131_072);
const ackBytes = 4;
const ackLength = 2;
const ackTypeShift = 16;
const unlimited = 65_535;
const refusal = 0x80;

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class Client implements FrameSink, PacketSink {
  readonly writer: FrameWriter;
  readonly clientId: string;
  readonly version: ProtocolVersion;
  inbound: Inbound | undefined;
  outbound: Outbound | undefined;
  /** Behind each piece of input of this client. */
  afterInput: (() => void) | undefined;
  /** The broker ended the connection. */
  onLost: ((reason: string) => void) | undefined;
  /** Acknowledgements in one WebSocket frame. */
  packetsPerFrame = 1;
  /** When CONNECT went out. */
  connectedAt = 0;
  connack: Connack = { hasSession: false, receiveMaximum: unlimited };
  readonly #socket: Socket;
  readonly #frames = new FrameScanner(this);
  readonly #packets = new PacketScanner(this);
  readonly #closed: Promise<void>;
  #head: string | undefined = "";
  /** Answers to be written behind this input: first byte and packet id. */
  readonly #answers: number[] = [];
  #waiting: Waiting | undefined;
  #isLeaving = false;
  #lastId = 0;

  private constructor(target: Target, { clientId, version }: Session) {
    this.clientId = clientId;
    this.version = version;
    const onread = {
      buffer: readBuffer,
      callback: (size: number) => {
        this.#onBytes(size);
        return true;
      },
    };
    this.#socket = connectTcp({ host, port: target.port, noDelay: true, onread });
    this.writer = new FrameWriter(this.#socket);
    this.#socket.on("connect", () => this.#socket.write(upgradeRequest(target, clientId)));
    this.#socket.on("error", (error) => this.#lose(error.message));
    this.#closed = new Promise((resolve) => {
      this.#socket.on("close", () => {
        this.#lose("the broker closed the connection");
        resolve();
      });
    });
  }

  /** Resolves at the CONNACK. What a broker sends right behind it needs somebody to take it: `prepare`. */
  static async connect(target: Target, session: Session, prepare?: (client: Client) => void): Promise<Client> {
    const client = new Client(target, session);
    prepare?.(client);
    await client.#answer();
    client.connectedAt = performance.now();
    client.writer.send(connectPacket(session));
    client.writer.flush();
    await client.#answer();
    return client;
  }

  get isBackedUp(): boolean {
    return this.#socket.writableLength > 0;
  }

  async subscribe(qos: QoS, ...filters: string[]): Promise<void> {
    this.startSubscribe(qos, ...filters);
    await this.#answer();
  }

  /** Without waiting for the SUBACK. */
  startSubscribe(qos: QoS, ...filters: string[]): void {
    this.#lastId += 1;
    this.writer.send(subscribePacket(this.#lastId, filters, qos, this.version));
    this.writer.flush();
  }

  /** Later, behind the input that is being worked off. */
  answer(first: number, id: number): void {
    this.#answers.push((first << ackTypeShift) | id);
  }

  /** DISCONNECT, and until the connection is gone. */
  async leave(): Promise<void> {
    this.#isLeaving = true;
    this.writer.send(disconnectPacket);
    this.writer.flush();
    const timer = setTimeout(() => this.#socket.destroy(), patienceMs);
    this.#socket.end();
    await this.#closed;
    clearTimeout(timer);
  }

  /** Without a word. */
  destroy(): void {
    this.#isLeaving = true;
    this.#socket.destroy();
  }

  onPayload(bytes: Uint8Array, from: number, to: number): void {
    this.#packets.scan(bytes, from, to);
  }

  onPing(payload: Uint8Array): void {
    this.writer.pong(payload);
  }

  onClose(code: number): void {
    this.#lose(`the broker closed the WebSocket with ${code}`);
    this.#socket.end();
  }

  onPacket(bytes: Uint8Array, first: number, at: number, end: number): void {
    const type = first >> 4;
    switch (type) {
      case packetTypes.publish:
        this.inbound?.onPublish(bytes, first, at, end);
        return;
      case packetTypes.pubrel:
        this.inbound?.onRelease(u16(bytes, at));
        return;
      case packetTypes.puback:
      case packetTypes.pubrec:
      case packetTypes.pubcomp:
        this.outbound?.onAnswer(type, u16(bytes, at), end - at > ackLength ? u8(bytes, at + ackLength) : 0);
        return;
      case packetTypes.connack:
        this.#onConnack(bytes, at, end);
        return;
      case packetTypes.suback:
        this.#onSuback(bytes, at, end);
        return;
      case packetTypes.pingresp:
        return;
      case packetTypes.disconnect:
        throw new Error(`the broker sent DISCONNECT 0x${u8(bytes, at).toString(16)}`);
      default:
        throw new Error(`the broker sent a packet of type ${type}`);
    }
  }

  #onConnack(bytes: Uint8Array, at: number, end: number): void {
    const code = u8(bytes, at + 1);
    if (code !== 0) throw new Error(`CONNACK 0x${code.toString(16)}`);
    const receiveMaximum = this.version === 5 ? receiveMaximumOf(bytes, at + 2, end) : unlimited;
    this.connack = { hasSession: u8(bytes, at) === 1, receiveMaximum };
    this.#settle();
  }

  #onSuback(bytes: Uint8Array, at: number, end: number): void {
    const codes = at + 2 + (this.version === 5 ? 1 + u8(bytes, at + 2) : 0);
    for (let code = codes; code < end; code += 1) {
      if (u8(bytes, code) >= refusal) throw new Error(`SUBACK 0x${u8(bytes, code).toString(16)}`);
    }
    this.#settle();
  }

  #onBytes(size: number): void {
    try {
      if (this.#head === undefined) this.#frames.scan(readBuffer, 0, size);
      else this.#onHead(size);
      this.#writeAnswers();
      this.outbound?.pump();
      this.afterInput?.();
      this.writer.flush();
    } catch (error) {
      this.#lose(error instanceof Error ? error.message : String(error));
      this.#socket.destroy();
    }
  }

  #onHead(size: number): void {
    const before = this.#head?.length ?? 0;
    const head = `${this.#head}${readBuffer.toString("latin1", 0, size)}`;
    const end = head.indexOf(headEnd);
    this.#head = end < 0 ? head : undefined;
    if (end < 0) return;
    if (!head.startsWith(switchingProtocols)) throw new Error(`no upgrade: ${head.slice(0, head.indexOf("\r\n"))}`);
    this.#settle();
    this.#frames.scan(readBuffer, end + headEnd.length - before, size);
  }

  #writeAnswers(): void {
    const { length } = this.#answers;
    for (let done = 0; done < length; done += this.packetsPerFrame) {
      const count = Math.min(this.packetsPerFrame, length - done);
      let at = this.writer.frame(count * ackBytes);
      for (let n = done; n < done + count; n += 1) {
        const answer = this.#answers[n] ?? 0;
        this.writer.bytes[at] = answer >>> ackTypeShift;
        this.writer.bytes[at + 1] = ackLength;
        putU16(this.writer.bytes, at + 2, answer & 0xffff);
        at += ackBytes;
      }
    }
    this.#answers.length = 0;
  }

  async #answer(): Promise<void> {
    const timer = setTimeout(() => this.#lose("the broker gave no answer"), patienceMs);
    try {
      await new Promise<void>((resolve, reject) => {
        this.#waiting = { resolve, reject };
      });
    } finally {
      clearTimeout(timer);
    }
  }

  #settle(): void {
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }

  #lose(reason: string): void {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    this.#waiting?.reject(new Error(`${this.clientId}: ${reason}`));
    this.onLost?.(`${this.clientId}: ${reason}`);
  }
}

function upgradeRequest({ port, upgradePath }: Target, clientId: string): string {
  const lines = [
    `GET ${upgradePath(clientId)} HTTP/1.1`,
    `Host: ${host}:${port}`,
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${webSocketKey}`,
    "Sec-WebSocket-Protocol: mqtt",
  ];
  return lines.join("\r\n") + headEnd;
}

/** Value sizes of the properties of CONNACK, by identifier; those that are not here are texts. */
const propertyBytes: Readonly<Record<number, number>> = {
  0x11: 4,
  0x13: 2,
  0x21: 2,
  0x22: 2,
  0x24: 1,
  0x25: 1,
  0x27: 4,
  0x28: 1,
  0x29: 1,
  0x2a: 1,
};
const receiveMaximumProperty = 0x21;
const userProperty = 0x26;

function receiveMaximumOf(bytes: Uint8Array, propertiesAt: number, end: number): number {
  // CONNACK properties of all brokers here are under 128 bytes: their length is one byte.
  let at = propertiesAt + 1;
  while (at < end) {
    const property = u8(bytes, at);
    if (property === receiveMaximumProperty) return u16(bytes, at + 1);
    const size = propertyBytes[property];
    if (size !== undefined) at += 1 + size;
    else {
      const texts = property === userProperty ? 2 : 1;
      at += 1;
      for (let n = 0; n < texts; n += 1) at += 2 + u16(bytes, at);
    }
  }
  return unlimited;
}
