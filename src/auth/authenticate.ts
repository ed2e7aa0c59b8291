// Who a client is: a chain of authenticators, asked in order. The first verdict counts; where nobody has one the client
// is refused. It runs outside the shard, because hashing takes time; the verdict comes back as an input.

import type { ProtocolVersion } from "../core/packet.ts";
import { reasonCode } from "../core/reason-code.ts";
import { dummyHash, verifyPassword } from "./password.ts";
import type { User } from "./users.ts";

/** What CONNECT said of its sender. It crosses an RPC: fields are added, never renamed. */
export interface AuthRequest {
  readonly namespace: string;
  readonly clientId: string;
  readonly protocolVersion: ProtocolVersion;
  readonly username?: string;
  readonly password?: Uint8Array;
}

export type AuthVerdict =
  /** Without a user name: an anonymous client, whatever name it gave. */
  | { readonly kind: "allow"; readonly username?: string }
  | {
      readonly kind: "refuse";
      readonly reasonCode:
        | typeof reasonCode.badUserNameOrPassword
        | typeof reasonCode.notAuthorized
        | typeof reasonCode.serverUnavailable;
      /** For the log. Never a secret. */
      readonly detail: string;
    };

/** `ignore`: the next one may decide. */
export type Authenticator = (request: AuthRequest) => Promise<AuthVerdict | "ignore">;

type Refusal = Extract<AuthVerdict, { kind: "refuse" }>;

const refuse = (code: Refusal["reasonCode"], detail: string): Refusal => ({
  kind: "refuse",
  reasonCode: code,
  detail,
});

/** The authenticators of a configuration, in order. */
export const authenticatorsOf = (config: {
  readonly open: boolean;
  readonly users: readonly User[];
}): readonly Authenticator[] => [...(config.open ? [allowAnonymous] : []), authenticateUsers(config.users)];

/** Asks one after the other. One that throws ends the chain with 0x88: a broken check is not a wrong password. */
export async function authenticate(chain: readonly Authenticator[], request: AuthRequest): Promise<AuthVerdict> {
  try {
    for (const ask of chain) {
      const verdict = await ask(request);
      if (verdict !== "ignore") return verdict;
    }
  } catch {
    return refuse(reasonCode.serverUnavailable, "an authenticator failed");
  }
  return request.username === undefined
    ? refuse(reasonCode.notAuthorized, "no credentials")
    : refuse(reasonCode.badUserNameOrPassword, wrongCredentials);
}

/** The same words for an unknown user and a wrong password. */
const wrongCredentials = "unknown user or wrong password";

/** Takes everybody, and believes nobody's name. */
const allowAnonymous: Authenticator = async () => ({ kind: "allow" });

/** User name and password against a list. An unknown name costs what a wrong password costs. */
export function authenticateUsers(users: readonly User[]): Authenticator {
  const byName = new Map(users.map((user) => [user.name, user]));
  return async ({ username, password, namespace }) => {
    if (username === undefined || password === undefined) return "ignore";
    const user = byName.get(username);
    if (user === undefined) {
      await spendAsOn(users, username, password);
      return "ignore";
    }
    if (!(await verifyPassword(user.password, password))) {
      return refuse(reasonCode.badUserNameOrPassword, wrongCredentials);
    }
    if (user.namespaces.has(namespace)) return { kind: "allow", username };
    return refuse(reasonCode.notAuthorized, "the user may not enter this namespace");
  };
}

/** Where costs differ from user to user, the name decides whose is spent: always the same one for the same name. */
async function spendAsOn(users: readonly User[], username: string, password: Uint8Array): Promise<void> {
  let sum = 0;
  for (const character of username) sum += character.codePointAt(0) ?? 0;
  const model = users[sum % users.length];
  if (model !== undefined) await verifyPassword(dummyHash(model.password.cost), password);
}
