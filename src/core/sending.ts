// Hot path: PUBLISH to one client. Its limits (Maximum Packet Size, topic aliases) are those of its connection; a client
// that states none costs nothing here.

import type { Broker } from "./broker.ts";
import type { Connection } from "./connection.ts";
import type { DeliveryHeader, Leaves } from "./effect.ts";
import type { Message, QoS } from "./packet.ts";
import { publishSize, publishSizeBound } from "./publish-size.ts";

export function sendQos0(
  broker: Broker,
  connection: Connection,
  message: Message,
  retain: boolean,
  subscriptionIdentifiers: readonly number[] | undefined,
): void {
  if (broker.effects.isBehind(connection)) {
    broker.dropped(connection, message, "slow_consumer", "slowConsumerSoftBytes");
    return;
  }
  if (!fits(connection, message, 0, subscriptionIdentifiers)) {
    broker.dropped(connection, message, "packet_too_large");
    return;
  }
  const header =
    subscriptionIdentifiers === undefined
      ? qos0Headers[retain ? 1 : 0]
      : ({ qos: 0, retain, dup: false, subscriptionIdentifiers } as const);
  send(broker, connection, message, header, "at-once");
}

/** The caller has seen that it `fits`. */
export function send(
  broker: Broker,
  connection: Connection,
  message: Message,
  header: DeliveryHeader,
  leaves: Leaves,
): void {
  broker.counters.publishSent[header.qos] += 1;
  const aliased = connection.outboundAliases === undefined ? header : withAlias(broker, connection, message, header);
  broker.effects.deliver(connection, message, aliased, broker.deliversAfterCommit ? "after-commit" : leaves);
}

/** One for all receivers: without and with RETAIN. */
const qos0Headers = [
  { qos: 0, retain: false, dup: false },
  { qos: 0, retain: true, dup: false },
] as const satisfies readonly DeliveryHeader[];

/** [MQTT-3.1.2-24]: what is larger than the client takes is not sent. */
export function fits(
  connection: Connection,
  message: Message,
  qos: QoS,
  subscriptionIdentifiers: readonly number[] | undefined,
): boolean {
  const { maximumPacketSize } = connection;
  if (maximumPacketSize === undefined) return true;
  const identifiers = subscriptionIdentifiers ?? [];
  if (publishSizeBound(message, identifiers) <= maximumPacketSize) return true;
  const form = connection.outboundAliases?.known(message.topicName) === undefined ? "none" : "known";
  return publishSize(message, qos, identifiers, form) <= maximumPacketSize;
}

function withAlias(broker: Broker, connection: Connection, message: Message, header: DeliveryHeader): DeliveryHeader {
  const aliases = connection.outboundAliases;
  const known = aliases?.known(message.topicName);
  if (known !== undefined) return { ...header, ...known };
  if (aliases?.canAssign(message.topicName) !== true) return header;
  const { maximumPacketSize } = connection;
  const size = (): number => publishSize(message, header.qos, header.subscriptionIdentifiers ?? [], "first");
  if (maximumPacketSize !== undefined && size() > maximumPacketSize) return header;
  broker.effects.needsSave(connection);
  return { ...header, ...aliases.assign(message.topicName) };
}
