// Bytes of an MQTT 5 PUBLISH on the wire, for receivers that name a Maximum Packet Size [MQTT-3.1.2-24]. It counts what
// the codec writes; a property test holds the two equal.

import type { Message, MessageProperties, QoS } from "./packet.ts";
import { utf8Length } from "./topic.ts";

/** How a topic alias takes part: not at all, beside the topic name, or in its place (an empty name is sent). */
export type AliasForm = "none" | "first" | "known";

const lengthBytes = 2;
const packetIdBytes = 2;
const propertyIdBytes = 1;
const indicatorBytes = propertyIdBytes + 1;
const expiryBytes = propertyIdBytes + 4;
const aliasBytes = propertyIdBytes + 2;
const longestVarintBytes = 4;
/** A UTF-16 unit takes three bytes of UTF-8 at most. */
const utf8BytesPerUnit = 3;

/** Bytes of a number as a variable byte integer (§1.5.5). */
const varintBytes = (value: number): number => (value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : 4);

type TextBytes = (text: string) => number;
const mostTextBytes: TextBytes = (text) => utf8BytesPerUnit * text.length;

/** Without identifiers and alias, which are the receiver's. */
function messagePropertyBytes(message: Message, textBytes: TextBytes): number {
  const { properties, expiresAtMs } = message;
  const hasExpiry = expiresAtMs !== undefined || properties?.messageExpiryIntervalSec !== undefined;
  return (hasExpiry ? expiryBytes : 0) + (properties === undefined ? 0 : otherPropertyBytes(properties, textBytes));
}

function otherPropertyBytes(properties: MessageProperties, textBytes: TextBytes): number {
  const { payloadFormatIndicator, contentType, responseTopic, correlationData, userProperties } = properties;
  let bytes = payloadFormatIndicator === undefined ? 0 : indicatorBytes;
  if (contentType !== undefined) bytes += propertyIdBytes + lengthBytes + textBytes(contentType);
  if (responseTopic !== undefined) bytes += propertyIdBytes + lengthBytes + textBytes(responseTopic);
  if (correlationData !== undefined) bytes += propertyIdBytes + lengthBytes + correlationData.length;
  if (userProperties === undefined) return bytes;
  for (const [name, value] of userProperties) {
    bytes += propertyIdBytes + lengthBytes + textBytes(name) + lengthBytes + textBytes(value);
  }
  return bytes;
}

/**
 * Bytes of the PUBLISH that `message` becomes, its fixed header included.
 *
 * @param qos of the delivery: above 0 there is a packet identifier
 */
export function publishSize(
  message: Message,
  qos: QoS,
  subscriptionIdentifiers: readonly number[],
  aliasForm: AliasForm,
): number {
  let properties = messagePropertyBytes(message, utf8Length);
  for (const identifier of subscriptionIdentifiers) properties += propertyIdBytes + varintBytes(identifier);
  if (aliasForm !== "none") properties += aliasBytes;
  const topicNameBytes = aliasForm === "known" ? 0 : utf8Length(message.topicName);
  const remaining =
    lengthBytes +
    topicNameBytes +
    (qos === 0 ? 0 : packetIdBytes) +
    varintBytes(properties) +
    properties +
    message.payload.length;
  return 1 + varintBytes(remaining) + remaining;
}

/**
 * No PUBLISH of `message` is larger, whatever its QoS and alias: where the limit is not below, `publishSize` need not be
 * asked. Looks at no character.
 */
export function publishSizeBound(message: Message, subscriptionIdentifiers: readonly number[]): number {
  return (
    1 +
    longestVarintBytes +
    lengthBytes +
    mostTextBytes(message.topicName) +
    packetIdBytes +
    longestVarintBytes +
    messagePropertyBytes(message, mostTextBytes) +
    subscriptionIdentifiers.length * (propertyIdBytes + longestVarintBytes) +
    aliasBytes +
    message.payload.length
  );
}
