import { describe, expect, test } from "vitest";
import { ack, connect, disconnect, publish1, Scene, upTo, type Client } from "../../support/scene.ts";

const limits = { maximumInflight: 2, maximumQueuedMessages: 3 };

/** A stored session `s` on `t`, and a publisher that sends `messages` once `s` has left. */
function stage(leave: (subscriber: Client, publisher: Client, scene: Scene) => void, messages: number, more = {}) {
  const scene = new Scene({ limits: { ...limits, ...more } });
  const subscriber = scene.subscriber("s", 1, ["t"], { cleanStart: false });
  const publisher = scene.connect("p");
  leave(subscriber, publisher, scene);
  fill(scene, messages, "n");
  return scene;
}

function fill(scene: Scene, messages: number, text: string): void {
  const publisher = scene.connect("filler");
  publisher.send(...upTo(messages).map((n) => publish1("t", `${text}${n}`, n)));
  scene.flush();
}

function tidyUp(scene: Scene): void {
  for (let more = true; more; scene.flush()) more = scene.broker.log.compact();
}

/** What `s` gets when it comes back, without the CONNACK, as it acknowledges all of it. */
function received(scene: Scene): string[] {
  const client = scene.open();
  client.send(connect("s", { cleanStart: false }));
  const lines = client.lines().slice(1);
  for (let index = 0; index < lines.length; index += 1) {
    client.send(ack("puback", Number(/#(\d+)/u.exec(lines[index] ?? "")?.[1])));
    lines.push(...client.lines());
  }
  return lines.map((line) => line.replace(/^publish t=/u, "").replace(/ q1 #\d+/u, ""));
}

const dropped = (scene: Scene): number => scene.broker.counters.dropped.get("queue_full") ?? 0;

describe("an off-line session's queue, after the log was tidied", () => {
  test("holds the newest unsent messages, and the rest are counted once", () => {
    const scene = stage((subscriber) => subscriber.send(disconnect), 20);
    tidyUp(scene);
    expect(dropped(scene)).toBe(17);
    expect(scene.effects.log_.at(-1)).toMatchObject({ reason: "queue_full", clientId: "s", count: 17 });
    expect(received(scene)).toEqual(["n18", "n19", "n20"]);
    expect(dropped(scene)).toBe(17);
  });

  test("keeps what was sent before, and what was acknowledged out of order does not count", () => {
    const scene = stage((subscriber, publisher) => {
      publisher.send(publish1("t", "a", 1), publish1("t", "b", 2));
      subscriber.send(ack("puback", 3));
      subscriber.drop();
    }, 20);
    tidyUp(scene);
    expect(received(scene)).toEqual(["a dup", "n18", "n19", "n20"]);
    expect(dropped(scene)).toBe(17);
  });

  test("keeps what may have been sent when a crash came", () => {
    const scene = stage((_subscriber, publisher) => {
      publisher.send(publish1("t", "a", 1), publish1("t", "b", 2), publish1("t", "c", 3));
    }, 0);
    scene.crash();
    fill(scene, 20, "n");
    tidyUp(scene);
    expect(received(scene)).toEqual(["a dup", "b dup", "c dup", "n18", "n19", "n20"]);
    expect(dropped(scene)).toBe(17);
  });

  test("goes on with the next messages, and is one range of the progress", () => {
    const scene = stage((subscriber, publisher) => {
      publisher.send(publish1("t", "a", 1));
      subscriber.drop();
    }, 20);
    tidyUp(scene);
    for (const round of upTo(5)) {
      fill(scene, 5, `r${round}-`);
      tidyUp(scene);
    }
    const session = scene.broker.sessions.get("s" as never);
    if (session === undefined) throw new Error("no session");
    expect(scene.broker.progress.get(session.number).acknowledged).toHaveLength(1);
    expect(dropped(scene)).toBe(42);
    expect(received(scene)).toEqual(["a dup", "r5-3", "r5-4", "r5-5"]);
  });

  test("is as it was after a crash", () => {
    const scene = stage((subscriber) => subscriber.send(disconnect), 20);
    tidyUp(scene);
    scene.crash();
    fill(scene, 2, "m");
    tidyUp(scene);
    expect(received(scene)).toEqual(["n20", "m1", "m2"]);
  });

  test("is bounded by bytes too", () => {
    const scene = stage((subscriber) => subscriber.send(disconnect), 20, {
      maximumQueuedMessages: 1_000,
      maximumQueuedBytes: 100,
    });
    tidyUp(scene);
    expect(received(scene).length).toBeLessThan(6);
    expect(dropped(scene)).toBeGreaterThan(14);
  });

  test("is read in bounded steps", () => {
    const scene = stage((subscriber) => subscriber.send(disconnect), 12_000);
    expect(scene.broker.offlineQueues.step()).toBe(true);
    const first = dropped(scene);
    expect(first).toBeLessThan(10_000);
    tidyUp(scene);
    expect(dropped(scene)).toBe(11_997);
  });

  test("of a session that is back in between is its connection's business", () => {
    const scene = stage((subscriber) => subscriber.send(disconnect), 12_000);
    scene.broker.offlineQueues.step();
    expect(received(scene)).toEqual(["n11998", "n11999", "n12000"]);
    tidyUp(scene);
    expect(dropped(scene)).toBe(11_997);
  });
});
