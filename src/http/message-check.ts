// Whether a message from HTTP may become a PUBLISH: topic, sizes, strings, and who asks.

import { fail, ok, type Result, type TopicName } from "../core/brand.ts";
import type { Limits } from "../core/limits.ts";
import type { MessageProperties } from "../core/packet.ts";
import { reasonCode } from "../core/reason-code.ts";
import { parseTopicName, utf8Length } from "../core/topic.ts";
import { limitPassed, malformed, refused, type Violation } from "../core/violation.ts";
import type { PublishRequest } from "../objects/shard-api.ts";
import type { Grant } from "./deps.ts";
import { decodeUtf8 } from "./utf8.ts";

/** A message that passed every check of HTTP. */
export type CheckedMessage = PublishRequest & { readonly topicName: TopicName };

export function checkMessage(draft: PublishRequest, grant: Grant, limits: Limits): Result<CheckedMessage, Violation> {
  const topicName = parseTopicName(draft.topicName, limits);
  if (!topicName.ok) return topicName;
  const fault = propertiesFault(draft, limits) ?? sizeFault(draft, limits);
  if (fault !== undefined) return fail(fault);
  if (!grant.access.mayPublish(topicName.value)) {
    return fail(refused(reasonCode.notAuthorized, "the token may not publish to this topic"));
  }
  return ok({ ...draft, topicName: topicName.value });
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

function sizeFault(draft: PublishRequest, limits: Limits): Violation | undefined {
  const size = packetSize(draft);
  if (size <= limits.maximumPacketSize) return undefined;
  const detail = `the message needs a packet of ${size} bytes, the limit is ${limits.maximumPacketSize}`;
  return limitPassed("maximumPacketSize", reasonCode.packetTooLarge, detail);
}

/** Fixed header 5, topic length 2, packet id 2, property length 4: at their longest. */
const packetOverheadBytes = 13;

/** Bytes of the largest PUBLISH that this message becomes for an MQTT 5 subscriber, identifiers of its own apart. */
function packetSize(draft: PublishRequest): number {
  return (
    packetOverheadBytes + utf8Length(draft.topicName) + draft.payload.length + propertiesSize(draft.properties ?? {})
  );
}

function propertiesSize(properties: MessageProperties): number {
  const { contentType, responseTopic, correlationData, userProperties = [] } = properties;
  // Identifier 1, then the value (§3.3.2.3): indicator 1, interval 4, lengths 2.
  let size = properties.payloadFormatIndicator === undefined ? 0 : 2;
  if (properties.messageExpiryIntervalSec !== undefined) size += 5;
  if (contentType !== undefined) size += 3 + utf8Length(contentType);
  if (responseTopic !== undefined) size += 3 + utf8Length(responseTopic);
  if (correlationData !== undefined) size += 3 + correlationData.length;
  for (const [name, value] of userProperties) size += 5 + utf8Length(name) + utf8Length(value);
  return size;
}
