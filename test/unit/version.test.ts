// The release has one number, wherever it is read.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { version } from "../../src/core/version.ts";

const textOf = (name: string): string => readFileSync(name, "utf8");

test("package.json and its lock name the version that the broker shows", () => {
  expect(JSON.parse(textOf("package.json"))).toMatchObject({ version });
  expect(JSON.parse(textOf("package-lock.json"))).toMatchObject({ version, packages: { "": { version } } });
});

test("the changelog's latest release is that version", () => {
  expect(/^## (?<latest>\d+\.\d+\.\d+) - /mu.exec(textOf("CHANGELOG.md"))?.groups?.["latest"]).toBe(version);
});
