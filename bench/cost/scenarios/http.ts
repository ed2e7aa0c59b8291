// Messages over HTTP.

import type { Scenario } from "../scenario.ts";
import type { Stage } from "../stage.ts";
import { messagesPerRun } from "./messages.ts";

const bulkSize = 100;
const publishPath = "/api/v5/publish";

async function publishOverHttp(stage: Stage, isDurable: boolean, perRequest: number): Promise<void> {
  const topic = `${stage.placement.subtreeOn(1)}/t`;
  const subscriber = await stage.subscriber(stage.placement.clientOn(0), 1, topic, { clean: !isDurable });
  const requests = stage.scaled(messagesPerRun / perRequest);
  const message = { topic, payload: "x".repeat(100), qos: 1 };
  const messages = Array.from({ length: perRequest }, () => message);
  await stage.measure(requests * perRequest, async () => {
    for (let n = 0; n < requests; n += 1) {
      await (perRequest === 1 ? stage.post(publishPath, message) : stage.post(`${publishPath}/bulk`, messages));
    }
    await subscriber.until(() => subscriber.received >= requests * perRequest);
  });
}

const common = { unit: "message", usesWorker: true } as const;

export const httpScenarios: readonly Scenario[] = [
  {
    ...common,
    id: "http-ephemeral",
    title: "HTTP publish, QoS 1 → 1 ephemeral, one request each",
    run: (stage) => publishOverHttp(stage, false, 1),
  },
  {
    ...common,
    id: "http-durable",
    title: "HTTP publish, QoS 1 → 1 durable, one request each",
    run: (stage) => publishOverHttp(stage, true, 1),
  },
  {
    ...common,
    id: "http-bulk-ephemeral",
    title: "HTTP publish, QoS 1 → 1 ephemeral, 100 in a request",
    run: (stage) => publishOverHttp(stage, false, bulkSize),
  },
  {
    ...common,
    id: "http-bulk",
    title: "HTTP publish, QoS 1 → 1 durable, 100 in a request",
    run: (stage) => publishOverHttp(stage, true, bulkSize),
  },
];
