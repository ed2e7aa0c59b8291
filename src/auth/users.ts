// `USERS`: who may connect over MQTT with a user name and a password. `npm run user -- NAME` makes an entry.

import * as v from "valibot";
import { fail, type Result } from "../core/brand.ts";
import type { AclRule } from "./acl-file.ts";
import { aclSchema, findRepeats, nameSchema, namespacesSchema, parseEntries } from "./json-entries.ts";
import { parsePasswordHash, type PasswordHash } from "./password.ts";

export interface User {
  readonly name: string;
  readonly password: PasswordHash;
  /** Rules of this user alone. Absent: the ACL file decides, and without one nothing is closed to it. */
  readonly acl?: readonly AclRule[];
  /** The namespaces it may enter. */
  readonly namespaces: ReadonlySet<string>;
}

const passwordSchema = v.pipe(
  v.string("must be a password hash"),
  v.rawTransform(({ dataset, addIssue, NEVER }): PasswordHash => {
    const hash = parsePasswordHash(dataset.value);
    if (typeof hash !== "string") return hash;
    addIssue({ message: `is refused: ${hash}` });
    return NEVER;
  }),
);

const userSchema = v.strictObject(
  {
    name: nameSchema,
    password: passwordSchema,
    acl: v.exactOptional(aclSchema),
    namespaces: namespacesSchema,
  },
  "must be an object with name and password",
);

/** Reads `USERS`, as text or as the array itself. Fails with every problem, each starting with its place. */
export function parseUsers(value: unknown): Result<readonly User[], readonly string[]> {
  const users = parseEntries<User>(value, userSchema);
  if (!users.ok) return users;
  const names = users.value.map((user) => user.name);
  const repeats = findRepeats(names, "name");
  return repeats.length === 0 ? users : fail(repeats);
}
