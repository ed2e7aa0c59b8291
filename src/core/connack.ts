// CONNACK of MQTT 5 (§3.2.2.3): everything that limits the client is told; what has the standard's default is left out.

import type { Broker } from "./broker.ts";
import type { Connection } from "./connection.ts";
import type { Features } from "./features.ts";
import type { Limits } from "./limits.ts";
import type { ConnackProperties, Connect } from "./packet.ts";
import type { Session } from "./session.ts";

/** Receive Maximum where CONNACK has none (§3.2.2.3.3). */
const defaultReceiveMaximum = 65_535;

/** What CONNACK says of the session. */
export type AcceptedSession = Pick<Session, "clientId" | "expiryIntervalSec">;

/** Of an accepted CONNECT. `method` and `data` of an enhanced authentication that has just ended. */
export function connackProperties(
  broker: Broker,
  connection: Connection,
  connect: Connect,
  session: AcceptedSession,
  authenticationData: Uint8Array | undefined,
): ConnackProperties {
  const { authenticationMethod } = connection;
  return {
    ...limitsOf(broker.limits),
    ...featuresOf(broker.options.features),
    ...whatDiffers(connection, connect, session),
    ...responseInformation(broker.options.features, connect, session),
    ...(authenticationMethod !== undefined && { authenticationMethod }), // [MQTT-4.12.0-5]
    ...(authenticationData !== undefined && { authenticationData }),
  };
}

const limitsOf = (limits: Limits): ConnackProperties => ({
  ...(limits.receiveMaximum < defaultReceiveMaximum && { receiveMaximum: limits.receiveMaximum }),
  maximumPacketSize: limits.maximumPacketSize,
  ...(limits.topicAliasMaximum > 0 && { topicAliasMaximum: limits.topicAliasMaximum }),
});

const featuresOf = (features: Features): ConnackProperties => ({
  ...(features.maximumQos < 2 && { maximumQos: features.maximumQos as 0 | 1 }), // [MQTT-3.2.2-9]
  ...(!features.retainAvailable && { retainAvailable: false }),
  ...(!features.wildcardSubscriptionAvailable && { wildcardSubscriptionAvailable: false }),
  ...(!features.subscriptionIdentifiersAvailable && { subscriptionIdentifiersAvailable: false }),
  ...(!features.sharedSubscriptionAvailable && { sharedSubscriptionAvailable: false }),
});

/** What the client asked for and does not get. */
function whatDiffers({ keepAliveSec }: Connection, connect: Connect, session: AcceptedSession): ConnackProperties {
  const asked = connect.properties?.sessionExpiryIntervalSec ?? 0;
  return {
    ...(session.expiryIntervalSec !== asked && { sessionExpiryIntervalSec: session.expiryIntervalSec }),
    ...(connect.clientId === "" && { assignedClientIdentifier: session.clientId }), // [MQTT-3.1.3-7]
    ...(keepAliveSec !== connect.keepAliveSec && { serverKeepAliveSec: keepAliveSec }), // [MQTT-3.1.2-21]
  };
}

/** [MQTT-3.1.2-28]: only where the client asks. */
function responseInformation(features: Features, connect: Connect, session: AcceptedSession): ConnackProperties {
  const template = features.responseInformation;
  if (template === undefined || connect.properties?.requestResponseInformation !== true) return {};
  return { responseInformation: template.replaceAll("${clientid}", () => session.clientId) };
}
