// A raw client: it decides itself how many packets go into one WebSocket message, and answers the messages of one frame in
// one frame.

import mqtt, { type IConnectPacket, type IPublishPacket, type Packet, type Parser } from "mqtt-packet";
import { WebSocket } from "ws";

export type QoS = 0 | 1 | 2;

/** A broker that says nothing for so long has failed. */
const patienceMs = 20_000;
const largestPacketId = 65_535;
const requestId = 65_000;

export interface PublishOptions {
  readonly qos: QoS;
  readonly retain?: boolean;
}

export class BenchClient {
  readonly #ws: WebSocket;
  readonly #parser: Parser = mqtt.parser({ protocolVersion: 4 });
  readonly #gone: Promise<void>;
  #answers: Packet[] = [];
  #waiting: (() => void)[] = [];
  #nextId = 0;
  /** Deliveries that have come to their end: QoS 2 with its PUBREL. */
  received = 0;
  /** Own publishes that were acknowledged to their end, and SUBACKs. */
  acknowledged = 0;
  pongs = 0;
  isConnected = false;
  hadSession = false;

  private constructor(url: string) {
    this.#ws = new WebSocket(url, "mqtt", { perMessageDeflate: false });
    this.#parser.on("packet", (packet) => this.#onPacket(packet));
    this.#ws.on("message", (data: Buffer) => this.#onFrame(data));
    this.#gone = new Promise((resolve) => this.#ws.on("close", () => resolve()));
  }

  static async connect(url: string, clientId: string, more: Partial<IConnectPacket> = {}): Promise<BenchClient> {
    const client = new BenchClient(url);
    await new Promise<void>((resolve, reject) => {
      client.#ws.once("open", () => resolve());
      client.#ws.once("error", reject);
    });
    client.#send([{ ...connectPacket, clientId, ...more }]);
    await client.until(() => client.isConnected);
    return client;
  }

  async subscribe(qos: QoS, ...filters: string[]): Promise<void> {
    const before = this.acknowledged;
    const subscriptions = filters.map((topic) => ({ topic, qos }));
    this.#send([{ cmd: "subscribe", messageId: requestId, subscriptions }]);
    await this.until(() => this.acknowledged > before);
  }

  /** All of them, in so many frames. */
  publish(topics: readonly string[], frames: number, { qos, retain = false }: PublishOptions): void {
    const packets = topics.map((topic) => this.#publishPacket(topic, qos, retain));
    const size = Math.ceil(packets.length / frames);
    for (let at = 0; at < packets.length; at += size) this.#send(packets.slice(at, at + size));
  }

  #publishPacket(topic: string, qos: QoS, retain: boolean): IPublishPacket {
    this.#nextId = (this.#nextId % largestPacketId) + 1;
    return {
      cmd: "publish",
      topic,
      payload: payload100,
      qos,
      retain,
      dup: false,
      ...(qos > 0 && { messageId: this.#nextId }),
    };
  }

  ping(): void {
    this.#send([{ cmd: "pingreq" }]);
  }

  /** Gives how long the answer took, in ms. */
  async roundTrip(): Promise<number> {
    const before = this.pongs;
    const startedAt = performance.now();
    this.ping();
    await this.until(() => this.pongs > before);
    return performance.now() - startedAt;
  }

  /** DISCONNECT, and until the connection is gone. */
  async leave(): Promise<void> {
    this.#send([{ cmd: "disconnect" }]);
    await this.#gone;
  }

  /** Resolves when the broker has closed the connection. */
  async closed(): Promise<void> {
    await this.#gone;
  }

  async until(isReached: () => boolean): Promise<void> {
    const deadline = setTimeout(() => this.#ws.terminate(), patienceMs);
    try {
      while (!isReached()) {
        if (this.#ws.readyState > WebSocket.OPEN) throw new Error("the broker closed the connection, or said nothing");
        await new Promise<void>((resolve) => {
          this.#waiting.push(resolve);
          void this.#gone.then(resolve);
        });
      }
    } finally {
      clearTimeout(deadline);
    }
  }

  #send(packets: readonly Packet[]): void {
    this.#ws.send(Buffer.concat(packets.map((packet) => mqtt.generate(packet, { protocolVersion: 4 }))));
  }

  #onFrame(data: Buffer): void {
    this.#parser.parse(data);
    if (this.#answers.length > 0 && this.#ws.readyState === WebSocket.OPEN) this.#send(this.#answers);
    this.#answers = [];
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  #onPacket(packet: Packet): void {
    const messageId = packet.messageId ?? 0;
    switch (packet.cmd) {
      case "connack":
        if (packet.returnCode !== 0) throw new Error(`CONNACK ${packet.returnCode}`);
        this.isConnected = true;
        this.hadSession = packet.sessionPresent;
        break;
      case "publish":
        if (packet.qos < 2) this.received += 1;
        if (packet.qos > 0) this.#answers.push({ cmd: packet.qos === 1 ? "puback" : "pubrec", messageId });
        break;
      case "pubrel":
        this.received += 1;
        this.#answers.push({ cmd: "pubcomp", messageId });
        break;
      case "pubrec":
        this.#answers.push({ cmd: "pubrel", messageId });
        break;
      case "puback":
      case "pubcomp":
      case "suback":
        this.acknowledged += 1;
        break;
      case "pingresp":
        this.pongs += 1;
        break;
      default:
        throw new Error(`the broker sent ${packet.cmd}`);
    }
  }
}

const payload100 = Buffer.alloc(100, "x");

const connectPacket: IConnectPacket = {
  cmd: "connect",
  protocolId: "MQTT",
  protocolVersion: 4,
  clientId: "",
  clean: true,
  keepalive: 60,
};
