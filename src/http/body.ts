// Request bodies: read to a limit, counted as they stream in (a Content-Length may be absent or lie), and parsed.

import { fail, ok, type Result } from "../core/brand.ts";
import type { LimitName } from "../core/limits.ts";
import { reasonCode } from "../core/reason-code.ts";
import { problem, type Problem } from "./problem.ts";
import { decodeUtf8 } from "./utf8.ts";

export interface BodyLimit {
  readonly bytes: number;
  /** The row of the limits table that it comes from, for the log. */
  readonly name?: LimitName;
}

/** The whole body. Fails with 413 beyond the limit and 415 for a compressed one. */
export async function readBody(request: Request, limit: BodyLimit): Promise<Result<Uint8Array, Problem>> {
  const encoding = request.headers.get("content-encoding") ?? "identity";
  if (encoding.toLowerCase() !== "identity") {
    return fail(problem(415, "compressed bodies are not taken", { headers: { "accept-encoding": "identity" } }));
  }
  if (Number(request.headers.get("content-length") ?? 0) > limit.bytes) return fail(tooLarge(limit));
  if (request.body === null) return ok(new Uint8Array(0));
  const reader: ReadableStreamDefaultReader<Uint8Array> = request.body.getReader();
  return collect(reader, limit);
}

async function collect(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  limit: BodyLimit,
): Promise<Result<Uint8Array, Problem>> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return ok(concatenate(parts, length));
    length += value.length;
    if (length > limit.bytes) {
      // What is still under way is not waited for.
      void reader.cancel().catch(() => undefined);
      return fail(tooLarge(limit));
    }
    parts.push(value);
  }
}

function concatenate(parts: readonly Uint8Array[], length: number): Uint8Array {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

const tooLarge = (limit: BodyLimit): Problem =>
  problem(413, `the body has more than ${limit.bytes} bytes`, {
    reasonCode: reasonCode.packetTooLarge,
    note: { limit: limit.name ?? "body" },
  });

/** Strict UTF-8 and JSON; fails with 400. */
export function parseJson(body: Uint8Array): Result<unknown, Problem> {
  try {
    return ok(JSON.parse(decodeUtf8(body) ?? "") as unknown);
  } catch {
    // The parser's own message quotes the body.
    return fail(notJson);
  }
}

const notJson = problem(400, "the body is not JSON in UTF-8", {
  reasonCode: reasonCode.implementationSpecificError,
});

/** Bytes of base64 with or without padding; `undefined` where it is none. */
export function decodeBase64(text: string): Uint8Array | undefined {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}

export function encodeBase64(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}
