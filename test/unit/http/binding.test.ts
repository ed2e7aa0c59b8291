// Publishing over a service binding: what the arguments become, and what the caller is told.

import { describe, expect, test } from "vitest";
import { publishFromBinding } from "../../../src/http/binding.ts";
import type { PublishResult } from "../../../src/publisher-types.ts";
import { startBroker, type Broker } from "./broker.ts";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

const publish = (broker: Broker, topic: unknown, payload: unknown, options: unknown = {}): Promise<PublishResult> =>
  publishFromBinding(broker.deps, topic, payload, options);

describe("publish over a binding", () => {
  test.each([["hi"], [utf8("hi")], [utf8("hi").buffer]])("takes %o as payload", async (payload) => {
    const broker = startBroker();
    const result = await publish(broker, "a/b", payload);
    expect(result).toEqual({ outcome: "accepted", id: expect.stringMatching(/^[0-9A-F]{32}$/u), isReplayed: false });
    expect(broker.shard("default", 0).published).toEqual([
      { topicName: "a/b", payload: utf8("hi"), qos: 0, retain: false, properties: {} },
    ]);
  });

  test("brings every option to the shard of the namespace", async () => {
    const broker = startBroker({ NAMESPACES: "lab" });
    const properties = {
      payloadFormatIndicator: 1,
      messageExpiryIntervalSec: 60,
      contentType: "text/plain",
      responseTopic: "answers",
      correlationData: utf8("c"),
      userProperties: [
        ["a", "1"],
        ["a", "2"],
      ],
    };
    await publish(broker, "t", "x", { qos: 2, retain: true, namespace: "lab", ...properties });
    expect(broker.shard("lab", 0).published).toEqual([
      { topicName: "t", payload: utf8("x"), qos: 2, retain: true, properties },
    ]);
  });

  test("needs no credentials and no token", async () => {
    expect(await publish(startBroker({}), "t", "x")).toMatchObject({ outcome: "accepted" });
  });

  test.each([
    ["[MQTT-3.3.2-2] a wildcard", "a/+", "x", {}, 0x90, "topic_name_invalid"],
    ["$SYS", "$SYS/x", "x", {}, 0x87, "not_authorized"],
    ["a message too large", "a", "x".repeat(2 ** 20), {}, 0x95, "packet_too_large"],
    [
      "a payload that is said to be UTF-8",
      "a",
      Uint8Array.of(255),
      { payloadFormatIndicator: 1 },
      0x99,
      "payload_format_invalid",
    ],
    ["a wildcard in the response topic", "a", "x", { responseTopic: "r/#" }, 0x81, "malformed_packet"],
    ["U+0000 in the content type", "a", "x", { contentType: "\0" }, 0x81, "malformed_packet"],
    ["a lone surrogate in a user property", "a", "x", { userProperties: [["\ud800", ""]] }, 0x81, "malformed_packet"],
    [
      "correlation data of 65,536 bytes",
      "a",
      "x",
      { correlationData: new Uint8Array(65_536) },
      0x81,
      "malformed_packet",
    ],
    [
      "an expiry beyond four bytes",
      "a",
      "x",
      { messageExpiryIntervalSec: 2 ** 32 },
      0x83,
      "implementation_specific_error",
    ],
    ["a payload format of 2", "a", "x", { payloadFormatIndicator: 2 }, 0x83, "implementation_specific_error"],
    ["a topic that is no text", 5, "x", {}, 0x83, "implementation_specific_error"],
    ["a payload that is neither text nor bytes", "a", { x: 1 }, {}, 0x83, "implementation_specific_error"],
    ["a lone surrogate", "a", "\ud800", {}, 0x83, "implementation_specific_error"],
    ["QoS 3", "a", "x", { qos: 3 }, 0x83, "implementation_specific_error"],
    ["an option that is misspelt", "a", "x", { Qos: 1 }, 0x83, "implementation_specific_error"],
    ["a key that is none", "a", "x", { idempotencyKey: "" }, 0x83, "implementation_specific_error"],
    ["a namespace that is not configured", "a", "x", { namespace: "lab" }, 0x83, "implementation_specific_error"],
  ])("%s is refused, and nothing is published", async (_, topic, payload, options, reasonCode, reason) => {
    const broker = startBroker();
    expect(await publish(broker, topic, payload, options)).toMatchObject({ outcome: "refused", reasonCode, reason });
    expect(broker.shard("default", 0).published).toEqual([]);
  });

  test("under a key is published once, and the key is not that of anybody else", async () => {
    const broker = startBroker();
    const first = await publish(broker, "t", "x", { idempotencyKey: "k" });
    expect(await publish(broker, "t", "x", { idempotencyKey: "k" })).toEqual({ ...first, isReplayed: true });
    expect(await publish(broker, "t", "y", { idempotencyKey: "k" })).toEqual({ outcome: "key-mismatch" });
    const init = { method: "POST", body: "z", headers: { "idempotency-key": "k" } };
    expect((await broker.ask("/topics/t", init)).status).toBe(200);
  });

  test("says where nobody wants the message, where there is no verdict, and where the shard refuses", async () => {
    const broker = startBroker();
    const shard = broker.shard("default", 0);
    shard.outcomeOf = () => ({ kind: "no-matching-subscribers" });
    expect(await publish(broker, "t", "x")).toMatchObject({ outcome: "no-matching-subscribers" });
    shard.outcomeOf = () => ({ kind: "refused", reasonCode: 0x97, detail: "full" });
    expect(await publish(broker, "t", "x")).toMatchObject({ outcome: "refused", reason: "quota_exceeded" });
    shard.failure = new Error("gone");
    expect(await publish(broker, "t", "x")).toEqual({ outcome: "no-verdict" });
  });
});
