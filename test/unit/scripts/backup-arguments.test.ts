import { describe, expect, it } from "vitest";
import { readArguments } from "../../../scripts/backup/arguments.ts";
import { withoutBanner } from "../../../scripts/backup/banner.ts";
import { LastLine } from "../../../scripts/backup/last-line.ts";

describe("the arguments of npm run backup", () => {
  const read = (...argv: string[]) => {
    const wanted = readArguments(argv, { API_TOKEN: "from the environment" });
    return typeof wanted === "string" ? wanted : { ...wanted, url: wanted.url.href };
  };

  it("are a command, where the broker is, a namespace and a token", () => {
    expect(read("export")).toEqual({
      command: "export",
      url: "http://127.0.0.1:8787/backup",
      token: "from the environment",
    });
    const where = ["--url", "https://broker.example/mq/", "--namespace", "lab"];
    expect(read("import", ...where, "--token", "given", "--file", "f")).toEqual({
      command: "import",
      url: "https://broker.example/mq/n/lab/backup",
      token: "given",
      file: "f",
    });
    expect(readArguments(["export"], {})).not.toHaveProperty("token");
  });

  it.each([
    [[], "Say export or import"],
    [["copy"], "Say export or import"],
    [["export", "import"], "Say export or import"],
    [["export", "--to", "x"], "An argument is not known"],
    [["export", "--token"], "An argument is not known"],
    [["export", "--url", "broker"], "broker is not the http or https URL"],
    [["export", "--url", "ws://broker"], "ws://broker is not the http or https URL"],
    [["export", "--namespace", ""], "The namespace has no name"],
  ])("%j are refused with a sentence", (argv, sentence) => {
    expect(read(...argv)).toMatch(sentence);
  });

  it("a refused token is not repeated", () => {
    expect(read("--token", "secret", "secret")).not.toContain("secret");
  });
});

describe("an export", () => {
  const recordsOf = (...chunks: string[]): number | undefined => {
    const last = new LastLine();
    for (const chunk of chunks) last.see(new TextEncoder().encode(chunk));
    return last.records;
  };

  it("is whole where its last line is its end, however it comes", () => {
    expect(recordsOf("x".repeat(5000), '\n{"type":"end",', '"records":7}', "\n")).toBe(7);
  });

  it.each([
    [""],
    ['{"type":"end","records":7}'],
    ['{"type":"end"}\n'],
    ['{"type":"end","records":7}\n{"type":"session"}\n'],
    ['"end"\n'],
    ["null\n"],
  ])("%j is torn", (text) => {
    expect(recordsOf(text)).toBeUndefined();
  });
});

describe("npm's lines at the beginning of a redirected export", () => {
  const without = async (...chunks: string[]): Promise<string> => {
    const bytes = async function* () {
      for (const chunk of chunks) yield new TextEncoder().encode(chunk);
    };
    let text = "";
    for await (const chunk of withoutBanner(bytes())) text += new TextDecoder().decode(chunk);
    return text;
  };

  it.each([
    [['{"a":1}\n{"b":2}\n'], '{"a":1}\n{"b":2}\n'],
    [["\n> durable-mqtt@1 backup\n> node", ' x\n\n{"a', '":1}\n> b\n'], '{"a":1}\n> b\n'],
    [["hello\n", "you\n"], "hello\nyou\n"],
    [[], ""],
  ])("%j are left out", async (chunks, text) => {
    expect(await without(...chunks)).toBe(text);
  });
});
