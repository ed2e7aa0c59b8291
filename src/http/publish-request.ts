// What every publishing endpoint does with its checked messages: publish them, once where the request has an idempotency
// key.

import { fail, ok, type Result } from "../core/brand.ts";
import { reasonCode } from "../core/reason-code.ts";
import type { Exchange } from "./deps.ts";
import { claimOf, readIdempotencyKey } from "./idempotency-key.ts";
import type { CheckedMessage } from "./message-check.ts";
import { messageIdOf, newMessageId } from "./message-id.ts";
import { problem, statusOf, type Problem } from "./problem.ts";
import { publishAll, type Verdict } from "./publish-all.ts";
import { publishOnce, type Once } from "./publish-once.ts";

export interface Published {
  /** One for each message, in their order. */
  readonly verdicts: readonly Verdict[];
  /** For the answer. */
  readonly headers: Readonly<Record<string, string>>;
  readonly hasKey: boolean;
  /** The id of the nth message. */
  readonly idOf: (index: number) => string;
}

export interface Requested {
  /** Method and endpoint: a key does not stand for one thing here and another there. */
  readonly operation: string;
  /** The key that the body gave. */
  readonly key?: string | undefined;
}

/** Fails with 400 for a bad key, 409 while it is in use, 422 where it stands for something else, 503 for want of room. */
export async function publishRequested(
  exchange: Exchange,
  messages: readonly CheckedMessage[],
  requested: Requested,
): Promise<Result<Published, Problem>> {
  const key = readIdempotencyKey(exchange.request.headers.get("idempotency-key"), requested.key);
  if (!key.ok) return key;
  if (key.value === undefined) {
    const verdicts = await publishAll(exchange, messages);
    return ok({ verdicts, headers: {}, hasKey: false, idOf: newMessageId });
  }
  const claim = await claimOf(exchange.grant, key.value, requested.operation, messages);
  return publishedOnce(await publishOnce(exchange, messages, claim));
}

function publishedOnce(once: Once): Result<Published, Problem> {
  switch (once.kind) {
    case "answered": {
      const { verdicts, answerId } = once;
      const headers = once.isReplayed ? replayed : {};
      return ok({ verdicts, headers, hasKey: true, idOf: (index) => messageIdOf(answerId, index) });
    }
    case "running":
      return fail(stillRunning);
    case "mismatch":
      return fail(keyReused);
    case "refused":
      return fail(
        problem(statusOf(once.reasonCode), once.detail, {
          reasonCode: once.reasonCode,
          ...(once.limit === undefined ? {} : { note: { limit: once.limit } }),
        }),
      );
  }
}

const replayed = { "idempotency-replayed": "true" };

/** A publish is over within seconds. */
const retryAfterSec = "2";

const stillRunning = problem(409, "a request with this idempotency key is still running", {
  message: "idempotency_key_in_use",
  headers: { "retry-after": retryAfterSec },
});

const keyReused = problem(422, "this idempotency key was used for another request", {
  reasonCode: reasonCode.implementationSpecificError,
  message: "idempotency_key_reused",
});
