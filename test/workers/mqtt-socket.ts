// A client for tests inside workerd: packets in and out over one WebSocket, built and read by `mqtt-packet`, and the
// frames that carried them.

import mqtt from "mqtt-packet";
import type { IConnectPacket, IPublishPacket, ISubscribePacket, Packet, Parser } from "mqtt-packet";

/** A broker that says nothing for this long has failed the test; nothing waits for it where it answers. */
const patienceMs = 5_000;

export type Answer = Packet | "closed" | "nothing";

export class MqttSocket {
  readonly #ws: WebSocket;
  readonly #protocolVersion: 4 | 5;
  readonly #parser: Parser;
  readonly #received: Packet[] = [];
  #wake: (() => void) | undefined;
  /** WebSocket messages that came, in bytes each. */
  readonly frames: number[] = [];
  closeCode: number | undefined;

  /** `ws`: the client's end of an upgrade, not yet accepted. */
  constructor(ws: WebSocket, protocolVersion: 4 | 5 = 4) {
    this.#ws = ws;
    this.#protocolVersion = protocolVersion;
    this.#parser = mqtt.parser({ protocolVersion });
    ws.binaryType = "arraybuffer";
    this.#parser.on("packet", (packet) => this.#received.push(packet));
    ws.addEventListener("message", ({ data }) => {
      if (!(data instanceof ArrayBuffer)) throw new Error("the broker sent a text frame");
      this.frames.push(data.byteLength);
      this.#parser.parse(Buffer.from(data));
      this.#wake?.();
    });
    ws.addEventListener("close", ({ code }) => {
      this.closeCode = code;
      this.#wake?.();
    });
    ws.accept();
  }

  /** All packets in one WebSocket message. */
  send(...packets: Packet[]): void {
    this.sendBytes(encode(packets, this.#protocolVersion));
  }

  sendBytes(bytes: Uint8Array): void {
    this.#ws.send(bytes);
  }

  sendText(text: string): void {
    this.#ws.send(text);
  }

  /** The next packet that is not a PINGRESP, or how it ended. */
  async next(): Promise<Answer> {
    const deadlineMs = performance.now() + patienceMs;
    while (this.#received.length === 0) {
      if (this.closeCode !== undefined) return "closed";
      if (performance.now() >= deadlineMs) return "nothing";
      await this.#arrival();
    }
    return this.#received.shift() as Packet;
  }

  /** Waits for one packet and gives all that have come: those of a frame are answered in one frame. */
  async batch(): Promise<Packet[]> {
    const first = await this.next();
    if (typeof first === "string") throw new Error(`nothing more came: ${first}`);
    return [first, ...this.#received.splice(0)];
  }

  async take(count: number): Promise<Answer[]> {
    const answers: Answer[] = [];
    while (answers.length < count) answers.push(await this.next());
    return answers;
  }

  /** Everything up to the answer to a PINGREQ: what the broker had to say by now. */
  async rest(): Promise<Packet[]> {
    this.send({ cmd: "pingreq" });
    const before: Packet[] = [];
    for (;;) {
      const answer = await this.next();
      if (answer === "closed" || answer === "nothing") throw new Error(`no PINGRESP: ${answer}`);
      if (answer.cmd === "pingresp") return before;
      before.push(answer);
    }
  }

  /** Resolves once the broker has closed; false where it did not. Packets before it are thrown away. */
  async closed(): Promise<boolean> {
    for (;;) {
      const answer = await this.next();
      if (answer === "closed" || answer === "nothing") return answer === "closed";
    }
  }

  /** Ends the connection without DISCONNECT. */
  drop(): void {
    this.#ws.close(1000);
  }

  /** Answers the broker's close, as clients do. */
  finish(): void {
    try {
      this.#ws.close(1000);
    } catch {
      // closed on both sides
    }
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

const encode = (packets: readonly Packet[], protocolVersion: 4 | 5): Uint8Array =>
  new Uint8Array(Buffer.concat(packets.map((packet) => mqtt.generate(packet, { protocolVersion }))));

/** Of MQTT 3.1.1. */
export const bytesOf = (...packets: Packet[]): Uint8Array => encode(packets, 4);

export const connect = (clientId: string, more: Partial<IConnectPacket> = {}): IConnectPacket => ({
  cmd: "connect",
  protocolId: "MQTT",
  protocolVersion: 4,
  clientId,
  clean: true,
  keepalive: 60,
  ...more,
});

export const publish = (topic: string, more: Partial<IPublishPacket> = {}): IPublishPacket => ({
  cmd: "publish",
  topic,
  payload: "x",
  qos: 0,
  dup: false,
  retain: false,
  ...more,
});

export const subscribe = (qos: 0 | 1 | 2, ...topics: string[]): ISubscribePacket => ({
  cmd: "subscribe",
  messageId: 65_000,
  subscriptions: topics.map((topic) => ({ topic, qos })),
});

export const ack = (cmd: "puback" | "pubrec" | "pubrel" | "pubcomp", messageId: number): Packet => ({ cmd, messageId });

/** Many of one kind with ids 1, 2, …: `publishes(50, "t", 1)`. */
export const publishes = (count: number, topic: string, qos: 0 | 1 | 2, firstId = 1): IPublishPacket[] =>
  Array.from({ length: count }, (_, index) =>
    publish(topic, { qos, payload: String(index), ...(qos > 0 && { messageId: firstId + index }) }),
  );

/** The parts of a PUBLISH that a test names; the payload as text. */
export const messageOf = (answer: Answer | undefined): string => {
  if (answer === undefined || typeof answer === "string" || answer.cmd !== "publish") return JSON.stringify(answer);
  return `${answer.topic}=${answer.payload.toString()} q${answer.qos}${answer.retain ? " retain" : ""}${answer.dup ? " dup" : ""}`;
};

export const idOf = (answer: Answer | undefined): number =>
  typeof answer === "object" && answer.messageId !== undefined ? answer.messageId : 0;

export const kindOf = (answer: Answer | undefined): string =>
  typeof answer === "object" ? answer.cmd : String(answer);
