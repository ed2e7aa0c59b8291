// `/topics/{topic}`: a topic as a resource. POST publishes the raw body, PUT sets the retained value, DELETE clears it,
// GET reads it.

import { fail, type Result } from "../core/brand.ts";
import { refusalOf } from "../core/layout-refusal.ts";
import { ownerOfTopic } from "../core/placement.ts";
import { parseTopicName } from "../core/topic.ts";
import type { RetainedValue } from "../objects/shard-api.ts";
import { readBody } from "./body.ts";
import type { Exchange, Handler } from "./deps.ts";
import { layoutChanging, withLayout } from "./layout-check.ts";
import { checkMessage } from "./message-check.ts";
import { headersOf } from "./message-headers.ts";
import { readMessageOptions } from "./message-options.ts";
import { isProblem, problem, problemOf, type Problem } from "./problem.ts";
import { publishRequested, type Published } from "./publish-request.ts";
import { topicOf } from "./topic-path.ts";
import { verdictResponse } from "./verdict.ts";

/** Publishes the raw body. */
export const handleTopicPost: Handler = (exchange) => answerRaw(exchange, {});

/** Makes the body the retained value; the same again changes nothing more. */
export const handleTopicPut: Handler = (exchange) => answerRaw(exchange, { retain: true });

/** Clears the retained value: an empty retained publish [MQTT-3.3.1-6]. */
export const handleTopicDelete: Handler = async (exchange) => {
  const published = await publishRaw(exchange, { retain: true, isEmpty: true });
  if (!published.ok) return published.error;
  const answer = verdictResponse(published.value);
  return isProblem(answer) ? answer : new Response(null, { status: 204, headers: published.value.headers });
};

interface RawPublish {
  readonly retain?: boolean;
  readonly isEmpty?: boolean;
}

async function answerRaw(exchange: Exchange, how: RawPublish): Promise<Response | Problem> {
  const published = await publishRaw(exchange, how);
  return published.ok ? verdictResponse(published.value) : published.error;
}

async function publishRaw(exchange: Exchange, how: RawPublish): Promise<Result<Published, Problem>> {
  const { request, url, grant, deps } = exchange;
  const { limits } = deps.config;
  const topicName = topicOf(url);
  if (!topicName.ok) return topicName;
  const options = readMessageOptions(url, request.headers);
  if (!options.ok) return options;
  const body = await readBody(request, { bytes: limits.maximumPacketSize, name: "maximumPacketSize" });
  if (!body.ok) return body;
  const draft = {
    ...options.value,
    topicName: topicName.value,
    payload: how.isEmpty === true ? new Uint8Array(0) : body.value,
    retain: how.retain ?? options.value.retain,
  };
  const message = checkMessage(draft, grant, deps.config);
  if (!message.ok) return fail(problemOf(message.error, draft.topicName));
  return publishRequested(exchange, [message.value], { operation: `${request.method} /topics` });
}

/** The retained value, raw, with its properties in `mqtt-*` headers. */
export async function handleTopicGet(exchange: Exchange): Promise<Response | Problem> {
  const { url, grant, deps, namespace } = exchange;
  const raw = topicOf(url);
  if (!raw.ok) return raw.error;
  const topicName = parseTopicName(raw.value, deps.config.limits);
  if (!topicName.ok) return problemOf(topicName.error);
  if (!grant.access.mayReceive(topicName.value)) {
    const note = { event: "read-denied", topic: topicName.value } as const;
    return problem(403, "the token may not read this topic", { note });
  }
  try {
    const value = await withLayout(exchange, (layout) =>
      deps.shard(namespace, ownerOfTopic(topicName.value, layout)).readRetained(topicName.value),
    );
    return value === null ? problem(404, "no retained value") : retainedResponse(value);
  } catch (cause) {
    if (refusalOf(cause) !== undefined) return layoutChanging;
    deps.log({ event: "shard-unreachable", namespace, topic: topicName.value, reason: String(cause) });
    return problem(503, "the topic's shard did not answer", { note: { isLogged: true } });
  }
}

function retainedResponse(value: RetainedValue): Response {
  const headers = headersOf(value);
  headers.set("cache-control", "no-store");
  // Whoever may publish chooses body and type: a browser must not run it as a page of ours.
  headers.set("x-content-type-options", "nosniff");
  headers.set("content-security-policy", "sandbox; default-src 'none'");
  return new Response(value.payload as Uint8Array<ArrayBuffer>, { headers });
}
