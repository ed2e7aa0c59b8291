// What a crash forgets, and DUP: whatever may have been sent before carries it when it is sent again, however little of
// the progress was saved; and no more than a bounded number of messages that were never sent do.

import { describe, expect, test } from "vitest";
import { randomOf } from "../../../support/random.ts";
import { ack, connect, publish1, publish2, Scene, upTo, type Client } from "../../../support/scene.ts";

interface Got {
  readonly payload: string;
  readonly id: number;
  readonly isDup: boolean;
}

/** The messages that a client was sent since the last time. */
function got(client: Client): Got[] {
  return client.lines().flatMap((line) => {
    const [, payload, id] = /^publish t=(\S+) q\d #(\d+)/u.exec(line) ?? [];
    return payload === undefined ? [] : [{ payload, id: Number(id), isDup: line.endsWith(" dup") }];
  });
}

const window = 2;
/** So many entries are reserved ahead of a drain. */
const reserved = 32;

class Subscriber {
  readonly scene: Scene;
  client: Client;
  #published = 0;
  readonly sent = new Set<string>();
  /** Of the present window. */
  open: Got[] = [];
  readonly faults: string[] = [];

  constructor(maximumQueuedMessages = 10_000) {
    this.scene = new Scene({ limits: { maximumInflight: window, maximumQueuedMessages } });
    // Needs everything, so that nothing leaves the log when `s` has acknowledged it.
    this.scene.subscriber("away", 1, ["t"], { cleanStart: false }).drop();
    this.client = this.scene.subscriber("s", 2, ["t"], { cleanStart: false });
    this.scene.flush();
  }

  publish(count: number): void {
    for (let left = count; left > 0; left -= 1) {
      this.#published += 1;
      this.scene.connect("p").send(publish1("t", String(this.#published), 1));
    }
    this.look();
  }

  /** A flush, and what came with it. */
  look(): Got[] {
    this.scene.flush();
    this.scene.pump();
    this.scene.flush();
    const came = got(this.client);
    for (const { payload, isDup } of came) {
      if (this.sent.has(payload) && !isDup) this.faults.push(`${payload} again without DUP`);
      this.sent.add(payload);
    }
    this.open.push(...came);
    return came;
  }

  /** Nothing saves what is acknowledged. */
  acknowledge(count = this.open.length): void {
    for (const { id } of this.open.splice(0, count)) this.client.send(ack("puback", id));
    this.look();
  }

  save(): void {
    const { state } = this.client.connection;
    if (state.kind === "connected") this.scene.broker.saveProgress(state.session);
    this.look();
  }

  come(): void {
    this.open = [];
    this.client = this.scene.open();
    this.client.send(connect("s", { cleanStart: false }));
    this.look();
  }

  crash(): void {
    this.scene.crash();
    this.come();
  }

  /** Acknowledges until nothing more comes; gives all. */
  drain(): Got[] {
    const all = [...this.open];
    while (this.open.length > 0) {
      this.acknowledge();
      all.push(...this.open);
    }
    return all;
  }
}

describe("[MQTT-3.3.1-1] what is sent again after a crash carries DUP", () => {
  test("also what was sent when the acknowledgements of more than a window were not saved", () => {
    const one = new Subscriber();
    for (let round = 0; round < 5; round += 1) {
      one.publish(window);
      one.acknowledge();
    }
    one.crash();
    expect(one.drain().map(({ payload, isDup }) => [payload, isDup])).toEqual(upTo(10).map((n) => [String(n), true]));
  });

  test("also in a drain, and of those that were never sent only some do", () => {
    const one = new Subscriber();
    one.client.drop();
    one.publish(1_000);
    one.come();
    for (let round = 0; round < 200; round += 1) one.acknowledge();
    const sent = new Set(one.sent);
    expect(sent.size).toBe(window * 201);
    one.crash();
    const wrongly = one.drain().filter(({ payload, isDup }) => isDup && !sent.has(payload));
    expect(one.faults).toEqual([]);
    expect(wrongly.length).toBeLessThanOrEqual(reserved);
  });

  test("but not what came after it", () => {
    const one = new Subscriber();
    one.publish(1);
    one.acknowledge();
    one.scene.crash();
    one.publish(1);
    one.come();
    expect(one.drain().map(({ payload, isDup }) => [payload, isDup])).toEqual([
      ["1", true],
      ["2", false],
    ]);
  });

  test("and most of what waited for the window not, where an idle save came in between", () => {
    const one = new Subscriber();
    const { saves } = one.scene.effects;
    one.publish(window);
    one.save();
    saves.clear();
    one.publish(500);
    expect(saves.has(one.client.connection)).toBe(true);
    one.save();
    one.crash();
    expect(one.drain().filter(({ isDup }) => isDup).length).toBeLessThanOrEqual(window + reserved);
  });

  test.each([reserved - 1, reserved, reserved + 1, 500])(
    "and of %i that waited for the window at most so many as are reserved, where the crash came at once",
    (waiting) => {
      const one = new Subscriber();
      one.publish(window + waiting);
      one.crash();
      const isDup = one.drain().map((message) => message.isDup);
      const counted = window + Math.min(waiting, reserved);
      expect(isDup).toEqual(Array.from({ length: window + waiting }, (_, n) => n < counted));
    },
  );

  test("and what counts as sent does not keep what overflowed out of the reach of the queue limit", () => {
    const limit = 10;
    const one = new Subscriber(limit);
    one.publish(window + 500);
    expect(one.scene.broker.counters.dropped.get("queue_full")).toBe(500 - limit);
    one.crash();
    expect(one.drain().length).toBeLessThanOrEqual(window + reserved + limit);
  });

  test("none that was never sent, where the shard slept and the connection was lost in order", () => {
    const one = new Subscriber();
    one.publish(500);
    one.scene.hibernate();
    one.client.drop();
    one.come();
    expect(one.drain().filter(({ isDup }) => isDup)).toHaveLength(window);
  });

  test("QoS 2: an id whose PUBREC was lost is sent again as the same message, whatever was acknowledged before", () => {
    const scene = new Scene({ limits: { maximumInflight: 1 } });
    const before = scene.subscriber("s", 2, ["t"], { cleanStart: false });
    const publisher = scene.connect("p");
    scene.flush();
    for (const n of upTo(2)) publisher.send(publish2("t", String(n), n));
    scene.flush();
    const [first] = got(before);
    before.send(ack("pubrec", first?.id ?? 0));
    scene.flush();
    before.send(ack("pubcomp", first?.id ?? 0));
    scene.flush();
    expect(got(before)).toMatchObject([{ payload: "2", isDup: false }]);
    scene.crash();
    const after = scene.open();
    after.send(connect("s", { cleanStart: false }));
    scene.flush();
    after.send(ack("pubcomp", first?.id ?? 0));
    scene.flush();
    expect(got(after)).toMatchObject([{ payload: "2", isDup: true }]);
  });

  test.each(upTo(40))("in a random life, seed %i", (seed) => {
    const pick = randomOf(seed);
    const one = new Subscriber();
    for (let step = 0; step < 150; step += 1) {
      const choice = pick(20);
      if (choice < 7) one.publish(1 + pick(4));
      else if (choice < 14) one.acknowledge(1 + pick(window));
      else if (choice < 16) one.save();
      else if (choice === 16) one.client.drop();
      else if (choice === 17 && one.client.connection.state.kind === "closed") one.come();
      else if (choice === 18) {
        one.scene.hibernate();
        one.look();
      } else if (choice === 19) one.crash();
    }
    one.come();
    one.drain();
    expect(one.faults).toEqual([]);
  });
});

describe("rows", () => {
  const pageRows = (one: Subscriber, run: () => void): number => {
    let count = 0;
    const { progress } = one.scene.stores;
    const put = progress.put.bind(progress);
    progress.put = (number, data) => {
      count += 1;
      put(number, data);
    };
    run();
    return count;
  };

  test("a client that keeps up costs none for this, nor does its first message", () => {
    const one = new Subscriber();
    const rows = pageRows(one, () => {
      for (let round = 0; round < 100; round += 1) {
        one.publish(window);
        one.acknowledge();
      }
    });
    expect(rows).toBe(0);
  });

  test("a drain costs one for many messages", () => {
    const one = new Subscriber();
    one.client.drop();
    one.publish(10 * reserved);
    const rows = pageRows(one, () => {
      one.come();
      one.drain();
    });
    expect(rows).toBeLessThanOrEqual(11);
  });
});
