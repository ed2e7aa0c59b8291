// Entries of USERS as they are written: made, merged into an existing value, checked with the broker's own parser.

import { hashPassword, pbkdf2Cost, scryptCost } from "../../src/auth/password.ts";
import { parseUsers } from "../../src/auth/users.ts";
import type { UserArguments } from "./arguments.ts";

/** As JSON has it; other fields of existing entries are kept as they are. */
export interface UserEntry {
  readonly name: string;
  readonly password: string;
  readonly acl?: readonly string[];
  readonly namespaces?: readonly string[];
}

/** What Workers take for one secret. */
const mostSecretBytes = 5 * 1024;

/** The entry of one user, with the password hashed. */
export async function makeEntry(wanted: UserArguments, password: string): Promise<UserEntry> {
  const cost = wanted.scrypt ? scryptCost : pbkdf2Cost;
  return {
    name: wanted.name,
    password: await hashPassword(new TextEncoder().encode(password), cost),
    ...(wanted.acl === undefined ? {} : { acl: wanted.acl }),
    ...(wanted.namespaces === undefined ? {} : { namespaces: wanted.namespaces }),
  };
}

/** Reads an existing value of USERS. A string says what is wrong with it. */
export function readExisting(text: string): readonly UserEntry[] | string {
  const users = parseUsers(text);
  // The broker's parser has seen that these are entries.
  if (users.ok) return JSON.parse(text) as UserEntry[];
  return `The existing USERS cannot be read: ${users.error.map((problem) => `USERS${problem}`).join("; ")}.`;
}

/** Adds the entry. One of the same name gets the new password and keeps the rules that are not given anew. */
export function mergeEntry(existing: readonly UserEntry[], entry: UserEntry): readonly UserEntry[] {
  if (!existing.some((user) => user.name === entry.name)) return [...existing, entry];
  return existing.map((user) => (user.name === entry.name ? { ...user, ...entry } : user));
}

/** What would keep the broker or Cloudflare from taking these users. */
export function problemWith(entries: readonly UserEntry[]): string | undefined {
  const text = JSON.stringify(entries);
  const users = parseUsers(text);
  if (!users.ok) return `This is no valid entry: ${users.error.map((problem) => `USERS${problem}`).join("; ")}.`;
  const bytes = Buffer.byteLength(text);
  if (bytes <= mostSecretBytes) return undefined;
  return `USERS would have ${bytes} bytes, but Workers take at most 5 KB (${mostSecretBytes} bytes) for a secret.`;
}
