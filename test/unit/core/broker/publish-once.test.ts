// A publish under an idempotency key: messages, key and answer are together, whatever is lost.

import { describe, expect, test } from "vitest";
import type { Claim } from "../../../../src/core/idempotency.ts";
import type { Message, QoS } from "../../../../src/core/packet.ts";
import type { OnceAnswer } from "../../../../src/core/publish-once.ts";
import type { TopicName } from "../../../../src/core/brand.ts";
import { refused } from "../../../../src/core/violation.ts";
import { connect, Scene } from "../../../support/scene.ts";

const dayMs = 24 * 3600 * 1000;
const key: Claim = { key: "k", fingerprint: Uint8Array.of(1), answerId: "A" };

const message = (topic: string, qos: QoS = 1, retain = false): { readonly ok: true; readonly value: Message } => ({
  ok: true,
  value: { topicName: topic as TopicName, payload: new TextEncoder().encode("x"), qos, retain },
});

const refusal = { ok: false, error: refused(0x90, "no topic") } as const;

type Drafts = Parameters<Scene["broker"]["onPublishOnce"]>[0];

function publishOnce(scene: Scene, drafts: Drafts, claim: Claim = key): OnceAnswer | undefined {
  let answer: OnceAnswer | undefined;
  scene.broker.onPublishOnce(drafts, claim, scene.nowMs, (told) => (answer = told));
  return answer;
}

const kinds = (answer: OnceAnswer | undefined): unknown =>
  answer?.kind === "answered" ? [answer.isReplayed, ...answer.outcomes.map(({ kind }) => kind)] : answer?.kind;

describe("a publish under a key", () => {
  test("is answered as without one, and a repeat gets the same and publishes nothing", () => {
    const scene = new Scene();
    const subscriber = scene.subscriber("s", 1, ["a"]);
    expect(kinds(publishOnce(scene, [message("a"), message("b")]))).toEqual([
      false,
      "accepted",
      "no-matching-subscribers",
    ]);
    expect(subscriber.take()).toHaveLength(1);
    expect(kinds(publishOnce(scene, [message("a"), message("b")]))).toEqual([
      true,
      "accepted",
      "no-matching-subscribers",
    ]);
    expect(subscriber.take()).toEqual([]);
  });

  test("survives a crash after the commit together with its answer", () => {
    const scene = new Scene();
    scene.subscriber("s", 1, ["a"], { cleanStart: false });
    publishOnce(scene, [message("a")]);
    scene.flush();
    scene.crash();
    expect(kinds(publishOnce(scene, [message("a")]))).toEqual([true, "accepted"]);
    const back = scene.open();
    back.send(connect("s", { cleanStart: false }));
    expect(back.lines()).toEqual(["connack 0 present", "publish a=x q1 #2 dup"]);
  });

  test("is lost with its answer in a crash before the commit", () => {
    const scene = new Scene();
    scene.subscriber("s", 1, ["a"], { cleanStart: false });
    scene.flush();
    publishOnce(scene, [message("a")]);
    scene.crash();
    expect(kinds(publishOnce(scene, [message("a")]))).toEqual([false, "accepted"]);
    scene.flush();
    const back = scene.open();
    back.send(connect("s", { cleanStart: false }));
    expect(back.lines()).toHaveLength(2);
  });

  test("reaches nobody before the commit, at no QoS", () => {
    const scene = new Scene();
    const subscribers = ([0, 1, 2] as const).map((qos) => scene.subscriber(`s${qos}`, qos, ["a"]));
    publishOnce(scene, [message("a", 2), message("a", 0)]);
    expect(subscribers.flatMap((client) => client.take()).filter((line) => !line.startsWith("~"))).toEqual([]);
    scene.broker.onPublishRequest(message("a", 0).value, scene.nowMs, () => undefined);
    expect(subscribers[0]?.take()).toEqual(["publish a=x q0"]);
  });

  test("writes key and messages in one commit, one row for the key", () => {
    const scene = new Scene();
    scene.flush();
    const before = scene.sql.rowsWritten;
    publishOnce(scene, [message("a", 1, true), message("b", 1, true)]);
    scene.flush();
    expect(scene.sql.rowsWritten - before).toBe(3);
  });

  test("leaves the key free where every message was refused, and keeps it where one was taken", () => {
    const scene = new Scene();
    expect(kinds(publishOnce(scene, [refusal]))).toEqual([false, "refused"]);
    scene.flush();
    const other = { ...key, fingerprint: Uint8Array.of(2) };
    expect(kinds(publishOnce(scene, [refusal, message("a")], other))).toEqual([
      false,
      "refused",
      "no-matching-subscribers",
    ]);
    expect(kinds(publishOnce(scene, [refusal, message("a")], other))).toEqual([
      true,
      "refused",
      "no-matching-subscribers",
    ]);
    expect(kinds(publishOnce(scene, [message("a")]))).toBe("mismatch");
  });

  test("may be repeated as a new one after 24 hours, and the sweep removes its row", () => {
    const scene = new Scene();
    publishOnce(scene, [message("a")]);
    scene.flush();
    const [due = 0] = scene.effects.wakes.slice(-1);
    expect(due).toBe(scene.nowMs + dayMs);
    scene.pass(dayMs / 1000 - 1);
    expect(kinds(publishOnce(scene, [message("a")]))).toEqual([true, "no-matching-subscribers"]);
    scene.pass(1);
    scene.flush();
    expect(scene.stores.idempotency.count()).toBe(0);
    expect(kinds(publishOnce(scene, [message("a")]))).toEqual([false, "no-matching-subscribers"]);
  });
});

describe("a key whose messages have several owners", () => {
  test("is claimed in a commit of its own, and answered by what the owners said", () => {
    const scene = new Scene();
    expect(scene.broker.onClaim(key, scene.nowMs)).toEqual({ kind: "claimed", answerId: "A" });
    expect(scene.broker.onClaim(key, scene.nowMs)).toEqual({ kind: "running" });
    scene.flush();
    scene.broker.onFinish(key, [{ kind: "accepted" }], scene.nowMs);
    scene.flush();
    scene.crash();
    expect(scene.broker.onClaim(key, scene.nowMs)).toMatchObject({
      kind: "answered",
      outcomes: [{ kind: "accepted" }],
    });
  });

  test("may be claimed again at once where an owner did not answer, and is free where all refused", () => {
    const scene = new Scene();
    scene.broker.onClaim(key, scene.nowMs);
    scene.broker.onFinish(key, undefined, scene.nowMs);
    expect(scene.broker.onClaim({ ...key, answerId: "B" }, scene.nowMs)).toEqual({ kind: "claimed", answerId: "A" });
    scene.broker.onFinish(key, [{ kind: "refused", reasonCode: 0x97, detail: "full" }], scene.nowMs);
    expect(scene.broker.onClaim({ ...key, answerId: "B" }, scene.nowMs)).toEqual({ kind: "claimed", answerId: "B" });
  });
});
