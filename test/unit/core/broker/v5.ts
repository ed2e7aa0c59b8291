// What tests of MQTT 5 in the core share: a client of that version, and the CONNACK that it got.

import { defaultFeatures, type Features } from "../../../../src/core/features.ts";
import type { Limits } from "../../../../src/core/limits.ts";
import type { Connack, Connect, ConnectProperties, ServerPacket } from "../../../../src/core/packet.ts";
import { connect, Scene, type Client, type SceneOptions } from "../../../support/scene.ts";

/** What makes a CONNECT one of MQTT 5. */
export const v5 = (properties: ConnectProperties = {}, more: Partial<Connect> = {}): Partial<Connect> => ({
  protocolVersion: 5,
  properties,
  ...more,
});

/** A session that outlives its connection. */
export const kept = (properties: ConnectProperties = {}, more: Partial<Connect> = {}): Partial<Connect> =>
  v5({ sessionExpiryIntervalSec: 3600, ...properties }, { cleanStart: false, ...more });

export const sceneWith = (features: Partial<Features>, limits: Partial<Limits> = {}, more: SceneOptions = {}): Scene =>
  new Scene({ limits, options: { features: { ...defaultFeatures, ...features } }, ...more });

/** The only packet of its kind among what the client was sent. */
export function only<Kind extends ServerPacket["kind"]>(
  client: Client,
  kind: Kind,
): Extract<ServerPacket, { kind: Kind }> {
  const packets = client.packets().filter((packet) => packet.kind === kind);
  if (packets.length !== 1) throw new Error(`not one ${kind} but ${packets.length}`);
  return packets[0] as Extract<ServerPacket, { kind: Kind }>;
}

/** The answer to a CONNECT. */
export function connackTo(scene: Scene, clientId: string, more: Partial<Connect>): Connack {
  const client = scene.open();
  client.send(connect(clientId, more));
  return only(client, "connack");
}
