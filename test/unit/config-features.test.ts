// The variables of MQTT 5 that are no limits: what a server offers, and where it sends its clients.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseConfig, variableNames } from "../../src/config.ts";
import { defaultFeatures, type Features } from "../../src/core/features.ts";
import { limits, type LimitName } from "../../src/core/limits.ts";

const featuresFrom = (env: Record<string, unknown>): Features => {
  const config = parseConfig(env);
  if (!config.ok) throw new Error(JSON.stringify(config.error));
  return config.value.features;
};

const problemsOf = (env: Record<string, unknown>): string[] => {
  const config = parseConfig(env);
  return config.ok ? [] : config.error.map(({ variable, problem }) => `${variable}${problem}`);
};

const switches = [
  ["RETAIN_AVAILABLE", "retainAvailable", true],
  ["WILDCARD_SUBSCRIPTION_AVAILABLE", "wildcardSubscriptionAvailable", true],
  ["SUBSCRIPTION_IDENTIFIERS_AVAILABLE", "subscriptionIdentifiersAvailable", true],
  ["SHARED_SUBSCRIPTION_AVAILABLE", "sharedSubscriptionAvailable", true],
  ["VALIDATE_PAYLOAD_FORMAT", "validatePayloadFormat", false],
] as const;

const texts = ["RESPONSE_INFORMATION", "USE_ANOTHER_SERVER", "SERVER_MOVED"] as const;

test("without variables everything is available, and nobody is sent away", () => {
  expect(featuresFrom({})).toEqual({
    maximumQos: 2,
    retainAvailable: true,
    wildcardSubscriptionAvailable: true,
    subscriptionIdentifiersAvailable: true,
    sharedSubscriptionAvailable: true,
    validatePayloadFormat: false,
  });
  expect(featuresFrom({})).toEqual(defaultFeatures);
});

describe.each(switches)("%s", (variable, name, byDefault) => {
  test("is on or off, as a text or as a boolean of wrangler.toml", () => {
    for (const [value, expected] of [
      ["true", true],
      ["false", false],
      [true, true],
      [false, false],
      ["", byDefault],
    ] as const) {
      expect(featuresFrom({ [variable]: value })).toEqual({ ...defaultFeatures, [name]: expected });
    }
  });

  test.each(["1", "0", "yes", "no", "TRUE", "False", "true ", 1, 0, {}])("%j is reported by name", (wrong) => {
    expect(problemsOf({ [variable]: wrong })).toEqual([`${variable} must be true or false`]);
  });
});

describe("MAXIMUM_QOS", () => {
  test.each([
    ["0", 0],
    ["1", 1],
    ["2", 2],
    [0, 0],
  ])("%j is QoS %i", (value, maximumQos) => {
    expect(featuresFrom({ MAXIMUM_QOS: value })).toEqual({ ...defaultFeatures, maximumQos });
  });

  test.each(["3", "-1", "1.5", "one", true])("%j is reported by name", (wrong) => {
    expect(problemsOf({ MAXIMUM_QOS: wrong })).toEqual(["MAXIMUM_QOS must be a whole number from 0 to 2"]);
  });
});

describe("texts", () => {
  test("RESPONSE_INFORMATION stands as it is", () => {
    expect(featuresFrom({ RESPONSE_INFORMATION: "answers/${clientid}" }).responseInformation).toBe(
      "answers/${clientid}",
    );
  });

  test("USE_ANOTHER_SERVER and SERVER_MOVED are the Server Reference, and exclude each other", () => {
    expect(featuresFrom({ USE_ANOTHER_SERVER: "a.example:8883" }).elsewhere).toEqual({
      kind: "use-another-server",
      serverReference: "a.example:8883",
    });
    expect(featuresFrom({ SERVER_MOVED: "b.example" }).elsewhere).toEqual({
      kind: "server-moved",
      serverReference: "b.example",
    });
    expect(problemsOf({ USE_ANOTHER_SERVER: "a", SERVER_MOVED: "b" })).toEqual([
      "SERVER_MOVED and USE_ANOTHER_SERVER exclude each other",
    ]);
  });

  test.each(texts)(
    "%s fits a CONNACK: longer than 1,024 characters is reported by name, and so is what is no text",
    (variable) => {
      expect(problemsOf({ [variable]: "x".repeat(1024) })).toEqual([]);
      expect(problemsOf({ [variable]: "x".repeat(1025) })).toEqual([`${variable} must have at most 1024 characters`]);
      expect(problemsOf({ [variable]: 5 })).toEqual([`${variable} must be a text`]);
    },
  );

  test("all problems are reported together", () => {
    const env = { MAXIMUM_QOS: "3", RETAIN_AVAILABLE: "x", SERVER_MOVED: 1 };
    expect(problemsOf(env).map((problem) => problem.split(" ")[0])).toEqual([
      "MAXIMUM_QOS",
      "SERVER_MOVED",
      "RETAIN_AVAILABLE",
    ]);
  });
});

describe("limits of MQTT 5", () => {
  const rows: [variable: string, limit: LimitName, least: number, most: number][] = [
    ["RECEIVE_MAXIMUM", "receiveMaximum", 1, limits.receiveMaximum.ceiling],
    ["MAXIMUM_INFLIGHT", "maximumInflight", 1, 65_535],
    ["TOPIC_ALIAS_MAXIMUM", "topicAliasMaximum", 0, 1024],
    ["MAXIMUM_SESSION_EXPIRY_INTERVAL", "maximumSessionExpiryInterval", 1, 0xffff_ffff],
    ["SERVER_KEEP_ALIVE", "serverKeepAlive", 0, 65_535],
    ["MAXIMUM_CONNECT_TIME", "maximumConnectTime", 0, 365 * 24 * 3600],
  ];

  test.each(rows)("%s is the limit %s, from %i to %i", (variable, limit, least, most) => {
    const read = (value: unknown): number | undefined => {
      const config = parseConfig({ [variable]: value });
      return config.ok ? config.value.limits[limit] : undefined;
    };
    expect([read(String(least)), read(least), read(String(most)), read("")]).toEqual([
      least,
      least,
      most,
      limits[limit].default,
    ]);
    for (const wrong of [least - 1, most + 1, "1.5", "x"]) {
      expect(problemsOf({ [variable]: wrong })).toEqual([
        `${variable} must be a whole number from ${least} to ${most}`,
      ]);
    }
  });
});

test("each of them is a variable that a start knows and docs/configuration.md describes", () => {
  const page = readFileSync(new URL("../../docs/configuration.md", import.meta.url), "utf8");
  for (const variable of [...switches.map(([name]) => name), "MAXIMUM_QOS", ...texts]) {
    expect([variable, variableNames.has(variable)]).toEqual([variable, true]);
    expect(page).toContain(`\`${variable}\``);
  }
});
