// What SCRAM needs of a user. A PBKDF2-SHA256 hash with a key of 32 bytes is SCRAM's SaltedPassword as it stands, so
// such users need nothing new. Everybody else, unknown names included, gets a credential that no proof fits and that
// looks like the others: the same salt each time it is asked for.

import { hmacSha256, type ScramCredential } from "./scram.ts";
import type { User } from "./users.ts";

export type FoundCredential = ScramCredential &
  (
    | { readonly kind: "real"; readonly user: User }
    /** `why` is for the log. */
    | { readonly kind: "fake"; readonly why: string }
  );

const keyBytes = 32;
interface Shape {
  readonly saltBytes: number;
  readonly iterations: number;
}

/** What `npm run user` makes. */
const usual: Shape = { saltBytes: 16, iterations: 100_000 };

/**
 * The credential of a name.
 * @param secret fakes salts. It must be random and stay the same: whoever could compute it would tell fake salts from
 * real ones; and if it came from the users' hashes, a fake salt would let a stranger try passwords at home.
 */
export async function findCredential(
  users: readonly User[],
  secret: Uint8Array<ArrayBuffer>,
  name: string,
): Promise<FoundCredential> {
  // Made in any case: a known name must not be the quicker one.
  const fake = await fakeCredential(users, secret, name);
  const user = users.find((one) => one.name === name);
  if (user === undefined) return { kind: "fake", why: "unknown user or wrong password", ...fake };
  const credential = credentialOf(user);
  if (credential === undefined) {
    return { kind: "fake", why: "the user's password hash is not pbkdf2-sha256, which SCRAM-SHA-256 needs", ...fake };
  }
  return { kind: "real", user, ...credential };
}

function credentialOf({ password: { cost, salt, key } }: User): ScramCredential | undefined {
  if (cost.kind !== "pbkdf2" || cost.digest !== "SHA-256" || key.length !== keyBytes) return undefined;
  return { salt, iterations: cost.iterations, saltedPassword: new Uint8Array(key) };
}

/** Where users differ in cost or length of salt, the name decides whose shape is shown: always the same one. */
async function fakeCredential(
  users: readonly User[],
  secret: Uint8Array<ArrayBuffer>,
  name: string,
): Promise<ScramCredential> {
  const shapes = users.flatMap((user) => shapeOf(credentialOf(user)));
  const [choice = 0] = await hmacSha256(secret, `shape ${name}`);
  const { saltBytes, iterations } = shapes[choice % shapes.length] ?? usual;
  // A salt may have up to 64 bytes; a hash has 32.
  const salt = [...(await hmacSha256(secret, `salt 1 ${name}`)), ...(await hmacSha256(secret, `salt 2 ${name}`))];
  return {
    salt: Uint8Array.from(salt.slice(0, saltBytes)),
    iterations,
    saltedPassword: crypto.getRandomValues(new Uint8Array(keyBytes)),
  };
}

const shapeOf = (credential: ScramCredential | undefined): Shape[] =>
  credential === undefined ? [] : [{ saltBytes: credential.salt.length, iterations: credential.iterations }];
