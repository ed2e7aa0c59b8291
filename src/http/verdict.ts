// What HTTP answers for the verdict on one message.

import { reasonCode, type ReasonCode } from "../core/reason-code.ts";
import { layoutChanging } from "./layout-check.ts";
import { problem, reasonName, statusOf, type Problem } from "./problem.ts";
import type { Published } from "./publish-request.ts";
import type { Verdict } from "./publish-all.ts";

/** What a published message is told back; EMQX's names. */
export interface PublishedBody {
  readonly id?: string;
  readonly reason_code?: ReasonCode;
  readonly message?: string;
}

/** For the only message: 200 delivered, queued or retained; 202 nobody wants it; a problem otherwise. */
export function verdictResponse({ verdicts, headers, idOf, hasKey }: Published): Response | Problem {
  const [verdict = { kind: "no-verdict" as const }] = verdicts;
  switch (verdict.kind) {
    case "accepted":
      return Response.json(verdictBody(verdict, idOf(0)), { status: 200, headers });
    case "no-matching-subscribers":
      return Response.json(verdictBody(verdict, idOf(0)), { status: 202, headers });
    case "refused":
      return problem(statusOf(verdict.reasonCode), verdict.detail, {
        reasonCode: verdict.reasonCode,
        headers: retryAfter(verdicts),
        note: { isLogged: true },
      });
    case "no-verdict":
      if (verdict.isUntaken === true) return layoutChanging;
      return noVerdict(hasKey ? "a repeat with the same key publishes it once" : "a repeat may publish it twice");
  }
}

/** Over a rate: it may be tried again, and nothing else is wrong with it. */
export const isOverRate = (verdict: Verdict): boolean =>
  verdict.kind === "refused" && verdict.reasonCode === reasonCode.messageRateTooHigh;

/** When what is over a rate may be tried again; nothing where nothing is. */
export function retryAfter(verdicts: readonly Verdict[]): Readonly<Record<string, string>> {
  const waits = verdicts.map((verdict) => (verdict.kind === "refused" ? (verdict.retryAfterSec ?? 0) : 0));
  const longestSec = Math.max(...waits);
  return longestSec > 0 ? { "retry-after": String(longestSec) } : {};
}

/** The same for one of several messages. */
export function verdictBody(verdict: Verdict, id: string): PublishedBody {
  switch (verdict.kind) {
    case "accepted":
      return { id };
    case "no-matching-subscribers":
      return {
        id,
        reason_code: reasonCode.noMatchingSubscribers,
        message: reasonName(reasonCode.noMatchingSubscribers),
      };
    case "refused":
      return { reason_code: verdict.reasonCode, message: reasonName(verdict.reasonCode) };
    case "no-verdict":
      if (verdict.isUntaken === true) return { reason_code: reasonCode.serverBusy, message: "layout_changing" };
      return { reason_code: reasonCode.implementationSpecificError, message: failedToDispatch };
  }
}

const failedToDispatch = "failed_to_dispatch";

const noVerdict = (advice: string): Problem =>
  problem(503, `the topic's shard did not answer; whether the message was taken is not known: ${advice}`, {
    reasonCode: reasonCode.implementationSpecificError,
    message: failedToDispatch,
    note: { isLogged: true },
  });
