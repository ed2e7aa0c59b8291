// `/topics/{topic}`.

import { describe, expect, test } from "vitest";
import { bearer, problemOf, startBroker, startClosedBroker, tokens, type Broker } from "./broker.ts";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const lastOf = (broker: Broker) => broker.shard("default", 0).published.at(-1);

async function topicOf(path: string): Promise<string | number> {
  const broker = startBroker();
  const response = await broker.ask(path, { method: "POST", body: "x" });
  return lastOf(broker)?.topicName ?? response.status;
}

describe("the topic in a URL", () => {
  test.each([
    ["/topics/a/b", "a/b"],
    ["/topics/a%2Fb", "a/b"],
    ["/topics//a", "/a"],
    ["/topics/%2Fa", "/a"],
    ["/topics//", "/"],
    ["/topics/a//b", "a//b"],
    ["/topics/a/", "a/"],
    ["/topics/a%20b", "a b"],
    ["/topics/a%0Ab", "a\nb"],
    ["/topics/ä/%E2%82%AC", "ä/€"],
    ["/topics/100%25", "100%"],
    ["/topics/%2525", "%25"],
    ["/topics/n/x/topics/y", "n/x/topics/y"],
    ["/topics?topic=a/../b", "a/../b"],
    ["/topics?topic=.", "."],
    ["/topics/?topic=..%2F%C3%A4", "../ä"],
    ["/topics?topic=a+b", "a b"],
    ["/n/default/topics/a//b", "a//b"],
  ])("%s is %j", async (path, topicName) => {
    expect(await topicOf(path)).toBe(topicName);
  });

  test.each([
    ["broken percent-encoding", "/topics/a%zz"],
    ["percent-encoding cut short", "/topics/a%2"],
    ["bytes that are no UTF-8", "/topics/%FF"],
    ["an encoded surrogate", "/topics/%ED%A0%80"],
    ["bytes that are no UTF-8, in the query", "/topics?topic=%FF"],
    ["U+0000", "/topics/a%00"],
    ["a wildcard", "/topics/a/%23"],
    ["a wildcard that a path carries", "/topics/+/a"],
    ["nothing", "/topics"],
    ["an empty topic", "/topics/"],
    ["an empty topic in the query", "/topics?topic="],
    ["path and query", "/topics/a?topic=b"],
  ])("%s is answered with 400 and reason code 144", async (_, path) => {
    for (const method of ["POST", "PUT", "DELETE", "GET"]) {
      const response = await startBroker().ask(path, { method });
      expect(response.status).toBe(400);
      expect(await problemOf(response)).toMatchObject({ reason_code: 144 });
    }
  });
});

describe("POST /topics/{topic}", () => {
  test("publishes the raw body, at QoS 0 and not retained unless asked", async () => {
    const broker = startBroker();
    const response = await broker.ask("/topics/a", { method: "POST", body: Uint8Array.of(0, 255) });
    expect([response.status, await response.json()]).toEqual([200, { id: expect.any(String) }]);
    expect(lastOf(broker)).toEqual({
      topicName: "a",
      payload: Uint8Array.of(0, 255),
      qos: 0,
      retain: false,
      properties: {},
    });
  });

  test("takes every option from the query", async () => {
    const broker = startBroker();
    const query = new URLSearchParams({
      qos: "1",
      retain: "true",
      messageExpiry: "5",
      contentType: "text/x",
      responseTopic: "r/ä",
      correlationData: btoa("id"),
      userProperties: btoa('[{"a":"1"},{"a":"2"}]'),
      payloadFormatIndicator: "UTF8_DATA",
    });
    await broker.ask(`/topics/a?${query}`, { method: "POST", body: "x" });
    expect(lastOf(broker)).toMatchObject({
      qos: 1,
      retain: true,
      properties: {
        messageExpiryIntervalSec: 5,
        contentType: "text/x",
        responseTopic: "r/ä",
        correlationData: utf8("id"),
        userProperties: [
          ["a", "1"],
          ["a", "2"],
        ],
        payloadFormatIndicator: 1,
      },
    });
  });

  test("takes every option from mqtt-* headers, and the query wins", async () => {
    const broker = startBroker();
    const headers = {
      "mqtt-qos": "2",
      "mqtt-retain": "1",
      "mqtt-message-expiry": "5",
      "mqtt-content-type": "text/x",
      "mqtt-response-topic": "r/%C3%A4",
      "mqtt-correlation-data": btoa("id"),
      "mqtt-user-properties": btoa('{"a":"1"}'),
      "mqtt-payload-format-indicator": "0",
    };
    await broker.ask("/topics/a?qos=1&messageExpiry=9", { method: "POST", body: "x", headers });
    expect(lastOf(broker)).toMatchObject({
      qos: 1,
      retain: true,
      properties: {
        messageExpiryIntervalSec: 9,
        contentType: "text/x",
        responseTopic: "r/ä",
        correlationData: utf8("id"),
        userProperties: [["a", "1"]],
        payloadFormatIndicator: 0,
      },
    });
  });

  test.each([
    ["application/json", "application/json"],
    ["application/x-www-form-urlencoded", undefined],
  ])("the body's type %s becomes the content type %s", async (stated, contentType) => {
    const broker = startBroker();
    await broker.ask("/topics/a", { method: "POST", body: "{}", headers: { "content-type": stated } });
    expect(lastOf(broker)?.properties?.contentType).toBe(contentType);
  });

  test.each([
    "qos=3",
    "qos=",
    "retain=maybe",
    "messageExpiry=-1",
    "messageExpiry=4294967296",
    "payloadFormatIndicator=2",
    "correlationData=*",
    "userProperties=*",
    `userProperties=${btoa("[1]")}`,
    `userProperties=${btoa('{"a":1}')}`,
    "responseTopic=a/%23",
    "responseTopic=",
    "responseTopic=%00",
    `correlationData=${btoa("x".repeat(65_536))}`,
    `contentType=${"x".repeat(65_536)}`,
    "contentType=%00",
  ])("%s is answered with 400", async (query) => {
    const broker = startBroker();
    expect((await broker.ask(`/topics/a?${query}`, { method: "POST", body: "x" })).status).toBe(400);
    expect(broker.shards.size).toBe(0);
  });

  test.each([
    ["PUT", "RETAIN_AVAILABLE", "false", "", 154],
    ["DELETE", "RETAIN_AVAILABLE", "false", "", 154],
    ["POST", "RETAIN_AVAILABLE", "false", "?retain=1", 154],
    ["POST", "MAXIMUM_QOS", "0", "?qos=1", 155],
  ])("%s under %s=%s is answered with 400 and its reason code", async (method, variable, value, query, code) => {
    const broker = startBroker({ ANONYMOUS: "loopback", [variable]: value });
    const response = await broker.ask(`/topics/a${query}`, { method });
    expect(await problemOf(response)).toMatchObject({ status: 400, reason_code: code });
    expect(broker.shards.size).toBe(0);
    expect((await broker.ask("/topics/a", { method: "POST", body: "x" })).status).toBe(200);
  });

  test("a payload that is said to be UTF-8 and is not is answered with 400 and reason code 153", async () => {
    const init = { method: "POST", body: Uint8Array.of(255) };
    const response = await startBroker().ask("/topics/a?payloadFormatIndicator=1", init);
    expect(await problemOf(response)).toMatchObject({ status: 400, reason_code: 153 });
  });

  test("nobody: 202; refused: 503; no answer: 503", async () => {
    const broker = startBroker();
    const shard = broker.shard("default", 0);
    const post = async (): Promise<number> => (await broker.ask("/topics/a", { method: "POST", body: "x" })).status;
    shard.outcomeOf = () => ({ kind: "no-matching-subscribers" });
    expect(await post()).toBe(202);
    shard.outcomeOf = () => ({ kind: "refused", reasonCode: 0x97, detail: "full" });
    expect(await post()).toBe(503);
    shard.failure = new Error("gone");
    expect(await post()).toBe(503);
  });

  test("a payload beyond the packet size is answered with 413 and reason code 149", async () => {
    const broker = startBroker({ ANONYMOUS: "loopback", MAXIMUM_PACKET_SIZE: "1000" });
    for (const length of [990, 1001]) {
      const response = await broker.ask("/topics/a", { method: "POST", body: new Uint8Array(length) });
      expect(await problemOf(response)).toMatchObject({ status: 413, reason_code: 149 });
    }
    expect((await broker.ask("/topics/a", { method: "POST", body: new Uint8Array(900) })).status).toBe(200);
  });

  test("a topic outside the token's ACL is answered with 403", async () => {
    const broker = startClosedBroker();
    const init = { method: "POST", body: "x", ...bearer(tokens.publisher) };
    expect((await broker.ask("/topics/weather", init)).status).toBe(403);
    expect((await broker.ask("/topics/news/eu", init)).status).toBe(200);
  });
});

describe("the retained value of a topic", () => {
  test("PUT publishes it retained", async () => {
    const broker = startBroker();
    expect((await broker.ask("/topics/a", { method: "PUT", body: "v" })).status).toBe(200);
    expect(lastOf(broker)).toMatchObject({ topicName: "a", payload: utf8("v"), retain: true });
  });

  test("[MQTT-3.3.1-6] DELETE publishes an empty retained message", async () => {
    const broker = startBroker();
    const response = await broker.ask("/topics/a", { method: "DELETE" });
    expect([response.status, await response.text()]).toEqual([204, ""]);
    expect(lastOf(broker)).toMatchObject({ topicName: "a", payload: new Uint8Array(0), retain: true });
  });

  test("DELETE that the shard refuses is answered as a publish is", async () => {
    const broker = startBroker();
    broker.shard("default", 0).failure = new Error("gone");
    expect((await broker.ask("/topics/a", { method: "DELETE" })).status).toBe(503);
  });

  test("GET answers it raw, with its properties in headers", async () => {
    const broker = startBroker();
    broker.shard("default", 0).retained.set("a/ä", {
      topicName: "a/ä",
      payload: Uint8Array.of(0, 1, 255),
      qos: 1,
      properties: {
        contentType: "image/png",
        responseTopic: "r/ä 100%",
        correlationData: utf8("id"),
        userProperties: [["k", "v"]],
        payloadFormatIndicator: 0,
      },
      publishedAtMs: Date.UTC(2026, 10, 20),
      messageExpiryIntervalSec: 30,
    });
    const response = await broker.ask("/topics/a/ä");
    expect(response.status).toBe(200);
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(Uint8Array.of(0, 1, 255));
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "image/png",
      "last-modified": "Fri, 20 Nov 2026 00:00:00 GMT",
      "mqtt-topic": "a/%C3%A4",
      "mqtt-qos": "1",
      "mqtt-retain": "1",
      "mqtt-message-expiry": "30",
      "mqtt-content-type": "image/png",
      "mqtt-response-topic": "r/%C3%A4%20100%25",
      "mqtt-correlation-data": btoa("id"),
      "mqtt-user-properties": btoa('[{"k":"v"}]'),
      "mqtt-payload-format-indicator": "0",
      "x-content-type-options": "nosniff",
      "content-security-policy": "sandbox; default-src 'none'",
    });
  });

  test.each([
    ["text that is no media type", { contentType: "a\r\nb: c" }, "application/octet-stream"],
    ["none", {}, "application/octet-stream"],
    ["none, and UTF-8", { payloadFormatIndicator: 1 as const }, "text/plain; charset=utf-8"],
  ])("content type %s", async (_, properties, contentType) => {
    const broker = startBroker();
    const value = { topicName: "a", payload: utf8("x"), qos: 0 as const, publishedAtMs: 0, properties };
    broker.shard("default", 0).retained.set("a", value);
    expect((await broker.ask("/topics/a")).headers.get("content-type")).toBe(contentType);
  });

  test("what GET answers can be published again as it is", async () => {
    const broker = startBroker();
    const properties = {
      payloadFormatIndicator: 1 as const,
      contentType: "text/plain; x=é %",
      responseTopic: "r/\u{1d11e}",
      correlationData: Uint8Array.of(0, 255),
      userProperties: [
        ["b", "é"],
        ["a", ""],
        ["b", "2"],
      ] as const,
    };
    const value = { topicName: "a", payload: utf8("x"), qos: 1 as const, publishedAtMs: 0, properties };
    broker.shard("default", 0).retained.set("a", { ...value, messageExpiryIntervalSec: 9 });
    const { headers } = await broker.ask("/topics/a");
    await broker.ask("/topics/b", { method: "PUT", body: "x", headers });
    expect(lastOf(broker)).toEqual({
      topicName: "b",
      payload: utf8("x"),
      qos: 1,
      retain: true,
      properties: { ...properties, messageExpiryIntervalSec: 9 },
    });
  });

  test("HEAD answers the headers of GET alone", async () => {
    const broker = startBroker();
    const value = { topicName: "a", payload: utf8("x"), qos: 0 as const, publishedAtMs: 0 };
    broker.shard("default", 0).retained.set("a", value);
    const response = await broker.ask("/topics/a", { method: "HEAD" });
    expect([response.status, await response.text(), response.headers.get("mqtt-qos")]).toEqual([200, "", "0"]);
  });

  test("none: 404; a shard that does not answer: 503", async () => {
    const broker = startBroker();
    expect(await problemOf(await broker.ask("/topics/a"))).toMatchObject({ status: 404, code: "NOT_FOUND" });
    broker.shard("default", 0).failure = new Error("gone");
    expect((await broker.ask("/topics/a")).status).toBe(503);
  });

  test("is read only with the scope subscribe and within the ACL", async () => {
    const broker = startClosedBroker();
    expect((await broker.ask("/topics/news/a", bearer(tokens.publisher))).status).toBe(403);
    expect((await broker.ask("/topics/weather", bearer(tokens.reader))).status).toBe(403);
    expect((await broker.ask("/topics/news/a", bearer(tokens.reader))).status).toBe(404);
    expect(broker.log).toContainEqual(expect.objectContaining({ event: "read-denied", topic: "weather" }));
  });
});
