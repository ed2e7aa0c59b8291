// Failures as values, and their one way to the wire: `application/problem+json` (RFC 9457) with the members `code`,
// `message` and `reason_code`, in which clients of EMQX look for theirs.

import { reasonCode, type ReasonCode } from "../core/reason-code.ts";
import type { Violation } from "../core/violation.ts";
import type { HttpLogRecord } from "./deps.ts";

const statusTexts = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  409: "Conflict",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  421: "Misdirected Request",
  422: "Unprocessable Content",
  426: "Upgrade Required",
  429: "Too Many Requests",
  500: "Internal Server Error",
  503: "Service Unavailable",
} as const;

export type ProblemStatus = keyof typeof statusTexts;

/** What is wrong with one message of several. */
export interface ItemProblem {
  readonly index: number;
  readonly reasonCode?: ReasonCode;
  readonly detail: string;
}

export interface Problem {
  readonly kind: "problem";
  readonly status: ProblemStatus;
  /** A sentence for people. Never a payload or a secret. */
  readonly detail: string;
  /** The MQTT reason code that says the same. */
  readonly reasonCode?: ReasonCode;
  /** A short word for programs; without it the name of the reason code, or else the detail. */
  readonly message?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly items?: readonly ItemProblem[];
  /** What the log line says beyond the answer. */
  readonly note?: ProblemNote;
}

export interface ProblemNote extends Pick<HttpLogRecord, "principal" | "topic" | "limit"> {
  readonly event?: HttpLogRecord["event"];
  /** It has its line in the log already. */
  readonly isLogged?: true;
  /** What the caller is not told; replaces the detail. */
  readonly cause?: string;
}

type Extra = Omit<Problem, "kind" | "status" | "detail">;

export const problem = (status: ProblemStatus, detail: string, extra: Extra = {}): Problem => ({
  kind: "problem",
  status,
  detail,
  ...extra,
});

/** A broken rule of MQTT, found before anything was published. */
export const problemOf = (violation: Violation, topicName?: string): Problem =>
  problem(statusOf(violation.reasonCode), violation.detail, {
    reasonCode: violation.reasonCode,
    note: noteOf(violation, topicName),
  });

/** What the log says about a message that was not taken. */
export const noteOf = (violation: Violation, topicName?: string): ProblemNote => ({
  ...(violation.reasonCode === reasonCode.notAuthorized ? { event: "publish-denied" } : {}),
  ...(topicName === undefined ? {} : { topic: topicName }),
  ...(violation.limit === undefined ? {} : { limit: violation.limit }),
});

/** The status that says of a PUBACK's reason code (≥ 0x80) what HTTP can say of it. */
export function statusOf(code: ReasonCode): ProblemStatus {
  switch (code) {
    case reasonCode.notAuthorized:
    case reasonCode.banned:
      return 403;
    case reasonCode.packetTooLarge:
      return 413;
    case reasonCode.messageRateTooHigh:
      return 429;
    case reasonCode.topicNameInvalid:
    case reasonCode.payloadFormatInvalid:
    case reasonCode.malformedPacket:
    case reasonCode.protocolError:
    case reasonCode.retainNotSupported:
    case reasonCode.qosNotSupported:
      return 400;
    default:
      return 503;
  }
}

/** The name of a reason code as EMQX spells it: `topic_name_invalid`. */
export function reasonName(code: ReasonCode): string {
  const found = Object.entries(reasonCode).find(([, value]) => value === code);
  return snakeCase(found?.[0] ?? "unspecifiedError");
}

const snakeCase = (camelCase: string): string =>
  camelCase.replaceAll(/[A-Z]/gu, (letter) => `_${letter.toLowerCase()}`);

/** @param instance path of the request, without its query (which may hold a token) */
export function problemResponse(failure: Problem, instance: string): Response {
  const headers = new Headers(failure.headers);
  headers.set("content-type", "application/problem+json");
  headers.set("cache-control", "no-store");
  return new Response(JSON.stringify(problemBody(failure, instance)), { status: failure.status, headers });
}

function problemBody(failure: Problem, instance: string): Record<string, unknown> {
  const title = statusTexts[failure.status];
  return {
    // The status says the kind of failure, so no type of our own [RFC 9457 §4.2.1].
    type: "about:blank",
    title,
    status: failure.status,
    detail: failure.detail,
    instance,
    code: title.toUpperCase().replaceAll(" ", "_"),
    message: messageOf(failure),
    ...(failure.reasonCode === undefined ? {} : { reason_code: failure.reasonCode }),
    ...(failure.items === undefined ? {} : { errors: failure.items.map(itemBody) }),
  };
}

function messageOf(failure: Problem): string {
  if (failure.message !== undefined) return failure.message;
  return failure.reasonCode === undefined ? failure.detail : reasonName(failure.reasonCode);
}

const itemBody = (item: ItemProblem): Record<string, unknown> => ({
  index: item.index,
  detail: item.detail,
  ...(item.reasonCode === undefined ? {} : { reason_code: item.reasonCode, message: reasonName(item.reasonCode) }),
});

export const isProblem = (value: Response | Problem): value is Problem => "kind" in value;
