import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { parsePasswordHash, verifyPassword } from "../../../src/auth/password.ts";
import { parseUsers } from "../../../src/auth/users.ts";

const tool = fileURLToPath(new URL("../../../scripts/user/main.ts", import.meta.url));

const run = (args: readonly string[], input: string, users?: string) => {
  const { USERS: _, ...env } = process.env;
  return spawnSync(process.execPath, [tool, ...args], {
    input,
    encoding: "utf8",
    env: users === undefined ? env : { ...env, USERS: users },
  });
};

const isPassword = async (hash: string, password: string): Promise<boolean> => {
  const parsed = parsePasswordHash(hash);
  return typeof parsed !== "string" && verifyPassword(parsed, new TextEncoder().encode(password));
};

test("npm run user prints an entry whose hash is of the password on standard input", async () => {
  const { stdout, stderr, status } = run(["alice", "--acl", "topic read a/#", "--namespace", "lab"], "pass word\n");
  expect(status).toBe(0);
  const entry = JSON.parse(stdout);
  expect(entry).toMatchObject({ name: "alice", acl: ["topic read a/#"], namespaces: ["lab"] });
  expect(entry.password).toMatch(/^\$pbkdf2-sha256\$i=100000\$/u);
  expect(await isPassword(entry.password, "pass word")).toBe(true);
  expect(stdout + stderr).not.toContain("pass word");
});

test("npm run user adds to an existing USERS", async () => {
  const alice = run(["alice", "--acl", "topic read a"], "one").stdout.trim();
  const [entry, merged] = run(["bob", "--scrypt"], "two", `[${alice}]`).stdout.split("\n");
  expect(JSON.parse(merged ?? "")).toEqual([JSON.parse(alice), JSON.parse(entry ?? "")]);
  expect(parseUsers(merged).ok).toBe(true);
  expect(entry).toContain("$scrypt$");
});

test("npm run user changes a password and keeps the rules", async () => {
  const folder = mkdtempSync(join(tmpdir(), "users-"));
  const file = join(folder, "users.json");
  writeFileSync(file, `[${run(["alice", "--acl", "topic read a"], "one").stdout.trim()}]`);
  const merged = run(["alice", "--users", file], "two").stdout.split("\n")[1];
  rmSync(folder, { recursive: true });
  const [alice, ...more] = JSON.parse(merged ?? "");
  expect(more).toEqual([]);
  expect(alice.acl).toEqual(["topic read a"]);
  expect(await isPassword(alice.password, "two")).toBe(true);
});

test("npm run user refuses a USERS over 5 KB with one sentence", () => {
  const rules = Array.from({ length: 200 }, (_, index) => ["--acl", `topic read some/long/topic/${index}`]);
  const { stdout, stderr, status } = run(["alice", ...rules.flat()], "x");
  expect([status, stdout]).toEqual([1, ""]);
  expect(stderr).toMatch(/^USERS would have \d+ bytes, but Workers take at most 5 KB [^\n]*\n$/u);
});

test.each([
  ["no name", [], "x"],
  ["a second name, which may be the password", ["alice", "hunter2"], "x"],
  ["an unknown argument", ["alice", "--pasword", "hunter2"], "x"],
  ["a rule that is none", ["alice", "--acl", "pattern read %u"], "x"],
  ["an empty password", ["alice"], "\n"],
  ["a file that is not there", ["alice", "--users", "does/not/exist"], "x"],
])("npm run user fails with one sentence for %s", (_, args, input) => {
  const { stdout, stderr, status } = run(args, input);
  expect([status, stdout]).toEqual([1, ""]);
  expect(stderr.trim().split("\n").length).toBe(1);
  expect(stderr).not.toContain("hunter2");
});
