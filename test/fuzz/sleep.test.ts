// Hibernation is invisible: random clients of MQTT 3.1.1 and 5 get the same from a core that sleeps every few steps as
// from one that never does. More seeds than the few of every run: `FUZZ_SEEDS=1000 npx vitest run --project unit
// test/fuzz/sleep.test.ts`, from another first one on with `FUZZ_FROM=5000`. A seed that fails names itself and tells
// what happened: it becomes a named test of what it found.

import { expect, test } from "vitest";
import { upTo } from "../support/scene.ts";
import { TwinCores } from "./twin-cores.ts";

const seeds = Number(process.env["FUZZ_SEEDS"] ?? 60);
const firstSeed = Number(process.env["FUZZ_FROM"] ?? 1);
const steps = 250;
/** The end of what happened: as much as one reads. */
const shownLines = 60;
const timeoutMsPerSeed = 1_000;

test(
  `whether a core sleeps or not makes no difference to a client, seeds ${firstSeed} to ${firstSeed + seeds - 1}`,
  () => {
    for (const seed of upTo(seeds, firstSeed)) {
      const difference = new TwinCores(seed).run(steps);
      expect.soft(difference?.slice(-shownLines).join("\n"), `seed ${seed}`).toBeUndefined();
    }
  },
  seeds * timeoutMsPerSeed,
);
