// What a message counts against limits of bytes.

import type { Message, MessageProperties } from "./packet.ts";

/** Rough bytes of everything that is not payload, topic or properties. */
const fixedBytes = 16;

export const messageSize = (message: Message): number =>
  fixedBytes +
  message.topicName.length +
  message.payload.length +
  (message.properties === undefined ? 0 : propertiesSize(message.properties));

function propertiesSize(properties: MessageProperties): number {
  let size =
    (properties.contentType?.length ?? 0) +
    (properties.responseTopic?.length ?? 0) +
    (properties.correlationData?.length ?? 0);
  for (const [name, value] of properties.userProperties ?? []) size += name.length + value.length;
  return size;
}
