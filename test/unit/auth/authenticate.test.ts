import { describe, expect, test } from "vitest";
import {
  authenticate,
  authenticatorsOf,
  type Authenticator,
  type AuthRequest,
} from "../../../src/auth/authenticate.ts";
import { hashPassword } from "../../../src/auth/password.ts";
import { parseUsers } from "../../../src/auth/users.ts";
import { reasonCode } from "../../../src/core/reason-code.ts";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const password = await hashPassword(utf8("right"), { kind: "pbkdf2", digest: "SHA-256", iterations: 1000 });
const parsed = parseUsers([{ name: "alice", password, namespaces: ["default", "lab"] }]);
const users = parsed.ok ? parsed.value : [];

const anybody: AuthRequest = { namespace: "default", clientId: "c", protocolVersion: 4 };
const login = (username: string, given?: string): AuthRequest => ({
  ...anybody,
  username,
  ...(given === undefined ? {} : { password: utf8(given) }),
});

const closed = authenticatorsOf({ open: false, users });

describe("users", () => {
  test("the right password lets its user in", async () => {
    expect(await authenticate(closed, login("alice", "right"))).toEqual({ kind: "allow", username: "alice" });
  });

  test("a wrong password and an unknown user are refused alike with 0x86", async () => {
    const wrong = await authenticate(closed, login("alice", "wrong"));
    expect(wrong).toMatchObject({ kind: "refuse", reasonCode: reasonCode.badUserNameOrPassword });
    expect(await authenticate(closed, login("mallory", "right"))).toEqual(wrong);
    expect(await authenticate(closed, login("alice"))).toEqual(wrong);
    expect(await authenticate(closed, login("", ""))).toEqual(wrong);
  });

  test("an unknown user costs what a wrong password costs", async () => {
    const costly = await hashPassword(utf8("right"), {
      kind: "scrypt",
      costLog2: 14,
      blockSize: 8,
      parallelization: 1,
    });
    const list = parseUsers([{ name: "alice", password: costly }]);
    const chain = authenticatorsOf({ open: false, users: list.ok ? list.value : [] });
    const fastestOf = async (request: AuthRequest): Promise<number> => {
      const taken: number[] = [];
      for (let round = 0; round < 3; round += 1) {
        const startedAt = performance.now();
        await authenticate(chain, request);
        taken.push(performance.now() - startedAt);
      }
      return Math.min(...taken);
    };
    const known = await fastestOf(login("alice", "wrong"));
    expect(await fastestOf(login("mallory", "wrong"))).toBeGreaterThan(known / 3);
  });

  test("a namespace that the user may not enter is refused with 0x87, after the password", async () => {
    expect(await authenticate(closed, { ...login("alice", "right"), namespace: "lab" })).toMatchObject({
      kind: "allow",
    });
    const elsewhere = { namespace: "other" };
    expect(await authenticate(closed, { ...login("alice", "right"), ...elsewhere })).toMatchObject({
      kind: "refuse",
      reasonCode: reasonCode.notAuthorized,
    });
    expect(await authenticate(closed, { ...login("alice", "wrong"), ...elsewhere })).toMatchObject({
      reasonCode: reasonCode.badUserNameOrPassword,
    });
  });

  test("no user name is refused with 0x87", async () => {
    expect(await authenticate(closed, anybody)).toMatchObject({
      kind: "refuse",
      reasonCode: reasonCode.notAuthorized,
    });
  });
});

test("an open broker lets everybody in and believes nobody's name", async () => {
  const open = authenticatorsOf({ open: true, users: [] });
  expect(await authenticate(open, anybody)).toEqual({ kind: "allow" });
  expect(await authenticate(open, login("admin", "x"))).toEqual({ kind: "allow" });
});

test("the first verdict counts", async () => {
  const asked: string[] = [];
  const says =
    (name: string, verdict: Awaited<ReturnType<Authenticator>>): Authenticator =>
    async () => {
      asked.push(name);
      return verdict;
    };
  const chain = [says("a", "ignore"), says("b", { kind: "allow", username: "b" }), says("c", { kind: "allow" })];
  expect(await authenticate(chain, anybody)).toEqual({ kind: "allow", username: "b" });
  expect(asked).toEqual(["a", "b"]);
});

const broken: Authenticator = async () => {
  throw new Error("right");
};

test("an authenticator that fails is a server that is unavailable, not a wrong password", async () => {
  const verdict = await authenticate([broken, ...closed], login("alice", "right"));
  expect(verdict).toEqual({
    kind: "refuse",
    reasonCode: reasonCode.serverUnavailable,
    detail: "an authenticator failed",
  });
});
