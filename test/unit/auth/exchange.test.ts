import { createHash, createHmac, pbkdf2Sync } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  exchange,
  refuse,
  type ExchangeConfig,
  type ExchangeRequest,
  type ExchangeVerdict,
} from "../../../src/auth/exchange.ts";
import { hashPassword } from "../../../src/auth/password.ts";
import { parseUsers } from "../../../src/auth/users.ts";
import { reasonCode } from "../../../src/core/reason-code.ts";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);

const hash = (password: string): Promise<string> =>
  hashPassword(utf8(password), { kind: "pbkdf2", digest: "SHA-256", iterations: 1000 });

const parsed = parseUsers([
  { name: "alice", password: await hash("pencil"), namespaces: ["default", "lab"] },
  { name: "a,b=c", password: await hash("stift") },
  {
    name: "older",
    password: await hashPassword(utf8("pencil"), { kind: "pbkdf2", digest: "SHA-512", iterations: 1000 }),
  },
]);
const users = parsed.ok ? parsed.value : [];
const config: ExchangeConfig = { users, secret: async () => new Uint8Array(32).fill(1) };

const request: ExchangeRequest = {
  namespace: "default",
  clientId: "c",
  protocolVersion: 5,
  method: "SCRAM-SHA-256",
};

type Continue = Extract<ExchangeVerdict, { kind: "continue" }>;

const step = (
  data: string,
  more: Partial<ExchangeRequest> = {},
  settings: ExchangeConfig = config,
): Promise<ExchangeVerdict> => exchange(settings, { ...request, data: utf8(data), ...more });

async function stepOn(data: string, more: Partial<ExchangeRequest> = {}): Promise<Continue> {
  const verdict = await step(data, more);
  if (verdict.kind !== "continue") throw new Error(JSON.stringify(verdict));
  return verdict;
}

const clientNonce = "fyko+d2lbbFgONRv9qkxdawL";

interface Final {
  readonly text: string;
  /** What the server must answer. */
  readonly serverFinal: string;
}

/** A SCRAM client of its own, from RFC 5802 §3 and node:crypto; it shares no line with the server. */
function answer(bare: string, serverFirst: string, password: string, binding = "biws"): Final {
  const [nonce = "", salt = "", iterations = ""] = serverFirst.split(",").map((part) => part.slice(2));
  const salted = pbkdf2Sync(password, Buffer.from(salt, "base64"), Number(iterations), 32, "sha256");
  const withoutProof = `c=${binding},r=${nonce}`;
  const message = [bare, serverFirst, withoutProof].join();
  const clientKey = createHmac("sha256", salted).update("Client Key").digest();
  const storedKey = createHash("sha256").update(clientKey).digest();
  const signature = createHmac("sha256", storedKey).update(message).digest();
  const proof = Buffer.from(clientKey.map((byte, index) => byte ^ (signature[index] as number)));
  const serverKey = createHmac("sha256", salted).update("Server Key").digest();
  const serverSignature = createHmac("sha256", serverKey).update(message).digest("base64");
  return { text: `${withoutProof},p=${proof.toString("base64")}`, serverFinal: `v=${serverSignature}` };
}

interface Login {
  readonly saslName?: string;
  readonly password?: string;
  readonly more?: Partial<ExchangeRequest>;
  /** Changes client-final on its way. */
  readonly spoil?: (text: string) => string;
}

/** Both steps. */
async function logIn({ saslName = "alice", password = "pencil", more = {}, spoil }: Login): Promise<ExchangeVerdict> {
  const bare = `n=${saslName},r=${clientNonce}`;
  const { data, state } = await stepOn(`n,,${bare}`, more);
  const { text } = answer(bare, textOf(data), password);
  return step(spoil?.(text) ?? text, { ...more, state });
}

const refusal = (code: number): unknown => expect.objectContaining({ kind: "refuse", reasonCode: code });

describe("SCRAM-SHA-256", () => {
  test("[MQTT-4.12.0-2] client-first is answered with a nonce, the salt and the cost, client-final with the server's signature", async () => {
    const bare = `n=alice,r=${clientNonce}`;
    const { data, state } = await stepOn(`n,,${bare}`);
    expect(textOf(data)).toMatch(/^r=fyko\+d2lbbFgONRv9qkxdawL[A-Za-z0-9+/]{24},s=[A-Za-z0-9+/]{22}==,i=1000$/u);
    const { text, serverFinal } = answer(bare, textOf(data), "pencil");
    expect(await step(text, { state })).toEqual({ kind: "allow", username: "alice", data: utf8(serverFinal) });
  });

  test("a client that only named the method is asked to begin, with nothing", async () => {
    for (const data of [{}, { data: new Uint8Array() }]) {
      const verdict = (await exchange(config, { ...request, ...data })) as Continue;
      expect(verdict).toMatchObject({ kind: "continue", data: new Uint8Array() });
      const bare = `n=alice,r=${clientNonce}`;
      const { data: serverFirst, state } = await stepOn(`n,,${bare}`, { state: verdict.state });
      const final = answer(bare, textOf(serverFirst), "pencil");
      expect(await step(final.text, { state })).toMatchObject({ kind: "allow", username: "alice" });
    }
  });

  test("a client that was asked to begin must", async () => {
    const { state } = await stepOn("");
    expect(await step("", { state })).toEqual(refusal(reasonCode.notAuthorized));
    const withoutData = await exchange(config, { ...request, state });
    expect(withoutData).toEqual(refusal(reasonCode.notAuthorized));
  });

  test("a client that would bind the channel, if it could, is served; its header is signed", async () => {
    const bare = `n=alice,r=${clientNonce}`;
    const { data, state } = await stepOn(`y,,${bare}`);
    expect(await step(answer(bare, textOf(data), "pencil", "eSws").text, { state })).toMatchObject({ kind: "allow" });
    expect(await step(answer(bare, textOf(data), "pencil", "biws").text, { state })).toEqual(
      refusal(reasonCode.notAuthorized),
    );
  });

  test("a name with a comma and an equals sign logs in", async () => {
    expect(await logIn({ saslName: "a=2Cb=3Dc", password: "stift" })).toMatchObject({
      kind: "allow",
      username: "a,b=c",
    });
  });

  test("every exchange has a nonce of its own, so that what was heard once is worth nothing", async () => {
    const bare = `n=alice,r=${clientNonce}`;
    const [one, two] = [await stepOn(`n,,${bare}`), await stepOn(`n,,${bare}`)];
    expect(one.data).not.toEqual(two.data);
    const heard = answer(bare, textOf(one.data), "pencil").text;
    expect(await step(heard, { state: one.state })).toMatchObject({ kind: "allow" });
    expect(await step(heard, { state: two.state })).toEqual(refusal(reasonCode.notAuthorized));
  });

  test("the exchange of RFC 7677 §3, whole", async () => {
    const password = "$pbkdf2-sha256$i=4096$W22ZaJ0SNY7soEsUEjb6gQ$xKSVEDI6tPlSysH6mUQZOeeOp01r6B3fcJbodRPcYV0";
    const list = parseUsers([{ name: "user", password }]);
    const settings = { ...config, users: list.ok ? list.value : [] };
    const asked = { ...request, data: utf8("n,,n=user,r=rOprNGfwEbeRWgbNEkqO") };
    const first = (await exchange(settings, asked, () => "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0")) as Continue;
    expect(textOf(first.data)).toBe(
      "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
    );
    const final =
      "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
    expect(await step(final, { state: first.state }, settings)).toEqual({
      kind: "allow",
      username: "user",
      data: utf8("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="),
    });
  });
});

describe("refusals", () => {
  test.each(["SCRAM-SHA-1", "scram-sha-256", "SCRAM-SHA-256-PLUS", "PLAIN", ""])(
    "[MQTT-4.12.0-1] the method %o is not served: 0x8C",
    async (method) => {
      const verdict = await step("n,,n=alice,r=abc", { method });
      expect(verdict).toEqual(refusal(reasonCode.badAuthenticationMethod));
    },
  );

  test("[MQTT-4.12.0-1] a broker without users serves no method: 0x8C", async () => {
    const verdict = await step("n,,n=alice,r=abc", {}, { ...config, users: [] });
    expect(verdict).toEqual(refusal(reasonCode.badAuthenticationMethod));
  });

  test("[MQTT-4.12.0-4] a wrong password is refused with 0x86", async () => {
    expect(await logIn({ password: "pencil" })).toMatchObject({ kind: "allow" });
    expect(await logIn({ password: "Pencil" })).toEqual(refusal(reasonCode.badUserNameOrPassword));
  });

  test("[MQTT-4.12.0-4] an unknown user is refused as for a wrong password, and not before the proof", async () => {
    const wrong = await logIn({ password: "wrong" });
    expect(await logIn({ saslName: "mallory" })).toEqual(wrong);
  });

  test("what an unknown user sees has the shape of what a known one sees, and stays", async () => {
    const shapeOf = (text: string): string => text.replaceAll(/(?<=[rs]=)[^,=]+/gu, ({ length }) => `<${length}>`);
    const seen = async (name: string): Promise<string> => textOf((await stepOn(`n,,n=${name},r=${clientNonce}`)).data);
    const saltOf = (text: string): string | undefined => /s=([^,]*)/u.exec(text)?.[1];
    const [known, unknown, older] = [await seen("alice"), await seen("mallory"), await seen("older")];
    expect(shapeOf(unknown)).toBe(shapeOf(known));
    expect(shapeOf(older)).toBe(shapeOf(known));
    expect(saltOf(await seen("mallory"))).toBe(saltOf(unknown));
    expect(saltOf(await seen("mallorx"))).not.toBe(saltOf(unknown));
  });

  test("a user whose hash is of another kind is refused as for a wrong password; the log says why", async () => {
    expect(await logIn({ saslName: "older" })).toEqual({
      kind: "refuse",
      reasonCode: reasonCode.badUserNameOrPassword,
      detail: expect.stringContaining("pbkdf2-sha256") as string,
    });
  });

  test("a namespace that the user may not enter is refused with 0x87, after the proof", async () => {
    expect(await logIn({ more: { namespace: "lab" } })).toMatchObject({ kind: "allow" });
    const elsewhere = { namespace: "other" };
    expect(await logIn({ more: elsewhere })).toEqual(refusal(reasonCode.notAuthorized));
    expect(await logIn({ more: elsewhere, password: "wrong" })).toEqual(refusal(reasonCode.badUserNameOrPassword));
  });

  test.each([
    ["channel binding", "p=tls-exporter,,n=alice,r=abc"],
    ["the reserved extension", "n,,m=1,n=alice,r=abc"],
    ["the right to act for another", "n,a=root,n=alice,r=abc"],
    ["client-final before client-first", `c=biws,r=abc,p=${"A".repeat(43)}=`],
    ["a line end", "n,,n=alice,r=abc\n"],
    ["U+0000", "n,,n=al\0ice,r=abc"],
    ["a byte order mark", "\uFEFFn,,n=alice,r=abc"],
    ["no sense", "hello"],
  ])("[MQTT-4.12.0-4] a first step with %s is refused with 0x87", async (_, data) => {
    expect(await step(data)).toEqual(refusal(reasonCode.notAuthorized));
  });

  test("[MQTT-4.12.0-4] bytes that are not UTF-8 are refused with 0x87", async () => {
    const data = Uint8Array.of(...utf8("n,,n=alic"), 0xff, ...utf8(",r=abc"));
    expect(await exchange(config, { ...request, data })).toEqual(refusal(reasonCode.notAuthorized));
  });

  test.each([
    ["another nonce", (text: string) => text.replace(clientNonce, clientNonce.toUpperCase())],
    ["the client's half of the nonce alone", (text: string) => text.replace(/r=[^,]+/u, `r=${clientNonce}`)],
    ["another header in c=", (text: string) => text.replace("c=biws", "c=eSws")],
    ["the reserved extension", (text: string) => text.replace(",p=", ",m=1,p=")],
    ["a proof that is cut short", (text: string) => text.slice(0, -4)],
    ["a second client-first", () => `n,,n=alice,r=${clientNonce}`],
    ["nothing", () => ""],
  ])("[MQTT-4.12.0-4] a last step with %s is refused with 0x87", async (_, spoil) => {
    expect(await logIn({ spoil })).toEqual(refusal(reasonCode.notAuthorized));
  });

  test("what was added to client-final must have been signed", async () => {
    const verdict = await logIn({ spoil: (text) => text.replace(",p=", ",x=1,p=") });
    expect(verdict).toEqual(refusal(reasonCode.badUserNameOrPassword));
  });

  test("more than 1,024 bytes of data are refused with 0x97, in either step; 1,024 are not, and make no large state", async () => {
    const start = "n,,n=alice,r=";
    const longest = start + "x".repeat(1024 - start.length);
    const { state } = await stepOn(longest);
    expect(state.length).toBeLessThan(1500);
    expect(await step(`${longest}x`)).toEqual(refusal(reasonCode.quotaExceeded));
    expect(await step(`${longest}x`, { state })).toEqual(refusal(reasonCode.quotaExceeded));
  });
});

describe("re-authentication", () => {
  const more = { username: "alice" };

  test("[MQTT-4.12.1-1] the same user may prove itself again", async () => {
    expect(await logIn({ more })).toMatchObject({ kind: "allow", username: "alice" });
  });

  test("[MQTT-4.12.1-2] another user is refused with 0x87, right password or not", async () => {
    expect(await step("n,,n=a=2Cb=3Dc,r=abc", more)).toEqual(refusal(reasonCode.notAuthorized));
    const bare = `n=a=2Cb=3Dc,r=${clientNonce}`;
    const { data, state } = await stepOn(`n,,${bare}`);
    const final = answer(bare, textOf(data), "stift").text;
    expect(await step(final, { state })).toMatchObject({ kind: "allow" });
    expect(await step(final, { ...more, state })).toEqual(refusal(reasonCode.notAuthorized));
  });

  test("[MQTT-4.12.1-2] a wrong proof is refused with 0x87, since DISCONNECT has no 0x86", async () => {
    expect(await logIn({ more, password: "wrong" })).toEqual(refusal(reasonCode.notAuthorized));
  });

  test("an authenticator that cannot answer is 0x88 in CONNACK and 0x89 in DISCONNECT, which has no 0x88", () => {
    expect(refuse({}, reasonCode.serverUnavailable, "x")).toEqual(refusal(reasonCode.serverUnavailable));
    expect(refuse(more, reasonCode.serverUnavailable, "x")).toEqual(refusal(reasonCode.serverBusy));
  });
});

describe("the state", () => {
  const bare = `n=alice,r=${clientNonce}`;

  test.each([
    ["empty", ""],
    ["of another version", "2\nabc\nn,,n=alice,r=abc"],
    ["garbage", "\0\u0001garbage"],
    ["without client-first", "1\nabc"],
    ["with a client-first that is none", "1\nabc\nhello"],
    ["without the server's nonce", "1\n\nn,,n=alice,r=abc"],
    ["with a line too many", "1\nabc\nn,,n=alice,r=abc\n"],
  ])("one that is %s is a server that is unavailable", async (_, state) => {
    const final = `c=biws,r=abcabc,p=${"A".repeat(43)}=`;
    expect(await step(final, { state: utf8(state) })).toEqual(refusal(reasonCode.serverUnavailable));
  });

  test("one whose user was exchanged lets nobody in", async () => {
    const { data, state } = await stepOn(`n,,${bare}`);
    const final = answer(bare, textOf(data), "pencil").text;
    const changed = textOf(state).replace("n=alice", "n=a=2Cb=3Dc");
    expect(await step(final, { state })).toMatchObject({ kind: "allow" });
    expect(await step(final, { state: utf8(changed) })).toEqual(refusal(reasonCode.badUserNameOrPassword));
  });

  test("one whose nonce was exchanged lets nobody in", async () => {
    const { data, state } = await stepOn(`n,,${bare}`);
    const final = answer(bare, textOf(data), "pencil").text;
    const [version, , text] = textOf(state).split("\n");
    const changed = utf8([version, "0".repeat(24), text].join("\n"));
    expect(await step(final, { state: changed })).toEqual(refusal(reasonCode.notAuthorized));
  });

  test("it holds nothing of the password or its hash", async () => {
    const { state } = await stepOn(`n,,${bare}`);
    expect(textOf(state)).toMatch(/^1\n[A-Za-z0-9+/]{24}\nn,,n=alice,r=fyko\+d2lbbFgONRv9qkxdawL$/u);
  });
});

test("a secret that cannot be had is a server that is unavailable, not a wrong password", async () => {
  const secret = async (): Promise<never> => {
    throw new Error("gone");
  };
  const verdict = await step("n,,n=alice,r=abc", {}, { ...config, secret });
  expect(verdict).toEqual({ kind: "refuse", reasonCode: reasonCode.serverUnavailable, detail: "the exchange failed" });
});
