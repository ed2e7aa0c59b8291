// How large what is delivered may get: user properties and subscription identifiers count wherever bytes are counted,
// and no row passes the 2 MB that the platform takes.

import { describe, expect, test } from "vitest";
import type { PacketId, Position, SessionNumber, TopicName } from "../../../src/core/brand.ts";
import { limits } from "../../../src/core/limits.ts";
import type { Message } from "../../../src/core/packet.ts";
import { packPage, sessionsPerPage, type Progress } from "../../../src/core/progress-page.ts";
import { connect, disconnect, publish, publish1, request, Scene, upTo, type Client } from "../../support/scene.ts";
import { kept, v5 } from "./broker/v5.ts";

const MB = 1_000_000;
const largestRowBytes = 2 * MB;

/** Pairs of nothing: five bytes each on the wire. */
const emptyPairs = (count: number) => ({ userProperties: upTo(count).map(() => ["", ""] as const) });
/** A hundred of them, which count 16 bytes each, the topic, and 16 for the message. */
const laden = emptyPairs(100);
const ladenBytes = 1_617;

const largestRow = (scene: Scene): number =>
  Number(scene.sql.all("SELECT max(length(data) + length(sessions)) AS bytes FROM chunk")[0]?.["bytes"]);

const queueFull = (scene: Scene): number => scene.broker.counters.dropped.get("queue_full") ?? 0;

function comeBack(scene: Scene, clientId: string): Client {
  const client = scene.open();
  client.send(connect(clientId, kept()));
  return client;
}

describe("user properties of no characters count", () => {
  const queueOfFive = { maximumQueuedBytes: 5 * ladenBytes };

  test("in the queue of a client that is away", () => {
    const scene = new Scene({ limits: queueOfFive });
    scene.subscriber("s", 1, ["t"], kept()).send(disconnect);
    scene.connect("p", v5()).send(...upTo(8).map((id) => publish1("t", "", id, { properties: laden })));
    scene.flush();
    expect(comeBack(scene, "s").lines().slice(1).length).toBe(5);
    expect(queueFull(scene)).toBe(3);
  });

  test.each([v5(), kept()])("in the queue behind a full window, %#", (more) => {
    const scene = new Scene({ limits: { ...queueOfFive, maximumInflight: 1 } });
    scene.subscriber("s", 1, ["t"], more);
    scene.connect("p", v5()).send(...upTo(8).map((id) => publish1("t", "", id, { properties: laden })));
    expect(queueFull(scene)).toBe(2);
  });

  test("in the log, and the publisher is told 0x97", () => {
    const scene = new Scene({ limits: { maximumLogBytes: 2 * ladenBytes } });
    scene.subscriber("s", 1, ["t"], kept()).send(disconnect);
    const publisher = scene.connect("p", v5());
    publisher.send(...upTo(3).map((id) => publish1("t", "", id, { properties: laden })));
    scene.flush();
    expect(publisher.lines().toSorted()).toEqual(["puback 1", "puback 2", "puback 3/151"]);
  });

  test("among what is retained, and the publisher is told 0x97", () => {
    const scene = new Scene({ limits: { maximumRetainedBytes: 2 * ladenBytes } });
    const publisher = scene.connect("p", v5());
    const retained = { properties: laden, retain: true };
    publisher.send(...upTo(3).map((id) => publish1(`t${id}`, "x", id, retained)));
    scene.flush();
    expect(publisher.lines().toSorted()).toEqual(["puback 1", "puback 2", "puback 3/151"]);
  });

  test("in a row of the log", () => {
    const scene = new Scene();
    scene.subscriber("s", 1, ["t"], kept()).send(disconnect);
    const properties = emptyPairs(100_000);
    scene.connect("p", v5()).send(...upTo(12).map((id) => publish1("t", "", id, { properties })));
    scene.flush();
    expect(largestRow(scene)).toBeLessThan(largestRowBytes);
    expect(comeBack(scene, "s").lines().slice(1).length + queueFull(scene)).toBe(12);
  });
});

describe("an audience that is too large for a row beside its message", () => {
  const sessions = 30;
  const identifiersEach = 1_000;
  /** Larger than a client may send; the same comes of a smaller one and more sessions. */
  const payload = new Uint8Array(1.9 * MB);
  const topic = "a/a/a/a/a/a/a/a/a/a";
  /** Each is another filter of that topic. */
  const filters = upTo(identifiersEach, 0).map((number) =>
    upTo(10, 0)
      .map((level) => (((number >> level) & 1) === 1 ? "+" : "a"))
      .join("/"),
  );
  const longIdentifier = 0x0fff_0000;

  const subscribeTo = (filter: string, subscriptionIdentifier: number) =>
    ({
      kind: "subscribe",
      packetId: 1 as PacketId,
      subscriptions: [request(1, filter)],
      properties: { subscriptionIdentifier },
    }) as const;

  function audience(scene: Scene): Client[] {
    return upTo(sessions).map((number) => {
      const client = scene.connect(`s${number}`, kept());
      client.send(...filters.map((filter, index) => subscribeTo(filter, longIdentifier + index)));
      client.take();
      return client;
    });
  }

  const send = (scene: Scene): void => {
    const message: Message = { topicName: topic as TopicName, payload, qos: 1, retain: false };
    scene.broker.onPublishRequest(message, scene.nowMs, () => undefined);
    scene.flush();
  };

  test("is split: every session gets the message once, and each row stays under 2 MB", () => {
    const scene = new Scene();
    const clients = audience(scene);
    send(scene);
    expect(clients.map((client) => client.take().length)).toEqual(clients.map(() => 1));
    expect(scene.broker.log.bytes).toBeGreaterThan(2 * payload.length);
    expect(largestRow(scene)).toBeLessThan(largestRowBytes);
  });

  test("is split for those who are away as well: each gets it once when it comes back", () => {
    const scene = new Scene();
    for (const client of audience(scene)) client.send(disconnect);
    send(scene);
    expect(largestRow(scene)).toBeLessThan(largestRowBytes);
    const returned = upTo(sessions).map((number) => comeBack(scene, `s${number}`));
    expect(returned.map((client) => client.take().length)).toEqual(returned.map(() => 2));
  });
});

test("a small audience shares one row with what else comes before the flush", () => {
  const scene = new Scene();
  for (const id of ["a", "b", "c"]) scene.subscriber(id, 1, ["t"], kept());
  scene.connect("p", v5()).send(publish1("t", "1", 1), publish1("t", "2", 2), publish("t", "3"));
  scene.flush();
  expect(scene.sql.all("SELECT first FROM chunk").length).toBe(1);
});

test("open QoS 2 identifiers of a whole page of sessions fit its row, at the highest Receive Maximum there may be", () => {
  const { ceiling } = limits.receiveMaximum;
  const open: Progress = {
    acknowledgedTo: 1_000_000 as Position,
    acknowledged: [],
    sentTo: 1_000_000 as Position,
    released: [],
    inbound: upTo(ceiling, 0xffff - ceiling) as PacketId[],
    explicitIds: [],
    open: true,
  };
  const entries = new Map(upTo(sessionsPerPage, 0).map((number) => [number as SessionNumber, open]));
  expect(packPage(0, { base: 0 as Position, entries }).length).toBeLessThan(largestRowBytes);
});
