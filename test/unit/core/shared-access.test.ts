// Members of a shared group (§4.8.2) that may not receive all of its topics: who may gets the message, on whatever shard
// it is; what nobody may receive is dropped, and nothing goes round between shards.

import { describe, expect, test } from "vitest";
import { packAnswer } from "../../../src/core/link-answer.ts";
import { unpackBatch } from "../../../src/core/link-batch.ts";
import { ack, publish1, publish2, subscribe, unsubscribe, upTo } from "../../support/scene.ts";
import { got, owner, payloads, World, x, y } from "./shared-world.ts";

describe("a message that the first shard's members may not receive", () => {
  test.each([0, 1, 2] as const)("goes to a member on another shard that may (QoS %i)", (qos) => {
    const world = new World();
    const [few, all] = [world.join(x, "few", 2), world.join(y, "all", 2)];
    for (const n of upTo(6)) world.publish(qos, "secret", `${n}`);
    expect([payloads(few), payloads(all)]).toEqual([[], upTo(6).map(String)]);
    expect(world.denied).toBe(0);
  });

  test.each([0, 1, 2] as const)(
    "is dropped and counted once where nobody may; the next ones follow (QoS %i)",
    (qos) => {
      const world = new World();
      const [one, two] = [world.join(x, "few", 2), world.join(y, "few", 2)];
      for (const n of upTo(4)) world.publish(qos, "secret", `${n}`);
      for (const n of upTo(4)) world.publish(qos, "few", `own${n}`);
      expect([...payloads(one), ...payloads(two)].toSorted()).toEqual(upTo(4).map((n) => `own${n}`));
      expect(world.denied).toBe(4);
      expect(world.answers().filter((line) => /^(puback|pubcomp)/u.test(line))).toHaveLength(qos === 0 ? 0 : 8);
      for (const { broker } of world.net.scenes) expect(broker.log.bytes).toBe(0);
    },
  );

  test("is offered to a shard that refused its topic only once more after some seconds", () => {
    const world = new World();
    world.join(x, "few");
    world.join(y, "all");
    for (const n of upTo(20)) world.publish(1, "secret", `${n}`);
    expect(world.count("share-refusal")).toBe(1);
    world.net.pass(11);
    for (const n of upTo(20)) world.publish(1, "secret", `again${n}`);
    expect(world.count("share-refusal")).toBe(2);
  });

  test("is refused once by each shard where nobody may have it", () => {
    const world = new World();
    world.join(x, "few");
    world.join(y, "other");
    for (const n of upTo(20)) world.publish(1, "secret", `${n}`);
    expect([world.count("share-refusal"), world.denied]).toEqual([2, 20]);
  });
});

describe("a message whose only possible receiver has no free slot", () => {
  /** `few` is free on one shard; `all` on another one has all that it takes. */
  function busy(shardOfAll: number) {
    const world = new World({ maximumInflight: 1 });
    const few = world.join(x, "few");
    const all = world.join(shardOfAll, "all", 1, world.net.placement.clientOn(shardOfAll));
    world.publish(1, "secret", "first");
    const [first] = got(all);
    if (first?.payload !== "first") throw new Error("not the first");
    return { world, few, all, first };
  }

  test.each([
    ["another shard", y],
    ["the same shard", x],
    ["the owner", owner],
  ] as const)("waits for it on %s, while others get what they may receive", (_, shard) => {
    const { world, few, all, first } = busy(shard);
    world.publish(1, "secret", "second");
    world.publish(2, "secret", "third");
    for (const n of upTo(3)) {
      world.publish(1, "few", `own${n}`);
      const [own] = got(few);
      expect(own?.payload).toBe(`own${n}`);
      world.net.send(few, ack("puback", own?.id ?? 0));
    }
    expect(payloads(all)).toEqual([]);
    world.net.send(all, ack("puback", first.id));
    const [second] = got(all);
    expect(second?.payload).toBe("second");
    world.net.send(all, ack("puback", second?.id ?? 0));
    expect(payloads(all)).toEqual(["third"]);
    expect([payloads(few), world.denied]).toEqual([[], 0]);
  });

  test("does not go to and fro while it waits", () => {
    const { world, few } = busy(y);
    for (const n of upTo(5)) world.publish(1, "secret", `${n}`);
    const offers = world.count("share-offer");
    for (const n of upTo(10)) {
      world.publish(1, "few", `own${n}`);
      for (const { id } of got(few)) world.net.send(few, ack("puback", id));
    }
    expect([world.count("share-offer") - offers, world.count("share-refusal")]).toEqual([10, 1]);
  });

  test("goes to one that joins on the shard that refused it, at once", () => {
    const { world, all } = busy(y);
    for (const n of upTo(3)) world.publish(1, "secret", `${n}`);
    expect(payloads(all)).toEqual([]);
    const helper = world.back(x, "all");
    world.net.send(helper, subscribe(1, world.filter));
    const seen = payloads(helper);
    expect(seen).toEqual(["1"]);
  });

  test.each([
    ["the owner", owner],
    ["another shard, whose route ends", y],
  ] as const)("is dropped when that one leaves the group on %s", (_, shard) => {
    const { world, few, all } = busy(shard);
    for (const n of upTo(3)) world.publish(1, "secret", `${n}`);
    expect(world.denied).toBe(0);
    world.net.send(all, unsubscribe(world.filter));
    world.net.pass(70);
    world.publish(1, "few", "own");
    expect([world.denied, payloads(few)]).toEqual([3, ["own"]]);
  });

  test.each([owner, y])("is dropped when that one comes back without the right (shard %i)", (shard) => {
    const world = new World({ maximumInflight: 1 });
    const id = world.net.placement.clientOn(shard);
    world.join(x, "few");
    world.join(shard, "all", 1, id).drop();
    world.net.settle();
    for (const n of upTo(3)) world.publish(1, "secret", `${n}`);
    expect(world.denied).toBe(0);
    world.back(shard, "few", id);
    expect(world.denied).toBe(3);
  });

  test("is not tried again with those who may not receive it, however often they are free", () => {
    const { world } = busy(owner);
    const near = world.join(owner, "near");
    for (const n of upTo(100)) world.publish(1, `secret/${n}`, `${n}`);
    world.asked.length = 0;
    for (const n of upTo(50)) {
      world.publish(1, "near", `own${n}`);
      for (const { id } of got(near)) world.net.send(near, ack("puback", id));
    }
    expect(world.asked.filter((line) => line.includes("secret")).length).toBeLessThan(110);
  });

  test("counts for the limit of the queue: the oldest go", () => {
    const world = new World({ maximumInflight: 1, maximumQueuedMessages: 3 });
    world.join(owner, "few");
    const all = world.join(owner, "all");
    for (const n of upTo(6)) world.publish(1, "secret", `${n}`);
    expect(world.dropped("queue_full")).toBe(2);
    const seen: string[] = [];
    for (let packets = got(all); packets.length > 0; packets = got(all)) {
      seen.push(...packets.map(({ payload }) => payload));
      world.net.send(all, ...packets.map(({ id }) => ack("puback", id)));
    }
    expect(seen).toEqual(["1", "4", "5", "6"]);
    expect(world.net.at(owner).broker.log.bytes).toBe(0);
  });

  test.each(["hibernate", "crash"] as const)("is still there when the owner starts again (%s)", (what) => {
    const { world, all, first } = busy(y);
    for (const n of upTo(3)) world.publish(1, "secret", `${n}`);
    world.net.at(owner)[what]();
    world.net.at(owner).broker.links.resume();
    world.net.send(all, ack("puback", first.id));
    const seen: string[] = [];
    for (let packets = got(all); packets.length > 0; packets = got(all)) {
      seen.push(...packets.map(({ payload }) => payload));
      world.net.send(all, ...packets.map(({ id }) => ack("puback", id)));
    }
    expect(seen.toSorted()).toEqual(["1", "2", "3"]);
  });
});

describe("a refusal on its way", () => {
  /** A message is offered to a shard that will refuse it, and the call is made. */
  function offered(qos: 1 | 2) {
    const world = new World();
    world.join(x, "few", 2);
    const all = world.join(y, "all", 2, world.net.placement.clientOn(y));
    const { net } = world;
    world.publisher.send((qos === 1 ? publish1 : publish2)(`${world.subtree}/secret`, "once", 1));
    const calls = net.flush(owner).filter(({ to }) => to === x);
    expect(calls).toHaveLength(1);
    return { world, net, all, offer: calls[0] as (typeof calls)[number] };
  }

  test.each([1, 2] as const)(
    "[MQTT-4.8.2-4] is not lost or doubled by a crash before it is written (QoS %i)",
    (qos) => {
      const { net, all, offer } = offered(qos);
      net.made.splice(0);
      net.deliver(offer);
      net.at(x).crash();
      net.at(x).broker.links.resume();
      net.pass(40);
      expect(payloads(all)).toEqual(["once"]);
    },
  );

  test.each([1, 2] as const)(
    "[MQTT-4.8.2-4] is not lost, or doubled at QoS 2, by a crash after it is written (QoS %i)",
    (qos) => {
      const { net, all, offer } = offered(qos);
      net.made.splice(0);
      net.deliver(offer, true);
      net.flush(x);
      net.made.splice(0); // the refusal was under way, and the answer is lost
      net.at(x).crash();
      net.at(x).broker.links.resume();
      net.pass(40);
      // At QoS 1 the offer is repeated, since its answer was lost.
      expect(payloads(all)).toEqual(qos === 1 ? ["once", "once"] : ["once"]);
    },
  );

  test.each([1, 2] as const)("[MQTT-4.8.2-4] that arrives twice counts once (QoS %i)", (qos) => {
    const { net, all, offer } = offered(qos);
    net.made.splice(0);
    net.deliver(offer);
    const [refusal] = net.flush(x).filter(({ to }) => to === owner);
    if (refusal === undefined) throw new Error("no refusal");
    net.made.splice(0);
    net.deliver(refusal, true);
    net.settle();
    net.pass(40);
    net.deliver(refusal);
    net.settle();
    expect(payloads(all)).toEqual(["once"]);
  });

  test.each([1, 2] as const)("[MQTT-4.8.2-4] survives a crash of the owner that has it (QoS %i)", (qos) => {
    const { net, all, offer } = offered(qos);
    net.made.splice(0);
    net.deliver(offer);
    const [refusal] = net.flush(x).filter(({ to }) => to === owner);
    if (refusal === undefined) throw new Error("no refusal");
    net.made.splice(0);
    net.deliver(refusal);
    net.flush(owner);
    net.made.splice(0); // the offer to the other shard was under way
    net.at(owner).crash();
    net.at(owner).broker.links.resume();
    net.pass(40);
    expect(payloads(all)).toEqual(["once"]);
  });

  test.each([1, 2] as const)("goes as a return to an owner that does not know it (QoS %i)", (qos) => {
    const { net, all, offer } = offered(qos);
    net.made.splice(0);
    net.deliver(offer);
    const [refusal] = net.flush(x).filter(({ to }) => to === owner);
    if (refusal === undefined) throw new Error("no refusal");
    const items = unpackBatch(refusal.call.bytes)?.items ?? [];
    const verdicts = items.flatMap(({ ordinal, entry }) =>
      entry.kind === "share-refusal" ? [{ ordinal, verdict: "not-understood" as const }] : [],
    );
    expect(verdicts).toHaveLength(1);
    net.made.splice(0);
    const { broker, nowMs } = net.at(x);
    // The owner takes the batch without it; the bytes it would have seen are of another n, so the link starts over.
    broker.onLinkAnswer(owner, refusal.call.id, packAnswer({ kind: "verdicts", items: verdicts }), nowMs);
    const [returned] = net.flush(x).filter(({ to }) => to === owner);
    const kinds = unpackBatch(returned?.call.bytes ?? new Uint8Array())?.items.map(({ entry }) => entry.kind);
    expect(kinds).toEqual(["share-return"]);
    net.settle();
    net.pass(40);
    expect(payloads(all)).toEqual(["once"]);
  });
});
