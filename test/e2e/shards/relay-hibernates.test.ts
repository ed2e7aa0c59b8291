// A shard sleeps while its clients stay connected, behind a relay too: in the real runtime, which decides that by itself.

import { setTimeout as idle } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startBroker, type BrokerProcess } from "../../support/broker-process.ts";
import { connect } from "../support/mqtt-client.ts";

/** The runtime lets an object sleep after 10 s in which nothing came and nothing was pending. */
const sleepsAfterMs = 13_000;
/** Of the relayed client: the relay answers these PINGREQs, or its shard would never be idle for so long. */
const keepAliveSec = 4;

let broker: BrokerProcess;
beforeAll(async () => {
  broker = await startBroker({ shards: 3 });
});
afterAll(async () => {
  await broker.stop();
});

/** The sum over all shards. Asking wakes them. */
async function metric(name: string): Promise<number> {
  const text = await (await fetch(`${broker.httpUrl}/metrics`)).text();
  return Number(new RegExp(`^mqtt_${name} (\\d+)$`, "mu").exec(text)?.[1]);
}

test("a shard behind a relay sleeps like one behind a direct connection, and both connections stay", async () => {
  const relayed = await connect(broker.mqttUrl, { clientId: "relayed", keepalive: keepAliveSec });
  const direct = await connect(`${broker.mqttUrl}?clientId=direct`, { clientId: "direct", keepalive: 60 });
  await relayed.client.subscribeAsync("to/relayed", { qos: 1 });
  await direct.client.subscribeAsync("to/direct", { qos: 1 });
  expect([await metric("connections"), await metric("connects_accepted_total")]).toEqual([2, 2]);
  await idle(sleepsAfterMs);
  // Counters are of the object's memory: its constructor ran again. The connections came out of their attachments.
  expect([await metric("connections"), await metric("connects_accepted_total")]).toEqual([2, 0]);
  expect([relayed.client.connected, direct.client.connected]).toEqual([true, true]);
  await relayed.client.publishAsync("to/direct", "over", { qos: 1 });
  await direct.client.publishAsync("to/relayed", "back", { qos: 1 });
  expect(await direct.receive(1)).toMatchObject([{ payload: "over" }]);
  expect(await relayed.receive(1)).toMatchObject([{ payload: "back" }]);
  await Promise.all([relayed.client.endAsync(), direct.client.endAsync()]);
});
