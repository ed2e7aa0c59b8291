// Publishing for another Worker: the arguments are read as strictly as a body would be, then the message takes the way of
// all others.

import * as v from "valibot";
import { allButSys } from "../auth/acl.ts";
import { defaultNamespace } from "../auth/json-entries.ts";
import { reasonCode } from "../core/reason-code.ts";
import type { PublishRequest } from "../objects/shard-api.ts";
import type { PublishResult } from "../publisher-types.ts";
import { refusedResult, resultOf } from "./binding-result.ts";
import type { Grant, HttpDeps } from "./deps.ts";
import { claimOf, isKey } from "./idempotency-key.ts";
import { layoutProblem } from "./layout-check.ts";
import { checkMessage, type CheckedMessage } from "./message-check.ts";
import { newMessageId } from "./message-id.ts";
import { defined, maximumExpirySec } from "./message-options.ts";
import { publishAll, type Publisher } from "./publish-all.ts";
import { publishOnce } from "./publish-once.ts";

/** Only the account itself can bind to its Workers, so a binding may do what its owner could give any token. */
const grant: Grant = { kind: "binding", name: "binding", access: allButSys };

const toBytes = (value: Uint8Array<ArrayBuffer> | ArrayBuffer): Uint8Array<ArrayBuffer> =>
  value instanceof Uint8Array ? value : new Uint8Array(value);
const bytes = v.pipe(v.union([v.instance(Uint8Array), v.instance(ArrayBuffer)]), v.transform(toBytes));
const text = v.pipe(
  v.string(),
  v.check((value) => value.isWellFormed(), "a lone surrogate"),
);

const argumentsSchema = v.object({
  topic: v.string(),
  payload: v.union([
    v.pipe(
      text,
      v.transform((value) => new TextEncoder().encode(value)),
    ),
    bytes,
  ]),
  // A misspelt option would be missed only when the message is.
  options: v.strictObject({
    qos: v.optional(v.picklist([0, 1, 2]), 0),
    retain: v.optional(v.boolean(), false),
    namespace: v.optional(v.string(), defaultNamespace),
    idempotencyKey: v.optional(v.pipe(v.string(), v.check(isKey, "not 1 to 255 printable ASCII characters"))),
    payloadFormatIndicator: v.optional(v.picklist([0, 1])),
    messageExpiryIntervalSec: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(maximumExpirySec))),
    contentType: v.optional(v.string()),
    responseTopic: v.optional(v.string()),
    correlationData: v.optional(bytes),
    userProperties: v.optional(v.array(v.tuple([v.string(), v.string()]))),
  }),
});

type Arguments = v.InferOutput<typeof argumentsSchema>;

/** Publishes one message of a binding. Never rejects; what is wrong with the arguments is `refused`. */
export async function publishFromBinding(
  deps: HttpDeps,
  topic: unknown,
  payload: unknown,
  options: unknown,
): Promise<PublishResult> {
  const parsed = v.safeParse(argumentsSchema, { topic, payload, options }, { abortEarly: true });
  if (!parsed.success) return refusedResult(reasonCode.implementationSpecificError, issueText(parsed.issues[0]));
  const { namespace, idempotencyKey } = parsed.output.options;
  if (!deps.config.namespaces.has(namespace)) {
    return refusedResult(reasonCode.implementationSpecificError, "no such namespace");
  }
  const unserved = await layoutProblem(deps, namespace);
  if (unserved !== undefined) return refusedResult(reasonCode.serverUnavailable, unserved.detail);
  const message = checkMessage(toRequest(parsed.output), grant, deps.config);
  if (!message.ok) return refusedResult(message.error.reasonCode, message.error.detail);
  return publish({ deps, namespace, grant }, message.value, idempotencyKey);
}

async function publish(publisher: Publisher, message: CheckedMessage, key: string | undefined): Promise<PublishResult> {
  if (key !== undefined) {
    const claim = await claimOf(publisher.grant, key, "publish", [message]);
    return resultOf(await publishOnce(publisher, [message], claim));
  }
  const verdicts = await publishAll(publisher, [message]);
  return resultOf({ kind: "answered", answerId: newMessageId(), isReplayed: false, verdicts });
}

function toRequest({ topic, payload, options }: Arguments): PublishRequest {
  const { qos, retain, namespace: _, idempotencyKey: _key, ...properties } = options;
  return { topicName: topic, payload, qos, retain, properties: defined(properties) };
}

/** Names the argument and what was expected, never the value. */
function issueText(issue: v.BaseIssue<unknown>): string {
  const expectation = issue.expected === null ? issue.message : `expected ${issue.expected}`;
  return `${v.getDotPath(issue) ?? "arguments"}: ${expectation}`;
}
