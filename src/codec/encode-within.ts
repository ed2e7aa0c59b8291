// A packet to a client that names a Maximum Packet Size [MQTT-3.1.2-24].

import type { ProtocolVersion, ServerPacket } from "../core/packet.ts";
import { encodePacket } from "./encode.ts";

/**
 * @param maximum the client's Maximum Packet Size in bytes; `undefined`: none
 * @returns `undefined` where the packet is too large even without its Reason String, which is left out first
 *   [MQTT-3.2.2-19, MQTT-3.4.2-2, MQTT-3.5.2-2, MQTT-3.14.2-3]
 */
export function encodeWithin(
  packet: ServerPacket,
  version: ProtocolVersion,
  maximum: number | undefined,
): Uint8Array | undefined {
  const bytes = encodePacket(packet, version);
  if (maximum === undefined || bytes.length <= maximum) return bytes;
  const { properties, ...bare } = packet as ServerPacket & { readonly properties?: Record<string, unknown> };
  if (properties?.["reasonString"] === undefined) return undefined;
  const { reasonString: _, ...rest } = properties;
  return encodeWithin({ ...bare, properties: rest } as ServerPacket, version, maximum);
}
