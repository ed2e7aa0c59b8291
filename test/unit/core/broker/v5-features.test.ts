// What a server may switch off: CONNACK says so, and who asks for it all the same is told why not.

import { describe, expect, test } from "vitest";
import type { Features } from "../../../../src/core/features.ts";
import { defaultLimits } from "../../../../src/core/limits.ts";
import type { ClientPacket, Publish, Will } from "../../../../src/core/packet.ts";
import {
  connect,
  publish,
  publish1,
  publish2,
  request,
  Scene,
  subscribe,
  will,
  type Client,
} from "../../../support/scene.ts";
import { connackTo, sceneWith, v5 } from "./v5.ts";

/** What a client of MQTT 5 hears after this packet. */
function answerTo(features: Partial<Features>, packet: ClientPacket): string[] {
  const client = sceneWith(features).connect("a", v5());
  client.send(packet);
  return client.lines();
}

const answerToWill = (features: Partial<Features>, testament: Will): string[] => {
  const client = sceneWith(features).open();
  client.send(connect("a", v5({}, { will: testament })));
  return client.lines();
};

const alone = (client: Client): string[] => {
  client.send({ kind: "pingreq" });
  return client.lines();
};

describe("CONNACK", () => {
  test("[MQTT-3.2.2-9] tells the limits, and of the features only what is not available", () => {
    const { receiveMaximum, maximumPacketSize, topicAliasMaximum } = defaultLimits;
    const limits = { receiveMaximum, maximumPacketSize, topicAliasMaximum };
    expect(connackTo(sceneWith({}), "a", v5()).properties).toEqual(limits);
    const features = {
      maximumQos: 1,
      retainAvailable: false,
      wildcardSubscriptionAvailable: false,
      subscriptionIdentifiersAvailable: false,
      sharedSubscriptionAvailable: false,
    } as const;
    expect(connackTo(sceneWith(features), "a", v5()).properties).toEqual({ ...limits, ...features });
    expect(connackTo(sceneWith({ maximumQos: 0 }), "a", v5()).properties?.maximumQos).toBe(0);
  });

  test("leaves out what is the standard's default: Receive Maximum 65535, no topic aliases", () => {
    const scene = sceneWith({}, { receiveMaximum: 65_535, topicAliasMaximum: 0 });
    expect(connackTo(scene, "a", v5()).properties).toEqual({ maximumPacketSize: 1024 * 1024 });
    expect(connackTo(sceneWith({}, { receiveMaximum: 65_534 }), "a", v5()).properties?.receiveMaximum).toBe(65_534);
  });

  test("[MQTT-3.1.2-28] Response Information is for clients that ask, with their identifier in it", () => {
    const scene = sceneWith({ responseInformation: "answers/${clientid}/${clientid}" });
    const asked = connackTo(scene, "a", v5({ requestResponseInformation: true }));
    expect(asked.properties?.responseInformation).toBe("answers/a/a");
    for (const properties of [{}, { requestResponseInformation: false }]) {
      expect(connackTo(scene, "a", v5(properties)).properties).not.toHaveProperty("responseInformation");
    }
    const assigned = connackTo(scene, "", v5({ requestResponseInformation: true }));
    expect(assigned.properties?.responseInformation).toBe("answers/assigned/assigned");
    const none = connackTo(sceneWith({}), "a", v5({ requestResponseInformation: true }));
    expect(none.properties).not.toHaveProperty("responseInformation");
  });

  test("an identifier stands in Response Information as it is, whatever its characters", () => {
    const scene = sceneWith({ responseInformation: "answers/${clientid}" });
    for (const clientId of ["$&", "$$", "$`x", "$'"]) {
      const connack = connackTo(scene, clientId, v5({ requestResponseInformation: true }));
      expect(connack.properties?.responseInformation).toBe(`answers/${clientId}`);
    }
  });
});

describe("MAXIMUM_QOS", () => {
  test("[MQTT-3.2.2-11] a PUBLISH above it ends the connection with 0x9B, one at it does not", () => {
    expect(answerTo({ maximumQos: 1 }, publish2("t", "x", 1))).toEqual(["disconnect 155", "close"]);
    expect(answerTo({ maximumQos: 0 }, publish1("t", "x", 1))).toEqual(["disconnect 155", "close"]);
    expect(answerTo({ maximumQos: 1 }, publish1("t", "x", 1))).toEqual(["puback 1/16"]);
    expect(answerTo({ maximumQos: 0 }, publish("t"))).toEqual([]);
  });

  test("[MQTT-3.2.2-12] a will above it is refused with 0x9B, one at it is not", () => {
    expect(answerToWill({ maximumQos: 1 }, will("w", "x", { qos: 2 }))).toEqual(["connack 155", "close"]);
    expect(answerToWill({ maximumQos: 0 }, will("w", "x", { qos: 1 }))).toEqual(["connack 155", "close"]);
    expect(answerToWill({ maximumQos: 1 }, will("w", "x", { qos: 1 }))).toEqual(["connack 0"]);
  });

  test("[MQTT-3.2.2-10] a SUBSCRIBE is granted no more, and no less than it asks for", () => {
    const packet = {
      kind: "subscribe",
      packetId: 1 as never,
      subscriptions: [request(0, "a"), request(1, "b"), request(2, "c")],
    } as const;
    expect(answerTo({ maximumQos: 1 }, packet)).toEqual(["suback 0,1,1"]);
    expect(answerTo({ maximumQos: 0 }, packet)).toEqual(["suback 0,0,0"]);
    expect(answerTo({}, packet)).toEqual(["suback 0,1,2"]);
  });

  test("what is delivered has the QoS that was granted", () => {
    const scene = sceneWith({ maximumQos: 1 });
    const subscriber = scene.subscriber("s", 2, ["t"], v5());
    scene.connect("p", v5()).send(publish1("t", "x", 1));
    expect(subscriber.lines()).toEqual(["publish t=x q1 #1"]);
  });

  test("it is checked before the packet identifier is opened: the message goes nowhere", () => {
    const scene = sceneWith({ maximumQos: 1 });
    const subscriber = scene.subscriber("s", 0, ["t"], v5());
    scene.connect("p", v5()).send(publish2("t", "x", 1));
    expect(alone(subscriber)).toEqual(["pingresp"]);
  });
});

describe("RETAIN_AVAILABLE", () => {
  const off = { retainAvailable: false };

  test("[MQTT-3.2.2-14] false: a retained PUBLISH ends the connection with 0x9A, and is not kept", () => {
    const scene = sceneWith(off);
    const client = scene.connect("a", v5());
    client.send(publish("t", "x", { retain: true }));
    expect(client.lines()).toEqual(["disconnect 154", "close"]);
    expect(scene.broker.retained.isDirty).toBe(false);
    expect(answerTo(off, publish("t"))).toEqual([]);
  });

  test("[MQTT-3.2.2-13] false: a retained will is refused with 0x9A", () => {
    expect(answerToWill(off, will("w", "x", { retain: true }))).toEqual(["connack 154", "close"]);
    expect(answerToWill(off, will("w"))).toEqual(["connack 0"]);
  });

  test("true: both are taken", () => {
    expect(answerTo({}, publish1("t", "x", 1, { retain: true }))).toEqual(["puback 1"]);
    expect(answerToWill({}, will("w", "x", { retain: true }))).toEqual(["connack 0"]);
  });
});

describe("subscriptions", () => {
  const filters = subscribe(0, "a", "a/+", "#", "$share/g/a", "$share/g/a/+");

  test("WILDCARD_SUBSCRIPTION_AVAILABLE false: a filter with a wildcard gets 0xA2, others are granted", () => {
    expect(answerTo({ wildcardSubscriptionAvailable: false }, filters)).toEqual(["suback 0,162,162,0,162"]);
  });

  test("SHARED_SUBSCRIPTION_AVAILABLE false: a shared one gets 0x9E, others are granted", () => {
    expect(answerTo({ sharedSubscriptionAvailable: false }, filters)).toEqual(["suback 0,0,0,158,158"]);
  });

  test("SUBSCRIPTION_IDENTIFIERS_AVAILABLE false: a SUBSCRIBE with one ends the connection with 0xA1", () => {
    const packet = { ...subscribe(0, "a"), properties: { subscriptionIdentifier: 1 } } as ClientPacket;
    expect(answerTo({ subscriptionIdentifiersAvailable: false }, packet)).toEqual(["disconnect 161", "close"]);
    expect(answerTo({ subscriptionIdentifiersAvailable: false }, filters)).toEqual(["suback 0,0,0,0,0"]);
    expect(answerTo({}, packet)).toEqual(["suback 0"]);
  });

  test("all of them are available unless something is said", () => {
    expect(answerTo({}, filters)).toEqual(["suback 0,0,0,0,0"]);
  });
});

describe("VALIDATE_PAYLOAD_FORMAT", () => {
  const on = { validatePayloadFormat: true };
  const notUtf8 = { payload: new Uint8Array([0x61, 0xff]), properties: { payloadFormatIndicator: 1 } } as const;

  test("a payload that says it is UTF-8 and is not gets 0x99 in PUBACK and PUBREC; the connection stays", () => {
    const scene = sceneWith(on);
    const subscriber = scene.subscriber("s", 2, ["t"], v5());
    const client = scene.connect("a", v5());
    client.send(publish1("t", "", 1, notUtf8), publish2("t", "", 2, notUtf8));
    expect(client.lines()).toEqual(["puback 1/153", "pubrec 2/153"]);
    expect(alone(subscriber)).toEqual(["pingresp"]);
  });

  test("[MQTT-4.3.3-9] a PUBREC of 0x99 frees the identifier: the next PUBLISH with it is a new message", () => {
    const scene = sceneWith(on);
    const subscriber = scene.subscriber("s", 0, ["t"], v5());
    const client = scene.connect("a", v5());
    client.send(publish2("t", "", 2, notUtf8), publish2("t", "good", 2));
    expect(client.lines()).toEqual(["pubrec 2/153", "pubrec 2"]);
    expect(subscriber.lines()).toEqual(["publish t=good q0"]);
  });

  test("at QoS 0 it is dropped and counted", () => {
    const scene = sceneWith(on);
    const subscriber = scene.subscriber("s", 0, ["t"], v5());
    const client = scene.connect("a", v5());
    client.send(publish("t", "", notUtf8));
    expect([alone(client), alone(subscriber)]).toEqual([["pingresp"], ["pingresp"]]);
    expect(scene.broker.counters.dropped.get("payload_format_invalid")).toBe(1);
  });

  test("in a will it refuses the CONNECT with 0x99", () => {
    expect(answerToWill(on, { ...will("w"), ...notUtf8 })).toEqual(["connack 153", "close"]);
    expect(answerToWill({}, { ...will("w"), ...notUtf8 })).toEqual(["connack 0"]);
  });

  test.each<[string, Partial<Publish>]>([
    [
      "UTF-8 that says so",
      { payload: new TextEncoder().encode("ä \u{1f600}"), properties: { payloadFormatIndicator: 1 } },
    ],
    ["nothing that says it is UTF-8", { payload: new Uint8Array(), properties: { payloadFormatIndicator: 1 } }],
    ["bytes that say they are bytes", { ...notUtf8, properties: { payloadFormatIndicator: 0 } }],
    ["bytes that say nothing", { payload: notUtf8.payload }],
  ])("%s is taken", (_, more) => {
    expect(answerTo(on, publish1("t", "", 1, more))).toEqual(["puback 1/16"]);
  });

  test("false: nobody looks", () => {
    expect(answerTo({}, publish1("t", "", 1, notUtf8))).toEqual(["puback 1/16"]);
  });
});

describe("another server", () => {
  const places = [
    ["USE_ANOTHER_SERVER", "use-another-server", 0x9c],
    ["SERVER_MOVED", "server-moved", 0x9d],
  ] as const;

  test.each(places)("%s refuses every CONNECT with its code and the Server Reference", (_, kind, code) => {
    const scene = sceneWith({ elsewhere: { kind, serverReference: "other.example" } });
    const connack = connackTo(scene, "a", v5());
    expect([connack.code, connack.properties?.serverReference]).toEqual([code, "other.example"]);
    const v3 = scene.open();
    v3.send(connect("a"));
    expect(v3.lines()).toEqual(["connack 3", "close"]);
  });

  test("other refusals carry no Server Reference, nor do accepted connections", () => {
    const scene = new Scene({ options: { isOwnClientId: () => false } });
    expect(connackTo(scene, "a", v5()).properties).not.toHaveProperty("serverReference");
    expect(connackTo(sceneWith({}), "a", v5()).properties).not.toHaveProperty("serverReference");
  });
});
