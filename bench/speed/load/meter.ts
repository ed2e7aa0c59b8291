// How much was done in a stretch of time, and what processor time it took: the broker's and the generator's own.

import type { RunningBroker } from "../brokers/broker.ts";

export interface Reading {
  readonly seconds: number;
  readonly done: number;
  readonly brokerCpuMs: number;
  readonly loadCpuMs: number;
}

const msPerSec = 1_000;
const usPerMs = 1_000;

/** Started now; gives what has come since. */
export function startMeter(broker: Pick<RunningBroker, "cpuMs">, done: () => number): () => Reading {
  const [brokerBefore, loadBefore, doneBefore, startedAt] = [broker.cpuMs(), ownCpuMs(), done(), performance.now()];
  return () => {
    const [seconds, doneAfter] = [(performance.now() - startedAt) / msPerSec, done()];
    return {
      seconds,
      done: doneAfter - doneBefore,
      brokerCpuMs: broker.cpuMs() - brokerBefore,
      loadCpuMs: ownCpuMs() - loadBefore,
    };
  };
}

/** In cores: 1 is one core all the time. */
export function coresOf({ seconds, brokerCpuMs, loadCpuMs }: Reading): {
  readonly brokerCores: number;
  readonly loadCores: number;
} {
  const elapsedMs = seconds * msPerSec;
  return { brokerCores: brokerCpuMs / elapsedMs, loadCores: loadCpuMs / elapsedMs };
}

function ownCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / usPerMs;
}
