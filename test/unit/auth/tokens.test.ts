import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  accessForToken,
  parseTokens,
  readPresentedToken,
  resolveToken,
  type ApiToken,
  type PresentedToken,
} from "../../../src/auth/tokens.ts";
import type { TopicFilter, TopicName } from "../../../src/core/brand.ts";

const secret = (name: string): string => `${name}-0123456789abcdef`;
const beforeMs = Date.parse("2026-12-31T23:59:59Z");
const afterMs = Date.parse("2027-01-01T00:00:00Z");

const tokensOf = (value: unknown): readonly ApiToken[] => {
  const parsed = parseTokens(JSON.stringify(value));
  if (!parsed.ok) throw new Error(parsed.error.join("\n"));
  return parsed.value;
};

const tokens = tokensOf([
  { id: "sensor", secret: secret("sensor"), scopes: ["publish"], expires: "2027-01-01T00:00:00Z" },
  { id: "ops", sha256: createHash("sha256").update(secret("ops")).digest("hex"), scopes: ["publish", "admin"] },
  { id: "odd", secret: `a:b:${secret("odd")}`, scopes: ["subscribe"], namespaces: ["x"] },
]);

const idOf = (presented: PresentedToken | undefined, nowMs = beforeMs): string | undefined =>
  presented && resolveToken(tokens, presented, nowMs)?.id;

const basic = (text: string): string => `Basic ${btoa(text)}`;

describe("a token is found", () => {
  test.each([
    ["by its secret as Bearer", `Bearer ${secret("sensor")}`, "sensor"],
    ["whatever the case of the scheme", `bearer ${secret("sensor")}`, "sensor"],
    ["by id:secret as Bearer", `Bearer ops:${secret("ops")}`, "ops"],
    ["by its hash", `Bearer ${secret("ops")}`, "ops"],
    ["as Basic with the id as user name", basic(`ops:${secret("ops")}`), "ops"],
    ["with colons in its secret", `Bearer a:b:${secret("odd")}`, "odd"],
    ["with colons in its secret as Basic", basic(`odd:a:b:${secret("odd")}`), "odd"],
  ])("%s", (_, header, id) => {
    expect(idOf(readPresentedToken(header, null))).toBe(id);
  });

  test.each([
    ["another token's id", basic(`sensor:${secret("ops")}`)],
    ["another token's id as Bearer", `Bearer sensor:${secret("ops")}`],
    ["a wrong secret", `Bearer ${secret("sensor")}x`],
    ["the id alone", "Bearer ops"],
    ["the hash itself", `Bearer ${createHash("sha256").update(secret("ops")).digest("hex")}`],
    ["an empty secret", basic("ops:")],
    ["no colon in Basic", basic(secret("ops"))],
    ["bytes that are not base64", "Basic %%%"],
    ["another scheme", `Digest ${secret("ops")}`],
    ["nothing after the scheme", "Bearer"],
    ["two words", `Bearer ${secret("ops")} x`],
  ])("but not by %s", (_, header) => {
    expect(idOf(readPresentedToken(header, null))).toBeUndefined();
  });

  test("in the URL only where it can do no more than publish", () => {
    expect(idOf(readPresentedToken(null, secret("sensor")))).toBe("sensor");
    expect(idOf(readPresentedToken(null, secret("ops")))).toBeUndefined();
    expect(readPresentedToken(null, "")).toBeUndefined();
    expect(readPresentedToken(null, null)).toBeUndefined();
  });

  test("by the header alone, where there is one", () => {
    expect(idOf(readPresentedToken("Bearer wrong", secret("sensor")))).toBeUndefined();
  });

  test("until it expires", () => {
    expect(idOf({ kind: "bearer", secret: secret("sensor") }, afterMs)).toBeUndefined();
    expect(idOf({ kind: "bearer", secret: secret("ops") }, afterMs)).toBe("ops");
  });
});

test("all problems of all tokens are reported, none with a secret", () => {
  const parsed = parseTokens(
    JSON.stringify([
      { id: "a:b", secret: "hunter2", scopes: ["write"] },
      { id: "c", scopes: [] },
      { id: "d", secret: secret("d"), sha256: "00".repeat(32), scopes: ["publish"] },
      { id: "e", sha256: "hunter2", scopes: ["publish"], expires: "tomorrow" },
      { id: "f", secret: `${secret("hunter2")} `, scopes: "publish", acl: ["user hunter2"] },
    ]),
  );
  const problems = parsed.ok ? [] : parsed.error;
  expect(problems.map((problem) => problem.split(" ")[0])).toEqual([
    "[0].id",
    "[0].secret",
    "[0].scopes[0]",
    "[1].scopes",
    "[2]",
    "[3].sha256",
    "[3].expires",
    "[4].secret",
    "[4].scopes",
    "[4].acl",
  ]);
  expect(problems.join("\n")).not.toContain("hunter2");
});

test("ids and secrets stand once", () => {
  const parsed = parseTokens(
    JSON.stringify([
      { id: "a", secret: secret("a"), scopes: ["publish"] },
      { id: "a", secret: secret("b"), scopes: ["publish"] },
      { id: "c", secret: secret("a"), scopes: ["publish"] },
    ]),
  );
  expect(!parsed.ok && parsed.error).toEqual(["[1] has the same id as [0]", "[2] has the same secret as [0]"]);
});

test("a token may do what its scopes and its own rules allow, and never write to $SYS", () => {
  const [limited, free] = tokensOf([
    { id: "l", secret: secret("l"), scopes: ["publish", "subscribe"], acl: ["topic write in/#", "topic read out/#"] },
    { id: "f", secret: secret("f"), scopes: ["publish"] },
  ]).map(accessForToken);
  expect(limited?.mayPublish("in/x" as TopicName)).toBe(true);
  expect(limited?.mayPublish("out/x" as TopicName)).toBe(false);
  expect(limited?.mayReceive("out/x" as TopicName)).toBe(true);
  expect(limited?.maySubscribe("in/#" as TopicFilter)).toBe(false);
  expect(free?.mayPublish("any" as TopicName)).toBe(true);
  expect(free?.mayPublish("$SYS/x" as TopicName)).toBe(false);
  expect(free?.mayReceive("any" as TopicName)).toBe(false);
  expect(free?.maySubscribe("any" as TopicFilter)).toBe(false);
});
