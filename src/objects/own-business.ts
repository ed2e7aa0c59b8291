// Packets that concern one connection only: a wake for one of them touches one socket.

import type { Broker } from "../core/broker.ts";
import type { Connection } from "../core/connection.ts";
import type { ClientPacket } from "../core/packet.ts";
import { isWrongAnswer } from "../core/publish.ts";
import { isShared } from "../core/shared-groups.ts";
import type { SqlSessionStore } from "../storage/session-store.ts";

const ownKinds: ReadonlySet<string> = new Set(["pingreq", "puback", "pubrec", "pubrel", "pubcomp"]);

/** A slot that an acknowledgement frees concerns all of a shared group. */
export function isOwnBusiness(
  broker: Broker,
  stored: SqlSessionStore,
  { state }: Connection,
  packet: ClientPacket,
): boolean {
  if (!ownKinds.has(packet.kind)) return false;
  if (packet.kind === "pingreq" || packet.kind === "pubrel" || state.kind !== "connected") return true;
  const { session } = state;
  if (isWrongAnswer(session.online, packet)) return false; // the connection ends, and its will concerns everybody
  if (session.kind === "ephemeral") return broker.groups.isEmpty;
  // Where a wake touches one socket only, the subscriptions of its session are still in storage.
  return !stored.subscriptions(session.number).some(({ filter }) => isShared(filter));
}
