// MQTT.js as the tests use it: what arrives is kept until a test asks for it.

import mqtt, { type IClientOptions, type MqttClient } from "mqtt";

/** A message as MQTT.js showed it. */
export interface Arrived {
  readonly topic: string;
  readonly payload: string;
  readonly qos: number;
  readonly retain: boolean;
}

export interface TestClient {
  readonly client: MqttClient;
  /** From the CONNACK. */
  readonly sessionPresent: boolean;
  /** The next `count` messages, waiting for those that have not come yet. */
  readonly receive: (count: number) => Promise<Arrived[]>;
}

/** A version of the protocol as MQTT.js is told it. */
export type Version = Pick<IClientOptions, "protocolVersion" | "protocolId">;

export const versions: readonly (readonly [name: string, version: Version])[] = [
  ["3.1", { protocolId: "MQIsdp", protocolVersion: 3 }],
  ["3.1.1", { protocolId: "MQTT", protocolVersion: 4 }],
];

const giveUpMs = 20_000;

/** Connects once: a connection that is lost stays lost, unless the options say otherwise. */
export async function connect(url: string, options: IClientOptions): Promise<TestClient> {
  const client = mqtt.connect(url, { reconnectPeriod: 0, connectTimeout: giveUpMs, ...options });
  const inbox: Arrived[] = [];
  let wake = (): void => {};
  client.on("message", (topic, payload, { qos, retain }) => {
    inbox.push({ topic, payload: payload.toString(), qos, retain });
    wake();
  });
  const receive = async (count: number): Promise<Arrived[]> => {
    const late = AbortSignal.timeout(giveUpMs);
    late.addEventListener("abort", () => wake());
    while (inbox.length < count) {
      if (late.aborted) throw new Error(`${inbox.length} of ${count} messages came: ${JSON.stringify(inbox)}`);
      await new Promise<void>((resolve) => (wake = resolve));
    }
    return inbox.splice(0, count);
  };
  const sessionPresent = await connected(client);
  return { client, sessionPresent, receive };
}

function connected(client: MqttClient): Promise<boolean> {
  return new Promise((resolve, reject) => {
    client.once("connect", ({ sessionPresent }) => resolve(sessionPresent));
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
