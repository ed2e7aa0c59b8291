// The load generator against a broker that keeps the rules, and against one that does not.

import { afterEach, describe, expect, test } from "vitest";
import type { RunningBroker } from "../../../bench/speed/brokers/broker.ts";
import { fanIn, fanOut, pairs } from "../../../bench/speed/load/shapes.ts";
import { smallRun, type Measurement } from "../../../bench/speed/scenarios/scenario.ts";
import { measureThroughput, type Load } from "../../../bench/speed/scenarios/throughput.ts";
import { startFaultyBroker, type Misbehave } from "./faulty-broker.ts";

const options = { ...smallRun, warmUpMs: 10, measureMs: 60, stallMs: 150 };
const brokers: RunningBroker[] = [];

afterEach(async () => {
  await Promise.all(brokers.splice(0).map(async (broker) => await broker.stop()));
});

async function measure(misbehave: Misbehave, load: Partial<Load> = {}, more = {}): Promise<Measurement> {
  const broker = await startFaultyBroker(misbehave);
  brokers.push(broker);
  const { shape = pairs(2), qos = 1 } = load;
  return await measureThroughput(broker, { shape, qos, isDurable: false }, { ...options, ...more });
}

function faultsOf(measurement: Measurement): string {
  return measurement.kind === "fault" ? measurement.faults.join("; ") : "none";
}

const behave: Misbehave = (delivery) => [delivery];
/** Late enough that others went well before. */
const theNth = 50;

describe("a broker that keeps the rules is measured", () => {
  test.each([0, 1, 2] as const)("at QoS %i, whatever the shape", async (qos) => {
    for (const shape of [fanOut(1, 3), fanOut(2, 3), fanIn(3), pairs(2)]) {
      const measurement = await measure(behave, { shape, qos });
      expect(measurement).toMatchObject({ kind: "measured", unit: "delivered/s", more: { repeated: 0 } });
      expect(measurement.kind === "measured" && measurement.value).toBeGreaterThan(theNth);
    }
  });

  test("with several packets in a frame", async () => {
    const measurement = await measure(behave, { qos: 2 }, { packetsPerFrame: 5 });
    expect(measurement.kind).toBe("measured");
  });

  test("QoS 1 sent again with DUP is counted, and is no fault", async () => {
    const repeat: Misbehave = (delivery, nth) => (nth === theNth ? [delivery, { ...delivery, dup: true }] : [delivery]);
    expect(await measure(repeat)).toMatchObject({ kind: "measured", more: { repeated: 1 } });
  });
});

describe("a broker that breaks a rule gets no figure", () => {
  const lose: Misbehave = (delivery, nth) => (nth === theNth ? [] : [delivery]);
  const double: Misbehave = (delivery, nth) => (nth === theNth ? [delivery, delivery] : [delivery]);
  let held: readonly Parameters<Misbehave>[0][] = [];
  const swap: Misbehave = (delivery, nth) => {
    if (nth === theNth) {
      held = [delivery];
      return [];
    }
    const late = held;
    held = [];
    return [delivery, ...late];
  };

  test.each([0, 1, 2] as const)("QoS %i: lost", async (qos) => {
    expect(faultsOf(await measure(lose, { qos }))).toContain("1 messages lost");
  });

  test.each([0, 1, 2] as const)("QoS %i: doubled", async (qos) => {
    expect(faultsOf(await measure(double, { qos }))).toContain("1 messages doubled");
  });

  test.each([0, 1, 2] as const)("QoS %i: out of order", async (qos) => {
    expect(faultsOf(await measure(swap, { qos, shape: pairs(1) }))).toContain("1 messages out of order");
  });

  test("QoS 2 with DUP is doubled all the same", async () => {
    const repeat: Misbehave = (delivery, nth) => (nth === theNth ? [delivery, { ...delivery, dup: true }] : [delivery]);
    expect(faultsOf(await measure(repeat, { qos: 2 }))).toContain("1 messages doubled");
  });

  test("to the wrong subscriber", async () => {
    const astray: Misbehave = (delivery, nth) => (nth === theNth ? [{ ...delivery, payload: "hello" }] : [delivery]);
    expect(faultsOf(await measure(astray))).toContain("1 messages that nobody asked for");
  });

  test("at another QoS", async () => {
    const lower: Misbehave = (delivery) => [{ ...delivery, qos: 0 }];
    expect(faultsOf(await measure(lower))).toContain("at another QoS");
  });
});
