// A stored session whose client comes and goes, and takes whatever comes: as MQTT.js does it, which forgets nothing of
// QoS 2 while it lives.

import mqtt, { type MqttClient } from "mqtt";
import type { Ledger } from "../crash/ledger.ts";

const reconnectPeriodMs = 30;
const sessionExpirySec = 3_600;

export interface RoamerSettings {
  readonly url: string;
  readonly clientId: string;
  readonly ledger: Ledger;
  /** None: the session has its subscriptions. */
  readonly filters?: readonly string[];
  /** Its connection breaks every so often; absent: it stays. */
  readonly stayMs?: number;
}

export class Roamer {
  /** Payloads that are no names of the ledger. */
  readonly others: string[] = [];
  readonly #client: MqttClient;
  readonly #ledger: Ledger;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** Resolves when it has subscribed; from then on it comes and goes. */
  static async start(settings: RoamerSettings): Promise<Roamer> {
    const { filters = [], stayMs } = settings;
    const roamer = new Roamer(settings);
    await new Promise((resolve) => roamer.#client.once("connect", resolve));
    if (filters.length > 0) await roamer.#client.subscribeAsync([...filters], { qos: 2 });
    // An abrupt loss; MQTT.js comes back.
    if (stayMs !== undefined) roamer.#timer = setInterval(() => roamer.#client.stream.destroy(), stayMs);
    return roamer;
  }

  private constructor({ url, clientId, ledger }: RoamerSettings) {
    this.#ledger = ledger;
    this.#client = mqtt.connect(url, {
      clientId,
      clean: false,
      resubscribe: false,
      reconnectPeriod: reconnectPeriodMs,
      protocolVersion: 5,
      properties: { sessionExpiryInterval: sessionExpirySec },
    });
    this.#client.on("error", () => {});
    this.#client.on("message", (_, payload) => this.#onMessage(payload.toString()));
  }

  #onMessage(text: string): void {
    if (/^\d+\/\d\/\d+$/u.test(text)) this.#ledger.onArrival(text);
    else this.others.push(text);
  }

  /** Breaks no more connections. */
  stay(): void {
    clearInterval(this.#timer);
  }

  async end(): Promise<void> {
    this.stay();
    await this.#client.endAsync(true);
  }
}
