// Sets retained messages, one after the other, whatever happens to the broker; and what is there in the end.

import mqtt, { type MqttClient } from "mqtt";
import { connect } from "../support/mqtt-client.ts";

const reconnectPeriodMs = 30;
const subtrees = 12;

export class Keeper {
  readonly #client: MqttClient;
  readonly #acknowledged = new Map<string, string>();
  readonly #running: Promise<void>;
  #isOver = false;

  constructor(url: string) {
    this.#client = mqtt.connect(url, { clientId: "keeper", clean: false, reconnectPeriod: reconnectPeriodMs });
    this.#client.on("error", () => {});
    this.#running = this.#run();
  }

  async #run(): Promise<void> {
    for (let count = 0; !this.#isOver; count++) {
      const topic = `kept${count % subtrees}/value`;
      await this.#client.publishAsync(topic, String(count), { qos: 1, retain: true });
      this.#acknowledged.set(topic, String(count));
    }
  }

  /** Topics with the value that was acknowledged last; nothing is on its way. */
  async finish(): Promise<ReadonlyMap<string, string>> {
    this.#isOver = true;
    await this.#running;
    await this.#client.endAsync();
    return this.#acknowledged;
  }
}

/** The topics whose retained message is another than expected, or missing. */
export async function wrongRetained(url: string, expected: ReadonlyMap<string, string>): Promise<string[]> {
  const { client, receive } = await connect(url, { clientId: "reader" });
  await client.subscribeAsync("+/value", { qos: 1 });
  const found = new Map((await receive(expected.size)).map(({ topic, payload }) => [topic, payload]));
  await client.endAsync();
  return [...expected].filter(([topic, value]) => found.get(topic) !== value).map(([topic]) => topic);
}
