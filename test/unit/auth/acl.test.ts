import { describe, expect, test } from "vitest";
import { parseAclFile, parseTopicLines } from "../../../src/auth/acl-file.ts";
import { accessFor, type Acl, type AclClient } from "../../../src/auth/acl.ts";
import type { TopicFilter, TopicName } from "../../../src/core/brand.ts";

const aclOf = (text: string | undefined, own: Readonly<Record<string, readonly string[]>> = {}): Acl => {
  const ownRules = new Map(
    Object.entries(own).map(([name, lines]) => {
      const rules = parseTopicLines(lines);
      if (!rules.ok) throw new Error(JSON.stringify(rules.error));
      return [name, rules.value];
    }),
  );
  if (text === undefined) return { ownRules };
  const file = parseAclFile(text);
  if (!file.ok) throw new Error(JSON.stringify(file.error));
  return { file: file.value, ownRules };
};

const may = (acl: Acl, client: AclClient) => {
  const access = accessFor(acl, client);
  return {
    publish: (topic: string) => access.mayPublish(topic as TopicName),
    receive: (topic: string) => access.mayReceive(topic as TopicName),
    subscribe: (filter: string) => access.maySubscribe(filter as TopicFilter),
  };
};

const alice = { username: "alice", clientId: "c1" };

describe("rules", () => {
  const acl = aclOf(
    "topic read public/#\nuser alice\ntopic read a/#\ntopic write a/in\ntopic deny a/secret/#\ntopic rw",
  );

  test("what no rule grants is denied, and each access word grants what it says", () => {
    const it = may(acl, alice);
    expect([it.receive("a/x"), it.receive("a"), it.receive("b"), it.receive("a/in")]).toEqual([
      true,
      true,
      false,
      true,
    ]);
    expect([it.publish("a/in"), it.publish("a/x")]).toEqual([true, false]);
    expect([it.publish("rw"), it.receive("rw")]).toEqual([true, true]);
  });

  test("a deny comes before every grant, in whatever order they stand", () => {
    const it = may(acl, alice);
    expect([it.receive("a/secret"), it.receive("a/secret/x"), it.receive("a/secrets")]).toEqual([false, false, true]);
    const both = may(aclOf("user u\ntopic deny x\npattern readwrite #"), { username: "u", clientId: "c" });
    expect([both.publish("x"), both.receive("x"), both.publish("y")]).toEqual([false, false, true]);
  });

  test("the same question gets the same answer again", () => {
    const it = may(acl, alice);
    for (let round = 0; round < 3; round += 1) {
      for (let index = 0; index < 100; index += 1) {
        expect(it.receive(`a/${index}`)).toBe(true);
        expect(it.receive(`b/${index}`)).toBe(false);
      }
    }
  });

  test("anonymous clients and unlisted users have only what is theirs", () => {
    expect(may(acl, { clientId: "c" }).receive("public/x")).toBe(true);
    expect(may(acl, { clientId: "c" }).receive("a/x")).toBe(false);
    expect(may(acl, { username: "bob", clientId: "c" }).receive("public/x")).toBe(false);
  });

  test("a subscription is refused where nothing could be received, or a deny covers it wholly", () => {
    const it = may(acl, alice);
    expect([it.subscribe("a/b"), it.subscribe("a/#"), it.subscribe("#"), it.subscribe("+/b")]).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect([it.subscribe("b/#"), it.subscribe("public/x"), it.subscribe("$SYS/#")]).toEqual([false, false, false]);
    expect([it.subscribe("a/secret/+"), it.subscribe("a/secret/#"), it.subscribe("a/+")]).toEqual([false, false, true]);
  });

  test("a write grant alone lets nobody subscribe", () => {
    expect(may(aclOf("topic write a/#"), { clientId: "c" }).subscribe("a/#")).toBe(false);
  });

  test("[MQTT-4.7.2-1] a rule that starts with a wildcard does not reach topics that start with $", () => {
    const it = may(aclOf("topic #\ntopic read $SYS/#"), { clientId: "c" });
    expect([it.receive("$SYS/broker/uptime"), it.receive("$other/x"), it.publish("x")]).toEqual([true, false, true]);
  });

  test("nobody writes to $SYS, whatever the rules say", () => {
    const it = may(aclOf("topic readwrite $SYS/#"), { clientId: "c" });
    expect([it.publish("$SYS/broker/x"), it.publish("$SYS"), it.receive("$SYS/broker/x")]).toEqual([
      false,
      false,
      true,
    ]);
    const free = may(aclOf(undefined), alice);
    expect([free.publish("$SYS/x"), free.publish("$SYSTEM/x"), free.receive("$SYS/x")]).toEqual([false, true, true]);
  });
});

describe("a user's own rules", () => {
  test("add to the file's", () => {
    const it = may(aclOf("user alice\ntopic read a", { alice: ["topic read b", "topic deny a/x"] }), alice);
    expect([it.receive("a"), it.receive("b"), it.receive("c")]).toEqual([true, true, false]);
  });

  test("without a file close everything else to that user alone", () => {
    const acl = aclOf(undefined, { alice: ["topic read b"], carol: [] });
    expect([may(acl, alice).receive("b"), may(acl, alice).receive("c")]).toEqual([true, false]);
    expect(may(acl, { username: "bob", clientId: "c" }).publish("c")).toBe(true);
    expect(may(acl, { username: "carol", clientId: "c" }).publish("c")).toBe(false);
  });
});

describe("patterns", () => {
  const acl = aclOf("pattern readwrite dev/%c/#\npattern read home/%u/+\npattern deny home/%u/private");

  test("are filled in with the client's names", () => {
    const it = may(acl, alice);
    expect([it.publish("dev/c1/x"), it.publish("dev/c2/x"), it.receive("home/alice/x")]).toEqual([true, false, true]);
    expect([it.receive("home/bob/x"), it.receive("home/alice/private")]).toEqual([false, false]);
  });

  test("with %u do not apply to anonymous clients, others do", () => {
    const it = may(acl, { clientId: "c1" });
    expect([it.publish("dev/c1/x"), it.receive("home//x"), it.receive("home/%u/x")]).toEqual([true, false, false]);
  });

  test.each(["+", "#", "a/b", "a/#", "c1+", ""])("a client id %j never widens a rule", (clientId) => {
    const it = may(acl, { clientId });
    for (const topic of ["dev/c1/x", "dev/a/b/x", "dev/a/x", `dev/${clientId}/x`, "dev//x", "dev/c1+/x"]) {
      expect([it.publish(topic), it.receive(topic)]).toEqual([false, false]);
    }
    expect([it.subscribe("dev/#"), it.subscribe("dev/+/x")]).toEqual([false, false]);
  });

  test.each(["+", "#", "a/b", ""])("a user name %j does not get its owner out of a deny", (username) => {
    const it = may(aclOf("pattern read data/#\npattern deny data/%u/private"), { username, clientId: "c" });
    expect([it.receive(`data/${username}/private`), it.receive("data/a/private")]).toEqual([false, false]);
  });

  test("names that look like placeholders are not filled in again", () => {
    const it = may(acl, { username: "%c", clientId: "victim" });
    expect([it.receive("home/victim/x"), it.receive("home/%c/x")]).toEqual([false, true]);
  });
});
