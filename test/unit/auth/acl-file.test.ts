import { describe, expect, test } from "vitest";
import { parseAclFile, parseTopicLines } from "../../../src/auth/acl-file.ts";

const parsed = (text: string) => {
  const file = parseAclFile(text);
  if (!file.ok) throw new Error(JSON.stringify(file.error));
  return file.value;
};

const problemLines = (text: string): number[] => {
  const file = parseAclFile(text);
  return file.ok ? [] : file.error.map((problem) => problem.line);
};

describe("the ACL file", () => {
  test("topic lines before any user line are for anonymous clients, those after it for that user", () => {
    const file = parsed(
      "topic read news/#\n\nuser alice\ntopic write a/b\nuser bob\r\ntopic deny c\r\nuser alice\ntopic a/c",
    );
    expect(file.anonymous).toEqual([{ access: "read", topic: "news/#" }]);
    expect(file.users.get("alice")).toEqual([
      { access: "write", topic: "a/b" },
      { access: "readwrite", topic: "a/c" },
    ]);
    expect(file.users.get("bob")).toEqual([{ access: "deny", topic: "c" }]);
  });

  test("pattern lines are for everybody wherever they stand", () => {
    const file = parsed("user alice\npattern write dev/%c/up\npattern read %u/#");
    expect(file.patterns.map((rule) => rule.topic)).toEqual(["dev/%c/up", "%u/#"]);
    expect(file.users.get("alice")).toEqual([]);
  });

  test("a topic with a space needs the access word; a user name may hold spaces", () => {
    const file = parsed("user John  Doe\ntopic read  living room/lamp");
    expect(file.users.get("John  Doe")).toEqual([{ access: "read", topic: "living room/lamp" }]);
    expect(problemLines("topic living room/lamp")).toEqual([1]);
  });

  test("# opens a comment only as the first character", () => {
    expect(parsed("# topic read a\n#\n").anonymous).toEqual([]);
    expect(problemLines(" # no comment")).toEqual([1]);
    expect(problemLines("topic read a/# # no comment")).toEqual([1]);
  });

  test.each([
    "topic",
    "topic allow a",
    "user",
    "topics read a",
    "topic read a/#/b",
    "topic read a+",
    "topic read $share/g/a",
    "pattern read sensor/x%u",
    "pattern read sensor/%u%c/data",
  ])("refuses %j", (line) => {
    expect(problemLines(line)).toEqual([1]);
  });

  test("a lone word is a topic, to read and to write", () => {
    expect(parsed("topic read").anonymous).toEqual([{ access: "readwrite", topic: "read" }]);
  });

  test("reports every problem with its line", () => {
    expect(problemLines("topic read a\nbogus\nuser bob\ntopic read #/a\npattern read a%c")).toEqual([2, 4, 5]);
  });

  test("%u is plain text in a topic line", () => {
    expect(parsed("topic read x%u").anonymous).toEqual([{ access: "read", topic: "x%u" }]);
  });

  test("an entry's own rules are topic lines and nothing else", () => {
    const rules = parseTopicLines(["topic read a/#", "topic deny a/secret"]);
    expect(rules.ok && rules.value.map((rule) => rule.access)).toEqual(["read", "deny"]);
    const bad = parseTopicLines(["topic read a", "user bob", "pattern read %u", "# no"]);
    expect(!bad.ok && bad.error.map((problem) => problem.line)).toEqual([2, 3, 4]);
  });
});
