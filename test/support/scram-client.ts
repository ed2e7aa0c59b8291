// The client's side of SCRAM-SHA-256 (RFC 5802, RFC 7677), from the RFC and not from our server's side of it.

import { createHash, createHmac, pbkdf2Sync, timingSafeEqual } from "node:crypto";

const hmac = (key: Uint8Array, text: string): Buffer => createHmac("sha256", key).update(text).digest();

export class ScramClient {
  readonly #password: string;
  readonly #bare: string;
  #serverSignature: Buffer | undefined;

  constructor(username: string, password: string, nonce = Math.random().toString(36).slice(2)) {
    this.#password = password;
    this.#bare = `n=${username},r=${nonce}`;
  }

  /** client-first */
  get first(): Buffer {
    return Buffer.from(`n,,${this.#bare}`);
  }

  /** client-final, for a server-first. */
  final(serverFirst: Uint8Array): Buffer {
    const challenge = Buffer.from(serverFirst).toString();
    const [, nonce, salt, iterations] = /^r=([^,]+),s=([^,]+),i=(\d+)$/u.exec(challenge) ?? [];
    if (nonce === undefined || salt === undefined) throw new Error(`not a server-first: ${challenge}`);
    const withoutProof = `c=biws,r=${nonce}`;
    const signed = `${this.#bare},${challenge},${withoutProof}`;
    const salted = pbkdf2Sync(this.#password, Buffer.from(salt, "base64"), Number(iterations), 32, "sha256");
    const clientKey = hmac(salted, "Client Key");
    const signature = hmac(createHash("sha256").update(clientKey).digest(), signed);
    this.#serverSignature = hmac(hmac(salted, "Server Key"), signed);
    const proof = clientKey.map((byte, at) => byte ^ (signature[at] ?? 0));
    return Buffer.from(`${withoutProof},p=${Buffer.from(proof).toString("base64")}`);
  }

  /** Whether a server-final shows that the server knows the password. */
  verifies(serverFinal: Uint8Array | undefined): boolean {
    const text = Buffer.from(serverFinal ?? []).toString();
    const signature = Buffer.from(text.slice("v=".length), "base64");
    const own = this.#serverSignature;
    if (!text.startsWith("v=") || own === undefined || own.length !== signature.length) return false;
    return timingSafeEqual(own, signature);
  }
}
