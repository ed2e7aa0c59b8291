// `npm start` as a user meets it: what it refuses, what it says, and how it ends.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import {
  startBroker,
  startProgram,
  startScript,
  type BrokerProcess,
  type BrokerSettings,
  type ScriptProcess,
} from "../../support/broker-process.ts";

const ENDS_WITHIN_MS = 3_000;

const folders: string[] = [];
const running: ScriptProcess[] = [];

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "durable-mqtt-test-"));
  folders.push(folder);
  return folder;
}

async function broker(settings: BrokerSettings): Promise<BrokerProcess> {
  const started = await startBroker(settings);
  running.push(started);
  return started;
}

/** Through npm, as the README has it. */
function npmStart(args: readonly string[]): ScriptProcess {
  const started = startProgram(["npm", "start", "--", ...args]);
  running.push(started);
  return started;
}

const isOpen = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });

async function closedWithin(port: number, milliseconds: number): Promise<boolean> {
  const deadline = performance.now() + milliseconds;
  while (performance.now() < deadline) {
    if (!(await isOpen(port))) return true;
  }
  return false;
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((script) => script.killTree()));
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

describe("what it refuses", () => {
  test("an unknown argument ends npm start with an error and one sentence", async () => {
    const refused = npmStart(["--prot", "1883"]);
    const { code } = await refused.exited;
    expect(code).not.toBe(0);
    expect(refused.output()).toMatch(/'--prot'.*usage/);
  });

  test("without credentials it does not start on an address that others can reach", async () => {
    const refused = startScript("start", ["--host", "0.0.0.0", "--port", "0", "--data", newFolder()]);
    expect(await refused.exited).toEqual({ code: 1, signal: null });
    expect(refused.output()).toMatch(/USERS or API_TOKENS/);
  });

  test("a data folder in use is refused, and the broker that uses it goes on", async () => {
    const first = await broker({ dataDir: newFolder() });
    const second = startScript("start", ["--port", "0", "--data", first.dataDir]);
    expect(await second.exited).toEqual({ code: 1, signal: null });
    expect(second.output()).toMatch(/in use by another broker/);
    expect((await fetch(`${first.httpUrl}/healthz`)).status).toBe(200);
  });

  test("a port in use is refused with one sentence", async () => {
    const first = await broker({ dataDir: newFolder() });
    const second = startScript("start", ["--port", String(first.port), "--data", newFolder()]);
    expect(await second.exited).toEqual({ code: 1, signal: null });
    expect(second.output()).toMatch(new RegExp(`port ${first.port} is in use`));
  });
});

describe("what it serves", () => {
  test("two starts from one clone run side by side", async () => {
    const both = await Promise.all([broker({ dataDir: newFolder() }), broker({ dataDir: newFolder() })]);
    const answers = await Promise.all(both.map(({ httpUrl }) => fetch(`${httpUrl}/healthz`)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  });

  test("the soft limit on descriptors is raised to the hard one", async () => {
    const started = startProgram([
      "sh",
      "-c",
      `ulimit -Sn 512; exec "${process.execPath}" scripts/run.js start --port 0 --data ${newFolder()}`,
    ]);
    running.push(started);
    await started.said(/is ready/);
    const [, soft, hard] = /^Max open files\s+(\S+)\s+(\S+)/m.exec(
      readFileSync(`/proc/${started.pid}/limits`, "utf8"),
    ) ?? [""];
    expect(soft).toBe(hard);
  });
});

describe("how it ends", () => {
  test.each(["process", "group"] as const)("SIGTERM to the npm %s ends with exit code 0 in time", async (to) => {
    const started = npmStart(["--port", "0", "--data", newFolder()]);
    const [, port] = await started.said(/HTTP at http:\/\/\S+:(\d+)/);
    const signalledAt = performance.now();
    started.signal("SIGTERM", to);
    expect(await started.exited).toEqual({ code: 0, signal: null });
    expect(performance.now() - signalledAt).toBeLessThan(ENDS_WITHIN_MS);
    expect(await isOpen(Number(port))).toBe(false);
  });

  test("after SIGKILL of the whole tree a start on the same port and data succeeds at once", async () => {
    const first = await broker({ dataDir: newFolder() });
    await first.killTree();
    const second = await broker({ dataDir: first.dataDir, port: first.port });
    expect((await fetch(`${second.httpUrl}/healthz`)).status).toBe(200);
  });

  test("after SIGKILL of the start alone a new one takes over port and data at once", async () => {
    const first = await broker({ dataDir: newFolder() });
    first.signal("SIGKILL");
    await first.exited;
    const second = await broker({ dataDir: first.dataDir, port: first.port });
    expect((await fetch(`${second.httpUrl}/healthz`)).status).toBe(200);
  });

  test("when workerd alone is killed the start ends with an error, for whoever starts it again", async () => {
    const first = await broker({ dataDir: newFolder() });
    process.kill(Number(readFileSync(join(first.dataDir, ".run", "workerd.pid"), "utf8")), "SIGKILL");
    expect(await first.exited).toEqual({ code: 1, signal: null });
    expect(first.output()).toMatch(/workerd has ended \(SIGKILL\)/);
    const second = await broker({ dataDir: first.dataDir, port: first.port });
    expect((await fetch(`${second.httpUrl}/healthz`)).status).toBe(200);
  });

  test("after SIGKILL of npm alone nothing holds the port", async () => {
    const started = npmStart(["--port", "0", "--data", newFolder()]);
    const [, port] = await started.said(/HTTP at http:\/\/\S+:(\d+)/);
    started.signal("SIGKILL");
    expect(await closedWithin(Number(port), ENDS_WITHIN_MS)).toBe(true);
  });
});
