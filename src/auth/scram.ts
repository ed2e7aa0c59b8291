// SCRAM-SHA-256 (RFC 5802, RFC 7677), the server's side: the four messages of an exchange, read and written, and the
// check of the proof. No channel binding: the socket is not ours to look into.
//
//   client-first   n,,n=alice,r=CLIENTNONCE
//   server-first   r=CLIENTNONCE+SERVERNONCE,s=SALT,i=100000
//   client-final   c=biws,r=CLIENTNONCE+SERVERNONCE,p=PROOF
//   server-final   v=SIGNATURE

import { timingSafeEqual } from "node:crypto";
import { fail, ok, type Result } from "../core/brand.ts";

export interface ClientFirst {
  /** `n,,` or `y,,`, with the authorization identity where there is one. The client repeats it in `c=`. */
  readonly gs2Header: string;
  /** What follows the header; a part of what is signed. */
  readonly bare: string;
  readonly username: string;
  readonly nonce: string;
}

export interface ClientFinal {
  /** `c=`, still in base64. */
  readonly channelBinding: string;
  readonly nonce: string;
  /** What comes before `,p=`; a part of what is signed. */
  readonly withoutProof: string;
  readonly proof: Uint8Array;
}

/** What the server holds of a user: SaltedPassword and how it came about. */
export interface ScramCredential {
  readonly salt: Uint8Array;
  readonly iterations: number;
  readonly saltedPassword: Uint8Array<ArrayBuffer>;
}

/** No comma, and nothing but printable ASCII. */
const noncePattern = "[\\x21-\\x2b\\x2d-\\x7e]+";
/** Attributes that we do not know may follow; `m=` is the one that must not be passed over. */
const extensionsPattern = "(?:,[A-Za-ln-z]=[^,]*)*";
/** 32 bytes in base64. */
const proofPattern = "[A-Za-z0-9+/]{43}=";

const clientFirstForm = new RegExp(`^n=([^,]+),r=(${noncePattern})${extensionsPattern}$`, "u");
const clientFinalForm = new RegExp(
  `^(c=([A-Za-z0-9+/=]+),r=(${noncePattern})${extensionsPattern}),p=(${proofPattern})$`,
  "u",
);
const serverNonceForm = new RegExp(`^${noncePattern}$`, "u");

/** Reads a client-first message. Fails with a sentence for the log. */
export function parseClientFirst(text: string): Result<ClientFirst, string> {
  const [, flag, authorizationName, bare] = /^([^,]*),(?:a=([^,]+))?,(.*)$/u.exec(text) ?? [];
  if (flag === undefined || bare === undefined) return fail("client-first has no GS2 header");
  if (flag.startsWith("p=")) return fail("channel binding is not offered");
  if (flag !== "n" && flag !== "y") return fail("client-first has an unknown channel binding flag");
  if (bare.startsWith("m=")) return fail("client-first wants an extension that does not exist");
  const [, saslName, nonce] = clientFirstForm.exec(bare) ?? [];
  const username = saslName === undefined ? undefined : unescapeName(saslName);
  if (username === undefined || nonce === undefined) return fail("client-first is malformed");
  // Nobody acts for another: the one identity may be said twice.
  if (authorizationName !== undefined && unescapeName(authorizationName) !== username) {
    return fail("the authorization identity is not the user");
  }
  return ok({ gs2Header: text.slice(0, text.length - bare.length), bare, username, nonce });
}

/** Reads a client-final message. Fails with a sentence for the log. */
export function parseClientFinal(text: string): Result<ClientFinal, string> {
  const [, withoutProof, channelBinding, nonce, proof] = clientFinalForm.exec(text) ?? [];
  if (withoutProof === undefined || channelBinding === undefined || nonce === undefined || proof === undefined) {
    return fail("client-final is malformed");
  }
  return ok({ channelBinding, nonce, withoutProof, proof: fromBase64(proof) });
}

/** Whether a text may be the server's part of a nonce. */
export const isServerNonce = (text: string): boolean => serverNonceForm.test(text);

/** 18 bytes are 24 characters without padding; RFC 5802 leaves the length to us. */
const serverNonceBytes = 18;

export const makeServerNonce = (): string => toBase64(crypto.getRandomValues(new Uint8Array(serverNonceBytes)));

export const formatServerFirst = (first: ClientFirst, serverNonce: string, credential: ScramCredential): string =>
  `r=${first.nonce}${serverNonce},s=${toBase64(credential.salt)},i=${credential.iterations}`;

/** What is wrong with a client-final before its proof is looked at: another header than before, or another nonce. */
export function findMismatch(first: ClientFirst, serverNonce: string, final: ClientFinal): string | undefined {
  if (final.channelBinding !== toBase64(new TextEncoder().encode(first.gs2Header))) return "c= is not the GS2 header";
  if (final.nonce !== first.nonce + serverNonce) return "the nonce is another one";
  return undefined;
}

/**
 * Checks the proof: H(proof XOR HMAC(StoredKey, AuthMessage)) must be StoredKey. It takes the same time whatever the
 * proof is.
 * @returns server-final, by which the client knows that the server knows the password too; `undefined`: a wrong proof.
 */
export async function verifyProof(
  first: ClientFirst,
  serverFirst: string,
  final: ClientFinal,
  credential: ScramCredential,
): Promise<string | undefined> {
  const authMessage = `${first.bare},${serverFirst},${final.withoutProof}`;
  const storedKey = await sha256(await hmacSha256(credential.saltedPassword, "Client Key"));
  const clientSignature = await hmacSha256(storedKey, authMessage);
  const clientKey = final.proof.map((byte, index) => byte ^ (clientSignature[index] ?? 0));
  const isRight = timingSafeEqual(await sha256(clientKey), storedKey);
  const serverKey = await hmacSha256(credential.saltedPassword, "Server Key");
  const serverFinal = `v=${toBase64(await hmacSha256(serverKey, authMessage))}`;
  return isRight ? serverFinal : undefined;
}

/** `=2C` is a comma and `=3D` an equals sign; any other `=` is an error. */
function unescapeName(text: string): string | undefined {
  if (/=(?!2C|3D)/u.test(text)) return undefined;
  return text.replaceAll("=2C", ",").replaceAll("=3D", "=");
}

export async function hmacSha256(key: Uint8Array<ArrayBuffer>, text: string): Promise<Uint8Array<ArrayBuffer>> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const imported = await crypto.subtle.importKey("raw", key, algorithm, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, new TextEncoder().encode(text)));
}

const sha256 = async (bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> =>
  new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));

const toBase64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes));

const fromBase64 = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
