// PUBLISH as bytes, without the library: it is what a broker sends most.

import type { MessageProperties, Publish } from "../core/packet.ts";
import { PacketWriter } from "./packet-writer.ts";
import { flag, packetType } from "./packet-type.ts";
import { propertyRowByName, type PropertyName } from "./properties.ts";

/** The properties of a PUBLISH that a server sends. */
export type PublishProperties = NonNullable<Publish["properties"]>;

/** The first byte. [MQTT-3.3.1-2] is the caller's: `dup` only with a QoS above 0. */
export const publishFirstByte = (qos: number, retain: boolean, dup: boolean): number =>
  (packetType.publish << 4) | (dup ? flag.dup : 0) | (qos << flag.qosShift) | (retain ? flag.retain : 0);

export interface PublishLayout {
  bytes: Uint8Array<ArrayBuffer>;
  /** Offset of the packet identifier; -1 without one. */
  packetIdAt: number;
  /** Offset of the value of Message Expiry Interval; -1 without one. */
  expiryAt: number;
  /** Offset of the value of Topic Alias; -1 without one. */
  topicAliasAt: number;
}

export const noBytes = new Uint8Array(0);

export const emptyLayout = (): PublishLayout => ({ bytes: noBytes, packetIdAt: -1, expiryAt: -1, topicAliasAt: -1 });

const idOf = (name: PropertyName): number => propertyRowByName.get(name)?.id ?? 0;
const ids = {
  payloadFormatIndicator: idOf("payloadFormatIndicator"),
  messageExpiryInterval: idOf("messageExpiryIntervalSec"),
  contentType: idOf("contentType"),
  responseTopic: idOf("responseTopic"),
  correlationData: idOf("correlationData"),
  subscriptionIdentifier: idOf("subscriptionIdentifier"),
  topicAlias: idOf("topicAlias"),
  userProperty: idOf("userProperties"),
} as const;

function writeMessageProperties(writer: PacketWriter, properties: MessageProperties): void {
  const { payloadFormatIndicator, contentType, responseTopic, correlationData, userProperties } = properties;
  if (payloadFormatIndicator !== undefined) writer.byte(ids.payloadFormatIndicator).byte(payloadFormatIndicator);
  if (contentType !== undefined) writer.byte(ids.contentType).string(contentType);
  if (responseTopic !== undefined) writer.byte(ids.responseTopic).string(responseTopic);
  if (correlationData !== undefined) writer.byte(ids.correlationData).binary(correlationData);
  // [MQTT-3.3.2-18] in the order in which they came
  for (const [name, value] of userProperties ?? []) writer.byte(ids.userProperty).string(name).string(value);
}

/** [MQTT-3.3.2-8] 0 is no alias. */
const hasAlias = (properties: PublishProperties): properties is PublishProperties & { readonly topicAlias: number } =>
  (properties.topicAlias ?? 0) !== 0;

/** Message Expiry Interval goes first and Topic Alias last, so that their places are known. */
function writeProperties(writer: PacketWriter, properties: PublishProperties): void {
  const { messageExpiryIntervalSec, subscriptionIdentifiers } = properties;
  if (messageExpiryIntervalSec !== undefined) writer.byte(ids.messageExpiryInterval).uint32(messageExpiryIntervalSec);
  writeMessageProperties(writer, properties);
  for (const id of subscriptionIdentifiers ?? []) writer.byte(ids.subscriptionIdentifier).varint(id);
  if (hasAlias(properties)) writer.byte(ids.topicAlias).uint16(properties.topicAlias);
}

/** A two byte integer (§3.3.2.3.4). */
const topicAliasBytes = 2;

const packetWriter = new PacketWriter();
const propertyWriter = new PacketWriter();

/**
 * Lays a PUBLISH out.
 *
 * @param layout Filled in. Its bytes are written over where the packet has just their size.
 * @param first From `publishFirstByte`.
 * @param packetId `undefined` exactly for QoS 0.
 * @param properties MQTT 5 has them, if empty; `undefined` for MQTT 3.
 * @throws RangeError for strings over 65,535 bytes and packets over 256 MB.
 */
export function layOutPublish(
  layout: PublishLayout,
  first: number,
  topicName: string,
  packetId: number | undefined,
  properties: PublishProperties | undefined,
  payload: Uint8Array,
): void {
  const writer = packetWriter.reset().string(topicName);
  const packetIdAt = writer.length;
  if (packetId !== undefined) writer.uint16(packetId);
  if (properties !== undefined) {
    writeProperties(propertyWriter.reset(), properties);
    writer.varint(propertyWriter.length);
  }
  const expiryAt = writer.length + 1; // behind the identifier of the first property
  if (properties !== undefined && propertyWriter.length > 0) writer.raw(propertyWriter.view);
  const bytes = writer.finish(first, payload, layout.bytes);
  const bodyAt = bytes.length - writer.length - payload.length;
  layout.bytes = bytes;
  layout.packetIdAt = packetId === undefined ? -1 : bodyAt + packetIdAt;
  layout.expiryAt = properties?.messageExpiryIntervalSec === undefined ? -1 : bodyAt + expiryAt;
  layout.topicAliasAt =
    properties !== undefined && hasAlias(properties) ? bytes.length - payload.length - topicAliasBytes : -1;
}
