// One client that keeps the runtime busy: others are let in. With a clock and timers of the test's own.

import { expect, test } from "vitest";
import { Starvation } from "../../../src/objects/starvation.ts";

const manyBytes = 100_000;
const longMs = 1_000;
const client = {};

class World {
  nowMs = 0;
  flushes = 0;
  gates = 0;
  /** What is due at once, and has not come. */
  readonly due: (() => void)[] = [];
  readonly starvation = new Starvation({
    now: () => this.nowMs,
    flush: () => void (this.flushes += 1),
    soon: (run) => void this.due.push(run),
    closeGate: async (until) => {
      this.gates += 1;
      await until();
    },
  });

  /** The runtime looks around: timers come. */
  async look(): Promise<void> {
    for (const run of this.due.splice(0)) run();
    await new Promise(setImmediate); // what follows from promises has run
  }
}

test("while timers come in time nobody is held up", async () => {
  const world = new World();
  for (let n = 0; n < 100; n += 1) {
    world.starvation.onInput(client, manyBytes);
    world.nowMs += longMs;
    await world.look();
  }
  expect([world.gates, world.flushes]).toEqual([0, 0]);
});

test("where several clients have their turns nobody is asked", () => {
  const world = new World();
  for (let n = 0; n < 100; n += 1) {
    world.nowMs += longMs;
    world.starvation.onInput(client, 10_000);
    world.starvation.onInput(world, 10_000);
  }
  expect([world.due.length, world.gates]).toEqual([0, 0]);
});

test("another client's message in between ends the watch: the runtime looks around", () => {
  const world = new World();
  world.starvation.onInput(client, manyBytes);
  world.starvation.onInput(world, 1);
  world.nowMs += longMs;
  world.starvation.onInput(client, 1);
  expect(world.gates).toBe(0);
});

test("a few messages are not worth a question", () => {
  const world = new World();
  for (let n = 0; n < 10; n += 1) world.starvation.onInput(client, 10);
  expect(world.due).toEqual([]);
});

test("once a timer does not come, what waits is sent and the gate is closed until one has", async () => {
  const world = new World();
  world.starvation.onInput(client, manyBytes);
  world.nowMs += 9;
  world.starvation.onInput(client, 1);
  expect(world.gates).toBe(0);
  world.nowMs += 1;
  world.starvation.onInput(client, 1);
  expect([world.gates, world.flushes]).toEqual([1, 1]);
  expect(world.due).toHaveLength(2);
});

test("who starved others is watched from the next message on, until timers come by themselves", async () => {
  const world = new World();
  const starve = (): void => {
    world.nowMs += longMs;
    world.starvation.onInput(client, 1);
  };
  world.starvation.onInput(client, manyBytes);
  starve();
  await world.look();
  starve();
  expect(world.gates).toBe(2);
  await world.look();
  await world.look();
  starve();
  expect(world.gates).toBe(2);
});

test("a timer from before the gate, which comes after it, does not end the watch", async () => {
  const world = new World();
  world.starvation.onInput(client, manyBytes);
  world.nowMs += longMs;
  world.starvation.onInput(client, 1);
  const [late, gate] = world.due.splice(0);
  gate?.();
  await world.look();
  late?.();
  world.nowMs += longMs;
  world.starvation.onInput(client, 1);
  expect(world.gates).toBe(2);
});

test("where the object ends while the gate is closed nothing is thrown", async () => {
  let nowMs = 0;
  const starvation = new Starvation({
    now: () => nowMs,
    flush: () => undefined,
    soon: () => undefined,
    closeGate: () => Promise.reject(new Error("the object ended")),
  });
  for (const atMs of [0, longMs]) {
    nowMs = atMs;
    starvation.onInput(client, manyBytes);
  }
  await Promise.resolve();
});
