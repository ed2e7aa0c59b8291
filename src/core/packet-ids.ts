// Where packet ids of outgoing messages come from.

import type { PacketId, Position } from "./brand.ts";

export const maximumPacketId = 65_535;

/** The id of a stored message: it needs no write and survives a crash [MQTT-4.4.0-1]. */
export const packetIdOf = (position: Position): PacketId => (1 + (position % maximumPacketId)) as PacketId;

/** The next id that is not in use, counting round from `last` [MQTT-2.2.1-3]; the caller knows that one is free. */
export function nextPacketId(last: number, inUse: { has(id: PacketId): boolean }): PacketId {
  let id = last;
  for (let tried = 0; tried < maximumPacketId; tried += 1) {
    id = id >= maximumPacketId ? 1 : id + 1;
    if (!inUse.has(id as PacketId)) return id as PacketId;
  }
  throw new Error("every packet id is in use: the window is larger than the standard allows");
}
