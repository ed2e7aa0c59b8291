// Hostile tests of the limits that need a real socket: the offender gets its answer, a bystander comes to no harm. The
// limits are those of `smallLimits` in vitest.config.ts.

import { runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { defaultLimits } from "../../src/core/limits.ts";
import type { LimitInWorkerd } from "../support/limits-in-workerd.ts";
import { ack, connect, kindOf, messageOf, publish, publishes, type MqttSocket } from "./mqtt-socket.ts";
import { letPass, newShard, type Shard } from "./shard.ts";

const packetSize = 100_000;
const sockets = 5;
const softBytes = 50_000;
const hardBytes = 300_000;
const allBytes = 400_000;
/** What is unsent is looked up when so much was sent. */
const largePayload = Buffer.alloc(1_024);
/** Where nothing is configured. */
const slowConsumerTimeoutSec = defaultLimits.slowConsumerTimeoutMs / 1_000;

/** A subscriber whose network takes no more bytes: the runtime tells the shard how many wait. */
async function stalledSubscriber(
  shard: Shard,
  qos: 0 | 1,
  bufferedAmount: number,
  clientId = "stalled",
): Promise<MqttSocket> {
  const socket = await shard.subscriber(clientId, qos, ["t"]);
  await runInDurableObject(shard.stub, (_, state) => {
    Object.defineProperty(state.getWebSockets()[0], "bufferedAmount", { value: bufferedAmount }); // the newest is first
  });
  return socket;
}

const cases: Record<LimitInWorkerd, (shard: Shard) => Promise<void>> = {
  maximumPacketSize: async (shard) => {
    const offender = await shard.client("o");
    offender.sendBytes(Uint8Array.of(0x30, 0x9d, 0x8d, 0x06)); // 99,997 bytes are to follow: one too many
    expect(await offender.closed()).toBe(true);
    const good = await shard.subscriber("g", 0, ["g"]);
    good.send(publish("g", { payload: Buffer.alloc(packetSize - 7) }));
    expect(messageOf(await good.next())).toHaveLength(packetSize - 7 + "g= q0".length);
    good.send({ cmd: "disconnect" });
  },

  maximumUserProperties: async (shard) => {
    const pairs = (count: number): { properties: { userProperties: Record<string, string[]> } } => ({
      properties: { userProperties: { a: Array.from({ length: count }, String) } },
    });
    const offender = await shard.client("o", { protocolVersion: 5 });
    offender.send({ ...publish("t"), ...pairs(4) });
    expect(await offender.next()).toMatchObject({ cmd: "disconnect", reasonCode: 0x97 });
    expect(await offender.closed()).toBe(true);
    const stranger = await shard.open(5);
    stranger.send({ ...connect("x", { protocolVersion: 5 }), ...pairs(4) });
    expect(await stranger.next()).toMatchObject({ cmd: "connack", reasonCode: 0x97 });
    const good = await shard.client("g", { protocolVersion: 5 });
    good.send({ ...publish("t", { qos: 1, messageId: 1 }), ...pairs(3) });
    expect(await good.next()).toMatchObject({ cmd: "puback", messageId: 1 });
  },

  maximumSockets: async (shard) => {
    const others: MqttSocket[] = [];
    for (let n = 1; n < sockets; n += 1) {
      others.push(await shard.client(`n${n}`));
    }
    const refused = await shard.upgrade();
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "5"]);
    others[0]?.send({ cmd: "disconnect" });
    await others[0]?.closed();
    others[0]?.finish();
    await others[1]?.rest();
    expect((await shard.client("again")).resumed).toBe(false);
  },

  slowConsumerSoftBytes: async (shard) => {
    const stalled = await stalledSubscriber(shard, 0, softBytes + 1);
    const publisher = await shard.client("p");
    publisher.send(publish("t", { payload: largePayload }));
    await stalled.next();
    publisher.send(...publishes(10, "t", 0), ...publishes(2, "t", 1));
    await publisher.take(2);
    expect(await shard.counter('dropped{reason="slow_consumer"}')).toBe(12); // the subscription is QoS 0
    expect(await shard.counter("connections")).toBe(3);
  },

  slowConsumerHardBytes: async (shard) => {
    const stalled = await stalledSubscriber(shard, 1, hardBytes + 1);
    const publisher = await shard.client("p");
    publisher.send(publish("t", { qos: 1, messageId: 1, payload: largePayload }));
    await publisher.next();
    expect(await stalled.closed()).toBe(true);
    expect(await shard.counter("connections")).toBe(2); // the publisher and the bystander
  },

  slowConsumerTimeoutMs: async (shard) => {
    const stalled = await stalledSubscriber(shard, 0, softBytes + 1);
    const publisher = await shard.client("p");
    publisher.send(publish("t", { payload: largePayload }));
    expect(kindOf(await stalled.next())).toBe("publish"); // from now on it counts as behind
    letPass(slowConsumerTimeoutSec);
    expect(await stalled.closed()).toBe(true); // nothing more is sent to it, and it says nothing
    expect(await shard.counter("connections")).toBe(2);
  },

  maximumUnsentBytes: async (shard) => {
    const most = await stalledSubscriber(shard, 0, allBytes / 2 + 1); // each below the hard limit
    const less = await stalledSubscriber(shard, 0, allBytes / 2, "less");
    const publisher = await shard.client("p");
    publisher.send(publish("t", { payload: largePayload }));
    expect(await most.closed()).toBe(true);
    less.send({ cmd: "pingreq" });
    expect((await less.take(2)).map(kindOf)).toEqual(["publish", "pingresp"]);
  },

  connectTimeoutMs: async (shard) => {
    const offender = await shard.open();
    const half = await shard.open();
    half.sendBytes(Uint8Array.of(0x10));
    expect(await Promise.all([offender.closed(), half.closed()])).toEqual([true, true]);
  },
};

describe("limits", () => {
  test.each(Object.entries(cases))("%s", async (_, run) => {
    const shard = newShard();
    const bystander = await shard.subscriber("bystander", 1, ["bystander"]);
    await run(shard);
    bystander.send(publish("bystander", { qos: 1, messageId: 1 }));
    expect((await bystander.take(2)).map(kindOf).sort()).toEqual(["puback", "publish"]);
    bystander.send(ack("puback", 1));
  });
});
