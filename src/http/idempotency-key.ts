// Idempotency keys as callers give them: in the header `Idempotency-Key`, or in the field `idempotency_key` of a JSON
// body.

import { fail, ok, type Result } from "../core/brand.ts";
import { packMessage } from "../core/message-codec.ts";
import { PackedWriter } from "../core/packed.ts";
import type { KeyClaim } from "../objects/shard-api.ts";
import type { Grant } from "./deps.ts";
import type { CheckedMessage } from "./message-check.ts";
import { newMessageId } from "./message-id.ts";
import { problem, type Problem } from "./problem.ts";

const longestKey = 255;

/**
 * The key of a request; `undefined` where it has none. A header in quotes, as a structured field (RFC 8941) is written,
 * is the same key as without. Fails with 400.
 */
export function readIdempotencyKey(
  header: string | null,
  field: string | null | undefined,
): Result<string | undefined, Problem> {
  const quoted = header === null ? undefined : /^"(?<key>[^"\\]*)"$/u.exec(header)?.groups?.["key"];
  const fromHeader = quoted ?? header ?? undefined;
  const key = fromHeader ?? field ?? undefined;
  if (key === undefined) return ok(undefined);
  if (!isKey(key)) return fail(notAKey);
  return typeof field === "string" && field !== key ? fail(twoKeys) : ok(key);
}

/** Whether a text can be an idempotency key. */
export const isKey = (text: string): boolean => text.length <= longestKey && /^[ -~]+$/u.test(text);

const notAKey = problem(400, `an idempotency key has 1 to ${longestKey} printable ASCII characters`, {
  message: "idempotency_key_invalid",
});

const twoKeys = problem(400, "the header Idempotency-Key and the field idempotency_key differ", {
  message: "idempotency_key_invalid",
});

/**
 * What a shard is asked for: the key within its namespace and its owner, and a fingerprint of what it stands for.
 * @param operation method and endpoint, as in `POST /topics`
 */
export async function claimOf(
  grant: Grant,
  key: string,
  operation: string,
  messages: readonly CheckedMessage[],
): Promise<KeyClaim> {
  return {
    // Neither kind holds a space, nor does an id of a token start with one.
    key: `${grant.kind} ${JSON.stringify(grant.name)} ${key}`,
    fingerprint: await fingerprintOf(operation, messages),
    answerId: newMessageId(),
  };
}

/**
 * SHA-256 over the operation and the messages as they are to be published: target, options, properties and payload. How
 * the request spelt them does not count, nor does the token in its URL.
 */
async function fingerprintOf(operation: string, messages: readonly CheckedMessage[]): Promise<Uint8Array> {
  const writer = new PackedWriter(256).string(operation);
  for (const message of messages) writer.bytes(packMessage(message));
  return new Uint8Array(await crypto.subtle.digest("SHA-256", writer.finish()));
}
