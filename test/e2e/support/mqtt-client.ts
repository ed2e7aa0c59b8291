// MQTT.js as the tests use it: what arrives is kept until a test asks for it.

import mqtt, { type IClientOptions, type IConnackPacket, type IPublishPacket, type MqttClient } from "mqtt";

/** A message as MQTT.js showed it. */
export interface Arrived {
  readonly topic: string;
  readonly payload: string;
  readonly qos: number;
  readonly retain: boolean;
}

export interface TestClient {
  readonly client: MqttClient;
  readonly connack: IConnackPacket;
  /** From the CONNACK. */
  readonly sessionPresent: boolean;
  /** The next `count` messages, waiting for those that have not come yet. */
  readonly receive: (count: number) => Promise<Arrived[]>;
  /** The same as the packets that brought them. */
  readonly receivePackets: (count: number) => Promise<IPublishPacket[]>;
}

/** A version of the protocol as MQTT.js is told it. */
export type Version = Pick<IClientOptions, "protocolVersion" | "protocolId">;

export const version5: Version = { protocolId: "MQTT", protocolVersion: 5 };

export const versions: readonly (readonly [name: string, version: Version])[] = [
  ["3.1", { protocolId: "MQIsdp", protocolVersion: 3 }],
  ["3.1.1", { protocolId: "MQTT", protocolVersion: 4 }],
  ["5", version5],
];

const giveUpMs = 20_000;

/** Connects once: a connection that is lost stays lost, unless the options say otherwise. */
export async function connect(url: string, options: IClientOptions): Promise<TestClient> {
  const client = mqtt.connect(url, { reconnectPeriod: 0, connectTimeout: giveUpMs, ...options });
  const inbox: IPublishPacket[] = [];
  let wake = (): void => {};
  client.on("message", (topic, _, packet) => {
    inbox.push({ ...packet, topic }); // behind a topic alias the packet's own is empty
    wake();
  });
  const receivePackets = async (count: number): Promise<IPublishPacket[]> => {
    const late = AbortSignal.timeout(giveUpMs);
    late.addEventListener("abort", () => wake());
    while (inbox.length < count) {
      if (late.aborted)
        throw new Error(`${inbox.length} of ${count} messages came: ${JSON.stringify(inbox.map(arrived))}`);
      await new Promise<void>((resolve) => (wake = resolve));
    }
    return inbox.splice(0, count);
  };
  const receive = async (count: number): Promise<Arrived[]> => (await receivePackets(count)).map(arrived);
  const connack = await connected(client);
  return { client, connack, sessionPresent: connack.sessionPresent, receive, receivePackets };
}

const arrived = ({ topic, payload, qos, retain }: IPublishPacket): Arrived => ({
  topic,
  payload: payload.toString(),
  qos,
  retain,
});

function connected(client: MqttClient): Promise<IConnackPacket> {
  return new Promise((resolve, reject) => {
    client.once("connect", resolve);
    client.once("error", reject);
    client.once("close", () => reject(new Error("closed before a CONNACK")));
  });
}

/** Resolves when the connection is gone. */
export const closed = (client: MqttClient): Promise<void> =>
  new Promise((resolve) => {
    if (client.connected) client.once("close", () => resolve());
    else resolve();
  });

/** Resolves with the reason code of the DISCONNECT that the server sends. */
export const toldToLeave = (client: MqttClient): Promise<number | undefined> =>
  new Promise((resolve) => {
    client.once("disconnect", ({ reasonCode }) => resolve(reasonCode));
  });
