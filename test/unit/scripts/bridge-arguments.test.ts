import { describe, expect, test } from "vitest";
import { parseBridge } from "../../../scripts/bridge/arguments.ts";

describe("npm run bridge arguments", () => {
  test("nothing given is port 1883 on loopback to the broker's default address", () => {
    expect(parseBridge([])).toMatchObject({
      value: { port: 1883, host: "127.0.0.1", exposed: false, headers: {}, allowAnonymous: false },
    });
  });

  test("--host exposes the bridge, --header is passed to the upgrade", () => {
    const parsed = parseBridge(["--host", "0.0.0.0", "--header", "Authorization: Bearer a:b", "--to", "wss://x/mqtt"]);
    expect(parsed).toMatchObject({ value: { exposed: true, headers: { Authorization: "Bearer a:b" } } });
  });

  test.each([
    [["--listen", "70000"], /--listen/],
    [["--to", "http://127.0.0.1/mqtt"], /--to/],
    [["--to", "nonsense"], /--to/],
    [["--header", "no colon"], /--header/],
    [["--header", "A: b\r\nC: d"], /--header/],
    [["--frob"], /--frob.*usage/],
  ])("%j is refused with one sentence", (argv, sentence) => {
    const parsed = parseBridge(argv);
    expect(parsed.ok ? "accepted" : parsed.error).toMatch(sentence);
  });
});
