// A client that sends as fast as it can, and asks nobody: many packets in a frame, and no window.

import { generate, parser, type Packet } from "mqtt-packet";
import { WebSocket } from "ws";

const packetsPerFrame = 100;

export interface Flooded {
  /** Packet ids that were acknowledged as taken, in their order. */
  readonly taken: readonly number[];
  /** Of those that were refused: packet id → reason code. */
  readonly refused: ReadonlyMap<number, number>;
  /** Of the DISCONNECT; `undefined` where none came. */
  readonly toldToLeave: number | undefined;
}

export interface FloodOptions {
  readonly clientId: string;
  readonly protocolVersion: 4 | 5;
  readonly qos: 0 | 1 | 2;
  readonly topic: string;
  /** Messages whose payloads are their packet ids, from 1 on. */
  readonly count: number;
}

/** Resolves when the broker has closed the connection; rejects where it does not. */
export function flood(mqttUrl: string, options: FloodOptions): Promise<Flooded> {
  const { clientId, protocolVersion, qos, topic, count } = options;
  return new Promise((resolve, reject) => {
    const ws = new WebSocket(`${mqttUrl}?clientId=${clientId}`, "mqtt");
    const taken: number[] = [];
    const refused = new Map<number, number>();
    let toldToLeave: number | undefined;
    const send = (...packets: Packet[]): void =>
      ws.send(Buffer.concat(packets.map((packet) => generate(packet, { protocolVersion }))));
    const message = (id: number): Packet => ({
      cmd: "publish",
      topic,
      payload: String(id),
      qos,
      retain: false,
      dup: false,
      ...(qos > 0 && { messageId: id }),
    });
    const onPacket = (packet: Packet): void => {
      if (packet.cmd === "connack") {
        const ids = Array.from({ length: count }, (_, index) => index + 1);
        for (let at = 0; at < count; at += packetsPerFrame) send(...ids.slice(at, at + packetsPerFrame).map(message));
      } else if (packet.cmd === "puback" || packet.cmd === "pubrec") {
        const code = packet.reasonCode ?? 0;
        if (code < 0x80) taken.push(packet.messageId ?? 0);
        else refused.set(packet.messageId ?? 0, code);
      } else if (packet.cmd === "disconnect") toldToLeave = packet.reasonCode;
    };
    const packets = parser({ protocolVersion });
    packets.on("packet", onPacket);
    ws.on("open", () =>
      send({ cmd: "connect", clientId, protocolId: "MQTT", protocolVersion, clean: true, keepalive: 0 }),
    );
    ws.on("message", (bytes: Buffer) => void packets.parse(bytes));
    ws.on("close", () => resolve({ taken, refused, toldToLeave }));
    ws.on("error", reject);
  });
}
