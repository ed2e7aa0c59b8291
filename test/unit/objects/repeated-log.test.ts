import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { LogRecord } from "../../../src/core/effect.ts";
import { RepeatedLog } from "../../../src/objects/repeated-log.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const drop = (clientId: string, reason: string, more: Partial<LogRecord> = {}): LogRecord => ({
  event: "message-dropped",
  clientId,
  reason,
  ...more,
});

test("the first drop is told at once, those of the next second together, client by client and reason by reason", () => {
  const written: string[] = [];
  const log = new RepeatedLog(({ clientId, reason, count }) => written.push(`${clientId} ${reason} ${count ?? 1}`));
  log.add(drop("a", "slow_consumer"));
  log.add(drop("a", "slow_consumer"));
  log.add(drop("b", "slow_consumer"));
  log.add(drop("a", "queue_full", { count: 7 }));
  log.add(drop("a", "queue_full", { count: 5 }));
  log.add(drop("a", "slow_consumer"));
  expect(written).toEqual(["a slow_consumer 1", "b slow_consumer 1", "a queue_full 7"]);
  vi.advanceTimersByTime(1_000);
  expect(written.slice(3)).toEqual(["a slow_consumer 2", "a queue_full 5"]);
  expect(vi.getTimerCount()).toBe(0); // the object may sleep
  log.add(drop("a", "slow_consumer"));
  expect(written.at(-1)).toBe("a slow_consumer 1");
});

test("another event is told apart", () => {
  const written: string[] = [];
  const log = new RepeatedLog(({ event, count }) => written.push(`${event} ${count ?? 1}`));
  const denied = { event: "publish-denied", clientId: "a", reason: "not_authorized" } as const;
  log.add(drop("a", "not_authorized"));
  log.add(denied);
  log.add(denied);
  log.add(denied);
  vi.advanceTimersByTime(1_000);
  expect(written).toEqual(["message-dropped 1", "publish-denied 1", "publish-denied 2"]);
});
