// What an import does not take.

import { describe, expect, it } from "vitest";
import type { Scene } from "../../support/scene.ts";
import { refusal, send, start, textOf } from "./backup-cluster.ts";

describe("an import refuses, naming the line,", () => {
  const header = {
    type: "durable-mqtt-export",
    version: 1,
    namespace: "default",
    exportId: "id-1",
    exportedAt: "2026-11-20T00:00:00Z",
  };
  const session = {
    type: "session",
    clientId: "c",
    protocolVersion: 5,
    expiryIntervalSec: 60,
    receiveMaximum: 10,
    createdAtMs: 1,
    subscriptions: [],
    nextSubscriptionNumber: 1,
    inbound: [],
  };
  const message = { topicName: "a", payload: "eA==", qos: 1, retain: false };
  const addressee = { clientId: "c", qos: 1, retain: false };
  const messageLine = (more: object, audience: object[] = [addressee]) => ({
    type: "message",
    message: { ...message, ...more },
    audience,
  });
  const file = (...lines: unknown[]): string =>
    textOf([header, ...lines].map((line) => (typeof line === "string" ? line : JSON.stringify(line))));

  it.each<[string, string | Uint8Array, string]>([
    ["an empty body", "", "stops behind line 0"],
    ["another file", "hello\n", "line 1: not JSON in UTF-8"],
    ["a JSON file", "[]\n", "line 1: not an object with a type"],
    ["a record before the header", `${JSON.stringify(session)}\n`, "line 1: no header of an export"],
    ["a newer version", `${JSON.stringify({ ...header, version: 2 })}\n`, "line 1: the export has version 2"],
    ["a header without an id", `${JSON.stringify({ ...header, exportId: undefined })}\n`, "line 1: exportId"],
    [
      "an id that is a path",
      `${JSON.stringify({ ...header, exportId: "a/../b" })}\n`,
      "line 1: exportId: no export id",
    ],
    ["a second header", file(header), "line 2: a second header"],
    ["a torn file", file(session), "torn: it stops behind line 2"],
    ["a torn line", file(session, '{"type":"mess'), "line 3: not JSON in UTF-8"],
    ["bytes that are no UTF-8", Uint8Array.of(0x22, 0xff, 0x22, 0x0a), "line 1: not JSON in UTF-8"],
    [
      "an end that misses something",
      file(session, { type: "end", records: 2 }),
      "line 3: the end says that there are 2",
    ],
    ["something behind the end", file({ type: "end", records: 0 }, session), "line 3: something behind the end"],
    ["an unknown type", file({ type: "secret" }), 'line 2: no such type of record: "secret"'],
    ["a type of the language", file({ type: "__proto__" }), 'line 2: no such type of record: "__proto__"'],
    ["a payload that is not base64", file(messageLine({ payload: "%" })), "line 2: message.payload: not base64"],
    ["a topic with a wildcard", file(messageLine({ topicName: "a/#" })), "line 2: message.topicName"],
    [
      "a packet id of 0",
      file(messageLine({}, [{ ...addressee, sent: { packetId: 0, released: false } }])),
      "line 2: audience",
    ],
    [
      "a time for which no alarm can be set",
      file({ type: "will", clientId: "c", will: message, dueAtMs: Number.MAX_SAFE_INTEGER }),
      "line 2: dueAtMs",
    ],
    ["a session without end", file({ ...session, expiresAtMs: Number.MAX_SAFE_INTEGER }), "line 2: expiresAtMs"],
    [
      "a PUBREC for QoS 1",
      file(messageLine({}, [{ ...addressee, sent: { packetId: 1, released: true } }])),
      "line 2: audience",
    ],
    [
      "a retained message that is none",
      file({ type: "retained", message, publishedAtMs: 1 }),
      "line 2: message: not a retained message",
    ],
    [
      "a retained message that clears one",
      file({ type: "retained", message: { ...message, payload: "", retain: true }, publishedAtMs: 1 }),
      "line 2: message: not a retained message",
    ],
    [
      "a retained value of the broker's own",
      file({
        type: "retained",
        message: { ...message, topicName: "$SYS/broker/version", retain: true },
        publishedAtMs: 1,
      }),
      "line 2: message: a topic of the broker's own",
    ],
    ["a message for nobody", file(messageLine({}, [])), "line 2: audience"],
    ["an addressee twice", file(messageLine({}, [addressee, addressee])), "line 2: audience: somebody comes twice"],
    ["a group that is none", file(messageLine({}, [{ group: "a/b" }])), "line 2: audience"],
    ["a client id with U+0000", file({ ...session, clientId: "a\u0000" }), "line 2: clientId"],
    ["a client id that is too long", file({ ...session, clientId: "x".repeat(300) }), "line 2: clientId"],
    ["a session that never lived", file({ ...session, expiryIntervalSec: 0 }), "line 2: expiryIntervalSec"],
    [
      "a filter that is none",
      file({ ...session, subscriptions: [{ filter: "a#" }] }),
      "line 2: subscriptions.0.filter",
    ],
    [
      "a will without a topic",
      file({ type: "will", clientId: "c", will: { ...message, topicName: "" } }),
      "line 2: will.topicName",
    ],
    [
      "a message that is too large",
      file(messageLine({ payload: btoa("x".repeat(1_100_000)) })),
      "line 2: message: more than",
    ],
    ["a line that is too long", file(`"${"x".repeat(9_000_000)}"`), "line 2: more than 8388608 bytes"],
    ["a line that never ends", "x".repeat(9_000_000), "line 1: more than 8388608 bytes"],
  ])("%s", async (_, body, detail) => {
    const cluster = start();
    expect(await refusal(cluster, body)).toContain(detail);
    const { broker } = cluster.scenes[0] as Scene;
    expect([broker.sessions.storedCount, broker.log.end]).toEqual([0, 0]);
  });

  it("but takes fields that it does not know, line ends of other systems, and a last line without its end", async () => {
    const lines = [header, { ...session, later: true }, messageLine({ later: 1 }), { type: "end", records: 2 }];
    const text = lines.map((line) => JSON.stringify(line)).join("\r\n");
    const response = await send(start(), text);
    expect(await response.json()).toMatchObject({ sessions: 1, messages: 1 });
  });
});
