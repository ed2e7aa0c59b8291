// Publishing over HTTP, one message a request and a hundred, to one MQTT subscriber.

import { setTimeout as delay } from "node:timers/promises";
import type { RunningBroker } from "../brokers/broker.ts";
import { connectOne, endAll, newPrefix } from "../load/crowd.ts";
import { Flow } from "../load/flow.ts";
import { HttpCaller } from "../load/http-caller.ts";
import { coresOf, startMeter } from "../load/meter.ts";
import { newRun, nowUs, payloadOf, stamp } from "../load/payload.ts";
import { faultsOf, Receipts } from "../load/receipts.ts";
import { Subscriber } from "../load/subscriber.ts";
import { outcome, type Measurement, type RunOptions, type Scenario } from "./scenario.ts";

const callers = { full: 8, small: 2 } as const;
const bulkSize = 100;
const qos = 1;
const okStatus = 200;
const pollMs = 1;

export const restScenarios: readonly Scenario[] = [
  rest("rest-single", "publish over REST, single", 1),
  rest("rest-bulk", "publish over REST, bulk of 100", bulkSize),
];

function rest(id: string, title: string, perRequest: number): Scenario {
  return {
    id,
    title,
    unit: "published/s",
    better: "more",
    needs: ["REST publish"],
    run: async (broker, _kind, options) => await measureRest(broker, perRequest, options),
  };
}

interface Caller {
  readonly http: HttpCaller;
  readonly topic: string;
  readonly number: number;
  sent: number;
}

interface Campaign {
  readonly run: number;
  readonly perRequest: number;
  readonly flow: Flow;
  readonly faults: string[];
  isOver: boolean;
}

async function measureRest(broker: RunningBroker, perRequest: number, options: RunOptions): Promise<Measurement> {
  const { httpUrl } = broker;
  if (httpUrl === undefined) throw new Error("the broker has no HTTP API");
  const [word, count, kind] = [newPrefix(), callers[options.size], { version: options.version, isDurable: false }];
  const flow = new Flow({ publishers: count, receiversEach: 1, ahead: 2 * perRequest });
  const campaign: Campaign = { run: newRun(), perRequest, flow, faults: [], isOver: false };
  const client = await connectOne(broker, `${word}-s`, kind);
  const receipts = new Receipts([0, count]);
  const { packetsPerFrame } = options;
  const subscriber = new Subscriber({ client, run: campaign.run, qos, receipts, packetsPerFrame, flow });
  client.onLost = (reason) => campaign.faults.push(reason);
  await client.subscribe(qos, `${word}/+`);
  const url = `${httpUrl}/api/v5/publish${perRequest > 1 ? "/bulk" : ""}`;
  const all = Array.from({ length: count }, (_, number): Caller => {
    return { http: new HttpCaller(url, "application/json"), topic: `${word}/${number}`, number, sent: 0 };
  });
  const calling = all.map(async (caller) => await callOn(caller, campaign));
  await delay(options.warmUpMs);
  const read = startMeter(broker, () => subscriber.received);
  await delay(options.measureMs);
  const reading = read();
  campaign.isOver = true;
  await Promise.all(calling);
  await untilAll(subscriber, all, options.stallMs);
  await endAll(broker, [client], kind);
  const faults = [...campaign.faults, ...faultsOf(receipts.tally((n) => all[n]?.sent ?? 0))];
  return outcome(faults.slice(0, 2), {
    value: reading.done / reading.seconds,
    unit: "published/s",
    more: { "requests/s": reading.done / reading.seconds / perRequest },
    ...coresOf(reading),
  });
}

/** The next request goes out behind the answer, and when the subscriber has all but the last one. */
async function callOn(caller: Caller, campaign: Campaign): Promise<void> {
  const { flow, perRequest, faults } = campaign;
  while (!campaign.isOver && faults.length === 0) {
    if (caller.sent - flow.completedBy(caller.number) > perRequest) {
      await delay(pollMs);
      continue;
    }
    try {
      const body = bodyOf(caller, campaign);
      const status = await caller.http.post(body);
      if (status !== okStatus) faults.push(`a publish was answered with ${status}`);
    } catch (error) {
      faults.push(String(error));
    }
  }
  caller.http.end();
}

function bodyOf(caller: Caller, { run, perRequest }: Campaign): string {
  const messages = Array.from({ length: perRequest }, () => {
    const payload = payloadOf(run, caller.number);
    stamp(payload, 0, caller.sent, nowUs());
    caller.sent += 1;
    return `{"topic":"${caller.topic}","qos":${qos},"payload_encoding":"base64","payload":"${Buffer.from(payload).toString("base64")}"}`;
  });
  return perRequest === 1 ? messages.join("") : `[${messages.join(",")}]`;
}

async function untilAll(subscriber: Subscriber, all: readonly Caller[], patienceMs: number): Promise<void> {
  const sent = all.reduce((sum, caller) => sum + caller.sent, 0);
  const until = performance.now() + patienceMs;
  while (subscriber.received < sent && performance.now() < until) await delay(pollMs);
}
