// The durable subscriber: away while others publish, and in the end it takes everything that was kept for it.

import mqtt from "mqtt";
import { connect } from "../support/mqtt-client.ts";
import type { Ledger } from "./ledger.ts";

/** The last message of all: what was kept comes in order, so nothing is behind it. */
const last = "last";
const reconnectPeriodMs = 50;
/** A restart takes some seconds. */
const longestSilenceMs = 30_000;

/** Makes the session and leaves. */
export async function subscribeAndLeave(url: string, clientId: string, topic: string): Promise<void> {
  const { client } = await connect(url, { clientId, clean: false });
  await client.subscribeAsync(topic, { qos: 2 });
  await client.endAsync();
}

export interface DrainSettings {
  readonly url: string;
  readonly clientId: string;
  readonly topic: string;
  readonly ledger: Ledger;
  /** Called after each message. */
  readonly onArrival: () => void;
}

/** Takes what was kept, also across restarts of the broker. */
export async function drain({ url, clientId, topic, ledger, onArrival }: DrainSettings): Promise<void> {
  const { client: publisher } = await connect(url, { clientId: "last-publisher" });
  await publisher.publishAsync(topic, last, { qos: 2 });
  await publisher.endAsync();
  const client = mqtt.connect(url, { clientId, clean: false, resubscribe: false, reconnectPeriod: reconnectPeriodMs });
  client.on("error", () => {});
  const isLast = (payload: Buffer): boolean => {
    const name = payload.toString();
    if (name === last) return true;
    ledger.onArrival(name);
    onArrival();
    return false;
  };
  await new Promise<void>((resolve) => {
    // A broker that lost the session or its subscription delivers nothing: then all is lost, and the drain is over.
    const silence = setTimeout(resolve, longestSilenceMs);
    const finish = (): void => {
      clearTimeout(silence);
      resolve();
    };
    client.on("connect", ({ sessionPresent }) => {
      if (!sessionPresent) finish();
    });
    client.on("message", (_topic, payload) => {
      silence.refresh();
      if (isLast(payload)) finish();
    });
  });
  await client.endAsync(true);
}
