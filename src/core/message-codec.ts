// The packed form of an application message, its MQTT 5 properties included: in chunks of the log, retained rows,
// will rows and link batches. Formats that hold messages carry a version of their own; `packMessage` is for messages
// that stand alone.

import type { TopicName } from "./brand.ts";
import { PackedReader, type PackedWriter, ScratchWriter } from "./packed.ts";
import type { Message, MessageProperties, QoS } from "./packet.ts";

const messageVersion = 1;

const qosMask = 0b11;
const retainFlag = 1 << 2;
const propertiesFlag = 1 << 3;
const expiryFlag = 1 << 4;

const scratch = new ScratchWriter();

/** A message as bytes that say their own version. */
export function packMessage(message: Message): Uint8Array<ArrayBuffer> {
  const writer = scratch.begin().byte(messageVersion);
  writeMessage(writer, message);
  return writer.finish();
}

/** Reads `packMessage`; throws on a version that this code does not know. The payload is a view of `bytes`. */
export function unpackMessage(bytes: Uint8Array): Message {
  const reader = new PackedReader(bytes);
  expectVersion("message", reader.byte(), messageVersion);
  return readMessage(reader);
}

/** Topic and body, without a version. */
export function writeMessage(writer: PackedWriter, message: Message): void {
  writer.string(message.topicName);
  writeMessageBody(writer, message);
}

export function readMessage(reader: PackedReader): Message {
  return readMessageBody(reader, reader.string() as TopicName);
}

/** All but the topic: a chunk has a dictionary of those. */
export function writeMessageBody(writer: PackedWriter, message: Message): void {
  const { qos, retain, properties, expiresAtMs, payload } = message;
  const hasProperties = properties !== undefined && !isEmpty(properties);
  writer.byte(
    qos |
      (retain ? retainFlag : 0) |
      (hasProperties ? propertiesFlag : 0) |
      (expiresAtMs === undefined ? 0 : expiryFlag),
  );
  if (expiresAtMs !== undefined) writer.uint(expiresAtMs);
  if (hasProperties) writeProperties(writer, properties);
  writer.bytes(payload);
}

export function readMessageBody(reader: PackedReader, topicName: TopicName): Message {
  const flags = reader.byte();
  const expiresAtMs = flags & expiryFlag ? reader.uint() : undefined;
  const properties = flags & propertiesFlag ? readProperties(reader) : undefined;
  const payload = reader.bytes();
  const qos = (flags & qosMask) as QoS;
  const retain = (flags & retainFlag) !== 0;
  if ((flags & (expiryFlag | propertiesFlag)) === 0) return { topicName, payload, qos, retain };
  return {
    topicName,
    payload,
    qos,
    retain,
    ...(properties !== undefined && { properties }),
    ...(expiresAtMs !== undefined && { expiresAtMs }),
  };
}

const formatIndicatorFlag = 1;
const isUtf8Flag = 1 << 1;
const messageExpiryFlag = 1 << 2;
const contentTypeFlag = 1 << 3;
const responseTopicFlag = 1 << 4;
const correlationDataFlag = 1 << 5;
const userPropertiesFlag = 1 << 6;

/** MQTT 5 properties; only the known fields of `properties` are kept. */
export function writeProperties(writer: PackedWriter, properties: MessageProperties): void {
  writer.byte(flagsOf(properties));
  const { messageExpiryIntervalSec, contentType, responseTopic, correlationData, userProperties } = properties;
  if (messageExpiryIntervalSec !== undefined) writer.uint(messageExpiryIntervalSec);
  if (contentType !== undefined) writer.string(contentType);
  if (responseTopic !== undefined) writer.string(responseTopic);
  if (correlationData !== undefined) writer.bytes(correlationData);
  if (userProperties !== undefined) {
    writer.uint(userProperties.length);
    for (const [name, value] of userProperties) writer.string(name).string(value); // order kept [MQTT-3.3.2-18]
  }
}

export function readProperties(reader: PackedReader): MessageProperties {
  const flags = reader.byte();
  return {
    ...(flags & formatIndicatorFlag && { payloadFormatIndicator: flags & isUtf8Flag ? 1 : 0 }),
    ...(flags & messageExpiryFlag && { messageExpiryIntervalSec: reader.uint() }),
    ...(flags & contentTypeFlag && { contentType: reader.string() }),
    ...(flags & responseTopicFlag && { responseTopic: reader.string() }),
    ...(flags & correlationDataFlag && { correlationData: reader.bytes() }),
    ...(flags & userPropertiesFlag && { userProperties: readUserProperties(reader) }),
  };
}

function flagsOf(properties: MessageProperties): number {
  return (
    (properties.payloadFormatIndicator === undefined ? 0 : formatIndicatorFlag) |
    (properties.payloadFormatIndicator === 1 ? isUtf8Flag : 0) |
    (properties.messageExpiryIntervalSec === undefined ? 0 : messageExpiryFlag) |
    (properties.contentType === undefined ? 0 : contentTypeFlag) |
    (properties.responseTopic === undefined ? 0 : responseTopicFlag) |
    (properties.correlationData === undefined ? 0 : correlationDataFlag) |
    (properties.userProperties === undefined ? 0 : userPropertiesFlag)
  );
}

const isEmpty = (properties: MessageProperties): boolean => flagsOf(properties) === 0;

function readUserProperties(reader: PackedReader): [string, string][] {
  const pairs: [string, string][] = [];
  for (let left = reader.uint(); left > 0; left -= 1) pairs.push([reader.string(), reader.string()]);
  return pairs;
}

/** Throws where stored bytes are of a version this code cannot read: an older code met newer data. */
export function expectVersion(what: string, found: number, known: number): void {
  if (found !== known) {
    throw new Error(`a stored ${what} has format version ${found}, this code reads version ${known}`);
  }
}
