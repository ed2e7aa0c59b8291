import { describe, expect, test } from "vitest";
import { parseStart } from "../../../scripts/start/arguments.ts";

const USERS = JSON.stringify([{ name: "ann", hash: "not judged here" }]);
const refusal = (argv: readonly string[], env = {}): string => {
  const parsed = parseStart(argv, env);
  return parsed.ok ? "accepted" : parsed.error;
};

describe("npm start arguments", () => {
  test("nothing given is port 8787 on loopback, .data and one shard, open to this machine", () => {
    expect(parseStart([], {})).toEqual({
      ok: true,
      value: {
        port: 8787,
        host: "127.0.0.1",
        dataDir: ".data",
        shards: 1,
        variables: { SHARDS: "1", ANONYMOUS: "loopback" },
      },
    });
  });

  test("the environment stands in for arguments, and arguments win", () => {
    const env = { PORT: "1111", HOST: "localhost", DATA: "/there", SHARDS: "1", MAXIMUM_TOPIC_LEVELS: "9" };
    expect(parseStart(["--port", "2222"], env)).toMatchObject({
      value: { port: 2222, host: "127.0.0.1", dataDir: "/there", variables: { MAXIMUM_TOPIC_LEVELS: "9" } },
    });
  });

  test("--var sets a variable, and may hold further equals signs", () => {
    const parsed = parseStart(["--var", "SUBTREE_DEPTHS=company=2", "--var", "MAXIMUM_TOPIC_LEVELS=7"], {});
    expect(parsed).toMatchObject({
      value: { variables: { SUBTREE_DEPTHS: "company=2", MAXIMUM_TOPIC_LEVELS: "7" } },
    });
  });

  test.each([
    [["--prot", "1"], /--prot.*usage/],
    [["stray"], /stray.*usage/],
    [["--port", "65536"], /port/],
    [["--port", "1e3"], /port/],
    [["--shards", "0"], /SHARDS/],
    [["--var", "NO_SUCH_THING=1"], /NO_SUCH_THING.*docs\/configuration\.md/],
    [["--var", "MAXIMUM_TOPIC_LEVELS"], /NAME=VALUE/],
    [["--var", "MAXIMUM_TOPIC_LEVELS=many"], /MAXIMUM_TOPIC_LEVELS must be/],
    [["--var", "ANONYMOUS=loopback"], /ANONYMOUS/],
    [["--var", "SHARDS=3"], /--shards/],
  ])("%j is refused with one sentence", (argv, sentence) => {
    expect(refusal(argv)).toMatch(sentence);
    expect(refusal(argv)).not.toContain("\n");
  });

  test("an address that others can reach needs credentials, and the refusal names the variables", () => {
    for (const host of ["0.0.0.0", "::", "192.0.2.1", "broker.example", "128.0.0.1"]) {
      expect(refusal(["--host", host])).toMatch(/USERS or API_TOKENS/);
    }
  });

  test("every loopback address is open without credentials", () => {
    for (const host of ["127.0.0.1", "127.1.2.3", "::1", "[::1]", "localhost"]) {
      expect(parseStart(["--host", host], {})).toMatchObject({ value: { variables: { ANONYMOUS: "loopback" } } });
    }
  });

  test("the environment cannot open the broker, and a wrong secret is refused without being shown", () => {
    expect(refusal(["--host", "0.0.0.0"], { ANONYMOUS: "loopback" })).toMatch(/USERS or API_TOKENS/);
    expect(refusal([], { USERS })).toMatch(/^USERS/);
    expect(refusal([], { USERS })).not.toContain("not judged here");
  });
});
