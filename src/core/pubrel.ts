// PUBREL, the server's answer to a PUBREC (§3.6).

import type { PacketId } from "./brand.ts";
import type { Acknowledgement } from "./packet.ts";
import { reasonCode } from "./reason-code.ts";

/** Also where no such message is in flight: the client may have kept its id over a lost answer [MQTT-4.3.3-1 v3.1.1]. */
export const pubrel = (packetId: PacketId, isKnown: boolean): Acknowledgement => ({
  kind: "pubrel",
  packetId,
  ...(!isKnown && { reasonCode: reasonCode.packetIdentifierNotFound }),
});
