// What became of one message that a back end published: told to it, and kept with its idempotency key.

import type { ReasonCode } from "./reason-code.ts";
import type { PublishVerdict } from "./topic-port.ts";

/**
 * - `accepted`: delivered to a live session, queued for a durable one or retained; committed where it must be.
 * - `no-matching-subscribers`: taken, and nobody wants it.
 * - `refused`: with the reason code that a PUBACK would carry (0x87, 0x90, 0x97 …) and a sentence.
 */
export type PublishOutcome =
  | { readonly kind: "accepted" }
  | { readonly kind: "no-matching-subscribers" }
  | {
      readonly kind: "refused";
      readonly reasonCode: ReasonCode;
      readonly detail: string;
      /** Over a rate (0x96): when it may be tried again. */
      readonly retryAfterSec?: number;
    };

export function outcomeOf(verdict: PublishVerdict): PublishOutcome {
  if (verdict.kind === "refused") {
    return { kind: "refused", reasonCode: verdict.violation.reasonCode, detail: verdict.violation.detail };
  }
  return { kind: verdict.matched ? "accepted" : "no-matching-subscribers" };
}
