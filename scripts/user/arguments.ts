// The command line of `npm run user`.

import { parseArgs } from "node:util";

export interface UserArguments {
  readonly name: string;
  /** Lines like `topic read a/#`; absent where none was given. */
  readonly acl?: readonly string[];
  readonly namespaces?: readonly string[];
  readonly scrypt: boolean;
  /** A file with the value of USERS to add to. */
  readonly usersFile?: string;
}

export const usage =
  "usage: npm run user -- NAME [--acl 'topic read a/#']... [--namespace N]... [--scrypt] [--users FILE]";

/** Reads the arguments after the program's name. A string says what is wrong with them. */
export function readArguments(argv: readonly string[]): UserArguments | string {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        acl: { type: "string", multiple: true },
        namespace: { type: "string", multiple: true },
        scrypt: { type: "boolean", default: false },
        users: { type: "string" },
      },
    });
    const [name, ...more] = positionals;
    // A second name might be the password: it is not repeated here.
    if (name === undefined || more.length > 0) return `Give one user name; ${usage}`;
    return {
      name,
      scrypt: values.scrypt,
      ...(values.acl === undefined ? {} : { acl: values.acl }),
      ...(values.namespace === undefined ? {} : { namespaces: values.namespace }),
      ...(values.users === undefined ? {} : { usersFile: values.users }),
    };
  } catch {
    return `An argument is not known or has no value; ${usage}`;
  }
}
