// What leaves one core and enters another one: compared by what clients see.

import { describe, expect, it } from "vitest";
import { ack, publish1, publish2, Scene, subscribe, upTo, will, type Client } from "../../../support/scene.ts";
import { exportAll, importAll, startLogAt, sumOf } from "../../../support/transfer.ts";
import { durable, resume, sceneWithQueue, shared } from "./scenes.ts";

describe("a session that moves", () => {
  it("[MQTT-4.4.0-1] is sent again what it had in flight, with DUP and the same packet ids, and then the rest in order", () => {
    const from = sceneWithQueue();
    const to = new Scene();
    startLogAt(to, 4000);
    importAll(to, exportAll(from));
    const sub = resume(to, "sub");
    expect(sub.lines()).toEqual(["connack 0 present", ...upTo(3).map((n) => `publish a/b=m${n} q1 #${n + 1} dup`)]);
    sub.send(...upTo(3).map((n) => ack("puback", n + 1)));
    expect(sub.lines()).toEqual(upTo(3, 4).map((n) => `publish a/b=m${n} q1 #${4001 + n}`));
    sub.send(...upTo(3, 4).map((n) => ack("puback", 4001 + n)));
    expect(sub.lines()).toEqual(["publish a/c=twice q2 #4008"]);
  });

  it("keeps its packet ids also when the importer crashes after the commit", () => {
    const to = new Scene();
    startLogAt(to, 4000);
    importAll(to, exportAll(sceneWithQueue()));
    to.crash();
    const sub = resume(to, "sub");
    expect(sub.lines()).toEqual(["connack 0 present", ...upTo(3).map((n) => `publish a/b=m${n} q1 #${n + 1} dup`)]);
    sub.drop();
    to.flush();
    to.crash();
    expect(resume(to, "sub").lines()).toEqual([
      "connack 0 present",
      ...upTo(3).map((n) => `publish a/b=m${n} q1 #${n + 1} dup`),
    ]);
  });

  it("a new message waits where its packet id is that of a moved one in flight", () => {
    const from = sceneWithQueue({}, 10);
    const to = new Scene();
    // The first unsent one, the fourth, comes to the id that the second has: #13.
    startLogAt(to, 65_535 + 12 - 4);
    importAll(to, exportAll(from));
    const sub = resume(to, "sub");
    expect(sub.lines().slice(1)).toEqual(upTo(3).map((n) => `publish a/b=m${n} q1 #${n + 11} dup`));
    sub.send(ack("puback", 12));
    to.pump();
    expect(sub.lines()).toEqual([]);
    sub.send(ack("puback", 13));
    to.flush();
    to.pump();
    expect(sub.lines().slice(0, 1)).toEqual(["publish a/b=m4 q1 #13"]);
  });

  it("[MQTT-4.3.3-6] goes on with PUBREL where PUBREC was seen, and never sends that PUBLISH again", () => {
    const from = new Scene();
    const sub = from.subscriber("sub", 2, ["a"], durable);
    from.connect("pub").send(publish2("a", "one", 1), publish2("a", "two", 2));
    from.connect("pub2").send(publish2("a", "one", 1), publish2("a", "two", 2));
    from.flush();
    sub.take();
    sub.send(ack("pubrec", 2));
    const to = new Scene();
    startLogAt(to, 777);
    importAll(to, exportAll(from));
    to.crash();
    const again = resume(to, "sub");
    expect(again.lines()).toEqual([
      "connack 0 present",
      "pubrel 2",
      "publish a=two q2 #3 dup",
      "publish a=one q2 #4 dup",
    ]);
    again.send(ack("pubcomp", 2));
    to.flush();
    to.pump();
    expect(again.lines()).toEqual(["publish a=two q2 #782"]);
  });

  it("[MQTT-4.3.3-10] still knows the QoS 2 ids that it has sent and not released", () => {
    const from = new Scene();
    from.connect("pub", durable).send(publish2("a", "once", 9));
    from.flush();
    const to = new Scene();
    const reader = to.subscriber("reader", 1, ["a"]);
    importAll(to, exportAll(from));
    const pub = resume(to, "pub");
    pub.send(publish2("a", "once", 9, { dup: true }));
    to.flush();
    expect(pub.lines()).toEqual(["connack 0 present", "pubrec 9"]);
    expect(reader.lines()).toEqual([]);
  });

  it("keeps its subscriptions with their options, in as many records as they need", () => {
    const from = new Scene();
    const long = "x".repeat(900);
    const filters = upTo(400).map((n) => `${long}/${n}`);
    const sub = from.connect("sub", durable);
    for (let at = 0; at < filters.length; at += 100) sub.send(subscribe(1, ...filters.slice(at, at + 100)));
    sub.send({
      kind: "subscribe",
      packetId: 1 as never,
      subscriptions: [{ topicFilter: "opt", qos: 2, noLocal: true, retainAsPublished: true, retainHandling: 2 }],
      properties: { subscriptionIdentifier: 77 },
    });
    from.flush();
    const records = exportAll(from, 1000);
    expect(records.filter(({ kind }) => kind === "subscriptions").length).toBeGreaterThan(0);
    const to = new Scene();
    importAll(to, records, { partSize: 1 });
    to.crash();
    const session = to.broker.sessions.get("sub" as never);
    expect([...(session?.subscriptions.keys() ?? [])].toSorted()).toEqual([...filters, "opt"].toSorted());
    expect(session?.subscriptions.get("opt")).toEqual(
      from.broker.sessions.get("sub" as never)?.subscriptions.get("opt"),
    );
    expect(session?.nextSubscriptionNumber).toBe(402);
  });

  it("keeps its deadline; one that has passed is not taken in, and one of a connected client begins to run", () => {
    const from = new Scene();
    from.connect("away", durable).drop();
    from.connect("here", durable);
    from.flush();
    const records = exportAll(from);
    const to = new Scene();
    to.nowMs += 3_000_000;
    importAll(to, records);
    to.pass(601);
    expect(to.broker.sessions.get("away" as never)).toBeUndefined();
    expect(to.broker.sessions.get("here" as never)).toBeDefined();
    to.pass(3600);
    expect(to.broker.sessions.get("here" as never)).toBeUndefined();
    const late = new Scene();
    late.nowMs += 3_601_000;
    expect(sumOf(importAll(late, records))).toMatchObject({ sessions: 1, sessionsExpired: 1 });
  });

  it("that exists at the importer stays as it is, and gets none of the messages", () => {
    const to = new Scene();
    to.subscriber("sub", 1, ["other"], durable).drop();
    to.flush();
    const counts = sumOf(importAll(to, exportAll(sceneWithQueue())));
    expect(counts).toMatchObject({ sessions: 0, sessionsKept: 1, messages: 0, messagesLeftOut: 7 });
    expect(resume(to, "sub").lines()).toEqual(["connack 0 present"]);
  });

  it("gets as new messages what comes after its client did", () => {
    const records = exportAll(sceneWithQueue());
    const to = new Scene();
    let sub: Client | undefined;
    importAll(to, records, {
      partSize: 1,
      onPart: () => {
        to.flush();
        sub ??= resume(to, "sub");
      },
    });
    expect(sub?.lines()).toEqual(["connack 0 present", ...upTo(3).map((n) => `publish a/b=m${n} q1 #${n + 1}`)]);
  });
});

describe("an import", () => {
  it("goes on where a crash ended it: a part that comes again has no effect", () => {
    const records = exportAll(sceneWithQueue());
    const to = new Scene();
    importAll(to, records.slice(0, 4), { partSize: 2 });
    to.crash();
    importAll(to, records, { partSize: 2 });
    const sub = resume(to, "sub");
    sub.send(...upTo(3).map((n) => ack("puback", n + 1)));
    sub.send(...upTo(3, 4).map((n) => ack("puback", n + 1)));
    expect(sub.lines().map((line) => /=(\w+)/.exec(line)?.[1])).toEqual([
      undefined,
      ...upTo(6).map((n) => `m${n}`),
      "twice",
    ]);
  });

  it("that crashes before its commit has done nothing", () => {
    const to = new Scene();
    importAll(to, exportAll(sceneWithQueue()), { onPart: () => to.crash() });
    expect(to.broker.sessions.get("sub" as never)).toBeUndefined();
  });

  it("over a limit of the importer is refused before anything is changed", () => {
    const to = new Scene({ limits: { maximumStoredSessions: 1 } });
    to.connect("one", durable);
    expect(() => importAll(to, exportAll(sceneWithQueue()))).toThrow("1 sessions are stored already");
    expect(to.broker.sessions.storedCount).toBe(1);
  });

  it("twice of the same leaves everything as it is", () => {
    const from = sceneWithQueue(shared);
    from.connect("keeper").send(publish1("r", "kept", 1, { retain: true }));
    from.subscriber("member", 1, ["$share/g/j"], durable).drop();
    from.connect("boss", { will: will("w", "gone", { qos: 1 }) }).send(publish1("j", "job", 1));
    from.flush();
    const records = exportAll(from);
    const to = new Scene(shared);
    const first = sumOf(importAll(to, records));
    expect(first).toMatchObject({ sessions: 2, messages: 8, retained: 1, wills: 1 });
    to.broker.sessions.imports.finish("test");
    to.flush();
    to.crash();
    const second = sumOf(importAll(to, records));
    expect(second).toMatchObject({ sessions: 0, sessionsKept: 2, messages: 0, retained: 0, wills: 0 });
    const member = resume(to, "member");
    to.flush();
    expect(member.lines()).toEqual(["connack 0 present", expect.stringContaining("publish j=job q1")]);
  });
});

describe("what belongs to no session", () => {
  it("retained messages keep their time and deadline; the newer one stays", () => {
    const from = new Scene();
    const pub = from.connect("pub", { protocolVersion: 5 });
    const expiring = { retain: true, properties: { messageExpiryIntervalSec: 60 } };
    pub.send(publish1("old", "from", 1, { retain: true }), publish1("$app/x", "hidden", 2, { retain: true }));
    from.pass(10);
    pub.send(publish1("new", "from", 3, { retain: true }), publish1("short", "from", 4, expiring));
    from.flush();
    const to = new Scene();
    to.nowMs += 5000;
    to.connect("here").send(publish1("old", "to", 1, { retain: true }), publish1("new", "to", 2, { retain: true }));
    to.nowMs += 10_000;
    importAll(to, exportAll(from, 1));
    to.crash();
    const read = (topic: string) => to.broker.retained.get(topic as never, to.nowMs);
    const text = (topic: string) => new TextDecoder().decode(read(topic)?.payload);
    expect([text("old"), text("new"), text("$app/x"), text("short")]).toEqual(["to", "from", "hidden", "from"]);
    expect(read("new")?.publishedAtMs).toBe(from.nowMs);
    to.nowMs = from.nowMs + 60_000;
    expect(read("short")).toBeUndefined();
  });

  it("[MQTT-3.1.3-9] wills are due when they were, those of lost connections after the grace time, unless the client is back", () => {
    const from = new Scene();
    const delayed = { ...durable, will: { ...will("w", "delayed", { qos: 1 }), willDelayIntervalSec: 100 } };
    const lost = from.connect("delayed", delayed);
    from.connect("back", { ...durable, will: will("w", "back", { qos: 1 }) });
    from.connect("gone", { will: will("w", "gone", { qos: 1 }) });
    lost.drop();
    from.flush();
    const to = new Scene();
    to.nowMs += 40_000;
    const reader = to.subscriber("reader", 0, ["w"]);
    importAll(to, exportAll(from, 1));
    to.crash();
    const watcher = to.subscriber("reader", 0, ["w"]);
    resume(to, "back");
    to.flush();
    expect(reader.lines()).toEqual([]);
    to.pass(21);
    expect(watcher.lines()).toEqual(["publish w=gone q0"]);
    to.pass(40);
    expect(watcher.lines()).toEqual(["publish w=delayed q0"]);
  });

  it("the queue of a shared group is competed for again, and what a member had in flight is its own", () => {
    const from = new Scene(shared);
    const small = { ...durable, properties: { ...durable.properties, receiveMaximum: 1 } };
    from.subscriber("m1", 1, ["$share/g/j"], small);
    from.connect("boss").send(...upTo(4).map((n) => publish1("j", `j${n}`, n)));
    from.flush();
    from.pump();
    const to = new Scene(shared);
    importAll(to, exportAll(from));
    to.crash();
    const m1 = resume(to, "m1");
    to.flush();
    expect(m1.lines()).toEqual([
      "connack 0 present",
      expect.stringMatching(/^publish j=j1 q1 #\d+ dup$/),
      ...[2, 3].map((n) => expect.stringContaining(`j=j${n} q1`)),
    ]);
    const m2 = to.connect("m2");
    m2.send(subscribe(1, "$share/g/j"));
    to.flush();
    to.pump();
    expect(m2.lines()).toEqual(["suback 1", expect.stringContaining("publish j=j4 q1")]);
    // [MQTT-4.8.2-5]: what the group handed over goes to another member if the session ends.
    m1.drop();
    to.connect("m1");
    to.flush();
    to.pump();
    const rest = m2.lines().map((line) => line.split(" ")[1]);
    expect(new Set(rest)).toEqual(new Set(["j=j1", "j=j2", "j=j3"]));
    expect(rest).toHaveLength(3);
  });

  it("a shared group that has no member at the importer ends with the import", () => {
    const from = new Scene(shared);
    from.subscriber("m1", 1, ["$share/g/j"], durable).drop();
    from.connect("boss").send(publish1("j", "j1", 1));
    from.flush();
    const records = exportAll(from).filter(({ kind }) => kind !== "session");
    const to = new Scene(shared);
    importAll(to, records);
    expect(to.broker.groups.isEmpty).toBe(true);
  });

  it("idempotency keys move with their answers", () => {
    const from = new Scene();
    const claim = { key: "k", fingerprint: Uint8Array.of(1), answerId: "id" };
    from.broker.idempotency.claim(claim, from.nowMs);
    from.broker.idempotency.record("k", [{ kind: "accepted" }]);
    from.flush();
    const to = new Scene();
    importAll(to, exportAll(from));
    to.crash();
    expect(to.broker.idempotency.claim({ ...claim, answerId: "other" }, to.nowMs)).toEqual({
      kind: "answered",
      answerId: "id",
      outcomes: [{ kind: "accepted" }],
    });
  });
});
