// `API_TOKENS`: who may use the HTTP API. A token is presented as `Authorization: Bearer {secret}` or
// `Bearer {id}:{secret}`, as Basic with the id as user name, or, where it can only publish, as `?access_token=`.

import { createHash, timingSafeEqual } from "node:crypto";
import * as v from "valibot";
import type { Access } from "../core/access.ts";
import { fail, ok, type Result } from "../core/brand.ts";
import type { AclRule } from "./acl-file.ts";
import { accessByRules, allButSys } from "./acl.ts";
import { aclSchema, findRepeats, nameSchema, namespacesSchema, parseEntries } from "./json-entries.ts";

const scopes = ["publish", "subscribe", "admin", "hooks"] as const;
export type Scope = (typeof scopes)[number];

export interface ApiToken {
  readonly id: string;
  /** SHA-256 of the secret. It needs no slow hash: a secret of 16 or more random characters is not guessed. */
  readonly secretHash: Uint8Array;
  readonly scopes: ReadonlySet<Scope>;
  readonly acl?: readonly AclRule[];
  /** The namespaces it may be used in. */
  readonly namespaces: ReadonlySet<string>;
  /** Epoch ms from which on it is refused. */
  readonly expiresAtMs?: number;
}

/** What a request brought. `query` is `?access_token=`. */
export type PresentedToken =
  | { readonly kind: "bearer" | "query"; readonly secret: string }
  | { readonly kind: "basic"; readonly key: string; readonly secret: string };

const shortestSecret = 16;

const tokenSchema = v.pipe(
  v.strictObject(
    {
      id: v.pipe(nameSchema, v.excludes(":", "must not hold a colon")),
      secret: v.exactOptional(
        v.pipe(
          v.string("must be a text"),
          v.regex(/^[\x21-\x7e]*$/u, "must be printable ASCII without spaces"),
          v.minLength(shortestSecret, `must have at least ${shortestSecret} characters`),
          v.transform(sha256),
        ),
      ),
      sha256: v.exactOptional(
        v.pipe(
          v.string("must be a text"),
          v.regex(/^[0-9a-fA-F]{64}$/u, "must be 64 hexadecimal digits"),
          v.transform(fromHex),
        ),
      ),
      scopes: v.pipe(
        v.array(v.picklist(scopes, `must be one of ${scopes.join(", ")}`), "must be an array"),
        v.minLength(1, "must name a scope"),
        v.transform((names): ReadonlySet<Scope> => new Set(names)),
      ),
      acl: v.exactOptional(aclSchema),
      namespaces: namespacesSchema,
      expires: v.exactOptional(
        v.pipe(
          v.string("must be a text"),
          v.isoTimestamp("must be a time like 2027-01-31T00:00:00Z"),
          v.transform((time) => Date.parse(time)),
        ),
      ),
    },
    "must be an object with id, secret (or sha256) and scopes",
  ),
  v.check(
    (token) => (token.secret === undefined) !== (token.sha256 === undefined),
    "must have secret or sha256, one of them",
  ),
  v.transform(({ id, secret, sha256: hash, expires, acl, ...rest }): ApiToken => ({
    id,
    // `check` saw that there is one.
    secretHash: secret ?? hash ?? new Uint8Array(),
    ...rest,
    ...(acl === undefined ? {} : { acl }),
    ...(expires === undefined ? {} : { expiresAtMs: expires }),
  })),
);

/** Reads `API_TOKENS`, as text or as the array itself. Fails with every problem, each starting with its place. */
export function parseTokens(value: unknown): Result<readonly ApiToken[], readonly string[]> {
  const tokens = parseEntries<ApiToken>(value, tokenSchema);
  if (!tokens.ok) return tokens;
  const ids = tokens.value.map((token) => token.id);
  const hashes = tokens.value.map((token) => token.secretHash.join());
  const repeats = [...findRepeats(ids, "id"), ...findRepeats(hashes, "secret")];
  return repeats.length === 0 ? ok(tokens.value) : fail(repeats);
}

/**
 * What the request presents, from its `Authorization` header and its `access_token` parameter; `undefined` where
 * neither says anything that could be a token. The header wins.
 */
export function readPresentedToken(
  authorization: string | null,
  accessToken: string | null,
): PresentedToken | undefined {
  if (authorization !== null) return readAuthorization(authorization);
  return accessToken === null || accessToken === "" ? undefined : { kind: "query", secret: accessToken };
}

/** The token that was presented, if it is one and has not expired. The time taken does not tell which or how nearly. */
export function resolveToken(
  tokens: readonly ApiToken[],
  presented: PresentedToken,
  nowMs: number,
): ApiToken | undefined {
  const whole = sha256(presented.secret);
  const colon = presented.kind === "basic" ? -1 : presented.secret.indexOf(":");
  const id = presented.kind === "basic" ? presented.key : presented.secret.slice(0, Math.max(colon, 0));
  const afterColon = colon === -1 ? whole : sha256(presented.secret.slice(colon + 1));
  let found: ApiToken | undefined;
  // Every token is looked at, also after a hit.
  for (const token of tokens) {
    const isWhole = timingSafeEqual(token.secretHash, whole) && presented.kind !== "basic";
    const isKeyed = timingSafeEqual(token.secretHash, afterColon) && token.id === id;
    if (isWhole || isKeyed) found = token;
  }
  return found !== undefined && isUsable(found, presented, nowMs) ? found : undefined;
}

/** What a token may do with topics: its own rules within its scopes. The ACL file is about MQTT clients. */
export function accessForToken(token: ApiToken): Access {
  const access = token.acl === undefined ? allButSys : accessByRules(token.acl);
  const [publishes, subscribes] = [token.scopes.has("publish"), token.scopes.has("subscribe")];
  return {
    mayPublish: (topicName) => publishes && access.mayPublish(topicName),
    maySubscribe: (topicFilter) => subscribes && access.maySubscribe(topicFilter),
    mayReceive: (topicName) => subscribes && access.mayReceive(topicName),
  };
}

function isUsable(token: ApiToken, presented: PresentedToken, nowMs: number): boolean {
  if (token.expiresAtMs !== undefined && nowMs >= token.expiresAtMs) return false;
  // URLs end up in histories and logs: only what can do no more than publish may be in one.
  return presented.kind !== "query" || (token.scopes.size === 1 && token.scopes.has("publish"));
}

function readAuthorization(authorization: string): PresentedToken | undefined {
  const [, scheme, value] = /^(\S+) +(\S+) *$/u.exec(authorization) ?? [];
  if (scheme === undefined || value === undefined) return undefined;
  switch (scheme.toLowerCase()) {
    case "bearer":
      return { kind: "bearer", secret: value };
    case "basic":
      return readBasic(value);
    default:
      return undefined;
  }
}

function readBasic(encoded: string): PresentedToken | undefined {
  const text = decodeBase64Text(encoded);
  const colon = text?.indexOf(":") ?? -1;
  if (text === undefined || colon === -1) return undefined;
  return { kind: "basic", key: text.slice(0, colon), secret: text.slice(colon + 1) };
}

function decodeBase64Text(encoded: string): string | undefined {
  try {
    const bytes = Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0));
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function sha256(text: string): Uint8Array {
  return createHash("sha256").update(text, "utf8").digest();
}

function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../gu) ?? [], (byte) => Number.parseInt(byte, 16));
}
