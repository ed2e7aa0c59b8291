// The bill of a workload: what each provider counts, and that ours follows from what was measured.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { billsOf, cloudflareBill, type Bill } from "../../../bench/cost/calculator.ts";
import { billedRows } from "../../../bench/cost/counts.ts";
import { cloudflare, secondsPerMonth } from "../../../bench/cost/prices.ts";
import { resultOf, type Results } from "../../../bench/cost/results.ts";
import { idleSaveSec, rowsPerPublish, usageOf } from "../../../bench/cost/usage.ts";
import { idleSaveMs } from "../../../src/objects/save-interval.ts";
import { parseWorkload, wordsOf, type Workload } from "../../../bench/cost/workload.ts";

const results = JSON.parse(
  readFileSync(new URL("../../../bench/cost/results.json", import.meta.url), "utf8"),
) as Results;

const workload = (words: string): Workload => {
  const parsed = parseWorkload(words.split(" ").filter((word) => word !== ""));
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
};

const billOf = (provider: string, words: string): Bill => {
  const found = billsOf(workload(words), results).find((bill) => bill.provider === provider);
  if (found === undefined) throw new Error(`no ${provider}`);
  return found;
};

const dollarsOf = ({ lines }: Bill): number[] => lines.map(({ dollars }) => Math.round(dollars * 100) / 100);

const browsers =
  "clients=1000 publishesPerHour=10000 deliveriesPerHour=10000 connectsPerDay=0 payloadBytes=50 channels=1";

const nothing = {
  requests: 0,
  webSocketMessages: 0,
  rowsWritten: 0,
  rowsRead: 0,
  gigabyteSeconds: 0,
  workerRequests: 0,
  workerCpuMs: 0,
};

describe("Cloudflare", () => {
  test("nothing used is the plan", () => {
    expect(cloudflareBill(nothing).total).toBe(5);
  });

  test("what is included costs nothing, and what is beyond its price", () => {
    const usage = { ...nothing, requests: 1_000_000, rowsWritten: 51_000_000, gigabyteSeconds: 1_400_000 };
    expect(dollarsOf(cloudflareBill(usage))).toEqual([5, 0, 1, 0, 12.5, 0, 0]);
  });

  test("20 WebSocket messages are a request", () => {
    expect(cloudflareBill({ ...nothing, requests: 1_000_000, webSocketMessages: 20_000_000 }).total).toBeCloseTo(5.15);
  });
});

describe("other providers", () => {
  test("AWS IoT Core: connection minutes, messages both ways, and the PUBACKs of devices", () => {
    expect(dollarsOf(billOf("AWS IoT Core", browsers))).toEqual([3.46, 14.4, 7.2, 0, 0]);
  });

  test("AWS IoT Core: a message of more than 5 KB counts as several", () => {
    expect(dollarsOf(billOf("AWS IoT Core", `${browsers} payloadBytes=5121 qos=0`))).toEqual([3.46, 28.8, 0, 0, 0]);
  });

  test("AWS IoT Core: PINGREQs more often than each 30 s are messages", () => {
    expect(dollarsOf(billOf("AWS IoT Core", `${browsers} keepAliveSec=30`))[4]).toBe(0);
    expect(dollarsOf(billOf("AWS IoT Core", `${browsers} keepAliveSec=20`))[4]).toBe(129.6);
  });

  test("EMQX Serverless: session minutes and traffic beyond what is free", () => {
    expect(dollarsOf(billOf("EMQX Serverless", browsers))).toEqual([84.4, 0.07]);
  });

  test("EMQX Serverless: durable sessions count while their clients are away", () => {
    const online = billOf("EMQX Serverless", browsers).lines[0]?.dollars;
    expect(billOf("EMQX Serverless", `${browsers} onlineShare=0.5`).lines[0]?.dollars).toBeLessThan(online ?? 0);
    expect(billOf("EMQX Serverless", `${browsers} onlineShare=0.5 durable=1`).lines[0]?.dollars).toBeCloseTo(
      online ?? 0,
    );
  });

  test("Ably: base, connections, channels, messages both ways, traffic", () => {
    expect(dollarsOf(billOf("Ably", browsers))).toEqual([29, 43.2, 0.04, 36, 0.17]);
  });
});

describe("usage", () => {
  const usage = (words: string) => usageOf(workload(words), results);
  const silent = "publishesPerHour=0 deliveriesPerHour=0 connectsPerDay=0";

  test("silent clients send a PINGREQ per keep-alive", () => {
    const perMonth = (1_000 * secondsPerMonth) / 60;
    expect(usage(`${silent} clients=1000`).webSocketMessages / perMonth).toBeCloseTo(1, 1);
    expect(usage(`${silent} clients=1000 keepAliveSec=600`).webSocketMessages / perMonth).toBeCloseTo(0.1, 2);
    expect(usage(`${silent} clients=1000 keepAliveSec=0`).webSocketMessages).toBe(0);
  });

  test("behind a relay the shard hears of a client each three minutes, however often it sends PINGREQ", () => {
    const perMonth = (1_000 * secondsPerMonth) / 180;
    for (const keepAliveSec of [10, 60, 0]) {
      const { webSocketMessages } = usage(`${silent} clients=1000 relay=1 shards=3 keepAliveSec=${keepAliveSec}`);
      expect(webSocketMessages / perMonth).toBeCloseTo(1, 1);
    }
  });

  test("QoS 0, and QoS 1 to live sessions, write no row of their own", () => {
    for (const words of ["qos=0 durable=1", "qos=1 durable=0", "qos=1 http=1", "qos=0 http=1 bursts=1"]) {
      for (const shards of [1, 3]) {
        const workloadAt = workload(`${words} shards=${shards}`);
        expect(rowsPerPublish(workloadAt, results)).toBe(0);
      }
    }
  });

  test("awake time is at most all the time of all shards", () => {
    const always = cloudflare.gigabytesPerObject * secondsPerMonth;
    expect(usage("publishesPerHour=36000000 deliveriesPerHour=36000000").gigabyteSeconds).toBeCloseTo(always);
    expect(usage("publishesPerHour=36000000 deliveriesPerHour=36000000 shards=3").gigabyteSeconds).toBeCloseTo(
      3 * always,
    );
    expect(usage(`${silent} clients=0`).gigabyteSeconds).toBe(0);
  });

  test("the idle save is as long as the shard's", () => {
    expect(idleSaveSec * 1_000).toBe(idleSaveMs);
  });

  test("a QoS 1 message keeps an object awake for a second, a QoS 0 message for as long as it takes", () => {
    const second = cloudflare.gigabytesPerObject * 720;
    const hourly = "clients=0 publishesPerHour=1 deliveriesPerHour=1 connectsPerDay=0";
    expect(usage(hourly).gigabyteSeconds / second).toBeCloseTo(1, 1);
    expect(usage(`${hourly} qos=0`).gigabyteSeconds / second).toBeLessThan(0.05);
  });
});

/** Measured apart from what the model is made of. */
describe("the model of rows for durable sessions gives what was measured", () => {
  const rowsOf = (id: string): number => billedRows(resultOf(results, id, 1).perThousand) / 1_000;
  const perHour = { sparse: 1_440, fanIn: 118_800 };

  test.each([
    ["one message in 2.5 s to one session", "qos1-durable-sparse", perHour.sparse, 1],
    ["one message in 2.5 s to 300 sessions", "qos1-durable-sparse-300", perHour.sparse, 300],
    ["33 messages a second to one session", "qos1-fan-in", perHour.fanIn, 1],
  ])("%s", (_, id, publishesPerHour, receivers) => {
    const words = `durable=1 receivers=${receivers} publishesPerHour=${publishesPerHour}`;
    const model = rowsPerPublish(workload(`${words} deliveriesPerHour=${publishesPerHour * receivers}`), results);
    expect(model / rowsOf(id)).toBeGreaterThan(0.95);
    expect(model / rowsOf(id)).toBeLessThan(1.1);
  });
});

describe("inputs", () => {
  test("an input that does not exist, or is no number within its bounds, is refused with a sentence", () => {
    for (const words of [
      "client=1",
      "clients",
      "clients=",
      "clients=x",
      "clients=-1",
      "clients=1.5",
      "shards=2",
      "qos=2",
    ]) {
      expect(parseWorkload([words])).toMatchObject({ ok: false, error: expect.stringMatching(/\.$/) });
    }
  });

  test("what is given comes back", () => {
    const words = ["clients=5", "onlineShare=0.25", "durable=1", "shards=3"];
    expect(wordsOf(workload(words.join(" ")))).toEqual(words);
  });
});
