// A broker of a few lines, of other people's libraries, that may be told to misbehave.

import type { AddressInfo } from "node:net";
import mqtt, { type IPublishPacket, type Packet } from "mqtt-packet";
import { WebSocketServer, type WebSocket } from "ws";
import type { RunningBroker } from "../../../bench/speed/brokers/broker.ts";

/** What becomes of a delivery: the packets that are sent in its place. */
export type Misbehave = (delivery: IPublishPacket, nth: number) => readonly IPublishPacket[];

interface Subscription {
  readonly filter: string;
  readonly socket: WebSocket;
  nextId: number;
}

const largestId = 65_535;

export async function startFaultyBroker(misbehave: Misbehave): Promise<RunningBroker> {
  const subscriptions: Subscription[] = [];
  let deliveries = 0;
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0, handleProtocols: () => "mqtt" });
  server.on("connection", (socket) => {
    const parser = mqtt.parser({ protocolVersion: 4 });
    const send = (packet: Packet, to = socket): void => to.send(mqtt.generate(packet));
    const deliver = ({ topic, payload, qos }: IPublishPacket): void => {
      for (const subscription of subscriptions.filter(({ filter }) => matches(filter, topic))) {
        subscription.nextId = (subscription.nextId % largestId) + 1;
        const id = qos > 0 ? { messageId: subscription.nextId } : {};
        const delivery: IPublishPacket = { cmd: "publish", topic, payload, qos, dup: false, retain: false, ...id };
        deliveries += 1;
        for (const packet of misbehave(delivery, deliveries)) send(packet, subscription.socket);
      }
    };
    parser.on("packet", (packet) => {
      const messageId = packet.messageId ?? 0;
      switch (packet.cmd) {
        case "connect":
          return send({ cmd: "connack", returnCode: 0, sessionPresent: false });
        case "subscribe":
          for (const { topic } of packet.subscriptions) subscriptions.push({ filter: topic, socket, nextId: 0 });
          return send({ cmd: "suback", messageId, granted: packet.subscriptions.map(({ qos }) => qos) });
        case "publish":
          if (packet.qos > 0) send({ cmd: packet.qos === 1 ? "puback" : "pubrec", messageId });
          return deliver(packet);
        case "pubrec":
          return send({ cmd: "pubrel", messageId });
        case "pubrel":
          return send({ cmd: "pubcomp", messageId });
        default:
          return undefined;
      }
    });
    socket.on("message", (data: Buffer) => parser.parse(data));
  });
  await new Promise((resolve) => server.on("listening", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    upgradePath: () => "/mqtt",
    residentKiB: () => 0,
    cpuMs: () => 0,
    stop: async () => {
      for (const client of server.clients) client.terminate();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** `+` stands for one level. */
function matches(filter: string, topic: string): boolean {
  const [wanted, levels] = [filter.split("/"), topic.split("/")];
  return wanted.length === levels.length && wanted.every((word, n) => word === "+" || word === levels[n]);
}
