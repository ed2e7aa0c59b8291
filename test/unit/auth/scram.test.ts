import { describe, expect, test } from "vitest";
import { hashPassword, pbkdf2Cost } from "../../../src/auth/password.ts";
import { findCredential, type FoundCredential } from "../../../src/auth/scram-credential.ts";
import {
  findMismatch,
  formatServerFirst,
  makeServerNonce,
  parseClientFinal,
  parseClientFirst,
  verifyProof,
  type ClientFinal,
  type ClientFirst,
} from "../../../src/auth/scram.ts";
import { parseUsers, type User } from "../../../src/auth/users.ts";

const readFirst = (text: string): ClientFirst => {
  const first = parseClientFirst(text);
  if (!first.ok) throw new Error(first.error);
  return first.value;
};

const readFinal = (text: string): ClientFinal => {
  const final = parseClientFinal(text);
  if (!final.ok) throw new Error(final.error);
  return final.value;
};

const usersOf = (entries: readonly unknown[]): readonly User[] => {
  const users = parseUsers(entries);
  if (!users.ok) throw new Error(users.error.join());
  return users.value;
};

const secret = new Uint8Array(32).fill(7);
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("the example of RFC 7677 §3", () => {
  // PBKDF2-SHA256 of "pencil" with the example's salt and 4096 iterations, made with Python's hashlib.
  const password = "$pbkdf2-sha256$i=4096$W22ZaJ0SNY7soEsUEjb6gQ$xKSVEDI6tPlSysH6mUQZOeeOp01r6B3fcJbodRPcYV0";
  const users = usersOf([{ name: "user", password }]);
  const first = readFirst("n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
  const serverNonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
  const finalText =
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";

  test("server-first and server-final come out as printed there", async () => {
    const credential = await findCredential(users, secret, "user");
    const serverFirst = formatServerFirst(first, serverNonce, credential);
    expect(serverFirst).toBe("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
    const final = readFinal(finalText);
    expect(findMismatch(first, serverNonce, final)).toBeUndefined();
    expect(await verifyProof(first, serverFirst, final, credential)).toBe(
      "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
    );
  });

  test("one bit of the proof decides", async () => {
    const credential = await findCredential(users, secret, "user");
    const serverFirst = formatServerFirst(first, serverNonce, credential);
    const { proof, ...rest } = readFinal(finalText);
    for (const index of [0, 31]) {
      const changed = proof.map((byte, at) => (at === index ? byte ^ 1 : byte));
      expect(await verifyProof(first, serverFirst, { ...rest, proof: changed }, credential)).toBeUndefined();
    }
  });
});

describe("client-first", () => {
  test.each([
    ["n,,n=alice,r=abc", "n,,", "n=alice,r=abc", "alice"],
    ["y,,n=alice,r=abc", "y,,", "n=alice,r=abc", "alice"],
    ["n,a=alice,n=alice,r=abc", "n,a=alice,", "n=alice,r=abc", "alice"],
    ["n,a=a=2Cb,n=a=2Cb,r=abc", "n,a=a=2Cb,", "n=a=2Cb,r=abc", "a,b"],
    ["n,,n=a=2Cb=3Dc=3D2C,r=abc", "n,,", "n=a=2Cb=3Dc=3D2C,r=abc", "a,b=c=2C"],
    ["n,,n=alice,r=abc,x=later=stuff,y=", "n,,", "n=alice,r=abc,x=later=stuff,y=", "alice"],
    ["n,,n=Ünï ‰,r=abc", "n,,", "n=Ünï ‰,r=abc", "Ünï ‰"],
  ])("%s is read", (text, gs2Header, bare, username) => {
    expect(parseClientFirst(text)).toEqual({ ok: true, value: { gs2Header, bare, username, nonce: "abc" } });
  });

  test.each([
    ["channel binding, which is not offered", "p=tls-exporter,,n=alice,r=abc", "not offered"],
    ["an unknown flag", "q,,n=alice,r=abc", "flag"],
    ["a capital flag", "N,,n=alice,r=abc", "flag"],
    ["the reserved extension", "n,,m=x,n=alice,r=abc", "extension"],
    ["the reserved extension further in", "n,,n=alice,r=abc,m=x", "malformed"],
    ["another authorization identity", "n,a=bob,n=alice,r=abc", "authorization"],
    ["an authorization identity with a wrong escape", "n,a=a=,n=alice,r=abc", "authorization"],
    ["no header", "n=alice,r=abc", "header"],
    ["nothing", "", "header"],
    ["an empty name", "n,,n=,r=abc", "malformed"],
    ["an empty authorization identity", "n,a=,n=alice,r=abc", "header"],
    ["a comma in the name", "n,,n=al,ice,r=abc", "malformed"],
    ["an equals sign that escapes nothing", "n,,n=al=ice,r=abc", "malformed"],
    ["an escape in small letters", "n,,n=al=2cice,r=abc", "malformed"],
    ["no nonce", "n,,n=alice", "malformed"],
    ["an empty nonce", "n,,n=alice,r=", "malformed"],
    ["a nonce with a space", "n,,n=alice,r=a bc", "malformed"],
    ["a nonce beyond ASCII", "n,,n=alice,r=äbc", "malformed"],
    ["another order", "n,,r=abc,n=alice", "malformed"],
    ["an attribute without a value sign", "n,,n=alice,r=abc,x", "malformed"],
  ])("%s is refused", (_, text, reason) => {
    expect(parseClientFirst(text)).toMatchObject({ ok: false, error: expect.stringContaining(reason) as string });
  });
});

describe("client-final", () => {
  const proof = `${"A".repeat(43)}=`;

  test("everything before the proof is what is signed, unknown attributes too", () => {
    expect(readFinal(`c=biws,r=abc,x=1,p=${proof}`)).toEqual({
      channelBinding: "biws",
      nonce: "abc",
      withoutProof: "c=biws,r=abc,x=1",
      proof: new Uint8Array(32),
    });
  });

  test.each([
    ["no proof", "c=biws,r=abc"],
    ["a proof that is too short", "c=biws,r=abc,p=AAAA"],
    ["a proof that is no base64", `c=biws,r=abc,p=${"-".repeat(43)}=`],
    ["something after the proof", `c=biws,r=abc,p=${proof},x=1`],
    ["the reserved extension", `c=biws,r=abc,m=1,p=${proof}`],
    ["no channel binding attribute", `r=abc,p=${proof}`],
    ["nothing", ""],
  ])("%s is refused", (_, text) => {
    expect(parseClientFinal(text)).toEqual({ ok: false, error: "client-final is malformed" });
  });

  test.each([
    ["n,,n=a,r=abc", "biws"],
    ["y,,n=a,r=abc", "eSws"],
    ["n,a=a,n=a,r=abc", "bixhPWEs"],
  ])("c= must be the header of %s", (text, channelBinding) => {
    const first = readFirst(text);
    for (const given of ["biws", "eSws", "bixhPWEs"]) {
      const mismatch = findMismatch(first, "XYZ", readFinal(`c=${given},r=abcXYZ,p=${proof}`));
      expect([given, mismatch === undefined]).toEqual([given, given === channelBinding]);
    }
  });

  test.each(["abc", "abcXY", "abcXYZZ", "XYZabc", "abcxyz"])("another nonce, %s, is noticed", (nonce) => {
    const final = readFinal(`c=biws,r=${nonce},p=${proof}`);
    expect(findMismatch(readFirst("n,,n=a,r=abc"), "XYZ", final)).toContain("nonce");
  });
});

test("the server's part of the nonce is 18 random bytes", () => {
  const nonces = new Set(Array.from({ length: 100 }, makeServerNonce));
  expect(nonces.size).toBe(100);
  for (const nonce of nonces) expect(nonce).toMatch(/^[A-Za-z0-9+/]{24}$/u);
});

const pbkdf2 = await hashPassword(utf8("x"), { kind: "pbkdf2", digest: "SHA-256", iterations: 2000 });
const sha512 = await hashPassword(utf8("x"), { kind: "pbkdf2", digest: "SHA-512", iterations: 3000 });
const scrypt = await hashPassword(utf8("x"), { kind: "scrypt", costLog2: 4, blockSize: 1, parallelization: 1 });

describe("credentials", () => {
  const users = usersOf([
    { name: "alice", password: pbkdf2 },
    { name: "sha512", password: sha512 },
    { name: "scrypt", password: scrypt },
  ]);
  const find = (name: string, list = users, key = secret): Promise<FoundCredential> => findCredential(list, key, name);

  test("a pbkdf2-sha256 hash is used as it stands", async () => {
    const { password } = users[0] as User;
    expect(await find("alice")).toEqual({
      kind: "real",
      user: users[0],
      salt: password.salt,
      iterations: 2000,
      saltedPassword: password.key,
    });
  });

  test.each(["mallory", "sha512", "scrypt"])("%s has a fake that looks like the others and stays", async (name) => {
    const one = await find(name);
    const two = await find(name);
    expect(one.kind).toBe("fake");
    expect([one.iterations, one.salt.length]).toEqual([2000, 16]);
    expect(two.salt).toEqual(one.salt);
    // Else it would be a password that fits.
    expect(two.saltedPassword).not.toEqual(one.saltedPassword);
  });

  test("a hash that SCRAM cannot use is told in the log, not to the client", async () => {
    expect(await find("scrypt")).toMatchObject({ why: expect.stringContaining("pbkdf2-sha256") as string });
    expect(await find("mallory")).toMatchObject({ why: "unknown user or wrong password" });
  });

  test("fake salts differ from name to name and from deployment to deployment, not with the list of users", async () => {
    const { salt } = await find("mallory");
    expect((await find("mallorx")).salt).not.toEqual(salt);
    expect((await find("mallory", users, new Uint8Array(32).fill(8))).salt).not.toEqual(salt);
    expect((await find("mallory", users.slice(0, 1))).salt).toEqual(salt);
  });

  test("without anybody who can use SCRAM a fake looks like what `npm run user` makes", async () => {
    const made = usersOf([{ name: "made", password: await hashPassword(utf8("x"), pbkdf2Cost) }]);
    const [fake, real] = [await find("mallory", users.slice(1)), await find("made", made)];
    expect([fake.kind, real.kind]).toEqual(["fake", "real"]);
    expect([fake.iterations, fake.salt.length]).toEqual([real.iterations, real.salt.length]);
  });

  test("where users differ, fakes are of every kind", async () => {
    const long = `$pbkdf2-sha256$i=5000$${"A".repeat(86)}$${"A".repeat(43)}`;
    const list = usersOf([
      { name: "alice", password: pbkdf2 },
      { name: "bob", password: long },
    ]);
    const names = Array.from({ length: 20 }, (_, index) => `nobody ${index}`);
    const fakes = await Promise.all(names.map((name) => find(name, list)));
    const shapes = new Set(fakes.map(({ iterations, salt }) => `${iterations} ${salt.length}`));
    expect([...shapes].sort()).toEqual(["2000 16", "5000 64"]);
  });

  test("a sha256 hash whose key has not 32 bytes is not SCRAM's", async () => {
    const list = usersOf([{ name: "short", password: `$pbkdf2-sha256$i=1000$${"A".repeat(22)}$${"A".repeat(22)}` }]);
    expect(await find("short", list)).toMatchObject({ kind: "fake" });
  });
});
