// QUEUE_OVERFLOW: what goes where a session's queue has no room.

import { describe, expect, test } from "vitest";
import type { ClientId } from "../../../../src/core/brand.ts";
import type { ClientPacket, Connect, ProtocolVersion } from "../../../../src/core/packet.ts";
import type { QueueOverflow } from "../../../../src/core/queue-overflow.ts";
import {
  ack,
  connect,
  disconnect,
  publish1,
  publish2,
  Scene,
  upTo,
  will,
  type Client,
} from "../../../support/scene.ts";

type Kind = "ephemeral" | "durable";
const kinds = ["ephemeral", "durable"] as const;
const versions = [4, 5] as const satisfies readonly ProtocolVersion[];
const eachSession = kinds.flatMap((kind) => versions.map((version) => [kind, version] as const));

const termsOf = (kind: Kind, protocolVersion: ProtocolVersion): Partial<Connect> => ({
  protocolVersion,
  cleanStart: kind === "ephemeral",
  ...(kind === "durable" && { properties: { sessionExpiryIntervalSec: 1_000 } }),
});

/** `s` on `t` at QoS 2 with a window of one and room for two more; `by` is a bystander with a window of its own. */
function stage(queueOverflow: QueueOverflow, kind: Kind, version: ProtocolVersion, more = {}) {
  const limits = { maximumInflight: 1, maximumQueuedMessages: 2, ...more };
  const scene = new Scene({ limits, options: { queueOverflow } });
  const terms = { ...termsOf(kind, version), will: will("will") };
  const slow = scene.subscriber("s", 2, ["t"], terms);
  const publisher = scene.connect("p", { protocolVersion: 5 });
  return { scene, slow, publisher, terms };
}

const messages = (count: number, from = 1): ClientPacket[] => upTo(count, from).map((n) => publish1("t", String(n), n));
const dropped = (scene: Scene): number => scene.broker.counters.dropped.get("queue_full") ?? 0;

/** What is delivered as it is acknowledged, texts only; of QoS 1. */
function read(scene: Scene, client: Client): string[] {
  const texts: string[] = [];
  for (let lines = client.lines(); lines.length > 0; lines = client.lines()) {
    for (const line of lines) {
      const [, text, id] = /publish t=(\S+) q1 #(\d+)/u.exec(line) ?? [];
      if (text === undefined) continue;
      texts.push(line.endsWith(" dup") ? `${text} dup` : text);
      client.send(ack("puback", Number(id)));
      scene.flush();
    }
  }
  return texts;
}

/** After a crash more counts as sent than was. */
const readWithoutDup = (scene: Scene, client: Client): string[] =>
  read(scene, client).map((text) => text.replace(" dup", ""));

describe.each(eachSession)("on line, %s, MQTT %i", (kind, version) => {
  test("drop-oldest: the oldest unsent go, what was sent stays", () => {
    const { scene, slow, publisher } = stage("drop-oldest", kind, version);
    publisher.send(...messages(5));
    expect([dropped(scene), read(scene, slow)]).toEqual([2, ["1", "4", "5"]]);
  });

  test("drop-newest: what finds no room goes, and the next is taken when there is room", () => {
    const { scene, slow, publisher } = stage("drop-newest", kind, version);
    publisher.send(...messages(5));
    expect(publisher.lines()).toEqual(upTo(5).map((n) => `puback ${n}`)); // the publisher is not told
    expect(scene.effects.log_.at(-1)).toMatchObject({
      reason: "queue_full",
      clientId: "s",
      limit: "maximumQueuedMessages",
    });
    expect([dropped(scene), read(scene, slow)]).toEqual([2, ["1", "2", "3"]]);
    publisher.send(publish1("t", "6", 6));
    expect(read(scene, slow)).toEqual(["6"]);
  });

  test("drop-newest is bounded by bytes too: a smaller one behind may still fit", () => {
    const bytes = { maximumQueuedMessages: 1_000, maximumQueuedBytes: 100 };
    const { scene, slow, publisher } = stage("drop-newest", kind, version, bytes);
    publisher.send(...["a", "b".repeat(50), "c".repeat(50), "d"].map((text, i) => publish1("t", text, i + 1)));
    expect(scene.effects.log_.at(-1)).toMatchObject({ reason: "queue_full", limit: "maximumQueuedBytes" });
    expect([dropped(scene), read(scene, slow)]).toEqual([1, ["a", "b".repeat(50), "d"]]);
  });

  test("disconnect: the client is told 0x97 and closed once the publish is done, and its will goes out", () => {
    const { scene, slow, publisher } = stage("disconnect", kind, version);
    const witness = scene.subscriber("w", 1, ["will"]);
    publisher.send(...messages(4));
    expect(slow.isClosed).toBe(false);
    scene.pump();
    expect(slow.lines()).toEqual([
      "publish t=1 q1 #" + firstId(kind),
      ...(version === 5 ? ["disconnect 151"] : []),
      "close",
    ]);
    expect(scene.effects.log_).toContainEqual(
      expect.objectContaining({ event: "connection-closed", clientId: "s", limit: "maximumQueuedMessages" }),
    );
    expect(publisher.lines()).toEqual(upTo(4).map((n) => `puback ${n}`));
    expect(witness.lines()).toContain("publish will=gone q0");
  });

  test.each(["drop-newest", "disconnect"] as const)("%s: what others receive is not touched", (policy) => {
    const { scene, publisher } = stage(policy, kind, version);
    const reader = scene.subscriber("r", 1, ["t"], termsOf(kind, version));
    const texts: string[] = [];
    for (const message of messages(6)) {
      publisher.send(message);
      texts.push(...read(scene, reader));
      scene.pump();
    }
    expect(texts).toEqual(upTo(6).map(String));
  });

  test("drop-newest: at QoS 2 the packet id that was sent goes on to its PUBCOMP", () => {
    const { slow, publisher, scene } = stage("drop-newest", kind, version);
    publisher.send(...upTo(4).map((n) => publish2("t", String(n), n)));
    const id = firstId(kind);
    expect(slow.lines()).toEqual([`publish t=1 q2 #${id}`]);
    slow.send(ack("pubrec", id), ack("pubcomp", id));
    scene.flush();
    scene.pump();
    expect(slow.lines()).toEqual([`pubrel ${id}`, `publish t=2 q2 #${id + 1}`]);
  });
});

/** A durable session's ids come from the log's positions; the first own entry has position 1. */
const firstId = (kind: Kind): number => (kind === "durable" ? 2 : 1);

describe.each(versions)("a durable session on line, MQTT %i", (version) => {
  test("disconnect: loses no more than what overflows, and comes back to its newest", () => {
    const { scene, publisher, terms } = stage("disconnect", "durable", version);
    publisher.send(...messages(4));
    scene.pump();
    publisher.send(...messages(2, 5));
    scene.flush();
    const again = scene.open();
    again.send(connect("s", terms));
    expect(read(scene, again)).toEqual(["1 dup", "5", "6"]);
    expect(dropped(scene)).toBe(3);
  });

  test("drop-newest: a crash brings nothing back, and what was kept is not lost", () => {
    const { scene, publisher, terms } = stage("drop-newest", "durable", version);
    publisher.send(...messages(5));
    scene.flush();
    scene.crash();
    const other = scene.connect("q");
    other.send(...messages(2, 6));
    scene.flush();
    const again = scene.open();
    again.send(connect("s", terms));
    const texts = readWithoutDup(scene, again);
    expect(texts.slice(0, 3)).toEqual(["1", "2", "3"]);
    expect(texts).not.toContain("4"); // it was never in its audience
    expect(texts).not.toContain("5");
  });
});

/** Off line: applied when the log is tidied, or when the client comes back. */
describe.each([
  ["when the log is tidied", (scene: Scene) => tidyUp(scene)],
  ["when the client comes back", () => {}],
] as const)("off line, drop-newest, %s", (_, before) => {
  const limits = { maximumInflight: 1, maximumQueuedMessages: 3 };

  function away(more = {}, leave: (client: Client, scene: Scene) => void = (client) => client.send(disconnect)) {
    const scene = new Scene({ limits: { ...limits, ...more }, options: { queueOverflow: "drop-newest" } });
    const subscriber = scene.subscriber("s", 1, ["t"], { cleanStart: false });
    leave(subscriber, scene);
    return scene;
  }
  function fill(scene: Scene, count: number, from = 1): void {
    scene.connect("f").send(...messages(count, from));
    scene.flush();
    before(scene);
  }
  function back(scene: Scene): Client {
    const client = scene.open();
    client.send(connect("s", { cleanStart: false }));
    return client;
  }

  test("the oldest stay, the rest goes and is counted once", () => {
    const scene = away();
    fill(scene, 20);
    fill(scene, 20, 21);
    const client = back(scene);
    expect(read(scene, client)).toEqual(["1", "2", "3"]);
    expect(dropped(scene)).toBe(37);
    scene.connect("p").send(...messages(1, 50));
    expect(read(scene, client)).toEqual(["50"]);
  });

  test("what was sent stays, with its packet id, and does not count", () => {
    const scene = away({}, (client, stageOf) => {
      stageOf.connect("p").send(publish1("t", "sent", 1));
      client.drop();
    });
    fill(scene, 20);
    expect(read(scene, back(scene))).toEqual(["sent dup", "1", "2", "3"]);
    expect(dropped(scene)).toBe(17);
  });

  test("the bytes count too: from the first that does not fit on all go", () => {
    const scene = away({ maximumQueuedMessages: 1_000, maximumQueuedBytes: 100 });
    scene
      .connect("f")
      .send(
        ...["a", "b".repeat(50), "c".repeat(50), "d"].map((text, i) => publish1("t", text, i + 1)),
        ...messages(300, 10),
      );
    scene.flush();
    before(scene);
    expect(read(scene, back(scene))).toEqual(["a", "b".repeat(50)]);
    expect(dropped(scene)).toBe(302);
  });

  test("the decision is the same after a crash", () => {
    const scene = away();
    fill(scene, 20);
    scene.crash();
    fill(scene, 2, 21);
    const client = back(scene);
    scene.flush();
    scene.crash();
    client.take();
    expect(readWithoutDup(scene, back(scene))).toEqual(["1", "2", "3"]);
  });

  test("however often it overflows, it is one range of the progress", () => {
    const scene = away();
    for (const round of upTo(5)) fill(scene, 5, round * 10);
    const client = back(scene);
    scene.flush();
    const session = scene.broker.sessions.get("s" as ClientId);
    if (session === undefined) throw new Error("no session");
    expect(scene.broker.progress.get(session.number).acknowledged.length).toBeLessThan(2);
    expect(read(scene, client)).toEqual(["10", "11", "12"]);
  });
});

test("off line, drop-newest: once it is known to be full, what comes is not even stored", () => {
  const limits = { maximumInflight: 1, maximumQueuedMessages: 3 };
  const scene = new Scene({ limits, options: { queueOverflow: "drop-newest" } });
  scene.subscriber("s", 1, ["t"], { cleanStart: false }).send(disconnect);
  const publisher = scene.connect("p");
  publisher.send(...messages(20));
  scene.flush();
  tidyUp(scene);
  const before = scene.broker.log.end;
  publisher.send(...messages(20, 21));
  expect([scene.broker.log.end, dropped(scene)]).toEqual([before, 37]);
});

function tidyUp(scene: Scene): void {
  for (let more = true; more; scene.flush()) more = scene.broker.log.compact();
}
