// `POST /api/v5/publish` and `/publish/bulk`, with the fields and status codes of EMQX.

import * as v from "valibot";
import { fail, ok, type Result } from "../core/brand.ts";
import type { MessageProperties } from "../core/packet.ts";
import { reasonCode } from "../core/reason-code.ts";
import { refused, type Violation } from "../core/violation.ts";
import type { PublishRequest } from "../objects/shard-api.ts";
import { decodeBase64, parseJson, readBody, type BodyLimit } from "./body.ts";
import type { Exchange } from "./deps.ts";
import { checkMessage, type CheckedMessage } from "./message-check.ts";
import { userPropertiesOf } from "./message-headers.ts";
import { defined, maximumExpirySec } from "./message-options.ts";
import { noteOf, problem, reasonName, statusOf, type Problem } from "./problem.ts";
import type { Verdict } from "./publish-all.ts";
import { publishRequested } from "./publish-request.ts";
import { isOverRate, retryAfter, verdictBody, verdictResponse } from "./verdict.ts";

export const maximumBulkMessages = 100;
export const maximumBulkBytes = 1024 * 1024;
/** JSON needs more bytes than the message in it: base64 a third more, escaped text twice as many or worse. */
const jsonBytesPerByte = 2;

const encoding = v.nullish(v.picklist(["plain", "base64"]));

/** EMQX takes an object; an array of objects is ours, for names that come twice or in an order of their own. */
const userPropertiesSchema = v.pipe(
  v.unknown(),
  v.check((value) => userPropertiesOf(value) !== undefined, "neither an object of texts nor an array of such objects"),
  v.transform(userPropertiesOf),
);

/** Unknown fields are ignored; a null counts as absent. */
const messageSchema = v.object({
  topic: v.string(),
  payload: v.pipe(
    v.string(),
    v.check((text) => text.isWellFormed(), "a lone surrogate in the payload"),
  ),
  payload_encoding: encoding,
  encoding,
  qos: v.nullish(v.picklist([0, 1, 2]), 0),
  retain: v.nullish(v.boolean(), false),
  idempotency_key: v.nullish(v.string()),
  properties: v.nullish(
    v.object({
      payload_format_indicator: v.nullish(v.picklist([0, 1])),
      message_expiry_interval: v.nullish(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(maximumExpirySec))),
      response_topic: v.nullish(v.string()),
      correlation_data: v.nullish(v.string()),
      user_properties: v.nullish(userPropertiesSchema),
      content_type: v.nullish(v.string()),
    }),
  ),
});

type MessageBody = v.InferOutput<typeof messageSchema>;

/** Publishes one message: 200 delivered, queued or retained; 202 nobody. */
export async function handlePublish(exchange: Exchange): Promise<Response | Problem> {
  const { maximumPacketSize } = exchange.deps.config.limits;
  const body = await readJson(exchange, { bytes: maximumPacketSize * jsonBytesPerByte, name: "maximumPacketSize" });
  if (!body.ok) return body.error;
  const message = readMessage(body.value, exchange);
  if (!message.ok) return problemOfFaults([{ ...message.error, index: 0 }], {});
  const key = keyFieldOf(body.value);
  const published = await publishRequested(exchange, [message.value], { operation: "POST /api/v5/publish", key });
  return published.ok ? verdictResponse(published.value) : published.error;
}

/** Publishes up to 100 messages, or none where one of them is at fault; the answers are in their order. */
export async function handlePublishBulk(exchange: Exchange): Promise<Response | Problem> {
  const body = await readJson(exchange, { bytes: maximumBulkBytes });
  if (!body.ok) return body.error;
  if (!Array.isArray(body.value)) return wrongBody("the body must be an array of messages");
  if (body.value.length === 0) return wrongBody("the array holds no message");
  if (body.value.length > maximumBulkMessages) {
    return wrongBody(`the array holds more than ${maximumBulkMessages} messages`);
  }
  const messages: CheckedMessage[] = [];
  const faults: (MessageFault & { index: number })[] = [];
  for (const [index, item] of body.value.entries()) {
    const message = readMessage(item, exchange);
    if (!message.ok) faults.push({ ...message.error, index });
    else if (keyFieldOf(item) !== undefined) faults.push({ violation: keyInBulk, index });
    else messages.push(message.value);
  }
  if (faults.length > 0) return problemOfFaults(faults, { isBulk: true });
  const published = await publishRequested(exchange, messages, { operation: "POST /api/v5/publish/bulk" });
  if (!published.ok) return published.error;
  const { verdicts, headers, idOf } = published.value;
  if (verdicts.every(isOverRate)) return verdictResponse(published.value);
  const items = verdicts.map((verdict, index) => verdictBody(verdict, idOf(index)));
  return Response.json(items, { status: bulkStatus(verdicts), headers: { ...headers, ...retryAfter(verdicts) } });
}

function bulkStatus(verdicts: readonly Verdict[]): number {
  const isFailed = (verdict: Verdict): boolean => verdict.kind === "refused" || verdict.kind === "no-verdict";
  if (verdicts.some((verdict) => isFailed(verdict) && !isOverRate(verdict))) return 503;
  if (verdicts.some(isOverRate)) return 429;
  return verdicts.some(({ kind }) => kind === "no-matching-subscribers") ? 202 : 200;
}

async function readJson(exchange: Exchange, limit: BodyLimit): Promise<Result<unknown, Problem>> {
  const body = await readBody(exchange.request, limit);
  return body.ok ? parseJson(body.value) : body;
}

const wrongBody = (detail: string): Problem =>
  problem(400, detail, { reasonCode: reasonCode.implementationSpecificError });

interface MessageFault {
  readonly violation: Violation;
  /** Where the message got so far as to have one. */
  readonly topicName?: string;
}

function readMessage(item: unknown, exchange: Exchange): Result<CheckedMessage, MessageFault> {
  const parsed = v.safeParse(messageSchema, item, { abortEarly: true });
  if (!parsed.success) return fail({ violation: wrongField(issueText(parsed.issues[0])) });
  const draft = toRequest(parsed.output);
  if (draft === undefined) return fail({ violation: wrongField("payload: not base64") });
  const { grant, deps } = exchange;
  const message = checkMessage(draft, grant, deps.config);
  return message.ok ? ok(message.value) : fail({ violation: message.error, topicName: draft.topicName });
}

/** The extension of EMQX's fields; its type was checked with the others. */
const keyFieldOf = (item: unknown): string | undefined =>
  (item as { readonly idempotency_key?: string | null }).idempotency_key ?? undefined;

const wrongField = (detail: string): Violation => refused(reasonCode.implementationSpecificError, detail);

const keyInBulk = wrongField("idempotency_key: one key is for the whole array, in the header Idempotency-Key");

/** Names the field and what was expected, never the value: it may be a payload. */
function issueText(issue: v.BaseIssue<unknown>): string {
  const expectation = issue.expected === null ? issue.message : `expected ${issue.expected}`;
  return `${v.getDotPath(issue) ?? "message"}: ${expectation}`;
}

function toRequest(body: MessageBody): PublishRequest | undefined {
  const isBase64 = (body.payload_encoding ?? body.encoding) === "base64";
  const payload = isBase64 ? decodeBase64(body.payload) : new TextEncoder().encode(body.payload);
  if (payload === undefined) return undefined;
  return {
    topicName: body.topic,
    payload,
    qos: body.qos,
    retain: body.retain,
    ...(body.properties ? { properties: toProperties(body.properties) } : {}),
  };
}

function toProperties(body: NonNullable<MessageBody["properties"]>): MessageProperties {
  const { correlation_data: correlationData } = body;
  return defined({
    payloadFormatIndicator: body.payload_format_indicator ?? undefined,
    messageExpiryIntervalSec: body.message_expiry_interval ?? undefined,
    responseTopic: body.response_topic ?? undefined,
    correlationData: typeof correlationData === "string" ? new TextEncoder().encode(correlationData) : undefined,
    userProperties: body.user_properties ?? undefined,
    contentType: body.content_type ?? undefined,
  });
}

/** The answer is that of the first fault; in bulk every one is listed. */
function problemOfFaults(
  faults: readonly (MessageFault & { index: number })[],
  { isBulk = false }: { readonly isBulk?: boolean },
): Problem {
  const [first] = faults;
  if (first === undefined) throw new RangeError("no fault");
  const { violation, topicName } = first;
  const code = emqxReasonCode(violation);
  const items = faults.map((fault) => ({
    index: fault.index,
    reasonCode: emqxReasonCode(fault.violation),
    detail: fault.violation.detail,
  }));
  return problem(statusOf(violation.reasonCode) === 403 ? 403 : 400, violation.detail, {
    reasonCode: code,
    message: reasonName(violation.limit === "maximumPacketSize" ? reasonCode.packetTooLarge : code),
    note: noteOf(violation, topicName),
    ...(isBulk ? { items } : {}),
  });
}

/** EMQX says only what a PUBACK can say: 0x97 for a message too large, 0x83 for whatever has no code of its own. */
function emqxReasonCode(violation: Violation): Violation["reasonCode"] {
  switch (violation.reasonCode) {
    case reasonCode.topicNameInvalid:
    case reasonCode.notAuthorized:
    case reasonCode.payloadFormatInvalid:
      return violation.reasonCode;
    case reasonCode.packetTooLarge:
      return reasonCode.quotaExceeded;
    default:
      return reasonCode.implementationSpecificError;
  }
}
