// Messages over MQTT, in bursts of 50 as far as nothing else is said: a burst comes in four frames.

import { setTimeout as delay } from "node:timers/promises";
import type { BenchClient, QoS } from "../client.ts";
import type { Scenario } from "../scenario.ts";
import type { Stage } from "../stage.ts";

export const messagesPerRun = 1_000;
const burst = 50;
const framesPerBurst = 4;

const durable = { clean: false } as const;

/** Publisher, owner of the topic and subscriber on three shards, where there are as many. */
const seats = { subscriber: 0, owner: 1, publisher: 2 } as const;

const publisherOf = (stage: Stage, more = {}): Promise<BenchClient> =>
  stage.client(stage.placement.clientOn(seats.publisher, "publisher"), more);

const topicOf = (stage: Stage): string => `${stage.placement.subtreeOn(seats.owner)}/t`;

const oneSubscriber = (stage: Stage, qos: QoS, filter: string, more = {}): Promise<BenchClient> =>
  stage.subscriber(stage.placement.clientOn(seats.subscriber, "subscriber"), qos, filter, more);

interface Flow {
  readonly publisher: BenchClient;
  readonly receivers: readonly BenchClient[];
  readonly qos: QoS;
  readonly retain?: boolean;
  topic(n: number): string;
  /** Packets that are sent before their answers are waited for, and the frames that they go in. */
  readonly burst?: number;
  readonly frames?: number;
}

/** Each burst comes to its end before the next: what is measured is not the joining of bursts. */
async function publishAll(flow: Flow, count: number): Promise<void> {
  const { publisher, receivers, qos, retain = false } = flow;
  const size = flow.burst ?? burst;
  const goals = receivers.map((receiver) => ({ receiver, start: receiver.received }));
  const acknowledged = publisher.acknowledged;
  for (let sent = 0; sent < count;) {
    const topics = Array.from({ length: Math.min(size, count - sent) }, (_, n) => flow.topic(sent + n));
    publisher.publish(topics, flow.frames ?? Math.min(framesPerBurst, size), { qos, retain });
    sent += topics.length;
    const soFar = sent;
    if (qos > 0) await publisher.until(() => publisher.acknowledged >= acknowledged + soFar);
    await Promise.all(goals.map(({ receiver, start }) => receiver.until(() => receiver.received >= start + soFar)));
  }
  if (qos === 0) await publisher.roundTrip();
}

async function fanOut(
  stage: Stage,
  receivers: readonly BenchClient[],
  topic: string,
  qos: QoS,
  more = {},
): Promise<void> {
  const publisher = await publisherOf(stage, more);
  const count = stage.scaled(messagesPerRun);
  await stage.measure(count, () => publishAll({ publisher, receivers, qos, topic: () => topic }, count));
}

const offline = async (clients: readonly BenchClient[]): Promise<void> => {
  await Promise.all(clients.map((client) => client.leave()));
};

/** One message at a time: the next one follows its acknowledgement and its delivery. */
async function oneByOne(stage: Stage, qos: QoS, more = {}): Promise<void> {
  const topic = topicOf(stage);
  const receivers = [await oneSubscriber(stage, qos, topic, more)];
  const publisher = await publisherOf(stage);
  const count = stage.scaled(messagesPerRun);
  const flow: Flow = { publisher, receivers, qos, topic: () => topic, burst: 1 };
  await stage.measure(count, () => publishAll(flow, count));
}

async function sparse(stage: Stage, receivers: readonly BenchClient[], topic: string): Promise<void> {
  const publisher = await publisherOf(stage);
  const count = Math.max(fewestSparseMessages, stage.scaled(sparseMessages));
  await stage.measure(count, async () => {
    for (let n = 0; n < count; n += 1) {
      await publishAll({ publisher, receivers, qos: 1, topic: () => topic, burst: 1 }, 1);
      await delay(sparsePauseMs);
    }
  });
}

/** Longer than the idle save waits: each message has one of its own. */
const sparsePauseMs = 2_500;
const sparseMessages = 8;
const fewestSparseMessages = 2;

const sensors = 100;
const sensorMessages = 330;
const sensorPauseMs = 30;

/** Many publishers, one message each in turn, 33 a second, as sensors send them. */
async function fanIn(stage: Stage): Promise<void> {
  const topic = stage.placement.subtreeOn(seats.owner);
  const consumer = await oneSubscriber(stage, 1, `${topic}/#`, durable);
  const publishers = await Promise.all(Array.from({ length: sensors }, (_, n) => stage.client(`sensor-${n}`)));
  const count = stage.scaled(sensorMessages);
  await stage.measure(count, async () => {
    for (let n = 0; n < count; n += 1) {
      const sensor = n % sensors;
      publishers[sensor]?.publish([`${topic}/${sensor}`], 1, { qos: 1 });
      await delay(sensorPauseMs);
    }
    await consumer.until(() => consumer.received >= count);
  });
}

const drainedSessions = 10;

async function drain(stage: Stage): Promise<void> {
  const topic = topicOf(stage);
  const ids = Array.from({ length: drainedSessions }, (_, n) => `subscriber-${n}`);
  await offline(await stage.subscribers(drainedSessions, 1, topic, durable));
  const publisher = await publisherOf(stage);
  const count = stage.scaled(messagesPerRun);
  await publishAll({ publisher, receivers: [], qos: 1, topic: () => topic }, count);
  await stage.measure(count * drainedSessions, async () => {
    const clients = await Promise.all(ids.map((id) => stage.client(id, durable)));
    await Promise.all(clients.map((client) => client.until(() => client.received >= count)));
  });
}

const groupMembers = 4;
const groupPollMs = 5;

async function sharedGroup(stage: Stage): Promise<void> {
  const topic = topicOf(stage);
  const members = await stage.subscribers(groupMembers, 1, `$share/group/${topic}`, durable);
  const publisher = await publisherOf(stage);
  const count = stage.scaled(messagesPerRun);
  await stage.measure(count, async () => {
    await publishAll({ publisher, receivers: [], qos: 1, topic: () => topic }, count);
    while (members.reduce((sum, { received }) => sum + received, 0) < count) await delay(groupPollMs);
  });
}

const subtrees = 30;

/** To topics that belong to all shards. */
async function wildcard(stage: Stage): Promise<void> {
  const subscriber = await oneSubscriber(stage, 1, "+/value", durable);
  const publisher = await publisherOf(stage);
  const topics = Array.from({ length: subtrees }, (_, n) => `${stage.placement.subtreeOn(n)}/value`);
  const count = stage.scaled(messagesPerRun);
  const topic = (n: number): string => topics[n % subtrees] ?? "";
  await stage.measure(count, () => publishAll({ publisher, receivers: [subscriber], qos: 1, topic }, count));
}

async function retained(stage: Stage): Promise<void> {
  const subtree = stage.placement.subtreeOn(seats.owner);
  const publisher = await publisherOf(stage);
  const count = stage.scaled(messagesPerRun);
  const flow: Flow = { publisher, receivers: [], qos: 1, retain: true, topic: (n) => `${subtree}/${n}` };
  await stage.measure(count, () => publishAll(flow, count));
}

const underSixty = { rows: 60, kind: "under" } as const;
const none = { rows: 0, kind: "exactly" } as const;

export const messageScenarios: readonly Scenario[] = [
  {
    id: "qos0-fan-out",
    title: "QoS 0, 1 → 100 (50 of them durable sessions)",
    unit: "message",
    fanOut: 100,
    target: none,
    run: async (stage) => {
      const topic = topicOf(stage);
      const stored = Array.from({ length: 50 }, (_, n) => stage.subscriber(`durable-${n}`, 0, topic, durable));
      const receivers = [...(await stage.subscribers(50, 0, topic)), ...(await Promise.all(stored))];
      await fanOut(stage, receivers, topic, 0);
    },
  },
  {
    id: "qos1-ephemeral",
    title: "QoS 1, 1 → 10 ephemeral",
    unit: "message",
    fanOut: 10,
    target: none,
    run: async (stage) => {
      const topic = topicOf(stage);
      await fanOut(stage, await stage.subscribers(10, 1, topic), topic, 1);
    },
  },
  {
    id: "qos0-single",
    title: "QoS 0, 1 → 1, one packet per frame, one at a time",
    unit: "message",
    target: none,
    run: (stage) => oneByOne(stage, 0),
  },
  {
    id: "qos1-ephemeral-single",
    title: "QoS 1, 1 → 1 ephemeral, one packet per frame, one at a time",
    unit: "message",
    target: none,
    run: (stage) => oneByOne(stage, 1),
  },
  {
    id: "qos1-durable-online",
    title: "QoS 1, 1 → 100 durable, on line",
    unit: "message",
    fanOut: 100,
    target: underSixty,
    run: async (stage) => {
      const topic = topicOf(stage);
      await fanOut(stage, await stage.subscribers(100, 1, topic, durable), topic, 1);
    },
  },
  {
    id: "qos1-durable-offline",
    title: "QoS 1, 1 → 100 durable, off line",
    unit: "message",
    fanOut: 100,
    target: underSixty,
    run: async (stage) => {
      const topic = topicOf(stage);
      await offline(await stage.subscribers(100, 1, topic, durable));
      await fanOut(stage, [], topic, 1);
    },
  },
  { id: "drain", title: "drain of 1,000 queued QoS 1 messages each, 10 sessions", unit: "delivery", run: drain },
  {
    id: "qos1-durable-pair",
    title: "QoS 1, 1 → 1 durable",
    unit: "message",
    run: async (stage) => {
      const topic = topicOf(stage);
      await fanOut(stage, [await oneSubscriber(stage, 1, topic, durable)], topic, 1);
    },
  },
  {
    id: "qos1-durable-single",
    title: "QoS 1, 1 → 1 durable, one packet per frame, one at a time",
    unit: "message",
    run: (stage) => oneByOne(stage, 1, durable),
  },
  {
    id: "qos1-durable-sparse",
    title: "QoS 1, 1 → 1 durable, one message in 2.5 s",
    unit: "message",
    run: async (stage) => {
      const topic = topicOf(stage);
      await sparse(stage, [await oneSubscriber(stage, 1, topic, durable)], topic);
    },
  },
  {
    id: "qos1-durable-sparse-300",
    title: "QoS 1, 1 → 300 durable, one message in 2.5 s",
    unit: "message",
    fanOut: 300,
    run: async (stage) => {
      const topic = topicOf(stage);
      await sparse(stage, await stage.subscribers(300, 1, topic, durable), topic);
    },
  },
  {
    id: "qos1-fan-in",
    title: "QoS 1, 100 → 1 durable, one message each in turn, 33 a second",
    unit: "message",
    run: fanIn,
  },
  {
    id: "qos2-durable-pair",
    title: "QoS 2, 1 → 1 durable, both sides",
    unit: "message",
    target: { rows: 200, kind: "under" },
    run: async (stage) => {
      const topic = topicOf(stage);
      await fanOut(stage, [await oneSubscriber(stage, 2, topic, durable)], topic, 2, durable);
    },
  },
  {
    id: "qos2-durable-single",
    title: "QoS 2, 1 → 1 durable subscriber, one packet per frame, one at a time",
    unit: "message",
    run: (stage) => oneByOne(stage, 2, durable),
  },
  { id: "shared-group", title: "QoS 1, shared subscription with 4 durable members", unit: "message", run: sharedGroup },
  { id: "wildcard", title: "QoS 1, 30 subtrees → 1 durable wildcard subscriber", unit: "message", run: wildcard },
  {
    id: "retained",
    title: "retained messages set, a topic each",
    unit: "message",
    target: { rows: 1_000, kind: "exactly" },
    run: retained,
  },
];
