// An expected failure as a value: it knows its clause, its reason code and, where a limit was passed, the limit's name.

import type { LimitName } from "./limits.ts";
import { reasonCode, type ReasonCode } from "./reason-code.ts";

export interface Violation {
  readonly kind: "violation";
  readonly reasonCode: ReasonCode;
  /** What happened, for the log. Never a payload or a secret. */
  readonly detail: string;
  /** The normative statement that was broken, e.g. `MQTT-3.1.0-1`. */
  readonly clause?: string;
  /** The row of the limits table that was passed. */
  readonly limit?: LimitName;
  /** The detail is for the log alone: it would tell a stranger what to try next. */
  readonly isPrivate?: true;
}

type Extra = { readonly clause?: string; readonly limit?: LimitName };

const violation = (code: ReasonCode, detail: string, extra: Extra): Violation => ({
  kind: "violation",
  reasonCode: code,
  detail,
  ...extra,
});

/** Bytes that do not follow the packet's format (§4.13, 0x81). */
export const malformed = (detail: string, clause?: string): Violation =>
  violation(reasonCode.malformedPacket, detail, clause === undefined ? {} : { clause });

/** A well-formed packet that must not come now or like this (§4.13, 0x82). */
export const protocolError = (detail: string, clause?: string): Violation =>
  violation(reasonCode.protocolError, detail, clause === undefined ? {} : { clause });

/** A row of the limits table was passed. */
export const limitPassed = (limit: LimitName, code: ReasonCode, detail: string): Violation =>
  violation(code, detail, { limit });

/** Anything else, with its own reason code. */
export const refused = (code: ReasonCode, detail: string, clause?: string): Violation =>
  violation(code, detail, clause === undefined ? {} : { clause });

/** The same, where the client is told no more than the code. */
export const refusedInPrivate = (code: ReasonCode, detail: string): Violation => ({
  ...violation(code, detail, {}),
  isPrivate: true,
});
