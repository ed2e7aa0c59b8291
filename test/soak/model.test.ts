// What the model allows after a crash, and what it does not: each rule with the packet next to it that breaks it.

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Model, type Incoming } from "./model.ts";
import type { Published, QoS } from "./published.ts";
import { Patience } from "./patience.ts";
import type { SessionRecord } from "./session-record.ts";

const topicName = "a/x";
const longMs = 10_000;
const shortMs = 500;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

interface Arranged {
  readonly model: Model;
  readonly session: SessionRecord;
}

function arrange(shards: number): Arranged {
  const settings = { shards, shardOf: () => 0, mayRead: () => true, isAtOwnerWhenAcknowledged: () => true };
  const model = new Model(settings);
  return { model, session: model.open("s", true) };
}

function subscribe({ model, session }: Arranged, qos: QoS): void {
  const { record, sentAt } = model.subscribe(session, topicName, qos);
  model.suback(session, record, sentAt);
}

function publish({ model }: Arranged, name: string, qos: QoS, retain = false): Published {
  const own = { name, topicName, qos, retain, clears: false, publisher: "p", isWill: false, isDenied: false };
  return model.publish({ ...own, sequence: Number(name) });
}

const plain: Incoming = { topicName, payload: "1", qos: 1, retain: false, dup: false, packetId: 1 };

function arrive({ model, session }: Arranged, changes: Partial<Incoming> = {}): void {
  model.arrive(session, { ...plain, ...changes }, false);
}

/** The connection is lost with its shard. */
function crash({ model, session }: Arranged, heardAtMs = performance.now()): void {
  model.beginCrash();
  model.endCrash();
  session.lose(heardAtMs);
}

function settle({ model }: Arranged, times: number): void {
  for (let left = times; left > 0; left -= 1) model.settle(() => undefined);
}

/** A message of QoS 1 that was published, has come and was answered. */
function acknowledge(arranged: Arranged): void {
  arranged.model.acknowledged(publish(arranged, "1", 1));
  arrive(arranged);
  arranged.model.answered(arranged.session, "1", false);
}

describe("a message that its client has acknowledged", () => {
  test.each([1, 3])("comes again with DUP after a crash, settled or not, at %i shard(s)", (shards) => {
    const arranged = arrange(shards);
    subscribe(arranged, 1);
    acknowledge(arranged);
    settle(arranged, 5);
    vi.advanceTimersByTime(shortMs);
    crash(arranged);
    arrive(arranged, { dup: true });
    expect(arranged.model.violations).toEqual([]);
  });

  test("does not come again without DUP", () => {
    const arranged = arrange(1);
    subscribe(arranged, 1);
    acknowledge(arranged);
    crash(arranged);
    arrive(arranged);
    expect(arranged.model.violations).toEqual([expect.stringContaining("without DUP")]);
  });

  test("does not come again once the broker has had the time to record it", () => {
    const arranged = arrange(1);
    subscribe(arranged, 1);
    acknowledge(arranged);
    vi.advanceTimersByTime(longMs);
    crash(arranged);
    arrive(arranged, { dup: true });
    expect(arranged.model.violations).toEqual([expect.stringContaining("long after its answer")]);
  });

  test("may come again in a later connection where the first loss came right after its answer", () => {
    const arranged = arrange(1);
    subscribe(arranged, 1);
    acknowledge(arranged);
    crash(arranged);
    vi.advanceTimersByTime(longMs);
    crash(arranged);
    arrive(arranged, { dup: true });
    expect(arranged.model.violations).toEqual([]);
  });

  test("may come again where the broker was not heard any more after its answer, though nobody noticed for long", () => {
    const arranged = arrange(1);
    subscribe(arranged, 1);
    acknowledge(arranged);
    const heardAtMs = performance.now();
    vi.advanceTimersByTime(longMs);
    crash(arranged, heardAtMs);
    arrive(arranged, { dup: true });
    expect(arranged.model.violations).toEqual([]);
  });

  test("does not come again as another message when all has settled", () => {
    const arranged = arrange(3);
    subscribe(arranged, 1);
    acknowledge(arranged);
    settle(arranged, 5);
    crash(arranged);
    arrive(arranged, { packetId: 2 });
    expect(arranged.model.violations).toEqual([expect.stringContaining("which is over")]);
  });

  test("is forgotten in the end", () => {
    const arranged = arrange(1);
    subscribe(arranged, 1);
    acknowledge(arranged);
    settle(arranged, 5);
    vi.advanceTimersByTime(longMs);
    settle(arranged, 1);
    arrive(arranged, { dup: true });
    expect(arranged.model.violations).toEqual([expect.stringContaining("over or was never published")]);
  });
});

describe("who subscribed between two messages", () => {
  /** The second has come first. */
  function between(shards: number, qos: QoS, crashes: boolean): Arranged {
    const arranged = arrange(shards);
    publish(arranged, "1", qos);
    subscribe(arranged, 1);
    publish(arranged, "2", qos);
    arrive(arranged, { payload: "2" });
    if (crashes) crash(arranged);
    arrive(arranged, { packetId: 2 });
    return arranged;
  }

  test("may get the first behind the second, when a shard was lost and a link brought both again", () => {
    expect(between(3, 1, true).model.violations).toEqual([]);
  });

  test("may get it so at the QoS of the new subscription, with an older one at QoS 0", () => {
    const arranged = arrange(1);
    const { record, sentAt } = arranged.model.subscribe(arranged.session, "a/#", 0);
    arranged.model.suback(arranged.session, record, sentAt);
    const first = publish(arranged, "1", 1);
    subscribe(arranged, 1);
    publish(arranged, "2", 1);
    arrive(arranged, { payload: "2" });
    first.isSentAgain = true;
    arrive(arranged, { packetId: 2 });
    expect(arranged.model.violations).toEqual([]);
  });

  test.each([
    ["without a crash", 3, 1, false],
    ["at one shard, which has no links", 1, 1, true],
    ["at QoS 2, which a link brings once", 3, 2, true],
  ] as const)("may not %s", (_, shards, qos, crashes) => {
    expect(between(shards, qos, crashes).model.violations).toEqual([expect.stringContaining("after 2")]);
  });
});

describe("who subscribes after a message was acknowledged", () => {
  function late(shards: number, wasRouted: boolean, settlesBetween: boolean): readonly string[] {
    const arranged = arrange(shards);
    if (wasRouted) {
      subscribe(arranged, 1);
      const gone = arranged.model.unsubscribe(arranged.session, topicName);
      if (gone !== undefined) arranged.model.unsuback(gone);
    }
    arranged.model.acknowledged(publish(arranged, "1", 2));
    if (settlesBetween) settle(arranged, 1);
    subscribe(arranged, 1);
    arrive(arranged);
    return arranged.model.violations;
  }

  test("may get it where its shard was told of it anyway, for a route lingers", () => {
    expect(late(3, true, false)).toEqual([]);
  });

  test.each([
    ["at one shard", 1, true, false],
    ["where its shard had no such route", 3, false, false],
    ["when all has settled between", 3, true, true],
  ] as const)("does not get it %s", (_, shards, wasRouted, settlesBetween) => {
    expect(late(shards, wasRouted, settlesBetween)).toEqual([expect.stringContaining("without a subscription")]);
  });
});

describe("a retained message of QoS 2", () => {
  function replay(times: number, subscribes: number): Arranged {
    const arranged = arrange(1);
    const value = publish(arranged, "1", 2, true);
    arranged.model.acknowledged(value);
    subscribe(arranged, 1);
    arrive(arranged, { retain: true });
    for (let left = 4; left > 0; left -= 1) arranged.model.settle(() => value);
    for (let left = subscribes; left > 0; left -= 1) subscribe(arranged, 2);
    for (let at = 0; at < times; at += 1) arrive(arranged, { retain: true, qos: 2, packetId: 2 + at });
    return arranged;
  }

  test("comes once for each SUBSCRIBE, whatever came for those that are long over", () => {
    expect(replay(2, 2).model.violations).toEqual([]);
  });

  test("does not come more often", () => {
    expect(replay(2, 1).model.violations).toEqual([expect.stringContaining("as retained 2 times at QoS 2")]);
  });
});

describe("a deadline", () => {
  test("is over when so much time has been polled through", () => {
    const patience = new Patience(longMs);
    for (let passedMs = 0; passedMs <= longMs; passedMs += 500) {
      expect(patience.isOver).toBe(false);
      vi.advanceTimersByTime(500);
    }
    expect(patience.isOver).toBe(true);
  });

  test("does not count the time in which the machine stood still", () => {
    const patience = new Patience(longMs);
    vi.advanceTimersByTime(longMs * 10);
    expect(patience.isOver).toBe(false);
  });
});
