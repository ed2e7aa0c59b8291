// A client behind a relay that reads too slowly: the relay sees it, and the shard knows it for as long as it lasts.

import { describe, expect, test } from "vitest";
import { defaultLimits, type Limits } from "../../../src/core/limits.ts";
import { Relay, relaySignal } from "../../../src/objects/relay.ts";
import { newCluster } from "../../support/shards.ts";
import { ack, bytesOf, connect, idOf, kindOf, messageOf, MqttSocket, publish, subscribe } from "../mqtt-socket.ts";

describe("a shard that was told that a relay's client is behind", () => {
  async function slow() {
    const cluster = newCluster(3);
    const { placement } = cluster;
    const topic = placement.subtreeOn(1);
    const subscriber = await cluster.open(2, true);
    subscriber.send(connect(placement.clientOn(2)), subscribe(1, topic));
    expect((await subscriber.take(2)).map(kindOf)).toEqual(["connack", "suback"]);
    const publisher = await cluster.client(placement.clientOn(0));
    /** A QoS 0 message and one of QoS 1 behind it: which of them came. */
    const arriving = async (payload: string): Promise<string[]> => {
      publisher.send(publish(topic, { payload }));
      publisher.send(publish(topic, { payload, qos: 1, messageId: 1 }));
      expect(kindOf(await publisher.next())).toBe("puback");
      const came = await subscriber.rest();
      subscriber.send(...came.filter((packet) => idOf(packet) > 0).map((packet) => ack("puback", idOf(packet))));
      return came.map((packet) => messageOf(packet).slice(topic.length));
    };
    const say = async (signal: string): Promise<void> => {
      subscriber.sendText(signal);
      expect(await subscriber.rest()).toEqual([]); // the shard has heard it
    };
    /** It has drained: what waited for that comes. */
    const drain = async (...waiting: string[]): Promise<void> => {
      subscriber.sendText(relaySignal.drained);
      const came = await subscriber.take(waiting.length);
      subscriber.send(...came.map((packet) => ack("puback", idOf(packet))));
      expect(came.map((packet) => messageOf(packet).slice(topic.length))).toEqual(waiting);
    };
    return { cluster, say, drain, arriving };
  }

  test("drops QoS 0 and keeps QoS 1 until that is over, and knows it still when it has slept", async () => {
    const { cluster, say, drain, arriving } = await slow();
    expect(await arriving("0")).toEqual(["=0 q0", "=0 q1"]);
    await say(relaySignal.behind);
    expect(await arriving("1")).toEqual([]);
    await cluster.hibernate();
    expect(await arriving("2")).toEqual([]);
    await cluster.hibernate();
    await drain("=1 q1", "=2 q1");
    expect(await arriving("3")).toEqual(["=3 q0", "=3 q1"]);
    await cluster.hibernate();
    expect(await arriving("4")).toEqual(["=4 q0", "=4 q1"]);
  });

  test("sends what waited when it hears that this is over, and asks for nothing in between", async () => {
    const { say, drain, arriving } = await slow();
    await say(relaySignal.behind);
    expect(await arriving("1")).toEqual([]);
    await drain("=1 q1");
  });

  test("keeps it also where nothing else happens between what it is told and the sleep", async () => {
    const { cluster, say, arriving } = await slow();
    await cluster.hibernate();
    await say(relaySignal.behind);
    await cluster.hibernate();
    expect(await arriving("1")).toEqual([]);
  });
});

describe("a relay", () => {
  /** With a client that has so many bytes unsent, and a shard that says what the test says. */
  async function relayed(protocolVersion: 4 | 5, limits: Limits = defaultLimits) {
    const [client, shard] = [new WebSocketPair(), new WebSocketPair()];
    let unsent = 0;
    const aborts: string[] = [];
    const abort = (reason: string): void => void aborts.push(reason);
    Object.defineProperty(client[1], "bufferedAmount", { get: () => unsent });
    const heard: string[] = [];
    shard[1].accept();
    shard[1].addEventListener("message", ({ data }) => heard.push(typeof data === "string" ? data : "bytes"));
    const isShardLeft = new Promise<void>((resolve) => shard[1].addEventListener("close", () => resolve()));
    Relay.start(client[1], { limits, openShard: async () => shard[0], now: () => Date.now(), abort });
    const socket = new MqttSocket(client[0], protocolVersion);
    socket.send(connect("c", { protocolVersion }));
    await expect.poll(() => heard).toEqual(["bytes"]);
    const say = (...packets: Parameters<typeof bytesOf>): void => shard[1].send(bytesOf(...packets));
    shard[1].send(protocolVersion === 5 ? Uint8Array.of(0x20, 3, 0, 0, 0) : Uint8Array.of(0x20, 2, 0, 0));
    expect(kindOf(await socket.next())).toBe("connack");
    const setUnsent = (bytes: number): void => void (unsent = bytes);
    return { socket, heard, say, setUnsent, isShardLeft, aborts };
  }

  test("tells the shard once when its client has too much unsent, and once when that has left", async () => {
    const { socket, heard, say, setUnsent } = await relayed(4);
    say(publish("t"));
    expect(messageOf(await socket.next())).toBe("t=x q0");
    setUnsent(defaultLimits.slowConsumerSoftBytes + 1);
    say(publish("t"));
    say(publish("t"));
    await socket.take(2);
    await expect.poll(() => heard).toEqual(["bytes", relaySignal.behind]);
    setUnsent(defaultLimits.slowConsumerSoftBytes);
    await expect.poll(() => heard).toEqual(["bytes", relaySignal.behind, relaySignal.drained]);
    socket.drop();
  });

  test("tells an MQTT 5 client that is far too slow DISCONNECT 0x97 and closes both ends", async () => {
    const { socket, say, setUnsent, isShardLeft } = await relayed(5);
    setUnsent(defaultLimits.slowConsumerHardBytes + 1);
    // What `publish` makes has no properties: to MQTT 5 this is one with an empty payload.
    say(publish("t", { payload: "\0" }));
    expect(kindOf(await socket.next())).toBe("publish");
    expect(await socket.next()).toMatchObject({ cmd: "disconnect", reasonCode: 0x97 });
    expect(await socket.closed()).toBe(true);
    await isShardLeft;
  });

  test("closes a client that stops reading and stays silent, and ends the invocation that would wait for it", async () => {
    const { socket, say, setUnsent, isShardLeft, aborts } = await relayed(5, {
      ...defaultLimits,
      slowConsumerTimeoutMs: 300,
    });
    setUnsent(defaultLimits.slowConsumerSoftBytes + 1);
    say(publish("t", { payload: "\0" }));
    expect(kindOf(await socket.next())).toBe("publish");
    expect(await socket.next()).toMatchObject({ cmd: "disconnect", reasonCode: 0x97 });
    await isShardLeft;
    expect(aborts).toEqual([]); // it may read what it was sent before
    await expect.poll(() => aborts, { timeout: 7_000 }).toHaveLength(1);
  });

  test("does not close one that is slow and goes on reading", async () => {
    const { socket, say, setUnsent } = await relayed(4, { ...defaultLimits, slowConsumerTimeoutMs: 300 });
    const most = defaultLimits.slowConsumerSoftBytes + 1_000;
    setUnsent(most);
    say(publish("t"));
    await socket.next();
    for (let left = most; left > defaultLimits.slowConsumerSoftBytes; left -= 100) {
      setUnsent(left);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    say(publish("t"));
    expect(messageOf(await socket.next())).toBe("t=x q0");
    socket.drop();
  });

  test("closes an MQTT 3 client that is far too slow", async () => {
    const { socket, say, setUnsent, isShardLeft } = await relayed(4);
    setUnsent(defaultLimits.slowConsumerHardBytes + 1);
    say(publish("t"));
    expect(messageOf(await socket.next())).toBe("t=x q0");
    expect(await socket.next()).toBe("closed");
    await isShardLeft;
  });
});
