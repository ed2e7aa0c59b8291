// A client that does what it is told and nothing else: it leaves packets unanswered, and shows the ids of what it gets.

import { generate, parser, type IConnectPacket, type Packet } from "mqtt-packet";
import { WebSocket } from "ws";

const giveUpMs = 20_000;

type PacketOf<Cmd extends Packet["cmd"]> = Extract<Packet, { cmd: Cmd }>;

export class RawClient {
  readonly #socket: WebSocket;
  readonly #protocolVersion: 4 | 5;
  readonly #inbox: Packet[] = [];
  #wake = (): void => {};

  private constructor(socket: WebSocket, protocolVersion: 4 | 5) {
    this.#socket = socket;
    this.#protocolVersion = protocolVersion;
    const packets = parser({ protocolVersion });
    packets.on("packet", (packet: Packet) => {
      this.#inbox.push(packet);
      this.#wake();
    });
    socket.on("message", (data: Buffer) => packets.parse(data));
  }

  /** Resolves after the CONNACK. */
  static async connect(url: string, clientId: string, more: Partial<IConnectPacket> = {}): Promise<RawClient> {
    const protocolVersion = more.protocolVersion === 5 ? 5 : 4;
    const socket = new WebSocket(`${url}?clientId=${clientId}`, "mqtt");
    const client = new RawClient(socket, protocolVersion);
    await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
    client.send({ cmd: "connect", clientId, clean: true, protocolVersion, protocolId: "MQTT", keepalive: 60, ...more });
    const connack = await client.next("connack");
    if ((connack.reasonCode ?? connack.returnCode) !== 0) throw new Error(`refused: ${JSON.stringify(connack)}`);
    return Object.assign(client, { sessionPresent: connack.sessionPresent });
  }

  readonly sessionPresent: boolean = false;

  send(packet: Packet): void {
    this.#socket.send(generate(packet, { protocolVersion: this.#protocolVersion }));
  }

  /** The next packet, which must be of this type. */
  async next<Cmd extends Packet["cmd"]>(cmd: Cmd): Promise<PacketOf<Cmd>> {
    const packet = await this.any(cmd);
    if (packet.cmd !== cmd) throw new Error(`not ${cmd} but ${JSON.stringify(packet)}`);
    return packet as PacketOf<Cmd>;
  }

  /** The next packet of any type; `wanted` names it where none comes. */
  async any(wanted = "packet"): Promise<Packet> {
    const deadlineMs = performance.now() + giveUpMs;
    while (this.#inbox.length === 0) {
      const leftMs = deadlineMs - performance.now();
      if (leftMs <= 0) throw new Error(`no ${wanted} came`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#wake = () => (clearTimeout(timer), resolve());
      });
    }
    return this.#inbox.shift() as Packet;
  }

  /** The next PUBLISH, which is acknowledged as its QoS wants. */
  async take(): Promise<PacketOf<"publish">> {
    const packet = await this.next("publish");
    this.answer(packet);
    return packet;
  }

  /** As a receiver answers PUBLISH and PUBREL. */
  answer(packet: Packet): void {
    const { messageId = 0 } = packet;
    if (packet.cmd === "pubrel") this.send({ cmd: "pubcomp", messageId });
    if (packet.cmd !== "publish" || packet.qos === 0) return;
    this.send({ cmd: packet.qos === 1 ? "puback" : "pubrec", messageId });
  }

  async subscribe(topic: string, qos: 0 | 1 | 2, properties?: { subscriptionIdentifier: number }): Promise<void> {
    const subscriptions = [{ topic, qos, rap: false, rh: 0, nl: false }];
    this.send({ cmd: "subscribe", messageId: 1, subscriptions, ...(properties && { properties }) });
    await this.next("suback");
  }

  /** Resolves when it is acknowledged. */
  async publish(topic: string, payload: string, more: { retain?: boolean; properties?: object } = {}): Promise<void> {
    const rest = { qos: 1 as const, dup: false, retain: false, ...more };
    this.send({ cmd: "publish", messageId: 1, topic, payload, ...rest });
    await this.next("puback");
  }

  /** As a cable that is cut. */
  drop(): void {
    this.#socket.terminate();
  }
}
