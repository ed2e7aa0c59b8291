// A lean MQTT client: thousands of them fit into one process, and a test sees and answers every packet itself.

import mqtt, { type IConnectPacket, type IPublishPacket, type Packet, type Parser } from "mqtt-packet";
import { WebSocket } from "ws";

/** A broker that says nothing for this long has failed the test; nothing waits for it where it answers. */
const patienceMs = 20_000;

export type Version = 4 | 5;

export class WireClient {
  readonly #ws: WebSocket;
  readonly #version: Version;
  readonly #parser: Parser;
  readonly #received: Packet[] = [];
  #wake: (() => void) | undefined;
  #isClosed = false;

  /** Resolves with the client once its CONNACK has come, which is the first of its packets. */
  static async open(
    url: string,
    connect: Partial<IConnectPacket> & { readonly clientId: string },
  ): Promise<WireClient> {
    const client = await WireClient.openSocket(url, connect.protocolVersion === 5 ? 5 : 4);
    client.send({ ...connectDefaults, ...connect });
    const connack = await client.next();
    if (connack.cmd !== "connack" || (connack.returnCode ?? connack.reasonCode) !== 0) {
      throw new Error(`no CONNACK 0 for ${connect.clientId} but ${JSON.stringify(connack)}`);
    }
    return client;
  }

  /** A socket that has said nothing yet. */
  static async openSocket(url: string, version: Version = 4): Promise<WireClient> {
    const ws = new WebSocket(url, "mqtt", { perMessageDeflate: false });
    await new Promise<void>((resolve, reject) => {
      ws.once("open", resolve);
      ws.once("error", reject);
    });
    return new WireClient(ws, version);
  }

  private constructor(ws: WebSocket, version: Version) {
    this.#ws = ws;
    this.#version = version;
    this.#parser = mqtt.parser({ protocolVersion: version });
    this.#parser.on("packet", (packet) => this.#received.push(packet));
    ws.on("message", (data: Buffer) => {
      this.#parser.parse(data);
      this.#wake?.();
    });
    ws.on("error", () => undefined); // a close follows
    ws.on("close", () => {
      this.#isClosed = true;
      this.#wake?.();
    });
  }

  get isOpen(): boolean {
    return !this.#isClosed && this.#ws.readyState === WebSocket.OPEN;
  }

  /** All packets in one WebSocket message. */
  send(...packets: Packet[]): void {
    const options = { protocolVersion: this.#version };
    this.#ws.send(Buffer.concat(packets.map((packet) => mqtt.generate(packet, options))));
  }

  /** The next packet of any kind. */
  async next(): Promise<Packet> {
    const late = performance.now() + patienceMs;
    for (;;) {
      const packet = this.#received.shift();
      if (packet !== undefined) return packet;
      if (this.#isClosed) throw new Error("the broker closed the connection");
      if (performance.now() >= late) throw new Error(`nothing came within ${patienceMs} ms`);
      await this.#arrival();
    }
  }

  async take(count: number): Promise<Packet[]> {
    const packets: Packet[] = [];
    while (packets.length < count) packets.push(await this.next());
    return packets;
  }

  /** Sends and gives the next packet. */
  async ask(...packets: Packet[]): Promise<Packet> {
    this.send(...packets);
    return this.next();
  }

  /** Everything up to the answer to a PINGREQ: what the broker had to say by now. */
  async rest(): Promise<Packet[]> {
    this.send({ cmd: "pingreq" });
    const before: Packet[] = [];
    for (;;) {
      const packet = await this.next();
      if (packet.cmd === "pingresp") return before;
      before.push(packet);
    }
  }

  async subscribe(qos: 0 | 1 | 2, ...filters: string[]): Promise<void> {
    const subscriptions = filters.map((topic) => ({ topic, qos }));
    const suback = await this.ask({ cmd: "subscribe", messageId: subscribeId, subscriptions });
    if (suback.cmd !== "suback" || suback.granted.some((code) => typeof code !== "number" || code > 2)) {
      throw new Error(`no SUBACK but ${JSON.stringify(suback)}`);
    }
  }

  /** Reads no more bytes of the network until `resume`. */
  pause(): void {
    this.#ws.pause();
  }

  resume(): void {
    this.#ws.resume();
  }

  /** Ends the connection without DISCONNECT, as a network does. */
  drop(): void {
    this.#ws.terminate();
  }

  /** DISCONNECT, and resolves when the socket is closed. */
  async end(): Promise<void> {
    if (this.#isClosed) return;
    const closed = new Promise((resolve) => this.#ws.once("close", resolve));
    this.send({ cmd: "disconnect" });
    this.#ws.close();
    await closed;
  }

  /** Resolves once the broker has closed. */
  async closed(): Promise<void> {
    while (!this.#isClosed) await this.#arrival();
  }

  #arrival(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, patienceMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** A packet id that no PUBLISH of a test uses. */
const subscribeId = 65_000;

const connectDefaults: IConnectPacket = {
  cmd: "connect",
  protocolId: "MQTT",
  protocolVersion: 4,
  clientId: "",
  clean: true,
  // Its deadline is the alarm's: far behind the end of any wait.
  keepalive: 600,
};

export const publish = (topic: string, more: Partial<IPublishPacket> = {}): IPublishPacket => ({
  cmd: "publish",
  topic,
  payload: "x",
  qos: 0,
  dup: false,
  retain: false,
  ...more,
});

export const acknowledge = (cmd: "puback" | "pubrec" | "pubrel" | "pubcomp", to: Packet): Packet => ({
  cmd,
  ...(to.messageId !== undefined && { messageId: to.messageId }),
});

/** The parts of a PUBLISH that a test names; what else came as its kind. */
export const said = (packet: Packet): string =>
  packet.cmd === "publish"
    ? `${packet.topic}=${packet.payload.toString()} q${packet.qos}${packet.retain ? " retain" : ""}${packet.dup ? " dup" : ""}`
    : packet.cmd;
