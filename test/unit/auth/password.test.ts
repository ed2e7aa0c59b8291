import { describe, expect, test } from "vitest";
import {
  dummyHash,
  hashPassword,
  parsePasswordHash,
  pbkdf2Cost,
  scryptCost,
  verifyPassword,
  type PasswordHash,
} from "../../../src/auth/password.ts";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

const hashOf = (text: string): PasswordHash => {
  const hash = parsePasswordHash(text);
  if (typeof hash === "string") throw new Error(hash);
  return hash;
};

const sha512Cost = { kind: "pbkdf2", digest: "SHA-512", iterations: 1000 } as const;

describe("password hashes", () => {
  test.each([
    ["PBKDF2-SHA256", pbkdf2Cost, /^\$pbkdf2-sha256\$i=100000\$/u],
    ["PBKDF2-SHA512", sha512Cost, /^\$pbkdf2-sha512\$i=1000\$/u],
    ["scrypt", scryptCost, /^\$scrypt\$ln=14,r=8,p=1\$/u],
  ] as const)("%s: the right password is verified, another is not", async (_, cost, form) => {
    const text = await hashPassword(utf8("pässword"), cost);
    expect(text).toMatch(form);
    expect(await verifyPassword(hashOf(text), utf8("pässword"))).toBe(true);
    expect(await verifyPassword(hashOf(text), utf8("password"))).toBe(false);
    expect(await verifyPassword(hashOf(text), utf8(""))).toBe(false);
  });

  // Made with Python's hashlib.
  test.each([
    "$pbkdf2-sha256$i=80000$MDEyMzQ1Njc4OWFiY2RlZg$31B9Accg8dLeg9jrPeAj0Aw5iKcR4Au8MbgZvknk0CQ",
    "$pbkdf2-sha512$i=2000$MDEyMzQ1Njc4OWFiY2RlZg$kHzCdvuoasFNtV6Q+J9bBL0/yF2wwLM5n2arL5ptYeis509ZaFgCe0gLVwQBuY3dnoDiMqGEVRzKf3DpE9aZew",
    "$scrypt$ln=12,r=8,p=2$MDEyMzQ1Njc4OWFiY2RlZg$jGnQqXTBvHBH0Qrs9ozZwX/e/cALmZ1dbQdqgf9sm6k",
  ])("a hash made elsewhere is verified: %s", async (text) => {
    expect(await verifyPassword(hashOf(text), utf8("Password"))).toBe(true);
    expect(await verifyPassword(hashOf(text), utf8("password"))).toBe(false);
  });

  test("two hashes of one password differ", async () => {
    const [one, two] = [await hashPassword(utf8("x"), sha512Cost), await hashPassword(utf8("x"), sha512Cost)];
    expect(one).not.toBe(two);
  });

  test("no password has the dummy hash", async () => {
    expect(await verifyPassword(dummyHash(sha512Cost), utf8(""))).toBe(false);
  });

  const salt = "c2FsdHNhbHRzYWx0";
  const key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
  test.each([
    ["more iterations than Cloudflare takes", `$pbkdf2-sha256$i=100001$${salt}$${key}`],
    ["hardly any iterations", `$pbkdf2-sha256$i=1$${salt}$${key}`],
    ["more memory than an isolate can give", `$scrypt$ln=17,r=8,p=1$${salt}$${key}`],
    ["no cost", `$scrypt$ln=0,r=8,p=1$${salt}$${key}`],
    ["an unknown algorithm", `$2b$12$${salt}$${key}`],
    ["a plain password", "hunter2-hunter2"],
    ["padding", `$pbkdf2-sha256$i=1000$${salt}$${key}=`],
    ["a short key", `$pbkdf2-sha256$i=1000$${salt}$AAEC`],
    ["a part too many", `$pbkdf2-sha256$i=1000$${salt}$${key}$x`],
  ])("refuses %s without repeating it", (_, text) => {
    const problem = parsePasswordHash(text);
    expect(typeof problem).toBe("string");
    expect(problem).not.toContain(salt);
    expect(problem).not.toContain("hunter2");
  });
});
