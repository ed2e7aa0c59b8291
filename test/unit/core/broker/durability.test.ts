// What was acknowledged is there after a crash, wherever the crash comes. The control is a shell that lets packets leave
// before the commit: the same check must catch it.

import { describe, expect, test } from "vitest";
import { disconnect, publish1, publish2, Scene, upTo } from "../../../support/scene.ts";

const messages = 20;

/** Publishes, flushing every `flushEvery` packets, and crashes after packet `crashAt`. Gives acknowledged minus kept. */
function lostAt(crashAt: number, flushEvery: number, isHonest: boolean): number {
  const scene = new Scene();
  scene.subscriber("s", 2, ["t"], { cleanStart: false }).send(disconnect);
  const publisher = scene.connect("p", { cleanStart: false });
  scene.flush();
  let acknowledged = 0;
  for (const n of upTo(crashAt)) {
    publisher.send(n % 2 === 0 ? publish1("t", String(n), n) : publish2("t", String(n), n));
    const isFlushed = n % flushEvery === 0;
    if (isFlushed) scene.flush();
    if (isFlushed || !isHonest) acknowledged += publisher.take().length;
  }
  scene.crash();
  const again = scene.open();
  again.send({ kind: "connect", protocolVersion: 4, clientId: "s", cleanStart: false, keepAliveSec: 0 });
  const kept = again.lines().filter((line) => line.startsWith("publish")).length;
  return acknowledged - kept;
}

const losses = (isHonest: boolean): number[] =>
  upTo(messages).flatMap((crashAt) => [1, 3, 7].map((flushEvery) => lostAt(crashAt, flushEvery, isHonest)));

describe("acknowledged messages", () => {
  test("[MQTT-4.3.2-2] none is lost, wherever the crash comes", () => {
    expect(Math.max(...losses(true))).toBe(0);
  });

  test("a shell that acknowledges before the commit is caught by this check", () => {
    expect(Math.max(...losses(false))).toBeGreaterThan(0);
  });

  test.each([true, false])(
    "[MQTT-4.3.3-2] a QoS 2 message repeated after a crash is delivered once (committed %s)",
    (isFlushed) => {
      const scene = new Scene();
      scene.subscriber("s", 2, ["t"], { cleanStart: false }).send(disconnect);
      const publisher = scene.connect("p", { cleanStart: false });
      scene.flush();
      publisher.send(publish2("t", "x", 1));
      if (isFlushed) scene.flush();
      scene.crash();
      scene.connect("p", { cleanStart: false }).send(publish2("t", "x", 1, { dup: true }));
      const reader = scene.open();
      reader.send({ kind: "connect", protocolVersion: 4, clientId: "s", cleanStart: false, keepAliveSec: 0 });
      expect(reader.lines()).toEqual(["connack 0 present", "publish t=x q2 #2"]);
    },
  );
});
