// What HTTP answers for the verdict on one message.

import { reasonCode, type ReasonCode } from "../core/reason-code.ts";
import { problem, reasonName, statusOf, type Problem } from "./problem.ts";
import type { Verdict } from "./publish-all.ts";

/** What a published message is told back; EMQX's names. */
export interface PublishedBody {
  readonly id?: string;
  readonly reason_code?: ReasonCode;
  readonly message?: string;
}

/** 200 delivered, queued or retained; 202 nobody wants it; a problem otherwise. */
export function verdictResponse(verdict: Verdict): Response | Problem {
  switch (verdict.kind) {
    case "accepted":
      return Response.json(verdictBody(verdict), { status: 200 });
    case "no-matching-subscribers":
      return Response.json(verdictBody(verdict), { status: 202 });
    case "refused":
      return problem(statusOf(verdict.reasonCode), verdict.detail, {
        reasonCode: verdict.reasonCode,
        note: { isLogged: true },
      });
    case "no-verdict":
      return noVerdict;
  }
}

/** The same for one of several messages. */
export function verdictBody(verdict: Verdict): PublishedBody {
  switch (verdict.kind) {
    case "accepted":
      return { id: newMessageId() };
    case "no-matching-subscribers":
      return {
        id: newMessageId(),
        reason_code: reasonCode.noMatchingSubscribers,
        message: reasonName(reasonCode.noMatchingSubscribers),
      };
    case "refused":
      return { reason_code: verdict.reasonCode, message: reasonName(verdict.reasonCode) };
    case "no-verdict":
      return { reason_code: reasonCode.implementationSpecificError, message: failedToDispatch };
  }
}

const failedToDispatch = "failed_to_dispatch";

const noVerdict = problem(
  503,
  "the topic's shard did not answer; whether the message was taken is not known, so a repeat may publish it twice",
  { reasonCode: reasonCode.implementationSpecificError, message: failedToDispatch, note: { isLogged: true } },
);

/** 32 hexadecimal digits, as EMQX gives; for the caller's own records, nothing can be asked by it. */
const newMessageId = (): string => crypto.randomUUID().replaceAll("-", "").toUpperCase();
