// Every code block of README.md and every example runs as it stands, but for ports: the tests use free ones. Only
// deploying to an account is left out; its dry run is here.

import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { startProgram, type ScriptProcess } from "../support/broker-process.ts";
import { endProgram, runProgram } from "./support/programs.ts";
import { servePages, startBrowser } from "./support/browser.ts";
import { codeBlocksOf, type CodeBlock } from "./support/code-blocks.ts";
import { debianPython, withPackages } from "./support/debian-packages.ts";
import { connect, type TestClient } from "./support/mqtt-client.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const blocks = codeBlocksOf(readFileSync(join(root, "README.md"), "utf8"));
const folder = mkdtempSync(join(tmpdir(), "durable-mqtt-readme-"));
/** Inside the project, so that a program there finds its packages. */
const programs = join(root, ".tmp", `readme-${process.pid}`);

const isStart = ({ text }: CodeBlock): boolean => /\bnpm start\b/.test(text);
const isBridge = ({ text }: CodeBlock): boolean => text.startsWith("npm run bridge");
const isDeploy = ({ text }: CodeBlock): boolean => /\bnpm run deploy\b/.test(text);
const isSubscriber = ({ text }: CodeBlock): boolean => text.startsWith("mosquitto_sub");

let npmStart: ScriptProcess;
let bridge: ScriptProcess;
let port: string;
let observer: TestClient;

const only = (accepts: (block: CodeBlock) => boolean): string => {
  const [found, ...others] = blocks.filter(accepts);
  if (found === undefined || others.length > 0) throw new Error("README.md has not exactly one such block");
  return found.text.trim();
};

const withPort = (text: string): string => text.replaceAll(/\b8787\b/g, port);

withPackages(["chromium", "curl", "mosquitto-clients", "python3-paho-mqtt"], () => {
  beforeAll(async () => {
    // `npm ci` is how the packages came here; again it would take them away from under the tests.
    const start = only(isStart).replace(/^npm ci && /, "");
    npmStart = startProgram(["sh", "-c", `exec ${start} -- --port 0 --data ${folder}/data`]);
    [, port = ""] = await npmStart.said(/MQTT at ws:\/\/127\.0\.0\.1:(\d+)/);
    bridge = startProgram(["sh", "-c", `exec ${withPort(only(isBridge)).replace("1883", "0")}`]);
    const [, bridgePort = ""] = await bridge.said(/MQTT over TCP at 127\.0\.0\.1:(\d+)/);
    // Mosquitto's clients read options from files: so their commands stay as they are.
    for (const name of ["mosquitto_pub", "mosquitto_sub"]) writeFileSync(join(folder, name), `-p ${bridgePort}\n`);
    mkdirSync(programs, { recursive: true });
    observer = await connect(`ws://127.0.0.1:${port}/mqtt`, { clientId: "observer" });
    await observer.client.subscribeAsync("chat/#", { qos: 1 });
  });

  afterAll(async () => {
    await observer?.client.endAsync();
    await endProgram(bridge);
    await endProgram(npmStart);
    for (const path of [folder, programs]) rmSync(path, { recursive: true, force: true });
  });

  const started: ScriptProcess[] = [];
  afterEach(async () => {
    await Promise.all(started.splice(0).map((program) => endProgram(program, "SIGKILL")));
  });

  /** Starts a program that stays; it is ended after the test. */
  const begin = (...command: [string, ...string[]]): ScriptProcess => {
    const program = startProgram(command, { XDG_CONFIG_HOME: folder });
    started.push(program);
    return program;
  };

  /** What the text publishes to chat/hello reaches the observer, and the program itself says it. */
  async function showsItsGreeting(program: ScriptProcess, text: string): Promise<void> {
    const greeting = /"(hello from [^"]+)"/.exec(text)?.[1] ?? "nothing is published";
    expect(await observer.receive(1)).toMatchObject([{ topic: "chat/hello", payload: greeting }]);
    await program.said(new RegExp(greeting));
  }

  async function runPage(text: string): Promise<void> {
    const [pages, browser] = await Promise.all([servePages({ "/": text }), startBrowser()]);
    const page = await browser.newPage();
    await page.goto(pages.url);
    await page.waitForSelector("body:has-text('chat/hello: hello from a browser')");
    expect(await observer.receive(1)).toMatchObject([{ payload: "hello from a browser" }]);
    await browser.close();
    await pages.stop();
  }

  function write(name: string, text: string): string {
    const path = join(programs, name);
    writeFileSync(path, withPort(text));
    return path;
  }

  async function runShell(block: CodeBlock): Promise<void> {
    if (isStart(block) || isBridge(block)) return; // they run for the others
    if (isDeploy(block)) {
      await runProgram(["npm", "run", "deploy", "--", "--dry-run", "--outdir", join(folder, "deployed")]);
      return;
    }
    if (isSubscriber(block)) {
      const subscriber = begin("stdbuf", "-oL", "sh", "-c", `exec ${block.text}`);
      await runProgram(["curl", "-fsS", "-X", "PUT", "-d", "kept", `http://127.0.0.1:${port}/topics/chat/kept`]);
      await subscriber.said(/chat\/kept kept/);
      await observer.receive(1);
      return;
    }
    const output = await runProgram(["sh", "-ec", withPort(block.text)], { XDG_CONFIG_HOME: folder });
    const published = [...block.text.matchAll(/["'](hello [^"']+)["']/g)].map(([, payload]) => payload);
    expect((await observer.receive(published.length)).map(({ payload }) => payload)).toEqual(published);
    expect(output).not.toMatch(/error/i);
  }

  /** By language: what it is to run such a block. */
  const runners: Readonly<Record<string, (block: CodeBlock) => Promise<void>>> = {
    sh: runShell,
    html: ({ text }) => runPage(withPort(text)),
    js: ({ text }) => showsItsGreeting(begin(process.execPath, write("block.mjs", text)), text),
    python: ({ text }) => showsItsGreeting(begin(debianPython, write("block.py", text)), text),
  };

  describe("README.md", () => {
    test.each(blocks.map((block) => [block.firstLine, block] as const))("%s", async (_firstLine, block) => {
      const run = runners[block.language];
      if (run === undefined) throw new Error(`nothing here can run a block of the language "${block.language}"`);
      await run(block);
    });

    test("names only files that exist", () => {
      const links = [...readFileSync(join(root, "README.md"), "utf8").matchAll(/\]\((?!http)([^)#]+)/g)];
      const missing = links.map(([, path = ""]) => path).filter((path) => !existsInProject(path));
      expect(missing).toEqual([]);
    });
  });

  /** The page is driven in clients/chromium-mqtt-js.test.ts. */
  const examples: Readonly<Record<string, () => Promise<void>>> = {
    "browser/index.html": async () => {
      const response = await fetch(`http://127.0.0.1:${port}/example/`);
      expect(await response.text()).toBe(readFileSync(join(root, "examples/browser/index.html"), "utf8"));
    },
    "browser/mqtt.min.js": async () => {
      const response = await fetch(`http://127.0.0.1:${port}/example/mqtt.min.js`);
      expect(response.headers.get("content-type")).toContain("text/javascript");
      expect(await response.text()).toBe(readFileSync(join(root, "node_modules/mqtt/dist/mqtt.min.js"), "utf8"));
    },
    "node/request.js": async () => {
      const output = await runProgram([process.execPath, "examples/node/request.js", `ws://127.0.0.1:${port}/mqtt`]);
      expect(output).toMatch(/^HELLO FROM NODE$/m);
      await observer.receive(1); // its question
    },
    "node/chat.js": () => {
      const program = begin(process.execPath, "examples/node/chat.js", `ws://127.0.0.1:${port}/mqtt`);
      return showsItsGreeting(program, readFileSync(join(root, "examples/node/chat.js"), "utf8"));
    },
    "python/chat.py": () => {
      const program = begin(debianPython, "examples/python/chat.py", "127.0.0.1", port);
      return showsItsGreeting(program, readFileSync(join(root, "examples/python/chat.py"), "utf8"));
    },
    "curl/publish.sh": async () => {
      const output = await runProgram(["sh", "examples/curl/publish.sh", `http://127.0.0.1:${port}`]);
      expect(output).toMatch(/^on$/m);
      const topics = (await observer.receive(4)).map(({ topic }) => topic);
      expect(topics.sort()).toEqual(["chat/date", "chat/hello", "chat/one", "chat/two"]);
    },
  };

  describe("examples", () => {
    const files = readdirSync(join(root, "examples"), { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name).slice(join(root, "examples/").length));

    test.each(files)("examples/%s runs", async (name) => {
      const run = examples[name];
      if (run === undefined) throw new Error(`no test runs examples/${name}`);
      await run();
    });
  });
});

function existsInProject(path: string): boolean {
  try {
    readFileSync(join(root, path));
    return true;
  } catch {
    return false;
  }
}
