// Messages over a rate: what each version and QoS hears of it, what is delivered, and what a client can gain.

import { describe, expect, test } from "vitest";
import type { Claim } from "../../../../src/core/idempotency.ts";
import type { OnceAnswer } from "../../../../src/core/publish-once.ts";
import { defaultLimits } from "../../../../src/core/limits.ts";
import { RateLimits } from "../../../../src/core/rate-limits.ts";
import { judgeRequestRate } from "../../../../src/core/publish-rate.ts";
import type { PublishOutcome } from "../../../../src/core/publish-outcome.ts";
import type { Message, QoS } from "../../../../src/core/packet.ts";
import type { TopicName } from "../../../../src/core/brand.ts";
import { ack, disconnect, publish, publish1, publish2, Scene, subscribe, upTo, will } from "../../../support/scene.ts";

const v5 = { protocolVersion: 5 } as const;
const noKeepAlive = { keepAliveSec: 0 };

/** Two messages at once, then one a second. */
const small = { clientMessageRate: 1, rateBurstSec: 2 };
const burst = 2;
const excessFactor = 10;

const payload = new TextEncoder().encode("x");
const message = (qos: QoS = 1): Message => ({ topicName: "t" as TopicName, payload, qos, retain: false });
const byHttp = (count: number, publisher = "token a") =>
  Array.from({ length: count }, () => ({ topicName: "t", payload, publisher }));

/** Lets everything that waits for its time happen, as after so many seconds. */
function passTimers(scene: Scene, seconds: number): void {
  scene.pass(seconds);
  const due = scene.effects.later_.splice(0);
  for (const [delayMs, run] of due) {
    if (delayMs <= seconds * 1_000) run();
    else scene.effects.later_.push([delayMs - seconds * 1_000, run]);
  }
}

describe("a client over its rate", () => {
  test("QoS 0 is dropped and counted, and the connection stays", () => {
    const scene = new Scene({ limits: small });
    const subscriber = scene.subscriber("s", 0, ["t"]);
    const client = scene.connect("c");
    client.send(...upTo(5).map((n) => publish("t", String(n))));
    expect(subscriber.lines()).toEqual(["publish t=1 q0", "publish t=2 q0"]);
    expect([scene.broker.counters.dropped.get("rate_limited"), client.isClosed]).toEqual([3, false]);
  });

  test("MQTT 5, QoS 1: PUBACK 0x97, and the message is not delivered", () => {
    const scene = new Scene({ limits: small });
    const subscriber = scene.subscriber("s", 1, ["t"]);
    const client = scene.connect("c", v5);
    client.send(...upTo(3).map((n) => publish1("t", String(n), n)));
    expect(client.lines()).toEqual(["puback 1", "puback 2", "puback 3/151"]);
    expect(subscriber.lines()).toEqual(["publish t=1 q1 #1", "publish t=2 q1 #2"]);
  });

  test("[MQTT-4.3.3-4] MQTT 5, QoS 2: after PUBREC 0x97 the packet id is free, and the message may be sent as a new one", () => {
    const scene = new Scene({ limits: small });
    const subscriber = scene.subscriber("s", 2, ["t"]);
    const client = scene.connect("c", v5);
    client.send(...upTo(3).map((n) => publish2("t", String(n), n)));
    expect(client.lines()).toEqual(["pubrec 1", "pubrec 2", "pubrec 3/151"]);
    scene.pass(1);
    client.send(publish2("t", "3 again", 3), ack("pubrel", 3));
    expect(client.lines()).toEqual(["pubrec 3", "pubcomp 3"]);
    expect(subscriber.lines()).toEqual(["publish t=1 q2 #1", "publish t=2 q2 #2", "publish t=3 again q2 #3"]);
  });

  test("a QoS 2 message that was taken is answered again and not delivered again, also over the rate", () => {
    const scene = new Scene({ limits: small });
    const subscriber = scene.subscriber("s", 2, ["t"]);
    const client = scene.connect("c", v5);
    client.send(publish2("t", "1", 1), publish2("t", "2", 2), publish2("t", "3", 3));
    client.send(publish2("t", "1", 1, { dup: true }), ack("pubrel", 1));
    expect(client.lines()).toEqual(["pubrec 1", "pubrec 2", "pubrec 3/151", "pubrec 1", "pubcomp 1"]);
    expect(subscriber.lines()).toHaveLength(2);
  });

  test("a retained message that is refused changes nothing", () => {
    const scene = new Scene({ limits: small });
    const client = scene.connect("c", v5);
    client.send(publish("t", "1", { retain: true }), publish("t", "2"));
    client.send(publish("t", "3", { retain: true }), publish1("t", "4", 1, { retain: true }));
    const subscriber = scene.connect("s");
    subscriber.send(subscribe(0, "t"));
    scene.pump();
    expect(subscriber.lines()).toEqual(["suback 0", "publish t=1 q0 retain"]);
  });

  test("a refusal is explained, unless the client wants no problem information [MQTT-3.1.2-29]", () => {
    const scene = new Scene({ limits: small });
    const texts = [true, false].map((requestProblemInformation) => {
      const client = scene.connect(`c${requestProblemInformation}`, {
        ...v5,
        properties: { requestProblemInformation },
      });
      client.send(...upTo(3).map((n) => publish1("t", "x", n)));
      const last = client.packets().at(-1);
      return last?.kind === "puback" && last.properties?.reasonString;
    });
    expect(texts).toEqual(["more messages than the rate allows", undefined]);
  });

  test("MQTT 3, QoS 1 and 2: taken at once, and acknowledged when the rate has come round, in order", () => {
    const scene = new Scene({ limits: small });
    const subscriber = scene.subscriber("s", 1, ["t"], noKeepAlive);
    const client = scene.connect("c", noKeepAlive);
    client.send(publish1("t", "1", 1), publish1("t", "2", 2), publish1("t", "3", 3), publish2("t", "4", 4));
    expect(subscriber.lines()).toHaveLength(4);
    expect([client.lines(), scene.broker.counters.publishDelayed]).toEqual([["puback 1", "puback 2"], 2]);
    expect(scene.effects.later_.map(([delayMs]) => delayMs)).toEqual([1_000, 2_000]);
    passTimers(scene, 1);
    expect(client.lines()).toEqual(["puback 3"]);
    passTimers(scene, 1);
    expect(client.lines()).toEqual(["pubrec 4"]);
  });

  test("a client of MQTT 3 that waits for acknowledgements keeps to its rate and loses nothing", () => {
    const scene = new Scene({ limits: small });
    const subscriber = scene.subscriber("s", 0, ["t"], noKeepAlive);
    const client = scene.connect("c", noKeepAlive);
    const window = 5;
    let sent = 0;
    let acknowledged = 0;
    for (let second = 0; second <= 100; second += 1) {
      passTimers(scene, 1);
      acknowledged += client.lines().length;
      while (sent - acknowledged < window) client.send(publish1("t", "x", (sent += 1)));
      acknowledged += client.lines().length;
    }
    expect(client.isClosed).toBe(false);
    expect(subscriber.lines()).toHaveLength(sent);
    expect(acknowledged).toBeGreaterThanOrEqual(100);
    expect(acknowledged).toBeLessThanOrEqual(101 + burst);
  });

  test("MQTT 3: who does not wait for acknowledgements is closed without one", () => {
    const scene = new Scene({ limits: small });
    const client = scene.connect("c");
    client.send(...upTo(100).map((n) => publish1("t", String(n), n)));
    expect(client.lines()).toEqual(["puback 1", "puback 2", "close"]);
    expect(scene.broker.counters.publishDelayed).toBe(burst * excessFactor + 1);
    for (const [, run] of scene.effects.later_) run(); // of a connection that is closed
    expect(client.lines()).toEqual([]);
  });

  test.each([0, 1, 2] as const)("far beyond it, QoS %i: MQTT 5 is told 0x96, and the connection ends", (qos) => {
    const scene = new Scene({ limits: small });
    const client = scene.connect("c", v5);
    client.send(...upTo(100).map((n) => publish("t", "x", qos === 0 ? {} : { ...publish2("t", "x", n), qos })));
    expect(client.lines().slice(-2)).toEqual(["disconnect 150", "close"]);
    expect(scene.broker.counters.dropped.get("rate_limited")).toBe(burst * excessFactor);
    expect(scene.effects.log_.at(-1)).toMatchObject({ event: "connection-closed", limit: "clientMessageRate" });
  });

  test("far beyond it, MQTT 3: QoS 0 in a flood ends the connection", () => {
    const scene = new Scene({ limits: small });
    const client = scene.connect("c");
    client.send(...upTo(100).map(() => publish("t")));
    expect(client.lines()).toEqual(["close"]);
  });

  test("messages that are refused for another reason, and repeats, count as beyond the rate", () => {
    const deny = { mayPublish: () => false, mayReceive: () => true, maySubscribe: () => true };
    const scene = new Scene({ limits: small, access: () => deny });
    const denied = scene.connect("c", v5);
    denied.send(...upTo(100).map((n) => publish1("t", "x", n)));
    expect(denied.lines().slice(-2)).toEqual(["disconnect 150", "close"]);
    const open = new Scene({ limits: small });
    const repeating = open.connect("c", v5);
    repeating.send(publish2("t", "x", 1), ...upTo(100).map(() => publish2("t", "x", 1, { dup: true })));
    expect(repeating.lines().slice(-2)).toEqual(["disconnect 150", "close"]);
  });

  test("who connects again goes on with the bucket it had", () => {
    const scene = new Scene({ limits: small });
    const subscriber = scene.subscriber("s", 0, ["t"]);
    for (let again = 0; again < 3; again += 1) {
      const client = scene.connect("c");
      client.send(...upTo(3).map((n) => publish("t", String(n))), disconnect);
    }
    expect(subscriber.lines()).toHaveLength(burst);
  });

  test("after a pause it has the whole bucket again, and no more", () => {
    const scene = new Scene({ limits: small });
    const subscriber = scene.subscriber("s", 0, ["t"], noKeepAlive);
    const client = scene.connect("c", noKeepAlive);
    client.send(...upTo(5).map(() => publish("t")));
    scene.pass(1_000);
    client.send(...upTo(5).map(() => publish("t")));
    expect(subscriber.lines()).toHaveLength(2 * burst);
  });

  test("a clock that is set back takes nothing away", () => {
    const scene = new Scene({ limits: small });
    const subscriber = scene.subscriber("s", 0, ["t"]);
    const client = scene.connect("c");
    client.send(publish("t"));
    scene.nowMs -= 1_000_000;
    client.send(publish("t"), publish("t"));
    expect(subscriber.lines()).toHaveLength(burst);
  });

  test("the shard that woke has full buckets", () => {
    const scene = new Scene({ limits: small });
    const client = scene.connect("c", v5);
    client.send(...upTo(3).map((n) => publish1("t", "x", n)));
    client.take();
    scene.hibernate();
    client.send(publish1("t", "x", 4));
    expect(client.lines()).toEqual(["puback 4/16"]); // nobody subscribes
  });

  test("others are not touched: neither their messages nor what the broker itself publishes", () => {
    const scene = new Scene({ limits: small });
    const subscriber = scene.subscriber("s", 1, ["#"], noKeepAlive);
    const flooder = scene.connect("c", { ...v5, will: will("gone") });
    flooder.send(...upTo(50).map(() => publish("t")));
    expect(flooder.isClosed).toBe(true);
    const other = scene.connect("o", v5);
    other.send(publish1("u", "1", 1), publish1("u", "2", 2));
    expect(other.lines()).toEqual(["puback 1", "puback 2"]);
    expect(subscriber.lines().slice(burst)).toEqual(["publish gone=gone q0", "publish u=1 q1 #1", "publish u=2 q1 #2"]);
  });
});

describe("a namespace over its rate", () => {
  const limits = { namespaceMessageRate: 3, rateBurstSec: 1 };

  test("every client is told, and none is closed for what others did", () => {
    const scene = new Scene({ limits });
    scene.connect("a").send(...upTo(100).map(() => publish("t")));
    const client = scene.connect("b", v5);
    client.send(...upTo(50).map((n) => publish1("t", "x", n)));
    expect(client.lines().at(-1)).toBe("puback 50/151");
    expect(scene.broker.rates.size).toBe(0); // clients have no buckets then
    scene.pass(1);
    client.send(publish1("t", "x", 1));
    expect(client.lines()).toEqual(["puback 1/16"]); // nobody subscribes
  });

  test("each shard has its part of it", () => {
    const layout = { number: 1, shards: 3, subtreeDepth: 1, depthByPrefix: [], hashSeed: 0 };
    const scene = new Scene({ limits, layout });
    expect(upTo(3).map(() => judgeRequestRate(scene.broker, byHttp(1), scene.nowMs)?.kind)).toEqual([
      undefined,
      "refused",
      "refused",
    ]);
  });

  test("however small a shard's part is, a message gets through at times", () => {
    const layout = { number: 1, shards: 100, subtreeDepth: 1, depthByPrefix: [], hashSeed: 0 };
    const scene = new Scene({ limits, layout });
    const seconds = [0, 1, 40];
    const outcomes = seconds.map((sec) => judgeRequestRate(scene.broker, byHttp(1), scene.nowMs + sec * 1_000)?.kind);
    expect(outcomes).toEqual([undefined, "refused", undefined]);
  });

  test("a client over its own rate uses up nothing of it", () => {
    const scene = new Scene({ limits: { ...limits, clientMessageRate: 1 } });
    const subscriber = scene.subscriber("s", 0, ["t"]);
    scene.connect("a").send(...upTo(5).map(() => publish("t", "a")));
    for (const id of ["b", "c"]) scene.connect(id).send(publish("t", id));
    expect(subscriber.lines()).toEqual(["publish t=a q0", "publish t=b q0", "publish t=c q0"]);
  });
});

describe("messages over HTTP", () => {
  test("are judged together: all of a call, or none, with the time to wait", () => {
    const scene = new Scene({ limits: small });
    expect(judgeRequestRate(scene.broker, byHttp(5), scene.nowMs)).toBeUndefined(); // what is left decides
    const refused = {
      kind: "refused",
      reasonCode: 0x96,
      detail: "more messages than the rate allows",
      retryAfterSec: 4,
    };
    expect(judgeRequestRate(scene.broker, byHttp(1), scene.nowMs)).toEqual(refused);
    expect(judgeRequestRate(scene.broker, byHttp(1), scene.nowMs + 4_000)).toBeUndefined();
  });

  test("each token has a bucket of its own, that no client id can use up", () => {
    const scene = new Scene({ limits: small });
    scene.connect("token a").send(...upTo(5).map(() => publish("t")));
    expect(judgeRequestRate(scene.broker, byHttp(burst, "token a"), scene.nowMs)).toBeUndefined();
    expect(judgeRequestRate(scene.broker, byHttp(1, "token b"), scene.nowMs)).toBeUndefined();
    expect(judgeRequestRate(scene.broker, byHttp(1, "token a"), scene.nowMs)?.kind).toBe("refused");
  });

  test("under a key: a refused publish leaves the key free, and a replay is not judged", () => {
    const scene = new Scene({ limits: small });
    const claim = (key: string): Claim => ({ key, fingerprint: Uint8Array.of(1), answerId: `id of ${key}` });
    const refusal: PublishOutcome = { kind: "refused", reasonCode: 0x96, detail: "" };
    const once = (key: string, judged: PublishOutcome | undefined): string => {
      const answers: OnceAnswer[] = [];
      const judge = (): PublishOutcome | undefined => judged;
      scene.broker.onPublishOnce(
        [{ ok: true, value: message() }],
        claim(key),
        scene.nowMs,
        (a) => answers.push(a),
        judge,
      );
      const [answer] = answers;
      return answer?.kind === "answered" ? `${answer.outcomes[0]?.kind} ${answer.isReplayed}` : String(answer?.kind);
    };
    expect(once("k", refusal)).toBe("refused false");
    expect(once("k", undefined)).toBe("no-matching-subscribers false");
    expect(once("k", refusal)).toBe("no-matching-subscribers true");
  });
});

test("with no rate configured nothing is judged and no bucket kept", () => {
  const scene = new Scene();
  scene.connect("c").send(...upTo(1_000).map(() => publish("t")));
  expect([scene.broker.rates.isOn, scene.broker.rates.size]).toEqual([false, 0]);
});

test("however many client ids are made up, there are no more than 100,000 buckets", () => {
  const rates = new RateLimits({ ...defaultLimits, ...small });
  let most = 0;
  for (let n = 0; n < 250_000; n += 1) {
    rates.take(`c${n}`, 1, 1, 0);
    most = Math.max(most, rates.size);
  }
  expect(most).toBe(100_000);
});

test("what a client has sent beyond its rate is not forgotten while its bucket is full", () => {
  const rates = new RateLimits({ ...defaultLimits, ...small });
  while (rates.mayExceed("denied", 1, 0)); // refused for another reason than its rate
  for (let n = 0; n < 2_000; n += 1) rates.take(`c${n}`, 1, 1, n < 1_000 ? 0 : 1);
  expect(rates.mayExceed("denied", 1, 1)).toBe(false);
});

test("buckets are kept only while they are not full, however many clients there were", () => {
  const rates = new RateLimits({ ...defaultLimits, ...small });
  const perSecond = 100;
  let most = 0;
  for (let n = 0; n < 10_000; n += 1) {
    rates.take(`c${n}`, 1, 1, (n * 1_000) / perSecond);
    most = Math.max(most, rates.size);
  }
  expect(most).toBe(1_024); // those of two seconds are not full, and it is looked once there are so many
});
