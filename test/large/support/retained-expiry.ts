// Scene: many retained messages expire at the same time, while somebody else's client wants its answers; optionally the
// broker is killed in the middle.

import { rmSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { startBroker, type BrokerProcess } from "../../support/broker-process.ts";
import { Bystander } from "./bystander.ts";
import { metricBecomes, metrics, residentMiB, rowsIn } from "./readings.ts";
import { publish, WireClient } from "./wire-client.ts";

export interface RetainedExpiryPlan {
  readonly messages: number;
  readonly expirySec: number;
  /** From the start of the broker on: so long it may take to publish all of them, and to let them expire. */
  readonly lookAfterMs: number;
  readonly isKilled: boolean;
}

export interface RetainedExpiryOutcome {
  /** What subscribers got once all had expired: one before the broker had removed them, one after. */
  readonly delivered: number;
  /** Rows of the table at the end, and those that were left when the broker was killed. */
  readonly rowsLeft: number;
  readonly rowsAtKill: number;
  /** By the last process. */
  readonly counted: number;
  readonly report: RetainedExpiryReport;
}

export interface RetainedExpiryReport {
  /** From the first that was removed to the last. */
  readonly removalMs: number;
  readonly longestPingMs: number;
  /** While they went. */
  readonly commits: number;
  readonly alarmsSet: number;
  /** Of workerd, with all of them and without. */
  readonly residentMiB: readonly [full: number, empty: number];
}

const perFrame = 50;
const payload = Buffer.alloc(100, "x");
const withinMs = 120_000;

export async function expireRetained(plan: RetainedExpiryPlan): Promise<RetainedExpiryOutcome> {
  const variables = { RETAINED_EXPIRY_INTERVAL_MS: String(plan.lookAfterMs) };
  const first = await startBroker({ variables });
  let broker = first;
  try {
    await keepAll(broker, plan);
    const full = residentMiB(broker);
    await delay(plan.expirySec * 1000);
    const early = await deliveries(broker, "expiring/0");
    const before = await metrics(broker);
    let bystander = await watch(broker);
    // The one that was just asked for is gone already.
    await metricBecomes(broker, "retained_messages", (count) => count < plan.messages - 1, withinMs);
    const startedAt = performance.now();
    let rowsAtKill = 0;
    if (plan.isKilled) {
      await broker.killTree();
      await bystander.stop().catch(() => undefined);
      rowsAtKill = rowsIn(broker, "retained");
      broker = await startBroker({ dataDir: first.dataDir, port: first.port, variables });
      bystander = await watch(broker);
    }
    await metricBecomes(broker, "retained_messages", (count) => count === 0, withinMs);
    const removalMs = performance.now() - startedAt;
    await bystander.stop();
    const after = await metrics(broker);
    const rise = (name: string): number => (after.get(name) ?? 0) - (plan.isKilled ? 0 : (before.get(name) ?? 0));
    return {
      delivered: early + (await deliveries(broker, "#")),
      rowsLeft: rowsIn(broker, "retained"),
      rowsAtKill,
      counted: after.get("mqtt_retained_expired_total") ?? 0,
      report: {
        removalMs,
        longestPingMs: bystander.longestMs,
        commits: rise("mqtt_commits_total"),
        alarmsSet: rise("mqtt_alarms_set_total"),
        residentMiB: [full, residentMiB(broker)],
      },
    };
  } finally {
    await broker.stop();
    rmSync(first.dataDir, { recursive: true, force: true });
  }
}

const watch = async (broker: BrokerProcess): Promise<Bystander> =>
  new Bystander(await WireClient.open(broker.mqttUrl, { clientId: "bystander" }));

async function keepAll(broker: BrokerProcess, { messages, expirySec }: RetainedExpiryPlan): Promise<void> {
  const publisher = await WireClient.open(broker.mqttUrl, { clientId: "publisher", protocolVersion: 5 });
  for (let first = 0; first < messages; first += perFrame) {
    const numbers = Array.from({ length: Math.min(perFrame, messages - first) }, (_, index) => first + index);
    const packets = numbers.map((number, index) =>
      publish(`expiring/${number}`, {
        qos: 1,
        messageId: index + 1,
        retain: true,
        payload,
        properties: { messageExpiryInterval: expirySec },
      }),
    );
    publisher.send(...packets);
    for (const answer of await publisher.take(packets.length)) {
      if (answer.cmd !== "puback") throw new Error(`no PUBACK but ${answer.cmd}`);
    }
  }
  await publisher.end();
}

/** How many messages a new subscriber is given. */
async function deliveries(broker: BrokerProcess, filter: string): Promise<number> {
  const subscriber = await WireClient.open(broker.mqttUrl, { clientId: "late" });
  await subscriber.subscribe(0, filter);
  const packets = await subscriber.rest();
  await subscriber.end();
  return packets.length;
}
