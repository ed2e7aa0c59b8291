// `POST /api/v5/publish` and `/publish/bulk`.

import { describe, expect, test } from "vitest";
import type { TopicName } from "../../../src/core/brand.ts";
import { ownerOfTopic } from "../../../src/core/placement.ts";
import { reasonCode } from "../../../src/core/reason-code.ts";
import { bearer, postJson, problemOf, startBroker, startClosedBroker, tokens } from "./broker.ts";

const publishPath = "/api/v5/publish";
const bulkPath = "/api/v5/publish/bulk";
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("POST /api/v5/publish", () => {
  test("a message that somebody takes is answered with 200 and a hexadecimal id", async () => {
    const broker = startBroker();
    const response = await broker.ask(publishPath, postJson({ topic: "a/b", payload: "hello" }));
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ id: expect.stringMatching(/^[0-9A-F]{32}$/u) });
    expect(broker.shard("default", 0).published).toEqual([
      { topicName: "a/b", payload: utf8("hello"), qos: 0, retain: false },
    ]);
  });

  test("every field of EMQX reaches the shard, and unknown ones are ignored", async () => {
    const broker = startBroker();
    const properties = {
      payload_format_indicator: 1,
      message_expiry_interval: 60,
      response_topic: "reply/here",
      correlation_data: "id 1",
      user_properties: { foo: "bar" },
      content_type: "text/plain",
    };
    const body = { topic: "t", payload: "aGk=", payload_encoding: "base64", qos: 2, retain: true, clientid: "x" };
    await broker.ask(publishPath, postJson({ ...body, properties }));
    expect(broker.shard("default", 0).published).toEqual([
      {
        topicName: "t",
        payload: utf8("hi"),
        qos: 2,
        retain: true,
        properties: {
          payloadFormatIndicator: 1,
          messageExpiryIntervalSec: 60,
          responseTopic: "reply/here",
          correlationData: utf8("id 1"),
          userProperties: [["foo", "bar"]],
          contentType: "text/plain",
        },
      },
    ]);
  });

  test("[MQTT-3.3.2-18] user properties as an array keep their order and their repeated names", async () => {
    const broker = startBroker();
    const body = (properties: string): RequestInit => ({
      method: "POST",
      body: `{"topic":"t","payload":"","properties":{"user_properties":${properties}}}`,
    });
    await broker.ask(publishPath, body('[{"b":"1"},{"a":"2"},{"b":"3","1":"4"}]'));
    await broker.ask(publishPath, body('{"__proto__":"5","constructor":"6"}'));
    expect(broker.shard("default", 0).published.map(({ properties }) => properties?.userProperties)).toEqual([
      [
        ["b", "1"],
        ["a", "2"],
        ["1", "4"],
        ["b", "3"],
      ],
      [
        ["__proto__", "5"],
        ["constructor", "6"],
      ],
    ]);
  });

  test("a payload that is said to be UTF-8 and is not is answered with 400 and reason code 153", async () => {
    const broker = startBroker();
    const body = { topic: "a", payload: "/w==", payload_encoding: "base64" };
    const wrong = { ...body, properties: { payload_format_indicator: 1 } };
    for (const [path, sent] of [
      [publishPath, wrong],
      [bulkPath, [body, wrong]],
    ] as const) {
      const response = await broker.ask(path, postJson(sent));
      expect(response.status).toBe(400);
      expect(await problemOf(response)).toMatchObject({ reason_code: 153, message: "payload_format_invalid" });
    }
    expect(broker.shards.size).toBe(0);
    const unspecified = { ...body, properties: { payload_format_indicator: 0 } };
    expect((await broker.ask(publishPath, postJson(unspecified))).status).toBe(200);
  });

  test("the longest expiry is taken, and 0", async () => {
    const broker = startBroker();
    for (const seconds of [0, 4_294_967_295]) {
      const properties = { message_expiry_interval: seconds };
      expect((await broker.ask(publishPath, postJson({ topic: "a", payload: "", properties }))).status).toBe(200);
      expect(broker.shard("default", 0).published.at(-1)?.properties).toEqual({ messageExpiryIntervalSec: seconds });
    }
  });

  test.each([
    ["MAXIMUM_QOS", "1", { qos: 2 }, { qos: 1 }],
    ["RETAIN_AVAILABLE", "false", { retain: true }, { retain: false }],
  ])("what %s takes from clients is refused here too", async (variable, value, refused, taken) => {
    const broker = startBroker({ ANONYMOUS: "loopback", [variable]: value });
    const ask = (fields: object): Promise<Response> =>
      broker.ask(publishPath, postJson({ topic: "a", payload: "", ...fields }));
    expect((await ask(refused)).status).toBe(400);
    expect(broker.shards.size).toBe(0);
    expect((await ask(taken)).status).toBe(200);
  });

  test("encoding is another name of payload_encoding, and null counts as absent", async () => {
    const broker = startBroker();
    const body = { topic: "t", payload: "aGk=", encoding: "base64", payload_encoding: null, properties: null };
    expect((await broker.ask(publishPath, postJson(body))).status).toBe(200);
    expect(broker.shard("default", 0).published[0]?.payload).toEqual(utf8("hi"));
  });

  test("a message that nobody takes is answered with 202 and reason code 16", async () => {
    const broker = startBroker();
    broker.shard("default", 0).outcomeOf = () => ({ kind: "no-matching-subscribers" });
    const response = await broker.ask(publishPath, postJson({ topic: "a", payload: "" }));
    expect(response.status).toBe(202);
    expect(await response.json()).toMatchObject({ reason_code: 16, message: "no_matching_subscribers" });
  });

  test("[MQTT-3.3.2-2] a topic with a wildcard is answered with 400 and reason code 144", async () => {
    const response = await startBroker().ask(publishPath, postJson({ topic: "a/+", payload: "" }));
    expect(response.status).toBe(400);
    expect(await problemOf(response)).toMatchObject({
      type: "about:blank",
      title: "Bad Request",
      status: 400,
      instance: publishPath,
      code: "BAD_REQUEST",
      message: "topic_name_invalid",
      reason_code: 144,
    });
  });

  test.each([
    ["no topic", { payload: "" }],
    ["no payload", { topic: "a" }],
    ["a payload that is no text", { topic: "a", payload: 1 }],
    ["a lone surrogate in the payload", { topic: "a", payload: "\uD800" }],
    ["broken base64", { topic: "a", payload: "*", payload_encoding: "base64" }],
    ["an unknown encoding", { topic: "a", payload: "", payload_encoding: "hex" }],
    ["QoS 3", { topic: "a", payload: "", qos: 3 }],
    ["retain as a text", { topic: "a", payload: "", retain: "true" }],
    ["a negative expiry", { topic: "a", payload: "", properties: { message_expiry_interval: -1 } }],
    ["U+0000 in a user property", { topic: "a", payload: "", properties: { user_properties: { a: "\0" } } }],
    ["an expiry beyond four bytes", { topic: "a", payload: "", properties: { message_expiry_interval: 2 ** 32 } }],
    ["an expiry of half a second", { topic: "a", payload: "", properties: { message_expiry_interval: 0.5 } }],
    ["a payload format of 2", { topic: "a", payload: "", properties: { payload_format_indicator: 2 } }],
    ["a user property that is no text", { topic: "a", payload: "", properties: { user_properties: { a: 1 } } }],
    ["a pair for a user property", { topic: "a", payload: "", properties: { user_properties: [["a", "b"]] } }],
    ["user properties as a text", { topic: "a", payload: "", properties: { user_properties: "a" } }],
    ["a lone surrogate in the content type", { topic: "a", payload: "", properties: { content_type: "\uD800" } }],
    ["correlation data too long", { topic: "a", payload: "", properties: { correlation_data: "x".repeat(65_536) } }],
    ["an empty response topic", { topic: "a", payload: "", properties: { response_topic: "" } }],
    ["a wildcard in the response topic", { topic: "a", payload: "", properties: { response_topic: "a/#" } }],
    ["no object", []],
  ])("%s is answered with 400 and reason code 131", async (_, body) => {
    const broker = startBroker();
    const response = await broker.ask(publishPath, postJson(body));
    expect(response.status).toBe(400);
    expect(await problemOf(response)).toMatchObject({ reason_code: 131 });
    expect(broker.shards.size).toBe(0);
  });

  test.each(["{", '"\u00ff', ""])("a body that is no JSON is answered with 400: %j", async (body) => {
    const response = await startBroker().ask(publishPath, { method: "POST", body });
    expect(response.status).toBe(400);
  });

  test("JSON that is not UTF-8 is answered with 400", async () => {
    const body = Uint8Array.of(0x22, 0xff, 0x22);
    expect((await startBroker().ask(publishPath, { method: "POST", body })).status).toBe(400);
  });

  test("a message beyond the packet size is answered with 400 and EMQX's reason code 151", async () => {
    const broker = startBroker({ ANONYMOUS: "loopback", MAXIMUM_PACKET_SIZE: "1000" });
    const response = await broker.ask(publishPath, postJson({ topic: "a", payload: "x".repeat(1000) }));
    expect(response.status).toBe(400);
    expect(await problemOf(response)).toMatchObject({ reason_code: 151, message: "packet_too_large" });
    expect(broker.log).toMatchObject([{ event: "http-refused", limit: "maximumPacketSize", topic: "a" }]);
  });

  test("a body beyond twice the packet size is answered with 413, whether or not it says its length", async () => {
    const broker = startBroker({ ANONYMOUS: "loopback", MAXIMUM_PACKET_SIZE: "1000" });
    const bytes = new Uint8Array(2001);
    const stated = await broker.ask(publishPath, {
      method: "POST",
      body: bytes,
      headers: { "content-length": "2001" },
    });
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(100)),
    });
    const endless = await broker.ask(publishPath, { method: "POST", body, duplex: "half" } as RequestInit);
    expect([stated.status, endless.status]).toEqual([413, 413]);
    expect(broker.log).toMatchObject([{ limit: "maximumPacketSize" }, { limit: "maximumPacketSize" }]);
  });

  test("a compressed body is answered with 415", async () => {
    const init = { method: "POST", body: "x", headers: { "content-encoding": "gzip" } };
    expect((await startBroker().ask(publishPath, init)).status).toBe(415);
  });

  test.each([
    [reasonCode.quotaExceeded, 503],
    [reasonCode.notAuthorized, 403],
    [reasonCode.topicNameInvalid, 400],
    [reasonCode.packetTooLarge, 413],
    [reasonCode.messageRateTooHigh, 429],
    [reasonCode.unspecifiedError, 503],
  ])("a shard's refusal with reason code %i is answered with %i", async (code, status) => {
    const broker = startBroker();
    broker.shard("default", 0).outcomeOf = () => ({ kind: "refused", reasonCode: code, detail: "no" });
    const response = await broker.ask(publishPath, postJson({ topic: "a", payload: "secret" }));
    expect(response.status).toBe(status);
    expect(await problemOf(response)).toMatchObject({ reason_code: code, detail: "no" });
    expect(broker.log).toMatchObject([{ event: "publish-refused", topic: "a", reasonCode: code }]);
  });

  test("a shard that does not answer gives 503, for there is no verdict", async () => {
    const broker = startBroker();
    broker.shard("default", 0).failure = new Error("gone");
    const response = await broker.ask(publishPath, postJson({ topic: "a", payload: "" }));
    expect(response.status).toBe(503);
    expect(await problemOf(response)).toMatchObject({ reason_code: 131, message: "failed_to_dispatch" });
    expect(broker.log).toMatchObject([{ event: "shard-unreachable", shard: 0 }]);
  });

  test("a topic outside the token's ACL is answered with 403 and logged without payload and secret", async () => {
    const broker = startClosedBroker();
    const init = { ...postJson({ topic: "weather", payload: "hidden" }), ...bearer(tokens.publisher) };
    const response = await broker.ask(publishPath, init);
    expect(response.status).toBe(403);
    expect(await problemOf(response)).toMatchObject({ reason_code: 135, code: "FORBIDDEN" });
    expect(broker.log).toMatchObject([{ event: "publish-denied", principal: "publisher", topic: "weather" }]);
    expect(JSON.stringify(broker.log)).not.toMatch(/hidden|0123456789/u);
  });

  test("$SYS belongs to the broker, also while it is open", async () => {
    const response = await startBroker().ask(publishPath, postJson({ topic: "$SYS/broker/version", payload: "" }));
    expect(response.status).toBe(403);
  });
});

describe("POST /api/v5/publish/bulk", () => {
  test("messages go to their owners, and answers come in the order of the messages", async () => {
    const broker = startBroker({ ANONYMOUS: "loopback" }, 3);
    const topics = Array.from({ length: 30 }, (_, index) => `t${index}`);
    for (const shard of [0, 1, 2]) {
      broker.shard("default", shard).outcomeOf = ({ topicName }) =>
        Number(topicName.slice(1)) % 2 === 0 ? { kind: "accepted" } : { kind: "no-matching-subscribers" };
    }
    const response = await broker.ask(bulkPath, postJson(topics.map((topic) => ({ topic, payload: topic }))));
    expect(response.status).toBe(202);
    const answers = (await response.json()) as { reason_code?: number }[];
    expect(answers.map((answer) => answer.reason_code)).toEqual(
      topics.map((_, index) => (index % 2 === 0 ? undefined : 16)),
    );
    for (const shard of [0, 1, 2]) {
      const owned = topics.filter((topic) => ownerOfTopic(topic as TopicName, broker.layout) === shard);
      expect(owned).not.toEqual([]);
      expect(broker.shard("default", shard).published.map(({ topicName }) => topicName)).toEqual(owned);
    }
  });

  test("all taken: 200", async () => {
    const response = await startBroker().ask(bulkPath, postJson([{ topic: "a", payload: "" }]));
    expect([response.status, await response.json()]).toEqual([200, [{ id: expect.any(String) }]]);
  });

  test("one message at fault: 400, every fault listed, nothing published", async () => {
    const broker = startBroker();
    const bodies = [{ topic: "ok", payload: "" }, { topic: "#", payload: "" }, { topic: "a" }];
    const response = await broker.ask(bulkPath, postJson(bodies));
    expect(response.status).toBe(400);
    expect(await problemOf(response)).toMatchObject({
      reason_code: 144,
      errors: [
        { index: 1, reason_code: 144, message: "topic_name_invalid" },
        { index: 2, reason_code: 131 },
      ],
    });
    expect(broker.shards.size).toBe(0);
  });

  test("one topic outside the ACL: 403, nothing published", async () => {
    const broker = startClosedBroker();
    const bodies = [
      { topic: "news/a", payload: "" },
      { topic: "else", payload: "" },
    ];
    const response = await broker.ask(bulkPath, { ...postJson(bodies), ...bearer(tokens.publisher) });
    expect(response.status).toBe(403);
    expect(broker.shards.size).toBe(0);
  });

  test("one shard that does not answer: 503, with the verdicts of the others", async () => {
    const broker = startBroker({ ANONYMOUS: "loopback" }, 3);
    const topics = Array.from({ length: 12 }, (_, index) => `t${index}`);
    broker.shard("default", 1).failure = new Error("gone");
    const response = await broker.ask(bulkPath, postJson(topics.map((topic) => ({ topic, payload: "" }))));
    expect(response.status).toBe(503);
    const answers = (await response.json()) as { message?: string }[];
    expect(answers.map((answer) => answer.message)).toEqual(
      topics.map((topic) => (ownerOfTopic(topic as TopicName, broker.layout) === 1 ? "failed_to_dispatch" : undefined)),
    );
  });

  test.each([
    ["no array", {}],
    ["an empty array", []],
    ["101 messages", Array.from({ length: 101 }, () => ({ topic: "a", payload: "" }))],
  ])("%s is answered with 400", async (_, body) => {
    expect((await startBroker().ask(bulkPath, postJson(body))).status).toBe(400);
  });

  test("100 messages are taken", async () => {
    const body = Array.from({ length: 100 }, () => ({ topic: "a", payload: "" }));
    expect((await startBroker().ask(bulkPath, postJson(body))).status).toBe(200);
  });

  test("more than 1 MB is answered with 413", async () => {
    const body = new Uint8Array(1024 * 1024 + 1);
    expect((await startBroker().ask(bulkPath, { method: "POST", body })).status).toBe(413);
  });
});
