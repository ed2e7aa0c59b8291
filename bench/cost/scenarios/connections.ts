// What connections cost: CONNECT, SUBSCRIBE, PINGREQ, takeover.

import type { IConnectPacket } from "mqtt-packet";
import type { Scenario } from "../scenario.ts";
import type { Route, Stage } from "../stage.ts";

const connectionsPerRun = 200;
const durable = { clean: false } as const;
const will = { topic: "gone", payload: Buffer.from("x"), qos: 0, retain: false } as const;

/** One after the other: each connects, and leaves with DISCONNECT. */
async function connectAndLeave(stage: Stage, more: Partial<IConnectPacket>, route: Route = "direct"): Promise<void> {
  const count = stage.scaled(connectionsPerRun);
  await stage.measure(count, async () => {
    for (let n = 0; n < count; n += 1) await (await stage.client(`client-${n}`, more, route)).leave();
  });
}

async function resume(stage: Stage, isTakeover: boolean): Promise<void> {
  const count = stage.scaled(connectionsPerRun);
  const ids = Array.from({ length: count }, (_, n) => `client-${n}`);
  const first = await Promise.all(ids.map((id) => stage.subscriber(id, 1, "news", durable)));
  if (!isTakeover) await Promise.all(first.map((client) => client.leave()));
  await stage.measure(count, async () => {
    for (const id of ids) {
      const client = await stage.client(id, durable);
      if (!client.hadSession) throw new Error("the session was not there");
      if (!isTakeover) await client.leave();
    }
    if (isTakeover) await Promise.all(first.map((client) => client.closed()));
  });
}

async function subscribeEach(stage: Stage, filterOf: (n: number) => string): Promise<void> {
  const count = stage.scaled(connectionsPerRun);
  const clients = await Promise.all(Array.from({ length: count }, (_, n) => stage.client(`client-${n}`)));
  await stage.measure(count, async () => {
    for (const [n, client] of clients.entries()) await client.subscribe(1, filterOf(n));
  });
}

const pings = 1_000;
const pingingClients = 50;

/** A PINGREQ at a time, so that the round trip is the time for which one holds the object awake. */
async function ping(stage: Stage, route: Route): Promise<void> {
  const count = stage.scaled(pings);
  const clients = await Promise.all(
    Array.from({ length: pingingClients }, (_, n) => stage.client(`client-${n}`, {}, route)),
  );
  const roundTripsMs: number[] = [];
  await stage.measure(count, async () => {
    for (let n = 0; n < count; n += 1) roundTripsMs.push((await clients[n % pingingClients]?.roundTrip()) ?? 0);
  });
  stage.roundTripMs = roundTripsMs.sort((a, b) => a - b)[Math.floor(count / 2)];
}

const rowsOfTwo = { rows: 2_000, kind: "exactly" } as const;
const none = { rows: 0, kind: "exactly" } as const;
/** A route for each new filter. */
const oneEach = { rows: 1_000, kind: "at most" } as const;

export const connectionScenarios: readonly Scenario[] = [
  {
    id: "connect-ephemeral",
    title: "CONNECT and DISCONNECT, ephemeral",
    unit: "connection",
    target: none,
    run: (stage) => connectAndLeave(stage, {}),
  },
  {
    id: "connect-will",
    title: "the same with a will",
    unit: "connection",
    target: rowsOfTwo,
    run: (stage) => connectAndLeave(stage, { will }),
  },
  {
    id: "connect-relay",
    title: "CONNECT and DISCONNECT, ephemeral, without ?clientId=",
    unit: "connection",
    target: none,
    usesWorker: true,
    needsShards: true,
    run: (stage) => connectAndLeave(stage, {}, "relay"),
  },
  {
    id: "connect-durable",
    title: "CONNECT of a new durable session, and DISCONNECT",
    unit: "connection",
    run: (stage) => connectAndLeave(stage, durable),
  },
  {
    id: "resume-durable",
    title: "CONNECT that resumes a durable session, and DISCONNECT",
    unit: "connection",
    run: (stage) => resume(stage, false),
  },
  {
    id: "takeover-durable",
    title: "takeover of a durable session",
    unit: "connection",
    run: (stage) => resume(stage, true),
  },
  {
    id: "subscribe-ephemeral",
    title: "SUBSCRIBE, ephemeral, a filter each",
    unit: "subscription",
    target: { ...none, severalShards: oneEach },
    run: (stage) => subscribeEach(stage, (n) => `filter-${n}/+`),
  },
  {
    id: "subscribe-same",
    title: "SUBSCRIBE, ephemeral, all to the same filter",
    unit: "subscription",
    target: { ...none, severalShards: oneEach },
    run: (stage) => subscribeEach(stage, () => "news/+"),
  },
  { id: "ping", title: "PINGREQ, direct", unit: "PINGREQ", target: none, run: (stage) => ping(stage, "direct") },
  {
    id: "ping-relay",
    title: "PINGREQ, without ?clientId=",
    unit: "PINGREQ",
    target: none,
    usesWorker: true,
    needsShards: true,
    run: (stage) => ping(stage, "relay"),
  },
];
