// The command line against a server that answers as a broker does.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startScript } from "../../support/broker-process.ts";

const folder = mkdtempSync(join(tmpdir(), "durable-mqtt-backup-"));
const file = join(folder, "export.ndjson");
let answer: RequestListener;
let server: Server;
let url: string;

beforeAll(async () => {
  server = createServer((request, response) => answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

async function backup(command: string, ...more: string[]) {
  const script = startScript("backup", [command, "--file", file, "--url", url, ...more], { API_TOKEN: "secret" });
  const { code } = await script.exited;
  return { code, said: script.output().trim() };
}

describe("npm run backup", () => {
  it("says in one sentence why a broker refuses", async () => {
    answer = ({ headers }, response) => {
      response.writeHead(401, { "content-type": "application/problem+json" });
      response.end(JSON.stringify({ detail: `${headers.authorization} is not known` }));
    };
    const host = url.slice("http://".length);
    expect(await backup("export")).toEqual({ code: 1, said: `${host} refused: 401, Bearer secret is not known.` });
  });

  it("keeps no file that looks whole where an export is torn", async () => {
    answer = (_, response) => {
      response.write('{"type":"durable-mqtt-export"}\n');
      setTimeout(() => response.destroy(), 10);
    };
    const said = "The export broke off, or cannot be written, and is not whole: repeat it.";
    expect(await backup("export")).toEqual({ code: 1, said });
    expect(() => readFileSync(file)).toThrow("ENOENT");
  });

  it("sends a file, and prints what was counted", async () => {
    let came = "";
    answer = (request, response) => {
      request.on("data", (chunk: Buffer) => (came += `${request.method} ${request.url} ${chunk.toString()}`));
      request.on("end", () => response.end('{"sessions":1}'));
    };
    writeFileSync(file, "\n> npm's banner\n{}\n");
    expect(await backup("import", "--namespace", "lab")).toEqual({ code: 0, said: '{"sessions":1}' });
    expect(came).toBe("POST /n/lab/backup {}\n");
    rmSync(file);
    expect(await backup("import")).toEqual({ code: 1, said: `The file ${file} cannot be read.` });
  });
});
