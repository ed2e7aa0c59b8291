// Whether a message from HTTP may become a PUBLISH: topic, what the broker offers, sizes, strings, and who asks.

import { fail, ok, type Result, type TopicName } from "../core/brand.ts";
import type { Limits } from "../core/limits.ts";
import { featureFault } from "../core/message-fault.ts";
import { publishSize } from "../core/publish-size.ts";
import { reasonCode } from "../core/reason-code.ts";
import { parseTopicName, utf8Length } from "../core/topic.ts";
import { limitPassed, malformed, refused, type Violation } from "../core/violation.ts";
import type { PublishRequest } from "../objects/shard-api.ts";
import type { Grant, HttpConfig } from "./deps.ts";
import { decodeUtf8 } from "./utf8.ts";

/** A message that passed every check of HTTP. */
export type CheckedMessage = PublishRequest & { readonly topicName: TopicName };

export function checkMessage(
  draft: PublishRequest,
  grant: Grant,
  { limits, features }: Pick<HttpConfig, "limits" | "features">,
): Result<CheckedMessage, Violation> {
  const topicName = parseTopicName(draft.topicName, limits);
  if (!topicName.ok) return topicName;
  const hasRate = limits.clientMessageRate > 0 || limits.clientByteRate > 0;
  const message: CheckedMessage = {
    ...draft,
    topicName: topicName.value,
    ...(hasRate && { publisher: `${grant.kind} ${grant.name}` }),
  };
  // What clients are not offered is not offered here.
  const fault = featureFault(features, message) ?? propertiesFault(message, limits) ?? sizeFault(message, limits);
  if (fault !== undefined) return fail(fault);
  if (!grant.access.mayPublish(message.topicName)) {
    return fail(refused(reasonCode.notAuthorized, "the token may not publish to this topic"));
  }
  return ok(message);
}

function propertiesFault(draft: PublishRequest, limits: Limits): Violation | undefined {
  const properties = draft.properties ?? {};
  const { contentType, responseTopic, correlationData, userProperties = [] } = properties;
  // [MQTT-3.3.2-13], [MQTT-3.3.2-14]: a response topic is a topic name.
  if (responseTopic !== undefined) {
    const parsed = parseTopicName(responseTopic, limits);
    if (!parsed.ok) return malformed(`the response topic: ${parsed.error.detail}`, "MQTT-3.3.2-14");
  }
  if (contentType !== undefined && !isMqttString(contentType)) return badString("the content type");
  if (!userProperties.flat().every(isMqttString)) return badString("a user property");
  if (correlationData !== undefined && correlationData.length > maximumFieldBytes) {
    return malformed("the correlation data has more than 65,535 bytes");
  }
  if (properties.payloadFormatIndicator === 1 && decodeUtf8(draft.payload) === undefined) {
    return refused(reasonCode.payloadFormatInvalid, "the payload is said to be UTF-8 and is not");
  }
  return undefined;
}

/** Strings and binary data carry a length of two bytes (§1.5.4, §1.5.6). */
const maximumFieldBytes = 65_535;

const isMqttString = (text: string): boolean =>
  // [MQTT-1.5.4-1] no lone surrogates, [MQTT-1.5.4-2] no U+0000
  text.isWellFormed() && !text.includes("\u0000") && utf8Length(text) <= maximumFieldBytes;

const badString = (what: string): Violation => malformed(`${what} is not a string that MQTT can carry`, "MQTT-1.5.4-1");

/** The largest PUBLISH that this message becomes, identifiers of a subscriber's own apart. */
function sizeFault(message: CheckedMessage, limits: Limits): Violation | undefined {
  const size = publishSize(message, 2, [], "first");
  if (size <= limits.maximumPacketSize) return undefined;
  const detail = `the message needs a packet of ${size} bytes, the limit is ${limits.maximumPacketSize}`;
  return limitPassed("maximumPacketSize", reasonCode.packetTooLarge, detail);
}
