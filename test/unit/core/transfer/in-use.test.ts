// Records of a shard that serves meanwhile, and into one that has them.

import { describe, expect, it } from "vitest";
import type { TransferRecord } from "../../../../src/core/transfer/record.ts";
import { ack, publish1, Scene, upTo, will } from "../../../support/scene.ts";
import { exportAll, importAll, startLogAt, sumOf } from "../../../support/transfer.ts";
import { durable, resume, sceneWithQueue, shared } from "./scenes.ts";

const countOf = (records: readonly TransferRecord[]): number => records.filter(({ kind }) => kind === "message").length;

describe("an import into the shard that it came from", () => {
  it("changes nothing, also not the queues of shared groups, and says so", () => {
    const from = sceneWithQueue(shared);
    from.connect("keeper").send(publish1("r", "kept", 1, { retain: true }));
    from.subscriber("member", 1, ["$share/g/j"], durable).drop();
    from.connect("boss", { will: will("w", "gone", { qos: 1 }) }).send(publish1("j", "job", 1));
    from.flush();
    const records = exportAll(from);
    const before = [from.broker.log.end, from.broker.sessions.storedCount];
    const onPart = (): void => {
      from.flush();
      from.crash();
    };
    const counts = sumOf(importAll(from, records, { partSize: 2, onPart }));
    expect(counts).toMatchObject({ sessionsKept: 2, messagesLeftOut: 8, retainedLeftOut: 1, willsLeftOut: 1 });
    expect(counts).toMatchObject({ sessions: 0, messages: 0, retained: 0, wills: 0 });
    expect([from.broker.log.end, from.broker.sessions.storedCount]).toEqual(before);
  });
});

describe("an export while the shard serves", () => {
  it("restores a client that goes on meanwhile to one moment: behind what was unsent then, nothing counts as sent", () => {
    const from = new Scene();
    const sub = from.subscriber("sub", 2, ["a"], durable);
    from.connect("pub").send(...upTo(9).map((n) => publish1("a", `m${n}`, n)));
    from.flush();
    let isOver = false;
    const records = exportAll(from, 1, (soFar) => {
      if (isOver || countOf(soFar) < 5) return;
      // The fourth and fifth are in the export as unsent; now three are acknowledged and three more are sent.
      isOver = true;
      sub.send(...upTo(3).map((n) => ack("puback", n + 1)));
      from.flush();
      from.pump();
    });
    const wasSent = records.flatMap((record) =>
      record.kind === "message" ? record.audience.map((one) => "sent" in one) : [],
    );
    expect(wasSent).toEqual([true, true, true, false, false, true, false, false, false]);
    for (const partSize of [1, 100]) {
      const to = new Scene();
      startLogAt(to, 4000);
      importAll(to, records, { partSize });
      const back = resume(to, "sub");
      expect(back.lines().slice(1)).toEqual(upTo(3).map((n) => `publish a=m${n} q1 #${n + 1} dup`));
      back.send(...upTo(3).map((n) => ack("puback", n + 1)));
      expect(back.lines()).toEqual(upTo(3, 4).map((n) => `publish a=m${n} q1 #${4001 + n}`));
    }
  });

  it("has what came while the queues of shared groups were read, for who sent it may not send it again", () => {
    const from = new Scene(shared);
    from.subscriber("m1", 1, ["$share/g/j"], durable).drop();
    from.subscriber("sub", 1, ["a"], durable).drop();
    const pub = from.connect("pub");
    pub.send(...upTo(3).map((n) => publish1("j", `j${n}`, n)));
    from.flush();
    let isOver = false;
    const records = exportAll(from, 1, (soFar) => {
      if (isOver || countOf(soFar) === 0) return;
      isOver = true;
      pub.send(publish1("a", "meanwhile", 9));
      from.flush();
    });
    expect(records.some((record) => record.kind === "message" && record.message.topicName === "a")).toBe(true);
  });

  it("has everything that was there when it began and nobody has acknowledged, also what changes hands meanwhile", () => {
    const from = new Scene(shared);
    const small = { ...durable, properties: { ...durable.properties, receiveMaximum: 1 } };
    from.subscriber("m1", 1, ["$share/g/j"], small).drop();
    const pub = from.connect("boss");
    pub.send(...upTo(5).map((n) => publish1("j", `j${n}`, n)));
    from.flush();
    let turn = 0;
    const records = exportAll(from, 1, () => {
      turn += 1;
      // A member comes, takes some and goes; others are published.
      if (turn === 3)
        from.subscriber("late", 1, ["$share/g/j"], { ...durable, properties: { sessionExpiryIntervalSec: 60 } });
      if (turn === 5) resume(from, "m1");
      pub.send(publish1("j", `n${turn}`, 10 + turn));
      from.flush();
      from.pump();
      if (turn > 200) throw new Error("the export has no end");
    });
    const found = records.flatMap((record) =>
      record.kind === "message" ? [new TextDecoder().decode(record.message.payload)] : [],
    );
    expect([...new Set(found)].filter((text) => text.startsWith("j")).toSorted()).toEqual(upTo(5).map((n) => `j${n}`));
  });

  it("does not follow a log that grows faster than it is read", () => {
    const from = sceneWithQueue();
    const pub = from.connect("busy");
    let pages = 0;
    exportAll(from, 1, () => {
      pages += 1;
      pub.send(publish1("a/b", `p${pages}`, 1), publish1("a/b", `q${pages}`, 2));
      from.flush();
      if (pages > 100) throw new Error("the export has no end");
    });
    expect(pages).toBeLessThan(30);
  });
});
