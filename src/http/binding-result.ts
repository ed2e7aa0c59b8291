// What a caller over a service binding is told.

import { reasonCode, type ReasonCode } from "../core/reason-code.ts";
import type { PublishResult } from "../publisher-types.ts";
import { layoutChanging } from "./layout-check.ts";
import { messageIdOf } from "./message-id.ts";
import { reasonName } from "./problem.ts";
import type { Verdict } from "./publish-all.ts";
import type { Once } from "./publish-once.ts";

/** For the only message of a publish. */
export function resultOf(once: Once): PublishResult {
  switch (once.kind) {
    case "answered":
      return verdictResult(once.verdicts[0], messageIdOf(once.answerId, 0), once.isReplayed);
    case "running":
      return { outcome: "key-running" };
    case "mismatch":
      return { outcome: "key-mismatch" };
    case "refused":
      return refusedResult(once.reasonCode, once.detail);
  }
}

function verdictResult(verdict: Verdict | undefined, id: string, isReplayed: boolean): PublishResult {
  switch (verdict?.kind) {
    case "accepted":
    case "no-matching-subscribers":
      return { outcome: verdict.kind, id, isReplayed };
    case "refused":
      return refusedResult(verdict.reasonCode, verdict.detail);
    case "no-verdict":
      if (verdict.isUntaken === true) return refusedResult(reasonCode.serverBusy, layoutChanging.detail);
      return { outcome: "no-verdict" };
    case undefined:
      return { outcome: "no-verdict" };
  }
}

export const refusedResult = (code: ReasonCode, detail: string): PublishResult => ({
  outcome: "refused",
  reasonCode: code,
  reason: reasonName(code),
  detail,
});
