// Data outlives versions: a folder that each released version wrote is served by this one, and one of a newer schema is not.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import { newestSchema, schemaKey } from "../../../src/storage/migrations.ts";
import { startBroker, startScript, type ScriptProcess } from "../../support/broker-process.ts";
import { expectScene, variables, type Written } from "./scene.ts";

const folders = fileURLToPath(new URL("folders/", import.meta.url));
const names = readdirSync(folders).filter((name) => name.endsWith(".tar.gz"));
const shardsOf = (name: string): number => Number(/-shards-(\d+)/.exec(name)?.[1]);

const made: string[] = [];
const running: ScriptProcess[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((script) => script.killTree()));
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function unpack(name: string): string {
  const dataDir = mkdtempSync(join(tmpdir(), "durable-mqtt-test-"));
  made.push(dataDir);
  execFileSync("tar", ["-C", dataDir, "-xzf", join(folders, name)]);
  return dataDir;
}

async function serve(name: string, dataDir: string, shards = shardsOf(name)): Promise<string> {
  const broker = await startBroker({ dataDir, shards, variables });
  running.push(broker);
  return broker.mqttUrl;
}

describe.each(names)("the data folder %s", (name) => {
  const written = JSON.parse(readFileSync(join(folders, name.replace(".tar.gz", ".json")), "utf8")) as Written;

  test("is served: sessions, windows, queues, retained messages and the will are as they were left", async () => {
    await expectScene(await serve(name, unpack(name)), written);
  });
});

const formerRelease = names.toSorted().at(-1)?.split("-")[0] ?? "";

describe.each(names.filter((name) => name.startsWith(formerRelease)))("the data folder %s", (name) => {
  test("is brought to another number of shards by the first start of this version, with all of it", async () => {
    const written = JSON.parse(readFileSync(join(folders, name.replace(".tar.gz", ".json")), "utf8")) as Written;
    const shards = shardsOf(name) === 1 ? 3 : 1;
    await expectScene(await serve(name, unpack(name), shards), written);
  });
});

describe("a data folder of a newer schema", () => {
  const newerSchema = newestSchema + 1;

  function shardDatabases(dataDir: string): string[] {
    const shards = join(dataDir, "do", "durable-mqtt-BrokerShard");
    const files = readdirSync(shards).filter((name) => /^[0-9a-f]+\.sqlite$/.test(name));
    return files.map((file) => join(shards, file));
  }

  /** As a later version would leave it. */
  function raiseSchema(path: string): void {
    const database = new DatabaseSync(path);
    database.prepare("UPDATE meta SET value = ? WHERE key = ?").run(newerSchema, schemaKey);
    database.close();
  }

  /** Everything in it but how it is stored. */
  function contentOf(path: string): unknown[] {
    const database = new DatabaseSync(path);
    const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").all();
    const content = tables.map(({ name }) => {
      const rows = database.prepare(`SELECT * FROM "${String(name)}"`);
      rows.setReadBigInts(true);
      return [name, rows.all()];
    });
    database.close();
    return content;
  }

  test("is refused with both numbers, and stays as it was", async () => {
    const [name = ""] = names;
    const dataDir = unpack(name);
    const databases = shardDatabases(dataDir);
    databases.forEach(raiseSchema);
    const before = databases.map(contentOf);
    const args = ["--port", "0", "--data", dataDir, "--shards", String(shardsOf(name))];
    const refused = startScript("start", args);
    running.push(refused);
    const { code } = await refused.exited;
    expect(code).toBe(1);
    expect(refused.output()).toMatch(
      new RegExp(`schema ${newerSchema}, this version of the broker knows schemas up to ${newestSchema}`),
    );
    expect(databases.map(contentOf)).toEqual(before);
  });
});
