// The storage contracts over node:sqlite. test/workers runs the same suites over Durable Object storage.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { newestSchema } from "../../src/storage/migrations.ts";
import { NodeSql } from "../support/node-sql.ts";
import { everyContract } from "./suites/every-contract.ts";
import { fixtureContract } from "./suites/fixture-contract.ts";
import type { WithSql } from "./suites/port.ts";

const withNodeSql: WithSql = async (body) => body(new NodeSql());

const fixtureOf = (schema: number): string =>
  readFileSync(new URL(`./fixtures/schema-${schema}.sql`, import.meta.url), "utf8");

describe("over node:sqlite", () => {
  everyContract(withNodeSql);
  for (let schema = 1; schema <= newestSchema; schema += 1) fixtureContract(withNodeSql, schema, fixtureOf(schema));

  test("every schema has a fixture with a row in each table", () => {
    for (let schema = 1; schema <= newestSchema; schema += 1) {
      const dump = fixtureOf(schema);
      const tables = [...dump.matchAll(/^CREATE TABLE (\w+)/gm)].map(([, name]) => name);
      for (const table of tables) expect(dump).toContain(`INSERT INTO ${table} `);
    }
  });
});
