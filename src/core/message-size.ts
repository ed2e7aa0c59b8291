// What a message counts against limits of bytes.

import type { ClientPacket, Message, MessageProperties } from "./packet.ts";
import { utf8Length } from "./topic.ts";

/** Rough bytes of everything that is not payload, topic or properties. */
const fixedBytes = 16;

export const messageSize = (message: Message): number =>
  fixedBytes + utf8Length(message.topicName) + message.payload.length + propertiesSize(message.properties);

/** What a pair is beyond its characters: on the wire, in a row and in memory. */
const userPropertyBytes = 16;

export function propertiesSize(properties: MessageProperties | undefined): number {
  if (properties === undefined) return 0;
  const { contentType, responseTopic, correlationData, userProperties } = properties;
  let size = utf8Length(contentType ?? "") + utf8Length(responseTopic ?? "") + (correlationData?.length ?? 0);
  for (const [name, value] of userProperties ?? []) size += userPropertyBytes + utf8Length(name) + utf8Length(value);
  return size;
}

/** What a packet that waits holds in memory, roughly. */
export function packetSize(packet: ClientPacket): number {
  const properties = "properties" in packet ? Object.values(packet.properties ?? {}) : [];
  const propertyBytes = properties.reduce<number>((sum, value) => sum + valueSize(value), 0);
  return propertyBytes + textsSize(textsOf(packet)) + (packet.kind === "publish" ? packet.payload.length : 0);
}

/** Of a text, binary data, or (user properties) pairs of texts. */
function valueSize(value: unknown): number {
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + userPropertyBytes + valueSize(item), 0);
  return typeof value === "string" || value instanceof Uint8Array ? value.length : 0;
}

const textsSize = (texts: readonly string[]): number =>
  texts.reduce((size, text) => size + textBytes + text.length, textBytes);
/** What a text is beyond its characters. */
const textBytes = 64;

function textsOf(packet: ClientPacket): readonly string[] {
  switch (packet.kind) {
    case "publish":
      return [packet.topicName];
    case "subscribe":
      return packet.subscriptions.map(({ topicFilter }) => topicFilter);
    case "unsubscribe":
      return packet.topicFilters;
    default:
      return [];
  }
}
