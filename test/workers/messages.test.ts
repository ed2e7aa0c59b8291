// Upgrade, and messages of each QoS through a shard.

import { exports } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { ack, connect, idOf, kindOf, messageOf, MqttSocket, publish, publishes, subscribe } from "./mqtt-socket.ts";
import { newShard } from "./shard.ts";

const upgradeTo = (path: string, protocol?: string): Promise<Response> =>
  exports.default.fetch(`http://broker.localhost${path}`, {
    headers: { upgrade: "websocket", ...(protocol !== undefined && { "sec-websocket-protocol": protocol }) },
  });

describe("upgrade", () => {
  test.each(["mqtt", "mqttv3.1"])("[MQTT-6.0.0-4] the offered sub-protocol %s is selected", async (protocol) => {
    const response = await upgradeTo("/mqtt", `other, ${protocol}`);
    expect([response.status, response.headers.get("sec-websocket-protocol")]).toEqual([101, protocol]);
    new MqttSocket(response.webSocket as WebSocket).drop();
  });

  test("a client that offers no sub-protocol is served", async () => {
    const response = await upgradeTo("/mqtt");
    expect([response.status, response.headers.get("sec-websocket-protocol")]).toEqual([101, null]);
    const socket = new MqttSocket(response.webSocket as WebSocket);
    socket.send(connect("a"));
    expect(kindOf(await socket.next())).toBe("connack");
  });

  test("a client that offers only unknown sub-protocols gets 400, one that does not upgrade 426", async () => {
    expect((await upgradeTo("/mqtt", "chat")).status).toBe(400);
    expect((await exports.default.fetch("http://broker.localhost/mqtt")).status).toBe(426);
  });

  test("a namespace that is not configured is 404", async () => {
    expect((await upgradeTo("/n/unknown/mqtt", "mqtt")).status).toBe(404);
  });
});

describe("messages", () => {
  test("[MQTT-3.3.5-1] a message reaches every subscriber at the lower of both QoS", async () => {
    const shard = newShard();
    const subscribers = await Promise.all(([0, 1, 2] as const).map((qos) => shard.subscriber(`s${qos}`, qos, ["a/+"])));
    const publisher = await shard.client("p");
    publisher.send(publish("a/b", { qos: 1, messageId: 7 }));
    expect(await publisher.next()).toMatchObject({ cmd: "puback", messageId: 7 });
    const got = await Promise.all(subscribers.map(async (socket) => messageOf(await socket.next())));
    expect(got).toEqual(["a/b=x q0", "a/b=x q1", "a/b=x q1"]);
  });

  test("[MQTT-4.3.3-2] QoS 2 in: PUBREC, PUBCOMP, and a repeated PUBLISH is not delivered again", async () => {
    const shard = newShard();
    const subscriber = await shard.subscriber("s", 0, ["t"]);
    const publisher = await shard.client("p");
    publisher.send(publish("t", { qos: 2, messageId: 5 }));
    expect(await publisher.next()).toMatchObject({ cmd: "pubrec", messageId: 5 });
    publisher.send(publish("t", { qos: 2, messageId: 5, dup: true }), ack("pubrel", 5));
    expect((await publisher.take(2)).map(kindOf)).toEqual(["pubrec", "pubcomp"]);
    expect((await subscriber.rest()).map(messageOf)).toEqual(["t=x q0"]);
  });

  test.each([true, false])(
    "[MQTT-4.3.3-1] QoS 2 out: PUBLISH, PUBREL after PUBREC, no more after PUBCOMP (clean %s)",
    async (clean) => {
      const shard = newShard();
      const subscriber = await shard.subscriber("s", 2, ["t"], { clean });
      const publisher = await shard.client("p");
      publisher.send(publish("t", { qos: 2, messageId: 1 }));
      const message = await subscriber.next();
      expect(messageOf(message)).toBe("t=x q2");
      subscriber.send(ack("pubrec", idOf(message)));
      expect(await subscriber.next()).toMatchObject({ cmd: "pubrel", messageId: idOf(message) });
      subscriber.send(ack("pubcomp", idOf(message)));
      expect(await subscriber.rest()).toEqual([]);
    },
  );

  test.each([true, false])(
    "[MQTT-3.3.4-9] no more than 32 messages are unacknowledged at a time (clean %s)",
    async (clean) => {
      const shard = newShard();
      const subscriber = await shard.subscriber("s", 1, ["t"], { clean });
      const publisher = await shard.client("p");
      publisher.send(...publishes(40, "t", 1));
      await publisher.take(40);
      const first = await subscriber.rest();
      expect(first).toHaveLength(32);
      subscriber.send(...first.map((message) => ack("puback", idOf(message))));
      expect((await subscriber.rest()).map(messageOf)).toEqual(
        Array.from({ length: 8 }, (_, index) => `t=${32 + index} q1`),
      );
    },
  );

  test("[MQTT-3.1.4-2] a second connection with the same client id closes the first and keeps its session", async () => {
    const shard = newShard();
    const first = await shard.subscriber("s", 1, ["t"], { clean: false });
    const second = await shard.client("s", { clean: false });
    expect(await first.closed()).toBe(true);
    expect(second.resumed).toBe(true);
    const publisher = await shard.client("p");
    publisher.send(publish("t", { qos: 1, messageId: 1 }));
    expect(messageOf(await second.next())).toBe("t=x q1");
  });

  test("[MQTT-3.8.4-4] subscribing again sends the retained messages again", async () => {
    const shard = newShard();
    const client = await shard.client("s");
    client.send(publish("r/1", { retain: true }), publish("r/2", { retain: true }));
    for (let round = 0; round < 2; round += 1) {
      client.send(subscribe(1, "r/#"));
      expect((await client.rest()).map(messageOf).slice(1)).toEqual(["r/1=x q0 retain", "r/2=x q0 retain"]);
    }
  });

  test("a text frame closes the connection, and only that", async () => {
    const shard = newShard();
    const [offender, bystander] = [await shard.client("o"), await shard.client("b")];
    offender.sendText("hello");
    expect(await offender.closed()).toBe(true);
    expect(await bystander.rest()).toEqual([]);
  });
});
