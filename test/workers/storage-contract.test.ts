// The storage contracts over real Durable Object storage; test/contract runs the same suites over node:sqlite.

import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe } from "vitest";
import { DurableObjectSql } from "../../src/storage/durable-object-sql.ts";
import { everyContract } from "../contract/suites/every-contract.ts";
import { fixtureContract } from "../contract/suites/fixture-contract.ts";
import type { WithSql } from "../contract/suites/port.ts";
import schema1 from "../contract/fixtures/schema-1.sql?raw";

let objects = 0;

/** In an object of its own, whose constructor has made the tables of the newest schema: they go first. */
const withStorage: WithSql = (body) => {
  objects += 1;
  const stub = env.BROKER_SHARD.getByName(`contract/${objects}`);
  return runInDurableObject(stub, (_, state) => {
    const sql = new DurableObjectSql(state.storage);
    const tables = sql.all<{ name: string }>(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE '\\_cf%' ESCAPE '\\'",
    );
    for (const { name } of tables) sql.run(`DROP TABLE ${name}`);
    body(sql);
  });
};

describe("over Durable Object storage", () => {
  everyContract(withStorage);
  fixtureContract(withStorage, 1, schema1);
});
