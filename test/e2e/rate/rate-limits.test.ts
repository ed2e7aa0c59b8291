// Rates of messages: clients that flood, at every QoS and in both kinds of versions, and clients that only send much. A
// pair beside them loses nothing, what is refused is not delivered, and what is taken is delivered once and in order.

import { afterAll, beforeAll, expect, test } from "vitest";
import { startBroker, type BrokerProcess } from "../../support/broker-process.ts";
import { connect, version5, type TestClient } from "../support/mqtt-client.ts";
import { publisherSteps, seatsAround, subscriberSteps } from "../support/placement.ts";
import { describeShards } from "../support/shard-counts.ts";
import { flood, type Flooded } from "./flooder.ts";

const perSecond = 20;
const burstSec = 2;
const burst = perSecond * burstSec;
/** Beyond ten times the burst, and some for the time that it takes; less than a queue holds. */
const flooded = 20 * burst;
const bystanderMessages = 30;
const messageRateTooHigh = 0x96;
const quotaExceeded = 0x97;
const msPerSec = 1_000;

const upTo = (count: number): string[] => Array.from({ length: count }, (_, index) => String(index + 1));

describeShards("rates", (shards) => {
  const seats = seatsAround("flood", shards);
  let broker: BrokerProcess;
  const clients: TestClient[] = [];

  beforeAll(async () => {
    const variables = { CLIENT_MESSAGE_RATE: String(perSecond), RATE_BURST_SEC: String(burstSec) };
    broker = await startBroker({ shards, variables });
  });
  afterAll(async () => {
    await Promise.all(clients.map(({ client }) => client.endAsync()));
    await broker.stop();
  });

  async function join(clientId: string, options: object = version5): Promise<TestClient> {
    const client = await connect(`${broker.mqttUrl}?clientId=${clientId}`, { clientId, ...options });
    clients.push(client);
    return client;
  }

  /** Messages of one publisher, one after the other; gives what its reader got. */
  async function bystanders(name: string): Promise<string[]> {
    const reader = await join(seats.clientId(`${name}-r`, subscriberSteps));
    const publisher = await join(seats.clientId(`${name}-p`, publisherSteps));
    await reader.client.subscribeAsync(name, { qos: 2 });
    for (const payload of upTo(bystanderMessages)) await publisher.client.publishAsync(name, payload, { qos: 1 });
    return (await reader.receive(bystanderMessages)).map(({ payload }) => payload);
  }

  async function metric(name: string): Promise<number> {
    const lines = (await (await fetch(`${broker.httpUrl}/metrics`)).text()).split("\n");
    return Number(lines.find((line) => line.startsWith(`mqtt_${name} `))?.split(" ")[1] ?? 0);
  }

  const floods = ([4, 5] as const).flatMap((version) => ([0, 1, 2] as const).map((qos) => [version, qos] as const));

  test.each(floods)("a flood of version %i at QoS %i ends, and harms nobody", async (protocolVersion, qos) => {
    const name = `v${protocolVersion}q${qos}`;
    const topic = `flood/${name}`;
    const witness = await join(seats.clientId(`${name}-w`, subscriberSteps));
    await witness.client.subscribeAsync(topic, { qos: 2 });
    const clientId = seats.clientId(name, publisherSteps);
    const options = { clientId, protocolVersion, qos, topic, count: flooded };
    const [outcome, arrived] = await Promise.all([flood(broker.mqttUrl, options), bystanders(name)]);
    expect(arrived).toEqual(upTo(bystanderMessages));
    expect(outcome.toldToLeave).toBe(protocolVersion === 5 ? messageRateTooHigh : undefined);
    await expectDelivered(witness, topic, outcome, qos);
  });

  /** A last message says that there are no more. */
  async function expectDelivered(
    witness: TestClient,
    topic: string,
    { taken, refused }: Flooded,
    qos: 0 | 1 | 2,
  ): Promise<void> {
    const last = await join(seats.clientId(`last-${topic.replace("/", "-")}`, publisherSteps));
    await last.client.publishAsync(topic, "last", { qos: 2 });
    const delivered: number[] = [];
    for (;;) {
      const [one] = await witness.receive(1);
      if (one === undefined || one.payload === "last") break;
      delivered.push(Number(one.payload));
    }
    expect(delivered).toEqual([...new Set(delivered)].toSorted((a, b) => a - b)); // once, in order
    expect(delivered.slice(0, burst)).toEqual(upTo(burst).map(Number));
    // What was taken last may not be acknowledged yet when the connection ends.
    expect(delivered.slice(0, taken.length)).toEqual(taken);
    expect(delivered.filter((id) => refused.has(id))).toEqual([]);
    expect([...new Set(refused.values())].filter((code) => code !== quotaExceeded)).toEqual([]);
    expect(delivered.length).toBeLessThan(qos === 0 ? 2 * burst : flooded);
  }

  test("a client of MQTT 3 with a window is slowed down to its rate, and loses nothing", async () => {
    const count = 2 * burst;
    const window = 20;
    const reader = await join(seats.clientId("slow-r", subscriberSteps));
    await reader.client.subscribeAsync("slow", { qos: 1 });
    const publisher = await join(seats.clientId("slow-p", publisherSteps), { protocolVersion: 4 });
    const payloads = upTo(count);
    const startedMs = performance.now();
    const send = async (): Promise<void> => {
      for (let next = payloads.shift(); next !== undefined; next = payloads.shift()) {
        await publisher.client.publishAsync("slow", next, { qos: 1 });
      }
    };
    await Promise.all(Array.from({ length: window }, send));
    const leastMs = ((count - burst) / perSecond) * msPerSec;
    expect(performance.now() - startedMs).toBeGreaterThan(leastMs * 0.9); // timers of two clocks
    expect((await reader.receive(count)).map(({ payload }) => payload)).toEqual(upTo(count));
    expect(await metric("publish_delayed_total")).toBeGreaterThanOrEqual(count - 2 * burst + 1);
  });

  test("over HTTP: 429 with the time to wait, after which it is taken again", async () => {
    const reader = await join(seats.clientId("http-r", subscriberSteps));
    await reader.client.subscribeAsync("http/#", { qos: 1 });
    const messages = upTo(burst).map((payload) => ({ topic: "http/a", payload, qos: 1 }));
    const post = (body: unknown): Promise<Response> =>
      fetch(`${broker.httpUrl}/api/v5/publish/bulk`, { method: "POST", body: JSON.stringify(body) });
    const statuses: number[] = [];
    let refused: Response | undefined;
    while (refused === undefined && statuses.length < 10) {
      const response = await post(messages);
      statuses.push(response.status);
      if (response.status === 429) refused = response;
    }
    expect(statuses.at(-1)).toBe(429);
    const taken = statuses.length - 1;
    await reader.receive(taken * burst);
    const waitSec = Number(refused?.headers.get("retry-after"));
    expect(waitSec).toBeGreaterThanOrEqual(1);
    await new Promise((resolve) => setTimeout(resolve, waitSec * msPerSec));
    expect((await post([{ topic: "http/a", payload: "again", qos: 1 }])).status).toBe(200);
    expect((await reader.receive(1))[0]?.payload).toBe("again"); // and nothing of what was refused
  });

  test("what was dropped or refused is counted", async () => {
    expect(await metric('dropped_total{reason="rate_limited"}')).toBeGreaterThan(0);
  });
});
