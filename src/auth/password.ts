// Password hashes: read, made and verified. PBKDF2 runs in WebCrypto, scrypt in node:crypto; both exist in workerd
// (compatibility date 2026-08-04 or later) and in Node.
//
//   $pbkdf2-sha256$i=100000$salt$key    $pbkdf2-sha512$…    $scrypt$ln=14,r=8,p=1$salt$key    (base64 without padding)

import { scrypt, timingSafeEqual } from "node:crypto";

export type PasswordCost =
  | { readonly kind: "pbkdf2"; readonly digest: "SHA-256" | "SHA-512"; readonly iterations: number }
  | {
      readonly kind: "scrypt";
      /** Binary logarithm of N. */
      readonly costLog2: number;
      readonly blockSize: number;
      readonly parallelization: number;
    };

export interface PasswordHash {
  readonly cost: PasswordCost;
  readonly salt: Uint8Array<ArrayBuffer>;
  readonly key: Uint8Array;
}

/** What `npm run user` makes. Cloudflare refuses PBKDF2 above 100,000 iterations, in production only. */
export const pbkdf2Cost: PasswordCost = { kind: "pbkdf2", digest: "SHA-256", iterations: 100_000 };
/** 16 MB of the isolate's 128 MB while it runs. */
export const scryptCost: PasswordCost = { kind: "scrypt", costLog2: 14, blockSize: 8, parallelization: 1 };

const fewestIterations = 1_000;
const mostIterations = 100_000;
/** Of memory: N × r × 128 bytes. An isolate has 128 MB for everything. */
const mostScryptBytes = 64 * 1024 * 1024;
const mostScryptCostLog2 = 20;
const mostParallelization = 16;
const saltBytes = { fewest: 8, made: 16, most: 64 };
const keyBytes = { fewest: 16, made: 32, most: 64 };

/** Whether `password` is the one that `hash` was made from. Takes the same time for every wrong password. */
export async function verifyPassword(hash: PasswordHash, password: Uint8Array): Promise<boolean> {
  return timingSafeEqual(await derive(hash.cost, password, hash.salt, hash.key.length), hash.key);
}

/** The hash string of a new password, with a salt of its own. */
export async function hashPassword(password: Uint8Array, cost: PasswordCost): Promise<string> {
  const salt = crypto.getRandomValues(new Uint8Array(saltBytes.made));
  return formatHash({ cost, salt, key: await derive(cost, password, salt, keyBytes.made) });
}

/** A hash that no password has, to spend on an unknown user what a known one costs. */
export const dummyHash = (cost: PasswordCost): PasswordHash => ({
  cost,
  salt: new Uint8Array(saltBytes.made),
  key: new Uint8Array(keyBytes.made),
});

/** Reads a hash string. A string is a sentence that says what is wrong with it, without a part of it. */
export function parsePasswordHash(text: string): PasswordHash | string {
  const [before, algorithm, parameters, salt, key, ...rest] = text.split("$");
  if (before !== "" || key === undefined || rest.length > 0) return notAHash;
  const cost = parseCost(algorithm ?? "", parameters ?? "");
  if (typeof cost === "string") return cost;
  const saltValue = decodeBase64(salt ?? "", saltBytes);
  const keyValue = decodeBase64(key, keyBytes);
  if (saltValue === undefined || keyValue === undefined) return "salt or key are not base64 of a sensible length";
  return { cost, salt: saltValue, key: keyValue };
}

const notAHash = "not a password hash: make one with `npm run user -- NAME`";

function parseCost(algorithm: string, parameters: string): PasswordCost | string {
  switch (algorithm) {
    case "pbkdf2-sha256":
      return parsePbkdf2Cost("SHA-256", parameters);
    case "pbkdf2-sha512":
      return parsePbkdf2Cost("SHA-512", parameters);
    case "scrypt":
      return parseScryptCost(parameters);
    default:
      return notAHash;
  }
}

function parsePbkdf2Cost(digest: "SHA-256" | "SHA-512", parameters: string): PasswordCost | string {
  const iterations = Number(/^i=(\d{1,9})$/u.exec(parameters)?.[1]);
  if (iterations >= fewestIterations && iterations <= mostIterations) return { kind: "pbkdf2", digest, iterations };
  return `PBKDF2 takes i=${fewestIterations} to i=${mostIterations} (Cloudflare refuses more)`;
}

function parseScryptCost(parameters: string): PasswordCost | string {
  const found = /^ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})$/u.exec(parameters);
  if (found === null) return "scrypt takes parameters like ln=14,r=8,p=1";
  const [costLog2, blockSize, parallelization] = [Number(found[1]), Number(found[2]), Number(found[3])];
  const isInRange =
    Math.min(costLog2, blockSize, parallelization) >= 1 &&
    costLog2 <= mostScryptCostLog2 &&
    parallelization <= mostParallelization;
  if (!isInRange || scryptBytes(costLog2, blockSize) > mostScryptBytes) {
    return `scrypt takes at most 64 MB (128 × r × 2^ln) and p=${mostParallelization}`;
  }
  return { kind: "scrypt", costLog2, blockSize, parallelization };
}

const scryptBytes = (costLog2: number, blockSize: number): number => 128 * blockSize * 2 ** costLog2;

function derive(
  cost: PasswordCost,
  password: Uint8Array,
  salt: Uint8Array<ArrayBuffer>,
  length: number,
): Promise<Uint8Array> {
  return cost.kind === "pbkdf2"
    ? derivePbkdf2(cost, password, salt, length)
    : deriveScrypt(cost, password, salt, length);
}

async function derivePbkdf2(
  cost: PasswordCost & { kind: "pbkdf2" },
  password: Uint8Array,
  salt: Uint8Array<ArrayBuffer>,
  length: number,
): Promise<Uint8Array> {
  const material = await crypto.subtle.importKey("raw", new Uint8Array(password), "PBKDF2", false, ["deriveBits"]);
  const algorithm = { name: "PBKDF2", hash: cost.digest, salt, iterations: cost.iterations };
  return new Uint8Array(await crypto.subtle.deriveBits(algorithm, material, length * 8));
}

function deriveScrypt(
  cost: PasswordCost & { kind: "scrypt" },
  password: Uint8Array,
  salt: Uint8Array,
  length: number,
): Promise<Uint8Array> {
  // Twice what the table needs: the default refuses 32 MB, and the check counts more than the table.
  const maxmem = 2 * mostScryptBytes;
  const options = { N: 2 ** cost.costLog2, r: cost.blockSize, p: cost.parallelization, maxmem };
  return new Promise((resolve, reject) => {
    scrypt(password, salt, length, options, (error, key) => (error ? reject(error) : resolve(key)));
  });
}

function formatHash({ cost, salt, key }: PasswordHash): string {
  return `$${formatCost(cost)}$${encodeBase64(salt)}$${encodeBase64(key)}`;
}

function formatCost(cost: PasswordCost): string {
  if (cost.kind === "scrypt") return `scrypt$ln=${cost.costLog2},r=${cost.blockSize},p=${cost.parallelization}`;
  return `pbkdf2-${cost.digest === "SHA-256" ? "sha256" : "sha512"}$i=${cost.iterations}`;
}

const encodeBase64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes)).replace(/=+$/u, "");

function decodeBase64(
  text: string,
  length: { readonly fewest: number; readonly most: number },
): Uint8Array<ArrayBuffer> | undefined {
  // One character over a group of four is no whole byte.
  if (!/^[A-Za-z0-9+/]+$/u.test(text) || text.length % 4 === 1) return undefined;
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  return bytes.length >= length.fewest && bytes.length <= length.most ? bytes : undefined;
}
