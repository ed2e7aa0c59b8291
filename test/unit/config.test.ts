import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { configOf, limitVariables, parseConfig, variableNames, type Config } from "../../src/config.ts";
import { defaultFeatures } from "../../src/core/features.ts";
import { defaultLimits, limits, type Limit } from "../../src/core/limits.ts";

const password = "$pbkdf2-sha256$i=1000$c2FsdHNhbHRzYWx0$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const oneUser = JSON.stringify([{ name: "alice", password }]);
const oneToken = JSON.stringify([{ id: "t", secret: "0123456789abcdef", scopes: ["publish"] }]);

const configFrom = (env: Record<string, unknown>): Config => {
  const config = parseConfig(env);
  if (!config.ok) throw new Error(JSON.stringify(config.error));
  return config.value;
};

const problemsOf = (env: Record<string, unknown>): string[] => {
  const config = parseConfig(env);
  return config.ok ? [] : config.error.map(({ variable, problem }) => `${variable}${problem}`);
};

const variablesOf = (env: Record<string, unknown>): string[] => {
  const config = parseConfig(env);
  return config.ok ? [] : [...new Set(config.error.map(({ variable }) => variable))];
};

test("without variables everything has its default, and nobody is let in", () => {
  expect(configFrom({ BROKER_SHARD: {}, OTHER: 1, SHARDS: "", USERS: "" })).toEqual({
    limits: defaultLimits,
    features: defaultFeatures,
    queueOverflow: "drop-oldest",
    sockets: "hibernate",
    layout: { shards: 1, subtreeDepth: 1, depthByPrefix: [] },
    namespaces: new Set(["default"]),
    users: [],
    tokens: [],
    acl: { ownRules: new Map() },
    credentialsConfigured: false,
    open: false,
    processSocketLimit: Infinity,
  });
});

test("all problems are reported together, each naming its variable", () => {
  expect(
    variablesOf({
      SHARDS: "0",
      SUBTREE_DEPTH: "1.5",
      SUBTREE_DEPTHS: "a/+=2",
      NAMESPACES: "ok,not/ok",
      USERS: "[",
      API_TOKENS: "{}",
      ACL: "bogus",
      ANONYMOUS: "yes",
      ALLOWED_ORIGINS: "https://example.org/",
      PROCESS_SOCKET_LIMIT: "-1",
      MAXIMUM_PACKET_SIZE: "1MiB",
    }).toSorted(),
  ).toEqual(
    [
      "ACL",
      "ALLOWED_ORIGINS",
      "ANONYMOUS",
      "API_TOKENS",
      "MAXIMUM_PACKET_SIZE",
      "NAMESPACES",
      "PROCESS_SOCKET_LIMIT",
      "SHARDS",
      "SUBTREE_DEPTH",
      "SUBTREE_DEPTHS",
      "USERS",
    ].toSorted(),
  );
});

test("SOCKETS is one of two words", () => {
  expect(configFrom({ SOCKETS: "accept" }).sockets).toBe("accept");
  expect(configFrom({ SOCKETS: "hibernate" }).sockets).toBe("hibernate");
  expect(problemsOf({ SOCKETS: "true" })).toEqual(["SOCKETS must be one of hibernate, accept"]);
});

test("QUEUE_OVERFLOW is one of three words", () => {
  for (const word of ["drop-oldest", "drop-newest", "disconnect"]) {
    expect(configFrom({ QUEUE_OVERFLOW: word }).queueOverflow).toBe(word);
  }
  expect(problemsOf({ QUEUE_OVERFLOW: "drop" })).toEqual([
    "QUEUE_OVERFLOW must be one of drop-oldest, drop-newest, disconnect",
  ]);
});

/** A problem with one of them would say nothing. */
const freeTexts = ["STOP_TOKEN"];

test("no problem repeats a value", () => {
  const wrong = `hunter2 = , / {${" ".repeat(1_024)}`; // too long where any text will do
  const env = Object.fromEntries([...variableNames].map((variable) => [variable, wrong]));
  expect(variablesOf(env).length).toBe(variableNames.size - freeTexts.length);
  expect(problemsOf(env).join("\n")).not.toContain("hunter2");
});

describe("limits", () => {
  test("each row of the table is overridden by the variable of its name in capitals", () => {
    expect(limitVariables).toContainEqual({ limit: "maximumPacketSize", variable: "MAXIMUM_PACKET_SIZE" });
    expect(limitVariables).toContainEqual({ limit: "serverKeepAlive", variable: "SERVER_KEEP_ALIVE" });
    for (const { limit, variable } of limitVariables) {
      expect(configFrom({ [variable]: "7" }).limits).toEqual({ ...defaultLimits, [limit]: 7 });
      expect(configFrom({ [variable]: 8 }).limits[limit]).toBe(8);
    }
  });

  test.each(limitVariables)(
    "$variable goes no further than what storage or platform can carry",
    ({ limit, variable }) => {
      const row: Limit = limits[limit];
      const { ceiling } = row;
      const floor: number = row.floor ?? 1;
      expect(configFrom({ [variable]: String(floor) }).limits[limit]).toBe(floor);
      expect(configFrom({ [variable]: String(ceiling) }).limits[limit]).toBe(ceiling);
      for (const wrong of [
        String(ceiling + 1),
        String(floor - 1),
        "-1",
        "1e3",
        "0x10",
        "1.5",
        "many",
        true,
        Number.NaN,
      ]) {
        expect(variablesOf({ [variable]: wrong })).toEqual([variable]);
      }
    },
  );

  test("PROCESS_SOCKET_LIMIT bounds the sockets of all shards together, apart from MAXIMUM_SOCKETS of each", () => {
    expect(configFrom({}).processSocketLimit).toBe(Infinity);
    expect(configFrom({ PROCESS_SOCKET_LIMIT: "500" }).processSocketLimit).toBe(500);
    expect(configFrom({ PROCESS_SOCKET_LIMIT: "500" }).limits.maximumSockets).toBe(32_000);
  });
});

describe("layout", () => {
  test("depths are set per prefix, the last = before the depth", () => {
    const env = { SHARDS: "3", SUBTREE_DEPTH: "2", SUBTREE_DEPTHS: "company/site=3, /news=1" };
    expect(configFrom(env).layout).toEqual({
      shards: 3,
      subtreeDepth: 2,
      depthByPrefix: [
        { prefix: "company/site", depth: 3 },
        { prefix: "/news", depth: 1 },
      ],
    });
  });

  test.each(["a", "a=", "=1", "a=0", "a=17", "a/#=2", "a/=2", "a=1,a=2"])("refuses SUBTREE_DEPTHS %j", (value) => {
    expect(variablesOf({ SUBTREE_DEPTHS: value })).toEqual(["SUBTREE_DEPTHS"]);
  });
});

describe("who is let in", () => {
  test("a broker is open only where ANONYMOUS says so and no credentials are configured", () => {
    expect(configFrom({ ANONYMOUS: "loopback" }).open).toBe(true);
    expect(configFrom({ ANONYMOUS: "loopback", USERS: oneUser }).open).toBe(false);
    expect(configFrom({ ANONYMOUS: "loopback", API_TOKENS: oneToken }).open).toBe(false);
    expect(configFrom({ ANONYMOUS: "loopback", USERS: "[]" }).open).toBe(true);
    expect(configFrom({ USERS: oneUser }).credentialsConfigured).toBe(true);
    expect(configFrom({ API_TOKENS: oneToken }).credentialsConfigured).toBe(true);
  });

  test("credentials that cannot be read do not leave the broker open", () => {
    expect(parseConfig({ ANONYMOUS: "loopback", USERS: "not JSON" }).ok).toBe(false);
  });

  test("the namespace default exists whatever NAMESPACES says", () => {
    expect(configFrom({ NAMESPACES: "lab, shop" }).namespaces).toEqual(new Set(["default", "lab", "shop"]));
  });

  test("a user or token for a namespace that is not configured is a mistake", () => {
    const users = JSON.stringify([{ name: "alice", password, namespaces: ["lab"] }]);
    expect(problemsOf({ USERS: users })).toEqual(["USERS[0].namespaces has a name that is not in NAMESPACES"]);
    expect(configFrom({ USERS: users, NAMESPACES: "lab" }).users.length).toBe(1);
  });

  test("an array of wrangler.toml is taken as well as its text", () => {
    expect(configFrom({ USERS: [{ name: "alice", password }] }).users[0]?.name).toBe("alice");
  });

  test("the ACL file and the rules of users come together", () => {
    const users = JSON.stringify([{ name: "alice", password, acl: ["topic read b"] }]);
    const { acl } = configFrom({ USERS: users, ACL: "user alice\ntopic read a" });
    expect(acl.file?.users.get("alice")).toEqual([{ access: "read", topic: "a" }]);
    expect(acl.ownRules.get("alice")).toEqual([{ access: "read", topic: "b" }]);
    expect(problemsOf({ ACL: "topic read a\nfoo\npattern x%u" })).toEqual([
      "ACL line 2: expected topic, user or pattern, or # as the first character",
      "ACL line 3: %c and %u must be whole levels, as in sensor/%u/data",
    ]);
  });
});

test("ALLOWED_ORIGINS is a list of origins; unset is not the same as empty", () => {
  expect(configFrom({ ALLOWED_ORIGINS: "https://a.example, http://localhost:8080" }).allowedOrigins).toEqual(
    new Set(["https://a.example", "http://localhost:8080"]),
  );
  expect("allowedOrigins" in configFrom({})).toBe(false);
  for (const wrong of [",", "*", "a.example", "https://a.example/", "https://A.example", "null"]) {
    expect(variablesOf({ ALLOWED_ORIGINS: wrong })).toEqual(["ALLOWED_ORIGINS"]);
  }
});

test("an env is read once", () => {
  const env = { SHARDS: "2" };
  expect(configOf(env)).toBe(configOf(env));
});

describe("docs/configuration.md", () => {
  const page = readFileSync(new URL("../../docs/configuration.md", import.meta.url), "utf8");

  test("describes every variable", () => {
    for (const variable of variableNames) expect(page).toContain(`| \`${variable}\` |`);
  });

  test.each(limitVariables)("has the row of $variable as the limits table has it", ({ limit, variable }) => {
    const { default: byDefault, ceiling, unit, reason } = limits[limit];
    expect(page).toContain(`| \`${variable}\` | ${byDefault} | ${ceiling} | ${unit} | ${reason} |\n`);
  });

  test("names no limit that is not there", () => {
    const inTable = page.split("\n").filter((line) => /^\| `[A-Z0-9_]+` \| \d+ \| \d+ \|/u.test(line));
    expect(inTable.length).toBe(limitVariables.length);
  });
});
