import { expect, test } from "vitest";
import { parseUsers } from "../../../src/auth/users.ts";

const password = "$pbkdf2-sha256$i=1000$c2FsdHNhbHRzYWx0$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

const problemsOf = (value: unknown): readonly string[] => {
  const users = parseUsers(typeof value === "string" ? value : JSON.stringify(value));
  return users.ok ? [] : users.error;
};

test("an entry has a name and a password hash; the namespace is default unless it says otherwise", () => {
  const users = parseUsers(
    JSON.stringify([
      { name: "alice", password },
      { name: "bob", password, acl: ["topic read a/#"], namespaces: ["x", "y"] },
    ]),
  );
  if (!users.ok) throw new Error(users.error.join("\n"));
  const [alice, bob] = users.value;
  expect(alice?.name).toBe("alice");
  expect(alice && "acl" in alice).toBe(false);
  expect([...(alice?.namespaces ?? [])]).toEqual(["default"]);
  expect(bob?.acl).toEqual([{ access: "read", topic: "a/#" }]);
  expect([...(bob?.namespaces ?? [])]).toEqual(["x", "y"]);
});

test("all problems of all entries are reported, each with its place", () => {
  expect(
    problemsOf([
      { name: "", password: "hunter2" },
      { name: "bob", password, acl: ["topic read a+", "bogus"], namespaces: [] },
      { password, namespaces: ["a/b"] },
      7,
    ]).map((problem) => problem.split(" ")[0]),
  ).toEqual([
    "[0].name",
    "[0].password",
    "[1].acl",
    "[1].acl",
    "[1].namespaces",
    "[2].name",
    "[2].namespaces[0]",
    "[3]",
  ]);
});

test("no problem repeats what was found", () => {
  const found = [
    problemsOf([{ name: "a", password: "hunter2" }]),
    problemsOf([{ name: "a", password, hunter2: 1 }]),
    problemsOf([{ name: "a", password: { hunter2: "hunter2" } }]),
    problemsOf([{ name: "a", password, acl: ["hunter2"], namespaces: ["hunter2/"] }]),
    problemsOf(["hunter2"]),
    problemsOf("hunter2 is no JSON"),
    problemsOf({ hunter2: "hunter2" }),
  ];
  for (const problems of found) {
    expect(problems.length).toBeGreaterThan(0);
    expect(problems.join("\n")).not.toContain("hunter2");
  }
});

test("a name stands once", () => {
  expect(
    problemsOf([
      { name: "a", password },
      { name: "b", password },
      { name: "a", password },
    ]),
  ).toEqual(["[2] has the same name as [0]"]);
});
