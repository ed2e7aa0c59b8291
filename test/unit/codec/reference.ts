// `mqtt-packet` by itself, as the reference that the fast path is held to.

import { Buffer } from "node:buffer";
import { generate, parser, writeToStream, type Packet } from "mqtt-packet";
import type { Publish, UserProperties } from "../../../src/core/packet.ts";

writeToStream.cacheNumbers = false;

/** The one packet in `frame`; an Error where the library refuses it. */
export function referenceDecode(frame: Uint8Array, protocolVersion: number): Packet | Error {
  let result: Packet | Error = new Error("incomplete");
  const reference = parser({ protocolVersion });
  reference.on("packet", (packet) => (result = packet));
  reference.on("error", (error: Error) => (result = error));
  try {
    reference.parse(Buffer.from(frame));
  } catch (error) {
    return error as Error;
  }
  return result;
}

export const referenceEncode = (packet: Packet, protocolVersion: number): Uint8Array =>
  new Uint8Array(generate(packet, { protocolVersion }));

const flagged = (value: number | undefined): boolean | undefined => (value === undefined ? undefined : value === 1);
const buffered = (value: Uint8Array | undefined) => (value === undefined ? undefined : Buffer.from(value));
const toMap = (pairs: UserProperties | undefined): Record<string, string> | undefined =>
  pairs === undefined ? undefined : Object.fromEntries(pairs.map(([name, value]) => [name, value]));

/** A PUBLISH as the library wants it, its properties in the order in which we write them. */
export function toReference(packet: Publish): Packet {
  const { properties } = packet;
  return {
    cmd: "publish",
    qos: packet.qos,
    dup: packet.dup,
    retain: packet.retain,
    topic: packet.topicName,
    payload: Buffer.from(packet.payload),
    ...(packet.packetId === undefined ? undefined : { messageId: packet.packetId }),
    properties: {
      messageExpiryInterval: properties?.messageExpiryIntervalSec,
      payloadFormatIndicator: flagged(properties?.payloadFormatIndicator),
      contentType: properties?.contentType,
      responseTopic: properties?.responseTopic,
      correlationData: buffered(properties?.correlationData),
      userProperties: toMap(properties?.userProperties),
      subscriptionIdentifier: properties?.subscriptionIdentifiers,
      topicAlias: properties?.topicAlias,
    } as object,
  };
}
