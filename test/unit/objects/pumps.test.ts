// Connections that have more to send wait for their sockets to drain.

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Connection } from "../../../src/core/connection.ts";
import { Pumps } from "../../../src/objects/pumps.ts";

const aWhileMs = 1_000;

class World {
  readonly connection = { state: { kind: "connected" } } as unknown as Connection;
  hasRoom = false;
  isTold = false;
  pumped = 0;
  readonly pumps = new Pumps({
    hasRoom: () => this.hasRoom,
    isTold: () => this.isTold,
    guard: (run) => run(),
    pump: () => void (this.pumped += 1),
  });
}

describe("a connection whose socket has no room", () => {
  let world: World;
  beforeEach(() => {
    vi.useFakeTimers();
    world = new World();
    world.pumps.soon(world.connection);
    vi.advanceTimersByTime(aWhileMs);
  });
  afterEach(() => void vi.useRealTimers());

  test("goes on once it has drained", () => {
    expect(world.pumped).toBe(0);
    world.hasRoom = true;
    vi.advanceTimersByTime(aWhileMs);
    expect(world.pumped).toBe(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("is looked after no more where a relay will say it", () => {
    world.isTold = true;
    vi.advanceTimersByTime(aWhileMs);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("is looked after no more when it has ended, also where the client never reads what it was sent", () => {
    world.connection.state = { kind: "closed" };
    vi.advanceTimersByTime(aWhileMs);
    expect([world.pumped, vi.getTimerCount()]).toEqual([0, 0]);
  });
});
